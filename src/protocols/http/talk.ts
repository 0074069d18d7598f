import type { Exchange } from '../../carriers/http/exchange.ts';
import { documentMask } from '../../carriers/http/masks.ts';
import { statedBy } from '../../carriers/http/stated.ts';
import type { MessageSocket, SocketMessage } from '../../carriers/http/socket.ts';
import type { Action } from '../../core/action.ts';
import type { Denial, Outcome, Permit } from '../../core/decision.ts';
import { denial, denialOfDemand } from '../../core/denial.ts';
import { Full } from '../../core/held.ts';
import type { Waiting } from '../../core/protocol.ts';
import { keysOf, starred, withoutKey } from '../../http/key-scan.ts';
import type { Credential } from '../../http/upstream.ts';
import type { MaskKey } from '../../mask/index.ts';
import { type Aliases, aliasedBy } from './graphql.ts';
import { meaningOfMessage, unreadable } from './meaning.ts';
import type { HttpRoute } from './settings.ts';
import { shownMessage } from './shown-message.ts';

export interface TalkParts {
  readonly exchange: Exchange;
  readonly route: HttpRoute | undefined;
  readonly client: MessageSocket;
  readonly resource: MessageSocket;
  readonly maskKey: MaskKey;
  /** What the gateway signs in with there. */
  readonly credential?: Credential | undefined;
  /** The permit of the request that opened it. */
  readonly opening: Permit;
}

/** How it ended, in the words of both legs (RFC 6455, 7.4). */
interface End {
  readonly toClient: readonly [code: number, reason?: string];
  readonly toResource: readonly [code: number];
  readonly cut?: Denial['class'];
  readonly thrown?: unknown;
}

const normal = 1000;
const goingAway = 1001;
const policyViolation = 1008;
const serverError = 1011;
const tryAgainLater = 1013;

/**
 * One WebSocket. Each message, from either side, is read, judged, written down and only then passed on; the next one of its
 * side waits for that, so who does not read stops who writes. There is no way to refuse one message and keep the others in
 * step: a refusal closes the connection and says why. The session lives on.
 */
export class Talk {
  readonly #parts: TalkParts;
  readonly #patient: (action: Action) => Waiting;
  readonly #over: AbortController = new AbortController();
  /** Of what the client asked for by GraphQL on this connection. */
  readonly #aliases: Aliases[] = [];
  #bytes = 0;

  constructor(parts: TalkParts, patient: (action: Action) => Waiting) {
    this.#parts = parts;
    this.#patient = patient;
  }

  /** Until both legs are closed. */
  async run(draining: AbortSignal): Promise<Outcome> {
    const { exchange, client, resource } = this.#parts;
    const pumps = [this.#fromClient(), this.#fromResource()];
    const end = await Promise.race([
      ...pumps,
      stopped(exchange.signal, {
        toClient: [policyViolation, 'The session has ended'],
        toResource: [goingAway],
      }),
      stopped(draining, { toClient: [goingAway, 'The gateway stops'], toResource: [goingAway] }),
    ]).catch((thrown: unknown): End =>
      thrown instanceof Full
        ? { toClient: [tryAgainLater, thrown.message], toResource: [goingAway], cut: 'LIMIT' }
        : {
            toClient: [serverError, 'The gateway could not pass a message on'],
            toResource: [goingAway],
            thrown,
          },
    );
    this.#over.abort();
    await Promise.all([client.close(...end.toClient), resource.close(...end.toResource)]);
    await Promise.allSettled(pumps);
    if (end.thrown !== undefined) throw end.thrown;
    const counts = { rows: 0, bytes: 0, masked: 0, withheld: 0 }; // each message has its own
    return end.cut === undefined ? { kind: 'ok', ...counts } : { kind: 'cut', why: end.cut, ...counts };
  }

  async #fromClient(): Promise<End> {
    const { client, resource, exchange } = this.#parts;
    const send = exchange.stay.gate.guardCalls((message: SocketMessage) => resource.send(message));
    for (;;) {
      const message = await client.next();
      if (message === undefined) {
        const { code } = await client.closed;
        return { toClient: [normal], toResource: [sayable(code) ?? goingAway] };
      }
      const permit = await this.#judge(message, 'client');
      if (permit.kind === 'end') return permit.end;
      let sent = false;
      try {
        await send(permit.permit, message);
        sent = true;
      } finally {
        exchange.stay.gate.done(
          permit.permit,
          sent ? outcomeOf(0) : { ...outcomeOf(0), kind: 'error', code: 'closed' },
        );
      }
    }
  }

