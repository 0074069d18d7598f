/**
 * One entry of the ledger as bytes: a JSON envelope
 *
 *   {"v":1,"n":17,"kind":"decision","at":1763719200000, …,"sealed":{"key":"20261121.3","seq":5,"box":"…"}}
 *
 * `n` is the entry's own index, so that no two leaves are ever equal. Clear parts follow in the order of `core/entry.ts`.
 * `sealed` holds what is personal: AES-256-GCM over a JSON object, bound to the ledger's origin, the session and `seq`.
 * Canonical: it is what `JSON.stringify` makes of its own parse, so no second spelling of the same entry exists.
 */
import { hash, type KeyObject } from 'node:crypto';
import { isObject } from '../base/check.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { DecisionEntry, Entry } from '../core/entry.ts';
import { open } from './seal.ts';

export const envelopeVersion = 1;
/** Room for `v`, `n`, `sealed` and the base64 of the box stays below 60 KiB with these two. */
export const maxClearBytes = 14_000;
export const maxSealedBytes = 33_000;
export const maxEnvelopeBytes = 61_440;

/** Which fields of an entry are personal and go under the seal. A kind that is missing here does not compile. */
const personal: { readonly [K in Entry['kind']]: readonly string[] } = {
  'gateway.started': [],
  'gateway.stopped': [],
  'policy.loaded': [],
  'policy.refused': [],
  'key.rotated': [],
  'sign-in.refused': ['peer', 'subject'],
  'sign-in.accepted': ['peer'],
  'sign-in.ended': [],
  'session.opened': ['peer', 'run', 'client'],
  decision: ['sealed'],
  'break-glass': ['stated'],
  incident: ['run'],
  'tool.pin': [],
  outcomes: [],
  'recording.chunk': [],
  'recording.gap': [],
  'hold.added': ['reason'],
  'hold.removed': ['reason'],
  'record.erased': [],
  'session.closed': [],
  'record.read': [],
  'review.asked': ['stated'],
  'review.answered': ['reason', 'proof'],
  'review.used': [],
  'class.granted': [],
  'class.revoked': ['reason'],
  'access.granted': [],
  'review.escalated': [],
  'review.ended': [],
};

/** Which fields of a kind are personal: whoever sends entries elsewhere leaves these out, or says why not. */
export function personalFields(kind: Entry['kind']): readonly string[] {
  return personal[kind];
}

export function isKnownKind(kind: string): kind is Entry['kind'] {
  return Object.hasOwn(personal, kind);
}

/** An entry, ready to be numbered and sealed. */
export interface Draft {
  /** The clear fields as JSON, without the braces. */
  readonly clear: string;
  /** The JSON that goes under the seal; absent when nothing is personal. */
  readonly sealed?: string;
}

/** Marks a text that did not fit; the recording has it whole. */
export interface Cut {
  readonly kept: number; // UTF-16 units
  readonly bytes: number; // of the whole text in UTF-8
  readonly digest: string; // SHA-256 of the whole text, hex
}

/** Turns entries into drafts. Remembers the constant part of decisions, by the objects they share. */
export class Drafter {
  /** Keyed by the entry's `rules`: the gate makes one such list for each session and action. */
  readonly #known: WeakMap<object, Known> = new WeakMap();

  draft(entry: Entry): Draft {
    if (entry.kind === 'decision') return this.#decision(entry);
    const names = personal[entry.kind];
    const clear: Record<string, unknown> = {};
    const under: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(entry)) (names.includes(name) ? under : clear)[name] = value;
    const json = fit(clear, maxClearBytes).slice(1, -1);
    return names.length === 0 ? { clear: json } : { clear: json, sealed: fit(under, maxSealedBytes) };
  }

  #decision(entry: DecisionEntry): Draft {
    const { demands, denial, review, sealed } = entry;
    const known = this.#alike(entry);
    const own = `"kind":"decision","at":${entry.at},"id":${JSON.stringify(entry.id)},"session":${JSON.stringify(entry.session)},${known.json}`;
    const full = demands === undefined ? '' : `,"demands":${JSON.stringify(demands)}`;
    const clear = `${own}${full}${denial === undefined ? '' : `,"denial":${JSON.stringify(denial)}`}${review === undefined ? '' : `,"review":${JSON.stringify(review)}`}`;
    const textJson = known.text === sealed.text ? known.textJson : JSON.stringify(sealed.text);
    if (known.text !== sealed.text && textJson.length <= longestKept) {
      known.text = sealed.text;
      known.textJson = textJson;
    }
    return {
      clear: fits(clear, maxClearBytes) ? clear : shrunkDecision(entry),
      sealed: sealedText(sealed.text, textJson, sealed.values),
    };
  }

  #alike(entry: DecisionEntry): Known {
    const known = this.#known.get(entry.rules);
    if (known !== undefined && sameConstant(known.of, entry)) return known;
    const json = JSON.stringify(constantOf(entry)).slice(1, -1);
    const made: Known = { of: entry, json, text: '', textJson: '""' };
    this.#known.set(entry.rules, made);
    return made;
  }
}

