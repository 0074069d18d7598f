import { RE2JS } from 're2js';
import { type Builtin, type Builtins, characters, type Context, int, text } from '../builtin.ts';
import { Wrong } from '../meter.ts';
import type { Value } from '../value.ts';

/** Linear in the text, whatever the pattern: what it costs is counted before it is tried. */
export function patternOf(source: string, { meter, patterns }: Context): RE2JS {
  // Known or not, it costs the same: a question has one answer, whatever was asked before it.
  meter.spend(source.length * 4);
  const known = patterns.get(`re ${source}`);
  if (known instanceof RE2JS) return known;
  let made: RE2JS;
  try {
    made = RE2JS.compile(source);
  } catch {
    throw new Wrong('error parsing regexp');
  }
  patterns.set(`re ${source}`, made);
  return made;
}

export function pay(pattern: RE2JS, subject: string, { meter }: Context): void {
  meter.spend((subject.length + 1) * (2 + pattern.pattern().length / 2));
}

/** Every match as its groups; `most` of them, or all where it is negative. A group that took no part is ''. */
function matches(
  pattern: RE2JS,
  subject: string,
  most: number,
  context: Context,
): readonly (readonly string[])[] {
  pay(pattern, subject, context);
  const matcher = pattern.matcher(subject);
  const made: string[][] = [];
  while (matcher.find()) {
    if (most >= 0 && made.length >= most) break;
    context.meter.spend(20 + matcher.groupCount());
    made.push(Array.from({ length: matcher.groupCount() + 1 }, (_, at) => matcher.group(at) ?? ''));
  }
  return made;
}

/** The texts of a template `urn:foo:{.*}` that are outside of its braces are taken as they are. */
function templatePattern(template: string, open: string, close: string): string {
  let [depth, from, made] = [0, 0, ''];
  for (let at = 0; at < template.length; at++) {
    if (template[at] === open && depth++ === 0) {
      made += RE2JS.quote(template.slice(from, at));
      from = at + 1;
    } else if (template[at] === close) {
      if (--depth < 0) break;
      if (depth === 0) {
        made += `(${template.slice(from, at)})`;
        from = at + 1;
      }
    }
  }
  if (depth !== 0) throw new Wrong('unbalanced braces');
  return `^${made}${RE2JS.quote(template.slice(from))}$`;
}

/** Go's templates of replacement: `$1`, `${1}`, `$name`, `$$`. */
function expand(
  template: string,
  groups: readonly string[],
  names: Readonly<Record<string, number>>,
): string {
  return template.replace(/\$(?:\$|(\w+)|\{(\w+)\})/g, (all, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    if (name === undefined) return all === '$$' ? '$' : all;
    const at = /^\d+$/.test(name) ? Number(name) : names[name];
    return at === undefined ? '' : (groups[at] ?? '');
  });
}

const match: Builtin = (args, context) => {
  const pattern = patternOf(text(args, 0), context);
  pay(pattern, text(args, 1), context);
  return pattern.matcher(text(args, 1)).find();
};

/** Regular expressions of RE2. */
export const patterns: Builtins = {
  'regex.match': match,
  re_match: match,
  'regex.is_valid': (args, context) => {
    if (typeof args[0] !== 'string') return false;
    try {
      return patternOf(args[0], context) !== undefined;
    } catch (thrown) {
      if (thrown instanceof Wrong) return false;
      throw thrown;
    }
  },
  'regex.split': (args, context) => {
    const subject = text(args, 1);
    const pattern = patternOf(text(args, 0), context);
    pay(pattern, subject, context);
    const matcher = pattern.matcher(subject);
    const made: Value[] = [];
    let from = 0;
    let end = 0;
    if (subject === '') return [''];
    while (matcher.find()) {
      context.meter.spend(1);
      end = matcher.start(0);
      if (matcher.end(0) !== 0) made.push(subject.slice(from, end));
      from = matcher.end(0);
    }
    return end !== subject.length ? [...made, subject.slice(from)] : made;
  },
  'regex.find_n': (args, context) =>
    matches(patternOf(text(args, 0), context), text(args, 1), int(args, 2), context).map(([all = '']) => all),
  'regex.find_all_string_submatch_n': (args, context) =>
    matches(patternOf(text(args, 0), context), text(args, 1), int(args, 2), context),
  'regex.replace': (args, context) => {
    const [subject, template] = [text(args, 0), text(args, 2)];
    const pattern = patternOf(text(args, 1), context);
    pay(pattern, subject, context);
    const matcher = pattern.matcher(subject);
    const names = pattern.namedGroups();
    let [made, from] = ['', 0];
    while (matcher.find()) {
      const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, at) => matcher.group(at) ?? '');
      context.meter.spend(20 + groups.length + (template.length >> 3));
      const put = expand(template, groups, names);
      context.meter.spend(put.length >> 3);
      made += subject.slice(from, matcher.start(0)) + put;
      from = matcher.end(0);
    }
    return made + subject.slice(from);
  },
  'regex.template_match': (args, context) => {
    const [open, close] = [text(args, 2), text(args, 3)];
    if (characters(open).length !== 1)
      throw new Wrong('start delimiter has to be exactly one character long');
    if (characters(close).length !== 1) throw new Wrong('end delimiter has to be exactly one character long');
    const pattern = patternOf(templatePattern(text(args, 0), open, close), context);
    pay(pattern, text(args, 1), context);
    return pattern.matcher(text(args, 1)).find();
  },
};
