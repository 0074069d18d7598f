import { Lru } from '../base/lru.ts';
import type { DecisionEntry, Entry } from '../core/entry.ts';
import type { Protocol } from '../core/protocol.ts';
import { type Decided, type Scene, SceneReader } from '../record/index.ts';
import type { Recordings, Replayed } from '../stores/recordings.ts';
import type { DecisionRecord, SessionDetail, SessionRecords } from '../stores/sessions.ts';

export interface SceneParts {
  readonly records: Pick<SessionRecords, 'session' | 'recording'>;
  readonly recordings: Pick<Recordings, 'read' | 'follow'>;
  readonly protocols: readonly Protocol[];
  /** Newer decisions than those that `records` told of. */
  readonly recent?: (id: string) => Decided | undefined;
  /** What to say in place of a recording that was erased. */
  readonly erased?: (session: string) => Promise<string | undefined>;
}

/** A recording as it was seen, from its beginning; with `live` also what comes, until the session ends or the signal aborts. */
export async function scenesOf(
  parts: SceneParts,
  id: string,
  live?: AbortSignal,
): Promise<AsyncIterable<Scene> | undefined> {
  const detail = await parts.records.session(id);
  const of = await parts.records.recording(id);
  if (detail === undefined || of === undefined) return undefined;
  const gone = await parts.erased?.(id);
  const followed = live === undefined ? undefined : parts.recordings.follow(of, live);
  return scenes(parts, detail, {
    frames: gone === undefined ? (followed ?? parts.recordings.read(of)) : nothing(),
    gone,
    live: followed === undefined ? undefined : live,
  });
}

interface Source {
  readonly frames: AsyncIterable<Replayed>;
  readonly gone: string | undefined;
  readonly live: AbortSignal | undefined;
}

async function* scenes(
  parts: SceneParts,
  detail: SessionDetail,
  { frames, gone, live }: Source,
): AsyncGenerator<Scene> {
  const began = Date.parse(detail.startedAt);
  const known = new Map(detail.statements.map((each) => [each.id, decidedOf(each)]));
  const protocol = parts.protocols.find(({ name }) => name === detail.kind);
  const reader = new SceneReader(
    protocol?.replay?.() ?? asText(),
    (id) => known.get(id) ?? parts.recent?.(id),
  );
  // Of these nothing is recorded but that they were.
  const unrecorded = detail.statements.filter(
    ({ duties, decision }) => decision !== 'deny' && duties.includes('record:meta'),
  );
  const until = function* (at: number): Generator<Scene> {
    for (let next = unrecorded[0]; next !== undefined; next = unrecorded[0]) {
      const when = Math.max(0, Date.parse(next.at) - began);
      if (when > at) return;
      unrecorded.shift();
      yield { at: when, kind: 'decision', id: next.id, decision: next.decision, decided: decidedOf(next) };
    }
  };
  yield { at: 0, kind: 'session', session: sessionOf(detail) };
  if (gone !== undefined) yield { at: 0, kind: 'gap', why: gone };
  let at = 0;
  for await (const each of frames) {
    if (each.kind === 'missing') {
      yield { at, kind: 'gap', chunk: each.chunk, why: each.why };
      continue;
    }
    yield* until(each.frame.at);
    at = Math.max(at, each.frame.at);
    yield* reader.read({ ...each.frame, at }, each.chunk);
  }
  yield* until(Infinity);
  const last = live === undefined ? detail : ((await parts.records.session(detail.id)) ?? detail);
  const ended = last.endedAt === undefined ? at : Date.parse(last.endedAt) - began;
  yield { at: Math.max(at, ended), kind: 'end', why: endOf(last, live) };
}

function endOf({ state, why }: SessionDetail, live: AbortSignal | undefined): string {
  if (live?.aborted === true) return 'You no longer watch';
  if (state === 'open') return live === undefined ? 'The session goes on' : 'The session ends';
  return state === 'lost'
    ? 'The gateway ended without writing the end of this session'
    : `Ended: ${why ?? ''}`;
}

function sessionOf({
  id,
  identity,
  resource,
  kind,
  startedAt,
  run,
}: SessionDetail): Extract<Scene, { kind: 'session' }>['session'] {
  return {
    id,
    identity:
      identity.actingFor === undefined
        ? identity.subject
        : `${identity.subject} for ${identity.actingFor.subject}`,
    resource,
    protocol: kind,
    startedAt,
    ...(run === undefined ? {} : { run }),
  };
}

function decidedOf({ decision, verb, access, rules, duties, review, outcome }: DecisionRecord): Decided {
  return {
    decision,
    verb,
    access,
    rules: rules.map(({ id }) => id),
    duties,
    ...(review === undefined ? {} : { review: review.id }),
    ...(outcome === undefined
      ? {}
      : { ended: outcome.kind === 'error' ? `error ${outcome.code}` : outcome.kind }),
  };
}

/** Keeps what the newest decisions were, for those who watch: without any text. */
export class RecentDecisions {
  readonly #kept: Lru<string, Decided> = new Lru(5_000);

  readonly see = (entry: Entry): void => {
    if (entry.kind === 'decision') this.#kept.set(entry.id, this.#of(entry));
  };

  readonly find = (id: string): Decided | undefined => this.#kept.get(id);

  #of({ decision, verb, access, rules, duties }: DecisionEntry): Decided {
    return { decision, verb, access, rules, duties };
  }
}

function asText(): ReturnType<NonNullable<Protocol['replay']>> {
  const show = (bytes: Uint8Array): readonly [{ kind: 'text'; text: string }] => [
    { kind: 'text', text: Buffer.from(bytes).toString('utf8') },
  ];
  return { answer: show, ask: show };
}

async function* nothing(): AsyncGenerator<Replayed> {
  // An erased recording has no frames.
}