/** What one judgement's entries have in common, as JSON, and the text that came last: often it comes again. */
interface Known {
  readonly of: DecisionEntry;
  readonly json: string;
  text: string;
  textJson: string;
}

const longestKept = 2_048;

function constantOf(entry: DecisionEntry): object {
  return {
    identity: entry.identity,
    resource: entry.resource,
    decision: entry.decision,
    verb: entry.verb,
    access: entry.access,
    targets: entry.targets,
    columns: entry.columns,
    attributes: entry.attributes,
    ...(entry.opaque === undefined ? {} : { opaque: entry.opaque }),
    rules: entry.rules,
    wouldBe: entry.wouldBe,
    duties: entry.duties,
    policy: entry.policy,
    ...(entry.commit === undefined ? {} : { commit: entry.commit }),
    ...(entry.grants === undefined ? {} : { grants: entry.grants }),
  };
}

/** INVARIANT: every field of `constantOf` is compared here (`rules` by being the key); the objects are immutable by the contract of core. */
function sameConstant(a: DecisionEntry, b: DecisionEntry): boolean {
  return (
    a.identity === b.identity &&
    a.targets === b.targets &&
    a.columns === b.columns &&
    a.attributes === b.attributes &&
    a.opaque === b.opaque &&
    a.wouldBe === b.wouldBe &&
    a.duties === b.duties &&
    a.resource === b.resource &&
    a.decision === b.decision &&
    a.verb === b.verb &&
    a.access === b.access &&
    a.policy === b.policy &&
    a.commit === b.commit &&
    a.grants === b.grants
  );
}

/** What must stay whole (ids and who) stays; lists and texts shrink until it fits. */
function shrunkDecision(entry: DecisionEntry): string {
  const { kind, at, id, session, sealed: _, ...rest } = entry;
  const own = `"kind":${JSON.stringify(kind)},"at":${at},"id":${JSON.stringify(id)},"session":${JSON.stringify(session)}`;
  return `${own},${fit(rest, maxClearBytes - Buffer.byteLength(own) - 1).slice(1, -1)}`;
}

function sealedText(text: string, whole: string, values: string | undefined): string {
  const more = values === undefined ? '' : `,"values":${JSON.stringify(values.slice(0, 1_024))}`;
  const room = maxSealedBytes - more.length * 3 - 256;
  if (fits(whole, room)) return `{"text":${whole}${more}}`;
  let kept = Math.min(text.length, room);
  while (!fits(JSON.stringify(text.slice(0, kept)), room)) kept = Math.floor(kept * 0.8);
  const last = text.charCodeAt(kept - 1);
  if (last >= 0xd800 && last <= 0xdbff) kept -= 1; // never half a surrogate pair
  const cut: Cut = {
    kept,
    bytes: Buffer.byteLength(text),
    digest: hash('sha256', text, 'hex'),
  };
  return `{"text":${JSON.stringify(text.slice(0, kept))},"cut":${JSON.stringify(cut)}${more}}`;
}

function fits(json: string, bytes: number): boolean {
  return json.length * 3 <= bytes || (json.length <= bytes && Buffer.byteLength(json) <= bytes);
}

/** The object as JSON of at most `bytes`; what does not fit is cut, and `cut` says so with the digest of the whole. */
function fit(fields: Readonly<Record<string, unknown>>, bytes: number): string {
  const whole = JSON.stringify(fields);
  if (fits(whole, bytes)) return whole;
  const cut = { bytes: Buffer.byteLength(whole), digest: hash('sha256', whole, 'hex') };
  for (let room = 4_096; room >= 1; room = Math.floor(room / 2)) {
    const json = JSON.stringify({ ...(shrink(fields, room) as object), cut });
    if (fits(json, bytes)) return json;
  }
  return JSON.stringify({ cut });
}

