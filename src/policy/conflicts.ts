import { instant } from '../base/time.ts';
import { tagMatches } from '../core/duties.ts';
import { intersection } from './columns.ts';
import { glob } from './glob.ts';
import type { MatchKey } from './match.ts';
import { plainMoment } from './requests.ts';
import type { Problems } from './problem.ts';
import type { Rule } from './rule.ts';

/** Duties of rules that can match one request and leave nothing of it: it is denied, which no rule says. */
export function conflicts(rules: readonly Rule[], problems: Problems): void {
  const strict = rules.filter(
    ({ duties }) =>
      duties?.window !== undefined || duties?.onlyColumns !== undefined || duties?.readOnly === true,
  );
  for (const [at, rule] of strict.entries()) {
    alone(rule, problems);
    for (const other of strict.slice(at + 1)) {
      const what = meet(rule, other) ? clash(rule, other) : undefined;
      if (what === undefined) continue;
      const place = `${other.ref.at.file}:${other.ref.at.line}:${other.ref.at.col}`;
      problems.add(
        'SP-S205',
        rule.ref.at,
        `${rule.ref.id} and ${other.ref.id} (${place}) leave no ${what}: what both match is always denied`,
        {
          fix: 'Narrow one of them, or write a deny rule that says so',
        },
      );
    }
  }
}

function alone(rule: Rule, problems: Problems): void {
  const access = rule.match.items.get('access');
  if (rule.duties?.readOnly !== true || access === undefined || access.includes('read')) return;
  problems.add(
    'SP-S205',
    rule.ref.at,
    `${rule.ref.id} lets only reads pass and matches none: it always denies`,
    {
      fix: 'Write a deny rule, or leave `access` out',
    },
  );
}

function clash({ duties: a }: Rule, { duties: b }: Rule): string | undefined {
  if (a?.onlyColumns !== undefined && b?.onlyColumns !== undefined) {
    if (intersection([a.onlyColumns, b.onlyColumns])?.length === 0) return 'column';
  }
  if (a?.window === undefined || b?.window === undefined) return undefined;
  const [one, two] = [a.window, b.window];
  // Windows change on the minute; five of them are the finest that anyone has been seen to write.
  for (let minute = 0; minute < weekMinutes; minute += 5) {
    const at = instant(plainMoment + minute * 60_000);
    if (one.open(at) && two.open(at)) return undefined;
  }
  return 'hour';
}

const weekMinutes = 7 * 24 * 60;

const lists: readonly MatchKey[] = [
  'resource.kind',
  'resource.name',
  'resource.env',
  'action',
  'access',
  'identity.kind',
  'identity.subject',
];

/** Whether one request may match both, by their matches. Conditions are not looked at, except where they are the opposite. */
function meet(a: Rule, b: Rule): boolean {
  const opposite = a.when?.parts.some(({ source }) =>
    b.when?.parts.some((part) => part.source === `!${source}` || source === `!${part.source}`),
  );
  if (opposite === true) return false;
  return lists.every((key) => {
    const [own, other] = [a.match.items.get(key), b.match.items.get(key)];
    if (own === undefined || other === undefined) return true;
    return own.some((x) => other.some((y) => x === y || glob(x)(y) || glob(y)(x) || tagMatches(x, y)));
  });
}
