/** What the runtime of OPA for JavaScript brings besides what a module holds itself. */
export const ofTheRuntime: readonly string[] = [
  'json.is_valid',
  'regex.split',
  'sprintf',
  'yaml.is_valid',
  'yaml.marshal',
  'yaml.unmarshal',
];

type Builtin = (...args: readonly unknown[]) => unknown;

/** What it lacks and is often used. A value of the wrong type is undefined, as in OPA. */
export const own: Readonly<Record<string, Builtin>> = {
  'time.now_ns': () => Date.now() * 1e6, // oxlint-disable-line no-restricted-globals
  'strings.any_prefix_match': (texts, ends) => anyOf(texts, ends, (text, end) => text.startsWith(end)),
  'strings.any_suffix_match': (texts, ends) => anyOf(texts, ends, (text, end) => text.endsWith(end)),
};

/** Those whose answer is another one the next moment. */
export const fleeting: readonly string[] = ['time.now_ns'];

function anyOf(
  texts: unknown,
  ends: unknown,
  fits: (text: string, end: string) => boolean,
): boolean | undefined {
  const [left, right] = [listOf(texts), listOf(ends)];
  if (left === undefined || right === undefined) return undefined;
  return left.some((text) => right.some((end) => fits(text, end)));
}

function listOf(value: unknown): readonly string[] | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.every((each) => typeof each === 'string') ? list : undefined;
}
