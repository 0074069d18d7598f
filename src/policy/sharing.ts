import type { Action, Attribute } from '../core/action.ts';
import type { Ruling } from './ruling.ts';

/**
 * What a decision that allows, and may be remembered, depends on of its action: two actions with the same text are decided
 * alike for one identity and one resource. Undefined where nobody can say: a policy of OPA is given the whole of it.
 *
 * INVARIANT: whatever rules of the kind, and the engine itself, look at stands in it. Rules look at the verb and the access,
 * and at attributes that their conditions name; duties at the access, the objects and the columns.
 */
export function sharing(ruling: Ruling): (kind: string, action: Action) => string | undefined {
  const byKind = new Map<string, readonly string[] | undefined>();
  const attributesOf = (kind: string): readonly string[] | undefined => {
    if (byKind.has(kind)) return byKind.get(kind);
    const made = attributesRead(ruling, kind);
    // Of kinds nobody has declared there is no end.
    if (ruling.kinds.has(kind)) byKind.set(kind, made);
    return made;
  };
  return (kind, action) => {
    const names = attributesOf(kind);
    if (names === undefined) return undefined;
    const { verb, access, opaque, targets, columns, attributes } = action;
    const read: unknown[] = [verb, access, opaque === true, targets, columns];
    for (const name of names) {
      const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
      if (value !== undefined && !isPlain(value)) return undefined;
      read.push(value ?? absent);
    }
    return JSON.stringify(read);
  };
}

/** No attribute is written like this. */
const absent = {};

/** Whether two of these that JSON writes alike are the same: not so of NaN and the infinities, of 0 and -0. */
function isPlain(value: Attribute): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object') return true;
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function attributesRead({ kinds, rules, opa = [] }: Ruling, kind: string): readonly string[] | undefined {
  const declared = kinds.get(kind);
  if (declared === undefined || opa.some((layer) => layer.judges(kind))) return undefined;
  const conditions = rules.flatMap(({ match, when }) =>
    match.kinds.includes(kind) && when !== undefined ? [when] : [],
  );
  const read = new Set(conditions.flatMap(({ parts }) => parts.flatMap(({ reads }) => reads)));
  const all = Object.keys(declared.attributes);
  return read.has('action.*') ? all : all.filter((name) => read.has(`action.${name}`));
}
