import { isObject, type Check, type Problem } from '../base/check.ts';
import { err, ok } from '../base/result.ts';

type Shape = Readonly<Record<string, Check<unknown>>>;
type Picked<S extends Shape> = { readonly [K in keyof S]: S[K] extends Check<infer T> ? T : never };

/** A mapping that others made and may add to: these keys are read, the rest is not looked at. */
export function picked<S extends Shape>(shape: S): Check<Picked<S>> {
  return (raw, path) => {
    if (!isObject(raw)) return err([{ path, message: 'Expected a mapping' }]);
    const values: Record<string, unknown> = {};
    const problems: Problem[] = [];
    for (const [key, check] of Object.entries(shape)) {
      const checked = check(
        Object.hasOwn(raw, key) ? raw[key] : undefined,
        path === '' ? key : `${path}.${key}`,
      );
      if (checked.ok) values[key] = checked.value;
      else problems.push(...checked.error);
    }
    return problems.length > 0 ? err(problems) : ok(values as Picked<S>); // each key was just checked
  };
}
