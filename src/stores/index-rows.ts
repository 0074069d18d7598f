import type { Entry } from '../core/entry.ts';
import { withoutValues } from '../sql/bare.ts';

/** What the index keeps of one entry. */
export interface IndexRow {
  readonly n: number; // the entry's index in the ledger
  readonly at: number;
  readonly kind: Entry['kind'];
  readonly session?: string;
  readonly subject?: string;
  readonly agent?: string; // the subject, where it is an agent
  readonly resource?: string;
  readonly run?: string;
  readonly verb?: string;
  readonly access?: string;
  readonly decision?: string;
  readonly review?: string;
  readonly risk?: string;
  readonly objects: readonly string[];
  readonly rules: readonly string[];
  readonly text?: string;
}

// How a statement ended and where its recording lies is found through its session.
const skipped: ReadonlySet<Entry['kind']> = new Set(['outcomes', 'recording.chunk']);

/** The row of an entry; `undefined` where there is nothing to look for in it. */
export function rowOf(entry: Entry, n: number): IndexRow | undefined {
  if (skipped.has(entry.kind)) return undefined;
  const common = { n, at: entry.at, kind: entry.kind, objects: [], rules: [] };
  // SECURITY: who is refused at sign-in only claims a name: it is no subject to be found by.
  if (entry.kind === 'sign-in.refused') return { ...common, resource: entry.resource };
  return {
    ...common,
    ...actorOf(entry),
    ...('session' in entry && entry.session !== undefined ? { session: entry.session } : {}),
    ...('review' in entry && entry.review !== undefined ? { review: entry.review } : {}),
    ...('verb' in entry ? { verb: entry.verb } : {}),
    ...own(entry),
  };
}

/** The row without what was personal, once the key of its session is destroyed. */
export function erasedRow({ text: _text, run: _run, ...rest }: IndexRow): IndexRow {
  return rest;
}

function own(entry: Entry): Partial<IndexRow> {
  switch (entry.kind) {
    case 'decision':
      return {
        resource: entry.resource,
        access: entry.access,
        decision: entry.decision,
        objects: [...new Set(entry.targets.map(({ name }) => name))],
        rules: [...new Set([...entry.rules, ...entry.wouldBe])],
        ...wordsOf(entry.verb, entry.sealed.text),
      };
    case 'session.opened':
      return { resource: entry.resource.name, ...(entry.run === undefined ? {} : { run: entry.run }) };
    case 'tool.pin':
      return { resource: entry.resource, objects: entry.tools.map(({ name }) => name) };
    case 'incident':
      return { resource: entry.resource, ...(entry.run === undefined ? {} : { run: entry.run }) };
    case 'review.asked':
      return { resource: entry.resource, risk: entry.risk.level };
    case 'record.read':
      return {
        decision: entry.allowed ? 'allow' : 'deny',
        ...(entry.of === undefined ? {} : { session: entry.of }),
      };
    default:
      return {};
  }
}

/** SECURITY: the index lies on disk in the clear, so no value of a statement stands in it, and no text of another family. */
function wordsOf(verb: string, text: string): { readonly text?: string } {
  if (text === '' || !verb.startsWith('sql.')) return {};
  return { text: withoutValues(text).text };
}

function actorOf(entry: Entry): Partial<IndexRow> {
  const actor = 'identity' in entry ? entry.identity : 'by' in entry ? entry.by : undefined;
  if (actor === undefined || typeof actor === 'string') return {};
  return { subject: actor.subject, ...(actor.kind === 'agent' ? { agent: actor.subject } : {}) };
}
