import type { MaskOperator } from '../../core/decision.ts';
import { Malformed } from './binary.ts';

/** What stands at a path of a document: `.a.b` for `{"a": {"b": …}}` and for `{"a": [{"b": …}]}`. */
export type OperatorAt = (path: string) => MaskOperator | undefined;

/** Shows one string of a document by an operator. */
export type ShowString = (operator: MaskOperator, text: string) => string;

/** Shows one number of a document by an operator; `undefined` where it has no number for it. */
export type ShowNumber = (operator: MaskOperator, literal: string) => string | undefined;

/**
 * JSON in which what stands at some paths is shown otherwise; every other character stays. `undefined`: nothing was at
 * such a path. Throws Malformed where it is not JSON or too deep.
 */
// oxlint-disable-next-line max-params
export function textPaths(
  value: string,
  operatorAt: OperatorAt,
  show: ShowString,
  showNumber: ShowNumber = () => undefined,
): string | undefined {
  let out = '';
  let from = 0;
  let at = 0;
  visit('', 0);
  space();
  if (at !== value.length) throw new Malformed('JSON');
  return from === 0 ? undefined : out + value.slice(from);

  function visit(path: string, depth: number): void {
    if (depth > deepest) throw new Malformed('JSON depth');
    space();
    const operator = path === '' ? undefined : operatorAt(path);
    const start = at;
    const before = operator;
    if (before !== undefined) {
      skip(depth);
      const literal = value.slice(start, at);
      if (literal === 'null') return;
      out += value.slice(from, start) + shown(before, literal);
      from = at;
      return;
    }
    if (value[at] === '{') members(path, depth);
    else if (value[at] === '[') elements(path, depth);
    else scalar();
  }

  function shown(operator: MaskOperator, literal: string): string {
    if (operator.kind === 'null') return 'null';
    const number = /^-?\d/.test(literal) ? showNumber(operator, literal) : undefined;
    if (number !== undefined) return number;
    return JSON.stringify(literal.startsWith('"') ? show(operator, JSON.parse(literal) as string) : '***'); // a literal of JSON that begins so is a string
  }

  function members(path: string, depth: number): void {
    at++;
    space();
    if (value[at] === '}') return void at++;
    for (;;) {
      space();
      const start = at;
      string();
      const key = JSON.parse(value.slice(start, at)) as string; // what string() passed is one
      space();
      if (value[at++] !== ':') throw new Malformed('JSON');
      visit(`${path}.${key}`, depth + 1);
      if (next('}')) return;
    }
  }

  function elements(path: string, depth: number): void {
    at++;
    space();
    if (value[at] === ']') return void at++;
    for (;;) {
      // An element is judged by what its list is called: the list itself was looked at before.
      space();
      if (value[at] === '{') members(path, depth + 1);
      else if (value[at] === '[') elements(path, depth + 1);
      else scalar();
      if (depth > deepest) throw new Malformed('JSON depth');
      if (next(']')) return;
    }
  }

  /** Past a comma; true past the end. */
  function next(end: string): boolean {
    space();
    const char = value[at++];
    if (char === end) return true;
    if (char !== ',') throw new Malformed('JSON');
    return false;
  }

  function skip(depth: number): void {
    if (value[at] !== '{' && value[at] !== '[') return scalar();
    let open = 0;
    do {
      const char = value[at];
      if (char === undefined || open + depth > deepest) throw new Malformed('JSON');
      if (char === '"') {
        string();
        continue;
      }
      if (char === '{' || char === '[') open++;
      if (char === '}' || char === ']') open--;
      at++;
    } while (open > 0);
  }

  function scalar(): void {
    if (value[at] === '"') return string();
    const start = at;
    while (at < value.length && !' \t\n\r,]}:"[{'.includes(value[at] ?? '')) at++;
    if (at === start) throw new Malformed('JSON');
  }

  function string(): void {
    if (value[at] !== '"') throw new Malformed('JSON');
    at++;
    while (at < value.length && value[at] !== '"') at += value[at] === '\\' ? 2 : 1;
    if (at >= value.length) throw new Malformed('JSON');
    at++;
  }

  function space(): void {
    while (at < value.length && ' \t\n\r'.includes(value[at] ?? '')) at++;
  }
}

const deepest = 500;
