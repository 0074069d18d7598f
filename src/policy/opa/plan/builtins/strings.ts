import {
  type Builtins,
  characters,
  type Context,
  int,
  items,
  list,
  object,
  set,
  text,
  textOrTexts,
  textsOf,
} from '../builtin.ts';
import { type Meter, Wrong } from '../meter.ts';
import { doubleOf, textOf, truncated, wholeOf } from '../number.ts';
import { isNumber, RegoSet, toRego, type Value } from '../value.ts';

/** Text as it stands, all else as Rego writes it. */
function shown(of: Value, meter: Meter): string {
  return typeof of === 'string' ? of : toRego(of, meter);
}

/** Places are counted in characters, not in the units of UTF-16. */
function characterAt(subject: string, unit: number): number {
  return characters(subject.slice(0, unit)).length;
}

function trim(
  subject: string,
  gone: string,
  ends: { readonly left: boolean; readonly right: boolean },
): string {
  const cut = new Set(gone);
  const all = characters(subject);
  let [from, to] = [0, all.length];
  while (ends.left && from < to && cut.has(all[from] ?? '')) from += 1;
  while (ends.right && to > from && cut.has(all[to - 1] ?? '')) to -= 1;
  return all.slice(from, to).join('');
}

function replaced(subject: string, old: string, put: string, meter: Meter): string {
  const pieces = old === '' ? ['', ...characters(subject), ''] : subject.split(old);
  meter.spend(pieces.length + ((pieces.length * put.length) >> 3));
  return pieces.join(put);
}

function anyOf(
  args: readonly Value[],
  context: Context,
  fits: (subject: string, end: string) => boolean,
): boolean {
  const [subjects, ends] = [textOrTexts(args, 0, context), textOrTexts(args, 1, context)];
  context.meter.spend(subjects.length * ends.length);
  return subjects.some((subject) => ends.some((end) => fits(subject, end)));
}

const longest = 100_000;

/** Go's `fmt.Sprintf`, as far as it makes sense for values of Rego. */
function sprintf(format: string, given: readonly Value[], meter: Meter): string {
  let used = 0;
  const next = (): Value | undefined => given[used++];
  const size = (said: string | undefined): number | undefined => {
    if (said === undefined) return undefined;
    const found = said === '*' ? next() : Number(said);
    if (typeof found !== 'number' || !Number.isInteger(found) || Math.abs(found) > longest)
      throw new Wrong('bad width');
    return found;
  };
  let [made, from] = ['', 0];
  for (const found of format.matchAll(/%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?(.|$)/gsu)) {
    const [all, flags = '', wide, fine, verb = ''] = found;
    made += format.slice(from, found.index);
    from = found.index + all.length;
    if (verb === '%' || verb === '') {
      made += verb === '%' ? '%' : '%!(NOVERB)';
      continue;
    }
    const [width = 0, precision] = [size(wide), size(fine)];
    meter.spend(1 + (Math.abs(width) + (precision ?? 0)) / 8);
    const arg = next();
    made +=
      arg === undefined
        ? `%!${verb}(MISSING)`
        : padded(formatted(verb, arg, { flags, precision, meter }), width, flags, isNumber(arg));
  }
  made += format.slice(from);
  if (used >= given.length) return made;
  const extra = given.slice(used).map((each) => `${goType(each)}=${shown(each, meter)}`);
  return `${made}%!(EXTRA ${extra.join(', ')})`;
}

function goType(of: Value): string {
  if (isNumber(of)) return wholeOf(of) === undefined ? 'float64' : 'int';
  return 'string';
}

function padded(said: string, width: number, flags: string, isNum: boolean): string {
  const left = flags.includes('-') || width < 0;
  const missing = Math.max(0, Math.abs(width) - characters(said).length);
  if (left) return said + ' '.repeat(missing);
  if (!flags.includes('0')) return ' '.repeat(missing) + said;
  const sign = isNum && /^[+-]/.test(said) ? said.charAt(0) : '';
  return sign + '0'.repeat(missing) + said.slice(sign.length);
}

interface Form {
  readonly flags: string;
  readonly precision: number | undefined;
  readonly meter: Meter;
}

const radixes: Readonly<Record<string, number>> = { b: 2, o: 8, d: 10, x: 16, X: 16 };

function formatted(verb: string, of: Value, form: Form): string {
  const { flags, precision, meter } = form;
  const signed = (said: string): string =>
    flags.includes('+') && !said.startsWith('-')
      ? `+${said}`
      : flags.includes(' ') && !said.startsWith('-')
        ? ` ${said}`
        : said;
  const bad = (): string => `%!${verb}(${goType(of)}=${shown(of, meter)})`;
  if (verb === 'v' || verb === 's') {
    const said = shown(of, meter);
    return verb === 's' && precision !== undefined ? characters(said).slice(0, precision).join('') : said;
  }
  if (verb === 'q') return JSON.stringify(shown(of, meter));
  if (verb === 'T') return goType(of);
  if (verb === 't') return typeof of === 'boolean' ? String(of) : bad();
  if (typeof of === 'string' && (verb === 'x' || verb === 'X')) {
    const hex = Buffer.from(of).toString('hex');
    return verb === 'X' ? hex.toUpperCase() : hex;
  }
  if (!isNumber(of)) return bad();
  const radix = radixes[verb];
  if (radix !== undefined) {
    if (wholeOf(of) === undefined) return bad();
    const digits = truncated(of).toString(radix);
    const prefixed =
      flags.includes('#') && radix === 16 ? digits.replace(/^-?/, (sign) => `${sign}0x`) : digits;
    return signed(verb === 'X' ? prefixed.toUpperCase() : prefixed);
  }
  if (verb === 'c') return String.fromCodePoint(Math.min(Math.max(0, doubleOf(of)), 0x10ffff));
  const fixed = Math.min(precision ?? 6, 100);
  if (verb === 'f' || verb === 'F') return signed(doubleOf(of).toFixed(fixed));
  if (verb === 'e' || verb === 'E') {
    const said = doubleOf(of)
      .toExponential(fixed)
      .replace(/e([+-])(\d)$/, 'e$10$2');
    return signed(verb === 'E' ? said.toUpperCase() : said);
  }
  if (verb === 'g' || verb === 'G')
    return signed(
      precision === undefined ? textOf(of) : String(Number(doubleOf(of).toPrecision(Math.max(1, fixed)))),
    );
  return bad();
}

