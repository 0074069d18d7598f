/** An expected answer that may be a "no": the compiler makes the caller look. */
export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}

/** The `default` of a switch over a union: does not compile while a case is missing, throws if a stranger gets in. */
export function never(value: never): never {
  throw new TypeError(
    `Unhandled case: ${typeof value === 'object' ? JSON.stringify(Object.keys(value)) : typeof value}`,
  );
}
