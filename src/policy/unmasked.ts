import type { ColumnRef, Target } from '../core/action.ts';
import type { Decision, Place } from '../core/decision.ts';
import { operatorForTags, tagMatches } from '../core/duties.ts';
import type { Question } from '../core/ports.ts';
import { atomsOf, example } from './atoms.ts';
import type { ClearTag } from './layers.ts';
import type { LoadedPolicy } from './load.ts';
import type { Problems } from './problem.ts';
import { asGranted } from './on-request.ts';
import { requests } from './requests.ts';
import type { Rule } from './rule.ts';
import type { TagLine } from './schema.ts';
import { smaller } from './shrink.ts';
import { witnessFile } from './witness.ts';

/** How many requests are tried for each allow rule and tag. */
const tries = 24;
/** All in all: a check must stay quick however many rules and tags there are. */
const mostTries = 24_000;

/**
 * Tagged columns that an allow rule lets somebody read without a mask, each with a request that shows it. A search aimed
 * at each allow rule: what it does not find may still be there. `clear` in policy.yaml says what is meant so.
 */
export function unmasked(policy: LoadedPolicy, problems: Problems): void {
  const { ruling, schema, composition } = policy;
  const allows = ruling.rules.filter(
    ({ ref, enforce, match }) =>
      ref.effect === 'allow' &&
      enforce === 'enforce' &&
      match.kinds.some((kind) => namesColumns(policy, kind)),
  );
  const lines = distinctLines(schema.tags);
  if (allows.length === 0 || lines.length === 0) return;
  const atoms = atomsOf([policy]);
  const each = Math.max(1, Math.min(tries, Math.floor(mostTries / (allows.length * lines.length))));
  const patterns = ruling.rules
    .filter(({ enforce }) => enforce === 'enforce')
    .flatMap(({ duties }) => (duties?.masks ?? []).map(({ tag }) => tag));
  const told = new Set<string>();
  for (const rule of allows) {
    const asked = [...requests({ atoms, kinds: ruling.kinds, rules: [rule] }, each)].filter(({ resource }) =>
      namesColumns(policy, resource.kind),
    );
    for (const line of lines) {
      const shows = showing(policy, line, composition.clear);
      const found = asked
        .flatMap((question) => reading(question, rule, line))
        .map((question) => asGranted(question, [rule]))
        .find(shows);
      if (found === undefined) continue;
      for (const tag of bare(policy, found, line, composition.clear)) {
        const nobody = !patterns.some((pattern) => tagMatches(pattern, tag));
        // A tag that no rule masks is one finding, where the tag stands; else it is one of the rule that lets it through.
        const key = nobody ? tag : `${rule.ref.id} ${tag}`;
        if (told.has(key)) continue;
        told.add(key);
        tell(
          policy,
          {
            rule,
            line,
            tag,
            at: nobody ? line.at : rule.ref.at,
            question: smaller(found, (each) => shows(each) && by(policy, each, rule), [
              (each) => ({ ...each, action: { ...each.action, verb: 'sql.select' } }),
            ]),
          },
          problems,
        );
      }
    }
  }
}

function namesColumns({ ruling }: LoadedPolicy, kind: string): boolean {
  return Object.keys(ruling.kinds.get(kind)?.verbs ?? {}).some((verb) => verb.startsWith('sql.'));
}

/** One line for each set of tags of one resource. */
function distinctLines(lines: readonly TagLine[]): readonly TagLine[] {
  return [...new Map(lines.map((line) => [JSON.stringify([line.resource, line.tags]), line])).values()];
}

/** Statements that put out no column of any table: nobody can read one with them. */
const showNothing: ReadonlySet<string> = new Set(
  'drop truncate grant comment set show transaction lock listen notify session'
    .split(' ')
    .map((verb) => `sql.${verb}`),
);

/** The verb of the request, or another one of the rule that can read; undefined where it has none. */
function readingVerb(verb: string, { match }: Rule): string | undefined {
  if (!showNothing.has(verb)) return verb;
  return ['sql.select', 'sql.copy', 'sql.update', 'sql.call'].find((each) => match.verb(each));
}

/** The question, as one that reads the line's column; none where the rule allows nothing that reads. */
function reading(question: Question, rule: Rule, line: TagLine): readonly Question[] {
  const verb = readingVerb(question.action.verb, rule);
  if (verb === undefined) return [];
  const column = columnOf(line);
  const target: Target = { kind: 'table', name: column.object, access: 'read' };
  const names = rule.match.items.get('resource.name');
  const name = names === undefined || line.resource !== '*' ? example(line.resource) : question.resource.name;
  const { opaque: _opaque, ...action } = question.action;
  const access = rule.match.items.get('access')?.includes('read') === false ? action.access : 'read';
  return [
    {
      ...question,
      resource: { ...question.resource, name: name as Question['resource']['name'] },
      action: {
        ...action,
        verb,
        access,
        targets: [{ ...target, access }],
        columns: [{ ...column, use: 'output' }],
      },
    },
  ];
}

function columnOf({ column }: TagLine): ColumnRef {
  const name = example(column);
  const dot = name.lastIndexOf('.');
  return dot > 0
    ? { object: name.slice(0, dot), column: name.slice(dot + 1) }
    : { object: 'public.x', column: name };
}

/** Whether the answer to a question holds the line's column as it is, and nobody said that it may. */
function showing(
  policy: LoadedPolicy,
  line: TagLine,
  clear: readonly ClearTag[],
): (question: Question) => boolean {
  return (question) => bare(policy, question, line, clear).length > 0;
}

function bare(
  policy: LoadedPolicy,
  question: Question,
  line: TagLine,
  clear: readonly ClearTag[],
): readonly string[] {
  if (question.action.columns.length === 0) return [];
  const tags = policy.tagsOf(question.resource, columnOf(line));
  if (tags.length === 0) return [];
  const decision = policy.decide(question);
  if (decision.kind === 'deny' || operatorForTags(decision.duties.masks, tags) !== undefined) return [];
  const { groups } = question.identity;
  return tags.filter(
    (tag) =>
      !clear.some((each) => tagMatches(each.tag, tag) && each.groups.some((group) => groups.includes(group))),
  );
}

function by(policy: LoadedPolicy, question: Question, rule: Rule): boolean {
  return policy.decide(question).because.some(({ id }) => id === rule.ref.id);
}

interface Found {
  readonly rule: Rule;
  readonly line: TagLine;
  readonly tag: string;
  readonly at: Place;
  readonly question: Question;
}

function tell(policy: LoadedPolicy, { rule, line, tag, at, question }: Found, problems: Problems): void {
  const { identity, resource, action } = question;
  const column = `${columnOf(line).object}.${columnOf(line).column}`;
  const decision: Decision = policy.decide(question);
  const who = `${identity.kind} ${identity.subject}${identity.groups.length === 0 ? '' : ` of ${identity.groups.join(', ')}`}`;
  problems.add(
    'SP-S204',
    at,
    `${rule.ref.id} lets ${who} read ${column} of ${resource.name} (${action.verb}) in clear; it is tagged ${tag} (schema.yaml:${line.at.line}:${line.at.col})`,
    {
      fix: `Add { tag: ${tag}, with: redact } to a require rule that matches it, or say in policy.yaml who may see it: clear: [{ tag: ${tag}, groups: [${identity.groups[0] ?? '…'}] }]`,
      witness: witnessFile(`${column} is masked`, {
        question,
        decision,
        duties: [`mask of ${column}: none → redact`],
        rules: false,
      }),
    },
  );
}
