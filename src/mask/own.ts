import { RE2JS } from 're2js';
import {
  array,
  map,
  number,
  object,
  optional,
  string,
  literal,
  boolean,
  type Check,
  type Problem,
} from '../base/check.ts';
import { messageOf } from '../base/errors.ts';
import { err, ok } from '../base/result.ts';
import { luhn, mod11and10, mod11and2, mod97, verhoeff } from './checks.ts';
import type { Detector, FindDetector, Span } from './detector.ts';
import { detectors } from './detectors/index.ts';
import { scanner } from './scan.ts';

const validators: Readonly<Record<Validator, (value: string) => boolean>> = {
  luhn: (value) => luhn(digitsOf(value)),
  'mod-97': (value) => mod97(value.replaceAll(/[^A-Za-z0-9]/g, '')) === 1,
  'mod-11-10': (value) => mod11and10(digitsOf(value)),
  'mod-11-2': (value) => mod11and2(value.replaceAll(/[^0-9Xx]/g, '')),
  verhoeff: (value) => verhoeff(digitsOf(value)),
};

type Validator = 'luhn' | 'mod-97' | 'mod-11-10' | 'mod-11-2' | 'verhoeff';

function digitsOf(value: string): string {
  return value.replaceAll(/\D/g, '');
}

/** The longest text that a pattern of somebody's own is looked for in; beyond, the whole text is a finding. */
export const longestSearched = 1_000_000;
const mostMatches = 10_000;
/** A pattern of which no match has a blank, a quote or a bracket of markup in it; others may have. */
const spaceless = /^(?:\\[bdwBAz.]|[\w\-()|?*+:=@/#]|\{\d+,?\d*\}|\[[\w-]*\])*$/;

const example = string({ max: 1_000 });

const shape = object({
  name: string({ pattern: /^[A-Z][A-Z0-9_]{1,39}$/, what: 'a name in capitals, such as STAFF_NUMBER' }),
  pattern: string({ max: 2_000 }),
  validator: optional(literal('luhn', 'mod-97', 'mod-11-10', 'mod-11-2', 'verhoeff')),
  gate: optional(string({ pattern: /^[\x21-\x7e]{1,64}$/, what: 'ASCII characters that every value has' })),
  context: optional(array(string({ pattern: /^[^\s].{0,63}$/u, what: 'a word or phrase' }), { max: 100 })),
  onlyInContext: optional(boolean),
  score: optional(number({ min: 0.4, max: 1 })),
  examples: object({ yes: array(example, { min: 1, max: 100 }), no: optional(array(example, { max: 100 })) }),
  source: optional(string({ max: 1_000 })),
});

/**
 * Detectors as data: `[{ name, pattern, validator?, gate?, context?, onlyInContext?, score?, examples: { yes, no? }, source? }]`.
 * Patterns are RE2's and take linear time. Each `yes` must be found whole (in its context, where it is found only there)
 * and no `no` may be found: else the list is refused. Problems name the example by its place, never its text.
 */
export const detectorsCheck: Check<readonly Detector[]> = (raw, path) => {
  const checked = array(detectorCheck, { max: 200 })(raw, path);
  if (!checked.ok) return checked;
  const problems = checked.value.flatMap(({ name }, at): readonly Problem[] =>
    checked.value.findIndex((other) => other.name === name) < at
      ? [{ path: `${path}[${at}].name`, message: 'Another detector has this name' }]
      : [],
  );
  return problems.length > 0 ? err(problems) : checked;
};

const detectorCheck: Check<FindDetector> = map(shape, (read, path) => {
  const { name, pattern, validator, gate, examples } = read;
  const at = (part: string, message: string): readonly Problem[] => [{ path: `${path}.${part}`, message }];
  if (detectors.some((each) => each.name === name))
    return err(at('name', 'A detector of the program has this name'));
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (thrown) {
    return err(at('pattern', `Not a pattern of RE2: ${messageOf(thrown)}`));
  }
  if (compiled.matcher('').matches()) return err(at('pattern', 'The pattern fits the empty text'));
  if (gate !== undefined && examples.yes.some((text) => !text.includes(gate)))
    return err(at('gate', 'An example of `yes` is without the gate, so its value would not be looked for'));
  const valid = validator === undefined ? undefined : validators[validator];
  const context = (read.context ?? []).map((word) => word.toLowerCase());
  if (read.onlyInContext === true && context.length === 0)
    return err(at('context', 'Found only in context: say which words'));
  const score = read.onlyInContext === true ? 0.05 : (read.score ?? 0.85);
  const detector: FindDetector = {
    kind: 'find',
    name,
    context,
    ...(gate === undefined ? {} : { literal: gate }),
    own: true,
    ...(spaceless.test(pattern) ? {} : { spaced: true }),
    examples: { yes: examples.yes, no: examples.no ?? [] },
    find: (text) => matches(text, { compiled, valid, score, gate }),
  };
  const problems = tried(detector, path);
  return problems.length > 0 ? err(problems) : ok(detector);
});

interface Parts {
  readonly compiled: RE2JS;
  readonly valid: ((value: string) => boolean) | undefined;
  readonly score: number;
  readonly gate: string | undefined;
}

/** @throws {RangeError} when it is too much: then the whole text is a finding. */
function matches(text: string, { compiled, valid, score, gate }: Parts): readonly Span[] {
  if (gate !== undefined && !text.includes(gate)) return [];
  if (text.length > longestSearched) throw new RangeError('Too long for a pattern');
  const found: Span[] = [];
  const matcher = compiled.matcher(text);
  for (let count = 0; matcher.find(); count++) {
    if (count >= mostMatches) throw new RangeError('Too many matches');
    const [start, end] = [matcher.start(), matcher.end()];
    if (end > start && (valid === undefined || valid(text.slice(start, end))))
      found.push({ start, end, score });
  }
  return found;
}

function tried(detector: FindDetector, path: string): readonly Problem[] {
  const { name, context, examples } = detector;
  const column = context[0];
  const find = scanner({ detectors: [detector], ...(column === undefined ? {} : { column }) });
  const yes = examples.yes.flatMap((text, at): readonly Problem[] =>
    find(text).some((each) => each.type === name && each.start === 0 && each.end === text.length)
      ? []
      : [{ path: `${path}.examples.yes[${at}]`, message: 'The detector does not find this example whole' }],
  );
  const no = examples.no.flatMap((text, at): readonly Problem[] =>
    find(text).length === 0
      ? []
      : [{ path: `${path}.examples.no[${at}]`, message: 'The detector finds something in this example' }],
  );
  return [...yes, ...no];
}