/** Texts. */
export const strings: Builtins = {
  concat: (args, context) => {
    const [joint, parts] = [text(args, 0), textsOf(items(args, 1, context), 1)];
    context.meter.spend(parts.length + ((parts.length * joint.length) >> 3));
    for (const part of parts) context.meter.spend(part.length >> 3);
    return parts.join(joint);
  },
  contains: (args) => text(args, 0).includes(text(args, 1)),
  startswith: (args) => text(args, 0).startsWith(text(args, 1)),
  endswith: (args) => text(args, 0).endsWith(text(args, 1)),
  indexof: (args) => {
    const [subject, part] = [text(args, 0), text(args, 1)];
    if (part === '') throw new Wrong('empty search character');
    const found = subject.indexOf(part);
    return found < 0 ? -1 : characterAt(subject, found);
  },
  indexof_n: (args, { meter }) => {
    const [subject, part] = [text(args, 0), text(args, 1)];
    if (part === '') throw new Wrong('empty search character');
    const made: number[] = [];
    const [all, wanted] = [characters(subject), characters(part)];
    meter.spend((all.length * wanted.length) >> 2);
    for (let at = 0; at + wanted.length <= all.length; at++)
      if (wanted.every((each, index) => all[at + index] === each)) made.push(at);
    return made;
  },
  lower: (args) => text(args, 0).toLowerCase(),
  upper: (args) => text(args, 0).toUpperCase(),
  replace: (args, { meter }) => replaced(text(args, 0), text(args, 1), text(args, 2), meter),
  'strings.replace_n': (args, { meter }) => {
    const pairs = object(args, 0)
      .entries(meter)
      .map(({ key, value: put }) => [text([key], 0), text([put], 0)] as const);
    const subject = text(args, 1);
    let made = '';
    for (let at = 0; at < subject.length;) {
      meter.spend(1 + pairs.length / 8);
      const found = pairs.find(([old]) => subject.startsWith(old, at));
      if (found === undefined || found[0] === '') made += subject[at++];
      else {
        meter.spend(found[1].length >> 3);
        made += found[1];
        at += found[0].length;
      }
    }
    return made;
  },
  split: (args, { meter }) => {
    const [subject, joint] = [text(args, 0), text(args, 1)];
    const made = joint === '' ? characters(subject) : subject.split(joint);
    meter.spend(made.length);
    return made;
  },
  'strings.reverse': (args) => characters(text(args, 0)).toReversed().join(''),
  'strings.count': (args) => {
    const [subject, part] = [text(args, 0), text(args, 1)];
    return part === '' ? characters(subject).length + 1 : subject.split(part).length - 1;
  },
  'strings.any_prefix_match': (args, context) =>
    anyOf(args, context, (subject, end) => subject.startsWith(end)),
  'strings.any_suffix_match': (args, context) =>
    anyOf(args, context, (subject, end) => subject.endsWith(end)),
  substring: (args) => {
    const [subject, start, length] = [characters(text(args, 0)), int(args, 1), int(args, 2)];
    if (start < 0) throw new Wrong('negative offset');
    return subject.slice(start, length < 0 ? undefined : start + length).join('');
  },
  trim: (args) => trim(text(args, 0), text(args, 1), { left: true, right: true }),
  trim_left: (args) => trim(text(args, 0), text(args, 1), { left: true, right: false }),
  trim_right: (args) => trim(text(args, 0), text(args, 1), { left: false, right: true }),
  trim_space: (args) =>
    text(args, 0)
      .replace(/^[\s\u0085]+/, '')
      .trimEnd(),
  trim_prefix: (args) => {
    const [subject, part] = [text(args, 0), text(args, 1)];
    return subject.startsWith(part) ? subject.slice(part.length) : subject;
  },
  trim_suffix: (args) => {
    const [subject, part] = [text(args, 0), text(args, 1)];
    return part !== '' && subject.endsWith(part) ? subject.slice(0, -part.length) : subject;
  },
  sprintf: (args, { meter }) => sprintf(text(args, 0), list(args, 1), meter),
  'internal.template_string': (args, { meter }) =>
    list(args, 0)
      .map((part) => {
        if (!(part instanceof RegoSet)) return shown(part, meter);
        const [only, more] = set([part], 0).items(meter);
        if (more !== undefined) throw new Wrong('template-strings must not produce multiple outputs');
        return only === undefined ? '<undefined>' : shown(only, meter);
      })
      .join(''),
};
