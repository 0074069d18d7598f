import { Fault } from '../base/errors.ts';
import { inSlices } from '../carriers/http/turns.ts';
import type { Secret } from '../base/secret.ts';
import type { World } from '../base/time.ts';
import type { Action } from '../core/action.ts';
import type { Denial, DecisionId, Outcome, Permit } from '../core/decision.ts';
import { denial, denialOfDemand } from '../core/denial.ts';
import { operatorForTags } from '../core/duties.ts';
import type { Identity } from '../core/identity.ts';
import type { Ledger, Log, Policy } from '../core/ports.ts';
import type { Stated, Waiting } from '../core/protocol.ts';
import type { Resource, Session } from '../core/session.ts';
import { actorOf } from '../gate/actor.ts';
import type { SessionGate } from '../gate/gate.ts';
import {
  findMasker,
  maskKey,
  type MaskKey,
  otherType,
  type Revealed,
  revealTokens,
  showText,
  tokensDigest,
} from '../mask/index.ts';
import { gatewayResource, ownAttributes } from './api/own.ts';
import { newSessionId } from './ids.ts';

export interface RevealParts {
  /** Hex; the first is in use, the others were. */
  readonly keys: readonly Secret[];
  readonly resources: readonly Resource[];
  readonly policy: () => Policy | undefined;
  readonly ledger: Ledger;
  readonly world: World;
  readonly log: Log;
  readonly gate: (session: Session) => SessionGate;
  readonly revoked: (tokenId: string) => boolean;
}

export interface RevealAsked {
  readonly tokens: readonly string[];
  /** Where they are said to come from: nothing proves it, so the name need not be a resource's. */
  readonly of?: { readonly resource: string; readonly object?: string; readonly column?: string };
  /** Which key numbers were made with: 0 is the one in use. */
  readonly digitsKey: number;
  readonly stated?: Stated;
  /** Aborts when who asks has left. */
  readonly signal: AbortSignal;
}

export interface RevealedValues {
  readonly kind: 'revealed';
  readonly decision: DecisionId;
  /** In the order of the tokens. `masked`: the rules that let it be revealed demand a mask for it. */
  readonly values: readonly (Revealed & { readonly masked?: true })[];
}

export type Reveal = (caller: Identity, asked: RevealAsked) => Promise<RevealedValues | Refused>;

interface Refused {
  readonly kind: 'refused';
  readonly denial: Denial;
}

/** Like every client of HTTP: what is not decided by then becomes a ticket, and the same request goes through once. */
const patienceMs = 25_000;

/**
 * The way back from a token to its value. It goes the way of every request: a session, the gate with all its duties and
 * reviews, an entry on disk, and only then the answer. Never shown, written or logged: a token, or a value that was not let go.
 */
export function revealer(parts: RevealParts): Reveal {
  const keys = parts.keys.map((key) => maskKey(Buffer.from(key.reveal('undo tokens'), 'hex')));
  const [current] = keys;
  if (current === undefined) throw new Fault('bug', 'No key to undo tokens with');
  return async (caller, asked) => {
    const found: Revealed[] = [];
    // What all these cost is shared out: others' requests go on meanwhile.
    for (const token of inSlices(asked.tokens))
      found.push(...revealTokens([await token], { keys, digitsKey: asked.digitsKey }));
    const action = actionOf(parts, asked, { found, digest: tokensDigest(asked.tokens, current) });
    const session = await opened(parts, caller);
    const gate = parts.gate(session);
    try {
      return await judged(parts, { caller, asked, action, found, gate, key: current });
    } finally {
      await closed(parts, session, gate);
    }
  };
}

interface Judging {
  readonly caller: Identity;
  readonly asked: RevealAsked;
  readonly action: Action;
  readonly found: readonly Revealed[];
  readonly gate: SessionGate;
  readonly key: MaskKey;
}

async function judged(parts: RevealParts, judging: Judging): Promise<RevealedValues | Refused> {
  const { asked, action, gate } = judging;
  const { stated } = asked;
  const verdict = await gate.ask({
    action,
    ...(stated === undefined ? {} : { stated }),
    wait: () => waiting(parts, judging),
  });
  if (verdict.kind === 'refusal') return { kind: 'refused', denial: verdict.denial };
  let outcome: Outcome = { kind: 'error', code: 'ledger', rows: 0, bytes: 0, masked: 0, withheld: 0 };
  try {
    // SECURITY: no value before its entry is on disk.
    await verdict.written;
    const values = shownBy(verdict, judging);
    const rows = values.filter(({ kind }) => kind === 'value').length;
    const bytes = values.reduce(
      (sum, each) => sum + (each.kind === 'value' ? Buffer.byteLength(each.value) : 0),
      0,
    );
    const { rowLimit = Infinity, byteLimit = Infinity } = verdict.duties;
    if (rows > rowLimit || bytes > byteLimit) {
      outcome = { kind: 'cut', why: 'LIMIT', rows: 0, bytes: 0, masked: 0, withheld: rows };
      const why =
        rows > rowLimit ? `No more than ${rowLimit} at once` : `No more than ${byteLimit} bytes at once`;
      return { kind: 'refused', denial: denialOfDemand(verdict, 'LIMIT', 'limit', why) };
    }
    const masked = values.filter((each) => each.masked === true).length;
    outcome = { kind: 'ok', rows, bytes, masked, withheld: values.length - rows };
    return { kind: 'revealed', decision: verdict.id, values };
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    const why = 'The ledger cannot be written, so nothing is shown';
    return { kind: 'refused', denial: denial('NOT_WRITTEN', verdict.id, why) };
  } finally {
    gate.done(verdict, outcome);
  }
}

