import { isObject } from '../../base/check.ts';

/** What is not the same, a line for each part: `- path: value` of what was, `+ path: value` of what is. */
export function difference(before: unknown, now: unknown): readonly string[] {
  const was = leaves(before);
  const is = leaves(now);
  const paths = [...new Set([...was.keys(), ...is.keys()])].toSorted();
  return paths.flatMap((path) => {
    const [old, fresh] = [was.get(path), is.get(path)];
    if (old === fresh) return [];
    return [
      ...(old === undefined ? [] : [`- ${path}: ${old}`]),
      ...(fresh === undefined ? [] : [`+ ${path}: ${fresh}`]),
    ];
  });
}

function leaves(
  value: unknown,
  path: string = '$',
  into: Map<string, string> = new Map(),
): Map<string, string> {
  const inner = Array.isArray(value)
    ? value.map((each: unknown, at) => [`[${at}]`, each] as const)
    : isObject(value)
      ? Object.entries(value).map(([key, each]) => [named(key), each] as const)
      : undefined;
  if (inner === undefined || inner.length === 0) into.set(path, JSON.stringify(value ?? null));
  else for (const [name, each] of inner) leaves(each, `${path}${name}`, into);
  return into;
}

function named(key: string): string {
  return /^[A-Za-z_][\w-]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