function shrink(value: unknown, room: number): unknown {
  if (typeof value === 'string')
    return value.length <= Math.max(room, 80) ? value : `${value.slice(0, room)}…`;
  if (Array.isArray(value)) return value.slice(0, room).map((each: unknown) => shrink(each, room));
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value)
        .slice(0, Math.max(room, 20))
        .map(([key, each]) => [key, shrink(each, room)]),
    );
  }
  return value;
}

/** What a sealed part is bound to. */
export function boundTo(origin: string, session: string, seq: number): string {
  return `${origin}\n${session}\n${seq}`;
}

export interface Sealed {
  readonly key: string;
  readonly seq: number;
  readonly box: string; // base64
}

/** An envelope whose form was checked. */
export interface Envelope {
  readonly index: number;
  readonly kind: Entry['kind'];
  readonly at: number;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly sealed?: Sealed;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads an envelope, strictly. */
export function decodeEnvelope(bytes: Uint8Array): Result<Envelope, string> {
  if (bytes.length > maxEnvelopeBytes) return err('The entry is longer than 60 KiB');
  let raw: unknown;
  try {
    const text = utf8.decode(bytes);
    raw = JSON.parse(text);
    if (JSON.stringify(raw) !== text) return err('The entry is not in canonical form');
  } catch {
    return err('The entry is not JSON');
  }
  if (!isObject(raw)) return err('The entry is no object');
  const { v, n, kind, at, sealed, ...fields } = raw;
  if (v !== envelopeVersion) return err('The entry has a version that this program does not know');
  if (typeof n !== 'number' || !Number.isSafeInteger(n) || n < 0) return err('The entry has no index');
  if (typeof kind !== 'string' || !isKnownKind(kind))
    return err('The entry is of a kind that this program does not know');
  if (typeof at !== 'number') return err('The entry has no time');
  if ((sealed !== undefined) !== personal[kind].length > 0)
    return err('The sealed part is missing, or one too many');
  if (sealed === undefined) return ok({ index: n, kind, at, fields });
  const checked = sealedOf(sealed);
  return checked === undefined
    ? err('The sealed part is malformed')
    : ok({ index: n, kind, at, fields, sealed: checked });
}

function sealedOf(raw: unknown): Sealed | undefined {
  if (!isObject(raw)) return undefined;
  const { key, seq, box } = raw;
  if (typeof key !== 'string' || typeof seq !== 'number' || typeof box !== 'string') return undefined;
  return Number.isSafeInteger(seq) && seq >= 0 ? { key, seq, box } : undefined;
}

/** An entry read back. */
export interface Stored {
  readonly index: number;
  readonly entry: Entry;
  /** `shut`: its key is gone (erased) or does not fit; the personal fields are then empty. */
  readonly seal: 'none' | 'opened' | 'shut';
  readonly cut?: Cut;
}

/** The name under which an entry's personal part is sealed: its session, or the day's sign-ins. */
export function sealedFor(entry: Pick<Entry, 'kind' | 'at'> & { readonly session?: unknown }): string {
  if (typeof entry.session === 'string') return entry.session;
  return `sign-ins ${new Date(entry.at).toISOString().slice(0, 10)}`;
}

/** Puts an entry together again; `keyOf` gives the key of a key id, `undefined` once it is destroyed. */
export function openEnvelope(
  envelope: Envelope,
  origin: string,
  keyOf: (keyId: string, owner: string) => KeyObject | undefined,
): Stored {
  const { index, kind, at, fields, sealed } = envelope;
  const clear = { kind, at, ...fields };
  if (sealed === undefined) return { index, entry: clear as unknown as Entry, seal: 'none' };
  const owner = sealedFor({ kind, at: at as Entry['at'], session: fields['session'] });
  const key = keyOf(sealed.key, owner);
  const bound = boundTo(origin, owner, sealed.seq);
  const plain =
    key === undefined
      ? undefined
      : open(key, Buffer.from(sealed.box, 'base64'), { domain: 'entry', counter: sealed.seq, bound });
  const under: unknown = plain === undefined ? undefined : JSON.parse(Buffer.from(plain).toString());
  if (!isObject(under)) {
    const empty = kind === 'decision' ? { sealed: { text: '' } } : { peer: '' };
    return { index, entry: { ...clear, ...empty } as unknown as Entry, seal: 'shut' };
  }
  const { cut, ...own } = under;
  const entry = kind === 'decision' ? { ...clear, sealed: own } : { ...clear, ...own };
  return {
    index,
    entry: entry as unknown as Entry,
    seal: 'opened',
    ...(isObject(cut) ? { cut: cut as unknown as Cut } : {}),
  };
}
