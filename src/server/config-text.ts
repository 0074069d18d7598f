import { readFileSync } from 'node:fs';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { isObject, type Check, type Problem } from '../base/check.ts';
import { err, ok, type Result } from '../base/result.ts';

/** What the file says. */
export function textOf(file: string): Result<string, readonly string[]> {
  try {
    return ok(readFileSync(file, 'utf8'));
  } catch (thrown) {
    const absent = codeOf(thrown) === 'ENOENT';
    const why = absent
      ? 'There is no such file; --config FILE names another'
      : `Cannot be read: ${codeOf(thrown)}`;
    return err([`${file}: ${why}`]);
  }
}

/** Checks a text of YAML. Problems are lines `file:line:col: path: what is wrong`, and hold no value. */
export function parseYaml<T>(text: string, file: string, check: Check<T>): Result<T, readonly string[]> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    return err(
      document.errors.map(
        ({ pos, message }) => `${file}${placeText(pos[0], lines)}: Not YAML: ${plainReason(message)}`,
      ),
    );
  }
  if (document.contents === null)
    return err([`${file}: The file is empty; docs/configuration.md shows what it holds`]);
  const plain = toPlain(document);
  if (!plain.ok) return err([`${file}: Not YAML: ${plain.error}`]);
  const checked = check(plain.value, '');
  return checked.ok
    ? checked
    : err(checked.error.map((problem) => problemLine(problem, { file, document, lines })));
}

/** SECURITY: behind the colon the library quotes the text, which may be a secret. */
function plainReason(message: string): string {
  return message.replace(/(?:: |Invalid escape sequence \\).*$/s, '');
}

function toPlain(document: Document): Result<unknown, string> {
  try {
    return ok(document.toJS());
  } catch {
    return err(
      'An alias (*name) has no anchor, or there are too many of them; quote values that begin with *',
    );
  }
}

/** The code of an error of the system: `ENOENT`. */
export function codeOf(thrown: unknown): string {
  return isObject(thrown) && typeof thrown['code'] === 'string' ? thrown['code'] : 'unknown error';
}

interface At {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** `file:line:col: path: message`. The place is that of the value; of the key where the key is wrong or the value a mapping or a list. */
function problemLine({ path, message }: Problem, at: At): string {
  const step = lastStep(at.document.contents, path);
  const offset = message.startsWith('Unknown key') ? step?.key : step?.value;
  const place = offset === undefined ? '' : placeText(offset, at.lines);
  return `${at.file}${place}: ${path}: ${message}`;
}

/** `:line:col`, both from 1. */
function placeText(offset: number, lines: LineCounter): string {
  const { line, col } = lines.linePos(offset);
  return line === 0 ? ':1:1' : `:${line}:${col}`;
}

/**
 * The last step of the longest part of a path that the file has. Names may hold dots (`hosts.api.example.com`), so keys are
 * looked for in the path rather than the path cut into keys.
 */
function lastStep(contents: unknown, path: string): Step | undefined {
  let last: Step | undefined;
  for (let [node, rest] = [contents, path]; ; [node, rest] = [last.node, last.rest]) {
    const step = isSeq(node) ? item(node.items, rest) : isMap(node) ? entry(node.items, rest) : undefined;
    if (step === undefined) return last;
    last = step;
  }
}

interface Step {
  readonly node: unknown;
  readonly key: number | undefined; // where it begins
  readonly value: number | undefined;
  readonly rest: string;
}

function item(items: readonly unknown[], path: string): Step | undefined {
  const match = /^\[(\d+)\]\.?/.exec(path);
  const node = items[Number(match?.[1] ?? -1)];
  if (match === null || node === undefined) return undefined;
  return { node, key: beginning(node), value: beginning(node), rest: path.slice(match[0].length) };
}

function entry(
  items: readonly { readonly key: unknown; readonly value: unknown }[],
  path: string,
): Step | undefined {
  const found = items
    .flatMap(({ key, value }) => (isScalar(key) ? [{ name: String(key.value), key, value }] : []))
    .filter(({ name }) => path.startsWith(name) && /^(?:$|[.[])/.test(path.slice(name.length)))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
  if (found === undefined) return undefined;
  const rest = path.slice(found.name.length).replace(/^\./, '');
  const plain = isScalar(found.value) && found.value.value !== null;
  const key = beginning(found.key);
  return { node: found.value, key, value: plain ? beginning(found.value) : key, rest };
}

function beginning(node: unknown): number | undefined {
  return (node as Node | undefined)?.range?.[0]; // a part of a document that was read has its range
}