  async #fromResource(): Promise<End> {
    const { client, resource, exchange, maskKey, opening, credential } = this.#parts;
    const { gate, recorder } = exchange.stay;
    for (;;) {
      const given = await resource.next();
      // SECURITY: a service that repeats what it was signed in to with repeats it to nobody.
      const message =
        given === undefined ? undefined : { ...given, bytes: starred(given.bytes, keysOf(credential)) };
      if (message === undefined) {
        const { code, reason } = await resource.closed;
        const mask = documentMask(opening, String(opening.action.attributes['route']), maskKey);
        return {
          toClient: [
            sayable(code) ?? serverError,
            mask.aside(() => mask.text(withoutKey(reason, credential))),
          ],
          toResource: [normal],
        };
      }
      const judged = await this.#judge(message, 'resource');
      if (judged.kind === 'end') return judged.end;
      const { permit } = judged;
      let outcome: Outcome = { ...outcomeOf(0), kind: 'error', code: 'closed' };
      try {
        const name = String(permit.action.attributes['route']);
        const mask = documentMask(aliasedBy(permit, this.#aliases), name, maskKey);
        const isTagged = opening.duties.masks.length + permit.duties.masks.length > 0;
        const show = (): Uint8Array | undefined => shownMessage(message.bytes, mask, isTagged);
        const shown = message.binary
          ? message.bytes
          : mask.reads
            ? await mask.read(show, exchange.signal)
            : show();
        if (shown === undefined) {
          outcome = { ...outcomeOf(0), kind: 'cut', why: 'LINEAGE', withheld: 1 };
          const why = 'The message has JSON in it that cannot be read, so it cannot be masked';
          return refusedBy(denialOfDemand(permit, 'LINEAGE', 'mask', why));
        }
        this.#bytes += shown.length;
        const limit = smallest(opening.duties.byteLimit, permit.duties.byteLimit);
        if (limit !== undefined && this.#bytes > limit) {
          outcome = { ...outcomeOf(0), kind: 'cut', why: 'LIMIT' };
          const why = denialOfDemand(permit, 'LIMIT', 'limit', `The messages are longer than ${limit} bytes`);
          return refusedBy(why);
        }
        // SECURITY: no byte of an answer before its entry is on disk.
        await permit.written;
        if (permit.duties.record === 'full') await recorder.frame('answer', shown, permit.id);
        await client.send({ bytes: shown, binary: message.binary });
        outcome = { ...outcomeOf(shown.length), masked: mask.masked };
      } finally {
        gate.done(permit, outcome);
      }
    }
  }

  async #judge(
    message: SocketMessage,
    from: 'client' | 'resource',
  ): Promise<
    { readonly kind: 'permit'; readonly permit: Permit } | { readonly kind: 'end'; readonly end: End }
  > {
    const { exchange, route } = this.#parts;
    const { target, host, stay, fields } = exchange;
    const { gate, recorder } = stay;
    const meant = meaningOfMessage({ from, target, host, route, ...message });
    const action =
      meant.kind === 'understood'
        ? meant.action
        : unreadable(from === 'client' ? 'SEND' : 'RECEIVE', target.path, meant.why);
    const verdict = await gate.ask({
      action,
      ...statedBy(fields),
      ...(from === 'client' && meant.kind === 'understood' ? { wait: () => this.#waiting(action) } : {}),
    });
    const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
    if (verdict.kind === 'refusal' || verdict.duties.record !== 'meta')
      void recorder.frame('statement', json({ id, text: action.text }), id);
    const aliases = meant.kind === 'understood' ? meant.aliases : undefined;
    const unplaced =
      aliases?.incremental === true || this.#aliases.length >= mostAsked
        ? 'An answer of GraphQL in parts (@defer, @stream), or to too many questions, cannot be masked by its tags'
        : undefined;
    if (verdict.kind === 'permit' && meant.kind === 'understood') {
      const tagged = this.#parts.opening.duties.masks.length + verdict.duties.masks.length > 0;
      if (aliases === undefined || !tagged) return { kind: 'permit', permit: verdict };
      if (unplaced === undefined) {
        if (aliases.fields.size > 0) this.#aliases.push(aliases);
        return { kind: 'permit', permit: verdict };
      }
      gate.done(verdict, { kind: 'unsent' });
      return { kind: 'end', end: refusedBy(denial('LINEAGE', id, unplaced)) };
    }
    if (verdict.kind === 'permit') gate.done(verdict, { kind: 'unsent' });
    const why =
      meant.kind === 'refused' || verdict.kind === 'permit'
        ? denial('NOT_UNDERSTOOD', id, meant.kind === 'refused' ? meant.why : 'Not understood')
        : verdict.denial;
    void recorder.frame('decision', json({ id, decision: 'deny', why: why.why }), id);
    return { kind: 'end', end: refusedBy(why) };
  }

  /** A client that leaves takes back what it wanted to say. */
  #waiting(action: Action): Waiting {
    const waiting = this.#patient(action);
    const left = new AbortController();
    void this.#parts.client.closed.then(() => left.abort(new Error('The client left')));
    return { ...waiting, signal: AbortSignal.any([waiting.signal, left.signal, this.#over.signal]) };
  }
}

/** Questions of GraphQL on one connection whose answers may have tags. */
const mostAsked = 1_000;

function refusedBy({ class: code, rule, decisionId, why }: Denial): End {
  const by = rule === undefined ? '' : ` ${rule}`;
  return {
    toClient: [policyViolation, `${code}${by} ${decisionId}: ${why}`],
    toResource: [goingAway],
    cut: code,
  };
}

function outcomeOf(bytes: number): Outcome & { readonly kind: 'ok' } {
  return { kind: 'ok', rows: 0, bytes, masked: 0, withheld: 0 };
}

function smallest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** What may be said on the other leg; the rest only tells how a connection ended (RFC 6455, 7.4.1). */
function sayable(code: number): number | undefined {
  if (code === 1005) return 1005;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)
    ? code
    : undefined;
}

function stopped(signal: AbortSignal, end: End): Promise<End> {
  if (signal.aborted) return Promise.resolve(end);
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(end), { once: true });
  });
}

function json(facts: Readonly<Record<string, string>>): Uint8Array {
  return Buffer.from(JSON.stringify(facts));
}
