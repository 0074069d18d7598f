import { expressions, type Rules } from './expressions.ts';
import { forms, parts } from './forms.ts';
import type { Temper } from './schema.ts';

export interface Generated {
  readonly form: string;
  readonly text: string;
  readonly where: 'inside' | 'outside';
  /** It does something that no counter shows. */
  readonly effect: boolean;
}

/** Chance that can be repeated (mulberry32). Gives a whole number from 0 to below `below`. */
export function chance(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Statements without end: each form first once, then by weight. Two of three hold fewer traps, so that more of them are judged in detail. */
export function* statements(version: number, temper: Temper, seed: number): Generator<Generated, never> {
  const draw = chance(seed);
  const all = known({ ...expressions, ...parts }, version, temper === 'wild' ? undefined : needsWild);
  const calm = known(all, version, trap);
  const names = Object.keys(forms);
  for (const name of names) yield one(name, draw, all);
  const outside = names.filter((name) => forms[name]?.where === 'outside');
  const wheel = names.flatMap((name) =>
    forms[name]?.where === 'outside' ? [] : Array.from({ length: forms[name]?.weight ?? 1 }, () => name),
  );
  for (let at = 1; ; at++) {
    // A database that was changed for good takes long to put back.
    const from = at % 500 === 0 ? outside : wheel;
    yield one(from[draw(from.length)] ?? 'SELECT', draw, at % 3 === 0 ? all : calm);
  }
}

// What only the wild database has.
const needsWild =
  /'(?:good|bad)'::app\.mood(?!`)|app\.pair|app\.sum|upper\(1\)|upper\(\{number\}\)|upper\(x\.(?:a|id)\)|abs\('x'/;
// What runs a function by itself or by another name: left out of calm statements.
const trap =
  /\{hot_|app\.w_|app\.checked|app\.deep|===|!!|w_plain|lo_|app\.v_(?:function|hidden|operator|deep|definer|join|rule)|v_deep|_trigger|defaulted|generated|constrained|domained|indexed|partly|classed|ruled|secured|parts_fn|app\.audit|^audit|moods/;

function one(name: string, draw: (below: number) => number, rules: Rules): Generated {
  const form = forms[name];
  const all = form?.rules.filter((each) => !each.startsWith('18:')) ?? [];
  return {
    form: name,
    text: expand(all[draw(all.length)] ?? '', draw, rules, 0),
    where: form?.where ?? 'inside',
    effect: form?.effect === true,
  };
}

const deepest = 7;

function expand(template: string, draw: (below: number) => number, rules: Rules, depth: number): string {
  return template.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => {
    const all = rules[name];
    if (all === undefined) throw new Error(`No rule called ${name}`);
    const picked = depth >= deepest ? all[0] : all[draw(all.length)];
    return expand(picked ?? '', draw, rules, depth + 1);
  });
}

/** The rules as this server knows them, without those alternatives; a rule that would have none left keeps all. */
function known(rules: Rules, version: number, without?: RegExp): Rules {
  const own = Object.entries(rules).map(([name, all]) => {
    const here = all.flatMap((each) =>
      each.startsWith('18:') ? (version >= 18 ? [each.slice(3)] : []) : [each],
    );
    const left = without === undefined ? here : here.filter((each) => !without.test(each));
    return [name, left.length > 0 ? left : here];
  });
  return Object.fromEntries(own) as Rules;
}
