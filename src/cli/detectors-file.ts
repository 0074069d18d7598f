import { readFileSync } from 'node:fs';
import { isMap, LineCounter, parseDocument, type Document } from 'yaml';
import type { Problem } from '../base/check.ts';
import { isObject } from '../base/check.ts';
import { messageOf } from '../base/errors.ts';
import { type Detector, detectorsCheck } from '../mask/index.ts';
import type { PolicyProblem, ProblemCode } from '../policy/problem.ts';

/** Detectors of somebody's own, as a file has them. */
export interface DetectorsFile {
  readonly file: string;
  readonly text: string;
  /** None where there are problems. */
  readonly detectors: readonly Detector[];
  /** With their places in the file. */
  readonly problems: readonly PolicyProblem[];
}

/**
 * Reads detectors from YAML or JSON: a list, or a mapping with `detectors`, such as the gateway's own configuration.
 * @throws {Error} when the file cannot be read
 */
export function readDetectorsFile(file: string): DetectorsFile {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new Error(`${file}: Cannot be read: ${messageOf(thrown)}`, { cause: thrown });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const at = (offset: number): { line: number; col: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), col: Math.max(1, col) };
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }): PolicyProblem => {
      return { file, ...at(pos[0]), code: 'SP-Y001', message: `Not valid YAML: ${message}` };
    });
    return { file, text, detectors: [], problems };
  }
  const inside = isMap(document.contents) ? ['detectors'] : [];
  const checked = detectorsCheck(plain(document, inside), '');
  if (checked.ok) return { file, text, detectors: checked.value, problems: [] };
  const problems = checked.error.map((problem): PolicyProblem => ({
    file,
    ...at(offsetOf(document, [...inside, ...keysOf(problem.path)])),
    code: codeOf(problem),
    message: `${[...inside, ...keysOf(problem.path)].join('.') || 'detectors'}: ${problem.message}`,
  }));
  return { file, text, detectors: [], problems };
}

function plain(document: Document, inside: readonly string[]): unknown {
  try {
    const whole: unknown = document.toJS({ maxAliasCount: 0 });
    return inside.length === 0 ? whole : isObject(whole) ? whole['detectors'] : undefined;
  } catch {
    return undefined; // aliases
  }
}

function keysOf(path: string): readonly (string | number)[] {
  return (path.match(/[^.[\]]+/g) ?? []).map((key) => (/^\d+$/.test(key) ? Number(key) : key));
}

/** Of what is not there, where it should be. */
function offsetOf(document: Document, keys: readonly (string | number)[]): number {
  for (let length = keys.length; length > 0; length--) {
    const node: unknown = document.getIn(keys.slice(0, length), true);
    if (isObject(node) && Array.isArray(node['range'])) return Number(node['range'][0]);
  }
  return 0;
}

function codeOf({ path, message }: Problem): ProblemCode {
  if (path.endsWith('.pattern') && message.startsWith('Not a pattern')) return 'SP-T103';
  if (/unknown/i.test(message)) return 'SP-Y002';
  if (/required|missing/i.test(message)) return 'SP-Y003';
  return /another detector|of the program/i.test(message) ? 'SP-Y008' : 'SP-Y004';
}