/** Rules that let a value be revealed may demand a mask besides: it holds here as it does everywhere. */
function shownBy(permit: Permit, { asked, found, action, key }: Judging): RevealedValues['values'] {
  const { masks, finds } = permit.duties;
  const tags = action.attributes['columnTags'];
  const byTag = Array.isArray(tags) ? operatorForTags(masks, tags as readonly string[]) : undefined;
  const column = asked.of?.column;
  const byFind =
    finds.length === 0 ? undefined : findMasker(finds, { key, ...(column === undefined ? {} : { column }) });
  return found.map((each) => {
    if (each.kind === 'none') return each;
    const value =
      byTag === undefined ? (byFind?.(each.value).text ?? each.value) : showText(byTag, each.value, key);
    return value === each.value ? each : { ...each, value, masked: true };
  });
}

function actionOf(
  { resources, policy }: RevealParts,
  { tokens, of, digitsKey }: RevealAsked,
  about: { readonly found: readonly Revealed[]; readonly digest: string },
): Action {
  const resource = resources.find(({ name }) => name === of?.resource);
  const types = about.found.map((each) => (each.kind === 'value' ? each.type : otherType));
  const forms = about.found.map((each) => (each.kind === 'value' ? each.form : 'text'));
  const column =
    of?.object === undefined || of.column === undefined
      ? undefined
      : { object: of.object, column: of.column };
  const name = column === undefined ? undefined : `${column.object}.${column.column}`;
  const from =
    of === undefined ? '' : `, said to be of ${name === undefined ? '' : `${name} on `}${of.resource}`;
  const kinds = distinct(types);
  const byKey = digitsKey === 0 ? '' : `, numbers with the key before by ${digitsKey}`;
  return {
    verb: 'mask.reveal',
    access: 'read',
    targets: [
      name === undefined
        ? { kind: 'token', name: '*', access: 'read' }
        : { kind: 'column', name, access: 'read' },
    ],
    columns: [],
    attributes: {
      ...ownAttributes(false),
      ofResource: of?.resource ?? '',
      ofTags: resource?.tags ?? [],
      count: tokens.length,
      types: kinds,
      forms: distinct(forms),
      columnTags:
        resource === undefined || column === undefined ? [] : (policy()?.tagsOf(resource, column) ?? []),
    },
    // The digest is keyed: whoever reads it learns no token, and an approval fits exactly these.
    text: `Reveal ${tokens.length} ${tokens.length === 1 ? 'token' : 'tokens'} (${kinds.join(', ')})${from}${byKey}; digest ${about.digest}`,
    notes: [],
  };
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted();
}

function waiting({ policy, revoked, world }: RevealParts, { caller, asked, action }: Judging): Waiting {
  const { signal, stated } = asked;
  return {
    tell: () => undefined, // an answer has no word for it before it begins
    signal,
    patienceMs,
    thenTicket: true,
    settings: {},
    veiled: { text: action.text }, // there is no value in it
    ...(stated === undefined ? {} : { stated }),
    again: () => {
      const { tokenId, expiresAt } = caller.proof;
      const gone = revoked(tokenId) || expiresAt <= world.now() || policy() === undefined;
      return Promise.resolve(gone ? undefined : { action, settings: {} });
    },
    [Symbol.dispose]: () => undefined,
  };
}

async function opened({ world, ledger }: RevealParts, identity: Identity): Promise<Session> {
  const session: Session = {
    id: newSessionId(world),
    identity,
    resource: gatewayResource,
    startedAt: world.now(),
    peer: 'api',
  };
  const facts: Record<string, Identity['attributes']> = {};
  for (let at: Identity | undefined = identity; at !== undefined; at = at.actingFor)
    facts[at.subject] = at.attributes;
  const { name, kind, tags } = gatewayResource;
  await ledger.append({
    kind: 'session.opened',
    at: session.startedAt,
    session: session.id,
    identity: actorOf(identity),
    resource: { name, kind, tags },
    peer: session.peer,
    facts,
  });
  return session;
}

/** Never rejects: what fails here is logged, and the ledger refuses from then on. */
async function closed(
  { world, ledger, log }: RevealParts,
  session: Session,
  gate: SessionGate,
): Promise<void> {
  try {
    await gate.close();
    await ledger.append({
      kind: 'session.closed',
      at: world.now(),
      session: session.id,
      why: 'client left',
      decisions: gate.decisions,
      chunks: 0,
    });
  } catch (thrown) {
    log('error', 'reveal.not-closed', { code: thrown instanceof Fault ? thrown.code : 'bug' });
  }
}
