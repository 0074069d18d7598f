import type { Access, Action } from '../core/action.ts';
import type { Actor } from '../core/entry.ts';
import type { Risk } from '../core/risk.ts';
import type { Instant } from '../base/time.ts';
import type { History } from './stored.ts';

export interface RiskFacts {
  readonly action: Action;
  readonly identity: Actor;
  readonly resourceTags: readonly string[];
  /** Tags of the columns it uses. */
  readonly dataTags: readonly string[];
  readonly estimatedRows?: number;
  readonly history: History;
  readonly at: Instant;
}

interface Feature {
  readonly feature: string;
  readonly points: number;
  readonly why: string;
  readonly has: (facts: RiskFacts) => boolean;
}

const accessPoints: Readonly<Record<Access, number>> = {
  read: 5,
  write: 20,
  define: 35,
  administer: 40,
  execute: 40,
  unknown: 60,
};

// A table: every feature with its points. Only what is named here moves a score, and nothing lowers it.
const features: readonly Feature[] = [
  row('removes', 10, 'It removes rows', ({ action }) => /\.(delete|merge)$/.test(action.verb)),
  row('cannot-be-undone', 25, 'What it removes is gone with all it holds', ({ action }) =>
    /\.(drop|truncate)$/.test(action.verb),
  ),
  row(
    'every-row',
    25,
    'It has no condition: it touches every row',
    ({ action }) => action.attributes['condition'] === 'none' && action.access === 'write',
  ),
  row(
    'not-by-key',
    10,
    'Its condition can fit any number of rows',
    ({ action }) => action.attributes['condition'] === 'other' && action.access === 'write',
  ),
  row(
    'many-rows',
    10,
    'It is expected to touch 1,000 rows or more',
    ({ estimatedRows = 0 }) => estimatedRows >= 1_000,
  ),
  row(
    'very-many-rows',
    15,
    'It is expected to touch 100,000 rows or more',
    ({ estimatedRows = 0 }) => estimatedRows >= 100_000,
  ),
  row('changes-rights', 15, 'It changes who may do what', ({ action }) =>
    /\.(grant|admin)$/.test(action.verb),
  ),
  row(
    'runs-code',
    10,
    'It runs code whose effects the statement does not show',
    ({ action }) => action.access === 'execute',
  ),
  row(
    'opaque',
    10,
    'It cannot be told which columns its answer comes from',
    ({ action }) => action.opaque === true,
  ),
  row('locks', 5, 'It takes locks that others wait for', ({ action }) => action.attributes['locks'] === true),
  row('personal-data', 15, 'It uses personal or secret data', ({ dataTags }) =>
    dataTags.some((tag) => /^(pii|pci|phi|secret)(\/|$)/.test(tag)),
  ),
  row('production', 15, 'The resource is in production', ({ resourceTags }) =>
    resourceTags.includes('env/prod'),
  ),
  row('agent', 15, 'An agent asks, not a person', ({ identity }) => identity.kind === 'agent'),
  row('workload', 5, 'A program asks, not a person', ({ identity }) => identity.kind === 'workload'),
  row('never-seen', 5, 'Nothing like it was ever asked here', ({ history }) => history.asked === 0),
  row('refused-before', 10, 'The same was refused before', ({ history }) => history.refused > 0),
  row(
    'lasts',
    10,
    'It lasts longer than a working day',
    ({ action }) => Number(action.attributes['forMs'] ?? 0) > 8 * 3_600_000,
  ),
  row('odd-hour', 5, 'It is asked at night or on a weekend (UTC)', ({ at }) => isOddHour(at)),
];

const levels: readonly (readonly [number, Risk['level']])[] = [
  [75, 'critical'],
  [50, 'high'],
  [30, 'medium'],
];

/** The risk signature of a request: the same facts always give the same score and the same reasons. */
export function riskOf(facts: RiskFacts): Risk {
  const { access } = facts.action;
  const reasons = [
    { feature: `access-${access}`, points: accessPoints[access], why: `Its access is ${access}` },
    ...features.filter(({ has }) => has(facts)).map(({ feature, points, why }) => ({ feature, points, why })),
  ];
  const score = Math.min(
    100,
    reasons.reduce((sum, { points }) => sum + points, 0),
  );
  const level = levels.find(([least]) => score >= least)?.[1] ?? 'low';
  return { score, level, reasons };
}

function row(feature: string, points: number, why: string, has: Feature['has']): Feature {
  return { feature, points, why, has };
}

function isOddHour(at: Instant): boolean {
  const date = new Date(at);
  const [day, hour] = [date.getUTCDay(), date.getUTCHours()];
  return day === 0 || day === 6 || hour < 6 || hour >= 20;
}
