import { parseArgs } from 'node:util';
import type { DecisionRecord } from '../server/api/records.ts';
import type { ExplainedAnswer, ExplainedIdentity, Explanation } from '../server/api/explain.ts';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, say, type Command } from './command.ts';
import { statementText } from './sessions.ts';

const help = `Usage: sallyport explain --on RESOURCE [--as SUBJECT] [--json] "STATEMENT"
       sallyport explain --decision ID [--json]

Says what the policy in force decides on a statement, by which rules, where they stand and how to fix it.
Nothing is executed. Without --as it asks for yourself. --decision shows a decision that was made.
Exit code: 0 allowed, 1 denied or held.

SALLYPORT_API (default http://127.0.0.1:8420) is the gateway, SALLYPORT_TOKEN your token.
`;

export const explain: Command = { help, run };

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      as: { type: 'string' },
      on: { type: 'string' },
      decision: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const { as: subject, on, decision, json } = values;
  if (decision !== undefined && positionals.length === 0 && on === undefined && subject === undefined) {
    return made(decision, json);
  }
  const [statement, ...others] = positionals;
  if (decision !== undefined || statement === undefined || on === undefined || others.length > 0) {
    throw new CouldNotRun('Expected --on RESOURCE and one statement in quotes, or --decision ID; see --help');
  }
  const asked = await ask('/api/v1/explain', {
    ...(subject === undefined ? {} : { as: subject }),
    on,
    statement,
  });
  if (!asked.ok) return refused(asked.refusal);
  const explanation = asked.answer as Explanation; // the API's own schema
  print(json ? JSON.stringify(explanation, undefined, 2) : explanationText(explanation));
  return explanation.statements.every((each) => each.decision === 'allow') ? 0 : 1;
}

async function made(id: string, json: boolean): Promise<number> {
  const asked = await ask(`/api/v1/decisions/${encodeURIComponent(id)}`);
  if (!asked.ok) return refused(asked.refusal);
  const decision = asked.answer as DecisionRecord; // the API's own schema
  print(json ? JSON.stringify(decision, undefined, 2) : safe(statementText(decision)));
  return decision.decision === 'allow' ? 0 : 1;
}

function refused(refusal: string): number {
  say(refusal);
  return 1;
}

const verdicts = { allow: 'ALLOWED', deny: 'DENIED', review: 'NEEDS A REVIEW' } as const;

/** All rules that matched, and the nearest that did not, each with its tests and what they read. */
function askedLines({ subject, rules }: ExplainedIdentity): readonly string[] {
  const hit = rules.filter(({ outcome }) => outcome !== 'no-match');
  const near = rules.filter(({ outcome }) => outcome === 'no-match').slice(0, nearest);
  return ['', `  asked for ${subject}: ${hit.length} matched`, ...[...hit, ...near].flatMap(answerLines)];
}

const nearest = 3;

function answerLines({
  rule,
  layer,
  enforce,
  outcome,
  exemption,
  tests,
}: ExplainedAnswer): readonly string[] {
  const how = exemption === undefined ? outcome : `exempt by ${exemption}`;
  const level = enforce === 'enforce' ? '' : `, ${enforce}`;
  return [
    `    ${how.padEnd(8)} ${rule.effect} ${rule.id} (${rule.at}), layer ${layer}${level}`,
    ...tests.map(({ source, at, outcome: said, facts }) => {
      const read = facts.map(
        ({ path, value }) => `${path} ${value === undefined ? 'is absent' : `= ${value}`}`,
      );
      return `      ${said.padEnd(5)} ${source.replaceAll(/\s+/g, ' ')} (${at})${read.length === 0 ? '' : `: ${read.join(', ')}`}`;
    }),
  ];
}

export function explanationText({ identity, resource, policy, statements }: Explanation): string {
  const parts = statements.map((each) => {
    const lines = [
      `${verdicts[each.decision]}  ${each.verb} (${each.access})`,
      ...each.targets.map(({ kind, name, access }) => `  on     ${kind} ${name} (${access})`),
      ...each.notes.map((note) => `  note   ${note}`),
      `  why    ${each.why}`,
      ...each.rules.map(({ id, effect, at }) => `  rule   ${effect} ${id} (${at})`),
      ...(each.nearest === undefined
        ? []
        : [`  near   ${each.nearest.rule.id} (${each.nearest.rule.at}) fails: ${each.nearest.failed}`]),
      ...each.fix.map((fix) => `  fix    ${fix}`),
      ...each.masks.map(({ object, column, operator }) => `  mask   ${object}.${column}: ${operator}`),
      ...(each.rowLimit === undefined ? [] : [`  limit  ${each.rowLimit} rows`]),
      ...each.approve.map(({ groups, count }) => `  review by ${count} of ${groups.join(' or ')}`),
      ...each.wouldBe.map(({ id, effect, at }) => `  would  ${effect} ${id} (${at}), if it were enforced`),
      ...each.identities.flatMap(askedLines),
    ];
    return `${lines.join('\n')}\n`;
  });
  return safe(`${identity} on ${resource}, policy ${policy.slice(0, 12)}\n\n${parts.join('\n')}`);
}
