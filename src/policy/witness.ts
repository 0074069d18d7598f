import { timestamp } from '../base/time.ts';
import type { Decision } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import { answerUnder } from './expectation.ts';
import { isPlain } from './shrink.ts';
import { yamlLibrary } from './yaml-library.ts';

/** A whole test file with one case: this question, answered with this decision and, of its duties, these. */
export function witnessFile(
  name: string,
  {
    question,
    decision,
    duties,
    rules = true,
  }: {
    readonly question: Question;
    readonly decision: Decision;
    readonly duties: readonly string[];
    /** Whether the case names the rules that decide: not where one is still to be written. */
    readonly rules?: boolean;
  },
): string {
  const { identity, resource, action, at } = question;
  const identities: Record<string, object> = {};
  putIdentity(identities, identity);
  const used = Object.entries(action.attributes).filter(([, value]) => !isPlain(value));
  const file = {
    apiVersion: 'sallyport/v1',
    fixtures: {
      identities,
      resources: {
        [resource.name]: {
          kind: resource.kind,
          ...(resource.tags.length === 0 ? {} : { tags: resource.tags }),
        },
      },
    },
    cases: [
      {
        name,
        at: timestamp(at),
        as: identity.subject,
        do: {
          action: action.verb,
          on: resource.name,
          access: action.access,
          ...(action.targets.length === 0
            ? {}
            : { objects: action.targets.map((target) => ({ ...target })) }),
          ...(action.columns.length === 0
            ? {}
            : {
                columns: action.columns.map(({ object, column, use }) => ({
                  name: `${object}.${column}`,
                  use,
                })),
              }),
          ...(used.length === 0 ? {} : { attributes: Object.fromEntries(used) }),
          ...(action.opaque === true ? { opaque: true } : {}),
        },
        expect: {
          decision: decision.kind,
          ...(decision.code === undefined ? {} : { code: decision.code }),
          ...(decision.because.length === 0 || !rules ? {} : { by: decision.because.map((rule) => rule.id) }),
          ...expected(duties, decision),
        },
      },
    ],
  };
  return yamlLibrary().stringify(file, { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** Whom it acts for stands first: a fixture can only name one above it. */
function putIdentity(into: Record<string, object>, identity: Identity): void {
  const { subject, kind, groups, actingFor, attributes } = identity;
  if (actingFor !== undefined) putIdentity(into, actingFor);
  into[subject] = {
    ...(kind === 'human' ? {} : { kind }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(actingFor === undefined ? {} : { actingFor: actingFor.subject }),
    ...attributes,
  };
}

/** What a case says of duties that changed, from the lines of `weaker`. */
function expected(lines: readonly string[], decision: Decision): Readonly<Record<string, unknown>> {
  const expect: Record<string, unknown> = {};
  const mask: Record<string, string> = {};
  const find: Record<string, string> = {};
  for (const line of lines) {
    const [, what = '', now = ''] = /^(.*?): .* → (.*)$/.exec(line) ?? [];
    const [, entity] = /^mask of a found (\S+)$/.exec(what) ?? [];
    const [, column] = /^mask of (\S+)$/.exec(what) ?? [];
    if (entity !== undefined) find[entity] = now;
    else if (what === 'mask of whatever is found') find['OTHER'] = now;
    else if (column !== undefined) mask[column] = now;
    else if (what === 'approve') expect['approvals'] = answerUnder('approvals', decision);
    else expect[what] = answerUnder(what, decision);
  }
  if (Object.keys(mask).length > 0) expect['mask'] = mask;
  if (Object.keys(find).length > 0) expect['find'] = find;
  return expect;
}
