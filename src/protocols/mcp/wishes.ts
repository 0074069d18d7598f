import { isObject } from '../../base/check.ts';
import type { HttpRequest, HttpResponse } from '../../carriers/http/client.ts';
import { wholeOf } from '../../carriers/http/decoded.ts';
import type { Permit } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import type { Gate } from '../../core/protocol.ts';
import { meaningOf } from './meaning.ts';
import { codes, errorOf, type Message, messageOf, textOf } from './message.ts';
import { refusalOf } from './refusal.ts';
import { requestOf } from './request.ts';
import type { Asked, ToolboxParts } from './talk.ts';

type Request = Extract<Message, { kind: 'request' }>;

interface Under {
  readonly parts: ToolboxParts;
  readonly asked: Asked;
  readonly gate: Gate;
  /** Of the exchange in which the server wishes. */
  readonly permit: Permit;
  readonly call: (request: HttpRequest) => Promise<HttpResponse>;
}

const wishes: Readonly<Record<string, 'sampling' | 'elicitation' | 'roots'>> = {
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
  'roots/list': 'roots',
};
const mostOpen = 100;

/** What a server asks of the client's side: nothing of it reaches the client that the settings and a rule do not allow. */
export class Wishes {
  readonly #under: Under;

  constructor(under: Under) {
    this.#under = under;
  }

  /** Whether the client is asked this (2025-11-25: a request in the stream). What is not is answered here. */
  async asked(message: Request): Promise<boolean> {
    const { asked, gate } = this.#under;
    const { talk } = asked;
    if (message.method === 'ping') {
      await this.#reply({ kind: 'answer', id: message.id, result: {} });
      return false;
    }
    const permit =
      talk === undefined || talk.open.size >= mostOpen ? undefined : await this.#permitted(message);
    if (permit === undefined || talk === undefined) {
      await this.#reply(errorOf(message.id, codes.denied, 'The gateway refuses this request'));
      return false;
    }
    talk.open.set(message.id, { gate, permit });
    return true;
  }

  /**
   * The same in 2026-07-28: a result says what it needs, and the client sends the request again with it. Gives what the client
   * is told where that is not allowed.
   */
  async inResult(given: unknown, asked: Request): Promise<Message | undefined> {
    const { gate, permit: of, parts } = this.#under;
    for (const each of Object.values(isObject(given) ? given : {})) {
      const read = messageOf({ jsonrpc: '2.0', id: 0, ...(isObject(each) ? each : {}) });
      const permit = read.ok && read.value.kind === 'request' ? await this.#permitted(read.value) : undefined;
      if (permit === undefined) {
        const why = denial(
          'UNSUPPORTED',
          of.id,
          'The server asks something of the client that is not allowed',
          'Let it be allowed under `allow` and by a rule',
        );
        return refusalOf(asked, why, {
          modern: true,
          structured: !parts.pins.promises(asked.params['name']),
        });
      }
      gate.done(permit, { kind: 'ok', rows: 0, bytes: 0, masked: 0, withheld: 0 });
    }
    return undefined;
  }

  async #permitted(message: Request): Promise<Permit | undefined> {
    const { parts, gate } = this.#under;
    const kind = wishes[message.method];
    if (kind === undefined || !parts.settings.allow.has(kind)) return undefined;
    const meant = meaningOf(parts.settings, message);
    if (meant.kind === 'refused') return undefined;
    const verdict = await gate.ask({ action: meant.action });
    if (verdict.kind === 'refusal') return undefined;
    await verdict.written;
    return verdict;
  }

  async #reply(message: Message): Promise<void> {
    const { asked, call } = this.#under;
    const request = requestOf(asked, textOf(message));
    const answer = await call({
      ...request,
      method: 'POST',
      fields: [
        ...request.fields.filter(([name]) => !['last-event-id', 'accept', 'content-type'].includes(name)),
        ['accept', 'application/json, text/event-stream'],
        ['content-type', 'application/json'],
      ],
    });
    await wholeOf(answer.body, 65_536);
  }
}
