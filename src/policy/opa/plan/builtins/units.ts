import { type Builtin, type Builtins, text } from '../builtin.ts';
import { Wrong } from '../meter.ts';
import { integer, type Num, numberOf, scaled, truncated, wholeOf } from '../number.ts';

const powers = ['', 'k', 'm', 'g', 't', 'p', 'e'];

/** `Ki` is 1024, `k` 1000; in any case. */
function factor(unit: string): bigint | undefined {
  const at = powers.indexOf(unit.charAt(0));
  if (unit === '' || at < 0) return unit === '' ? 1n : undefined;
  if (unit.length === 1) return 1000n ** BigInt(at);
  return unit === `${powers[at]}i` ? 1024n ** BigInt(at) : undefined;
}

function parts(args: Parameters<Builtin>[0]): { readonly amount: string; readonly unit: string } {
  const said = text(args, 0).replaceAll('"', '');
  if (said.includes(' ')) throw new Wrong('spaces not allowed in resource strings');
  const [, amount = '', unit = ''] = /^([+-]?[\d.]*(?:[eE][+-]?\d+)?)(.*)$/s.exec(said) ?? [];
  if (!/\d/.test(amount)) throw new Wrong('no amount provided');
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(amount))
    throw new Wrong('could not parse amount to a number');
  return { amount, unit };
}

/** Whole numbers are written as such. */
function plain(amount: Num): Num {
  const whole = wholeOf(amount);
  return whole === undefined ? amount : integer(whole);
}

/** Amounts with units, as Kubernetes writes them. */
export const units: Builtins = {
  'units.parse': (args) => {
    const { amount, unit } = parts(args);
    if (unit === 'm') return plain(scaled(numberOf(amount), 1n, -3));
    const by = factor(unit.toLowerCase());
    if (by === undefined) throw new Wrong('unit not recognized');
    return plain(scaled(numberOf(amount), by, 0));
  },
  'units.parse_bytes': (args) => {
    const { amount, unit } = parts(args);
    const by = factor(unit.toLowerCase().replace(/b$/, ''));
    if (by === undefined) throw new Wrong('byte unit not recognized');
    return integer(truncated(scaled(numberOf(amount), by, 0)));
  },
};
