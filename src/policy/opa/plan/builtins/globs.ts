import { RE2JS } from 're2js';
import { type Builtins, characters, textsOf, items, text, type Context } from '../builtin.ts';
import { Wrong } from '../meter.ts';
import { patternOf, pay } from './patterns.ts';

const special = /[*?\\[\]{},]/g;

/** The glob as a pattern of RE2: `*` and `?` stop at a delimiter, `**` does not. */
function patternFor(glob: string, delimiters: readonly string[]): string {
  const inside = delimiters.map((each) => RE2JS.quote(each).replace(/[\]^-]/g, '\\$&')).join('');
  const one = inside === '' ? '(?s:.)' : `[^${inside}]`;
  let [made, braces] = ['', 0];
  for (let at = 0; at < glob.length; at++) {
    const each = glob.charAt(at);
    if (each === '\\') made += RE2JS.quote(glob.charAt(++at));
    else if (each === '*' && glob.charAt(at + 1) === '*') {
      while (glob.charAt(at + 1) === '*') at += 1;
      made += '(?s:.)*';
    } else if (each === '*') made += `${one}*`;
    else if (each === '?') made += one;
    else if (each === '{') [made, braces] = [`${made}(?:`, braces + 1];
    else if (each === '}' && braces > 0) [made, braces] = [`${made})`, braces - 1];
    else if (each === ',' && braces > 0) made += '|';
    else if (each === '[') {
      const end = glob.indexOf(']', at + 2);
      if (end < 0) throw new Wrong('a class of the glob is not closed');
      const body = glob.slice(at + 1, end);
      const not = body.startsWith('!') || body.startsWith('^');
      made += `[${not ? '^' : ''}${body.slice(not ? 1 : 0).replace(/[\\[\]^&~]/g, '\\$&')}]`;
      at = end;
    } else made += RE2JS.quote(each);
  }
  if (braces !== 0) throw new Wrong('a brace of the glob is not closed');
  return `^(?:${made})$`;
}

function compiled(glob: string, delimiters: readonly string[], context: Context): RE2JS {
  const key = `glob ${JSON.stringify([delimiters, glob])}`;
  const known = context.patterns.get(key);
  const source = typeof known === 'string' ? known : patternFor(glob, delimiters);
  context.patterns.set(key, source);
  const made = patternOf(source, context);
  return made;
}

/** Globs, whose delimiters are `.` where none are given, and none where they are null. */
export const globs: Builtins = {
  'glob.match': (args, context) => {
    const given = args[1] === null ? [] : textsOf(items(args, 1, context), 1);
    const delimiters = args[1] !== null && given.length === 0 ? ['.'] : given;
    if (delimiters.some((each) => characters(each).length !== 1))
      throw new Wrong('delimiters must be single characters');
    const subject = text(args, 2);
    const pattern = compiled(text(args, 0), delimiters, context);
    pay(pattern, subject, context);
    return pattern.matcher(subject).find();
  },
  'glob.quote_meta': (args) => text(args, 0).replace(special, '\\$&'),
};
