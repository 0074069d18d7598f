import { expressions, type Rules } from './expressions.ts';
import { forms, parts } from './forms.ts';

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

/** Statements without end: each form first once, then by weight. */
export function* statements(version: number, seed: number): Generator<Generated, never> {
  const draw = chance(seed);
  const rules = known({ ...expressions, ...parts }, version);
  const names = Object.keys(forms);
  for (const name of names) yield one(name, draw, rules);
  const outside = names.filter((name) => forms[name]?.where === 'outside');
  const wheel = names.flatMap((name) =>
    forms[name]?.where === 'outside' ? [] : Array.from({ length: forms[name]?.weight ?? 1 }, () => name),
  );
  for (let at = 1; ; at++) {
    // A database that was changed for good takes long to put back.
    const from = at % 250 === 0 ? outside : wheel;
    yield one(from[draw(from.length)] ?? 'SELECT', draw, rules);
  }
}

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

/** The rules as this server knows them. */
function known(rules: Rules, version: number): Rules {
  const own = Object.entries(rules).map(([name, all]) => [
    name,
    all.flatMap((each) => (each.startsWith('18:') ? (version >= 18 ? [each.slice(3)] : []) : [each])),
  ]);
  return Object.fromEntries(own) as Rules;
}
