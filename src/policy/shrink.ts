import { instant } from '../base/time.ts';
import type { Attribute } from '../core/action.ts';
import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import { plainMoment } from './requests.ts';

/** The question with all left out that can be left out while `still` holds; `first` are changes to try before. */
export function smaller(
  question: Question,
  still: (question: Question) => boolean,
  first: readonly ((question: Question) => Question)[] = [],
): Question {
  let best = question;
  for (const change of first) {
    const next = change(best);
    if (still(next)) best = next;
  }
  for (let round = 0; round < maxRounds; round++) {
    const next = steps(best).find(still);
    if (next === undefined) return best;
    best = next;
  }
  return best;
}

const maxRounds = 64;

/** Each way to say less. */
function steps(question: Question): readonly Question[] {
  const { action, resource, identity, at } = question;
  const of = (change: Partial<Question['action']>): Question => ({
    ...question,
    action: { ...action, ...change },
  });
  const { opaque: _opaque, ...clear } = action;
  return [
    ...(action.columns.length > 0 ? [of({ columns: [] })] : []),
    ...without(action.columns).map((columns) => of({ columns })),
    ...(action.targets.length > 0 ? [of({ targets: [] })] : []),
    ...without(action.targets).map((targets) => of({ targets })),
    ...(action.opaque === true ? [{ ...question, action: clear }] : []),
    ...Object.entries(action.attributes).flatMap(([name, value]) =>
      isPlain(value) ? [] : [of({ attributes: { ...action.attributes, [name]: plain(value) } })],
    ),
    ...without(resource.tags).map((tags) => ({ ...question, resource: { ...resource, tags } })),
    ...identities(identity).map((each) => ({ ...question, identity: each })),
    ...(at === plainMoment
      ? []
      : [
          {
            ...question,
            at: instant(plainMoment),
            session: { ...question.session, startedAt: instant(plainMoment) },
          },
        ]),
  ];
}

function identities(identity: Identity): readonly Identity[] {
  const { actingFor, ...alone } = identity;
  return [
    ...(actingFor === undefined
      ? []
      : [alone, ...identities(actingFor).map((each) => ({ ...alone, actingFor: each }))]),
    ...(identity.kind === 'human' ? [] : [{ ...identity, kind: 'human' as const }]),
    ...without(identity.groups).map((groups) => ({ ...identity, groups })),
    ...Object.keys(identity.attributes).map((name) => ({
      ...identity,
      attributes: Object.fromEntries(Object.entries(identity.attributes).filter(([key]) => key !== name)),
    })),
  ];
}

/** The list without each of its items. */
function without<T>(items: readonly T[]): readonly (readonly T[])[] {
  return items.map((_, at) => items.filter((_item, index) => index !== at));
}

function plain(value: Attribute): Attribute {
  if (typeof value === 'boolean') return false;
  if (typeof value === 'number') return 0;
  return typeof value === 'string' ? '' : [];
}

/** What a case has where it says nothing. */
export function isPlain(value: Attribute): boolean {
  return value === false || value === 0 || value === '' || (typeof value === 'object' && value.length === 0);
}
