import { type Builtins, object, objectFrom, text, textOrTexts } from '../builtin.ts';
import { Halt, Wrong } from '../meter.ts';
import { fromJson, fromPlain, toJson, type Value } from '../value.ts';
import { yamlLibrary } from '../../../yaml-library.ts';

function decoded(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function base64(said: string, kind: 'std' | 'url'): Buffer {
  const strict = kind === 'std' ? /^[A-Za-z0-9+/]*={0,2}$/ : /^[A-Za-z0-9_-]*={0,2}$/;
  const clean = said.replace(/[\r\n]/g, '');
  const padded = clean.length % 4 === 0 || (kind === 'url' && !clean.includes('=') && clean.length % 4 !== 1);
  if (!strict.test(clean) || !padded) throw new Wrong('illegal base64 data');
  return Buffer.from(clean, kind === 'std' ? 'base64' : 'base64url');
}

function query(said: string): string {
  return encodeURIComponent(said)
    .replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+');
}

function unquery(said: string): string {
  try {
    return decodeURIComponent(said.replace(/\+/g, ' '));
  } catch {
    throw new Wrong('invalid URL escape');
  }
}

function unmarshalled(said: string, spend: (steps: number) => void): unknown {
  spend(said.length * 40);
  try {
    // Aliases can make much out of little.
    return yamlLibrary().parse(said, { maxAliasCount: 10, uniqueKeys: true, logLevel: 'error' }) as unknown;
  } catch {
    throw new Wrong('it is no YAML');
  }
}

/** base64, hex, URLs and YAML. */
export const encodings: Builtins = {
  'base64.encode': (args) => Buffer.from(text(args, 0)).toString('base64'),
  'base64.decode': (args) => decoded(base64(text(args, 0), 'std')),
  'base64.is_valid': (args) => {
    try {
      return base64(text(args, 0), 'std').length >= 0;
    } catch (thrown) {
      if (thrown instanceof Wrong) return false;
      throw thrown;
    }
  },
  'base64url.encode': (args) =>
    Buffer.from(text(args, 0)).toString('base64').replaceAll('+', '-').replaceAll('/', '_'),
  'base64url.encode_no_pad': (args) => Buffer.from(text(args, 0)).toString('base64url'),
  'base64url.decode': (args) => decoded(base64(text(args, 0), 'url')),
  'hex.encode': (args) => Buffer.from(text(args, 0)).toString('hex'),
  'hex.decode': (args) => {
    const said = text(args, 0);
    if (!/^(?:[0-9a-fA-F]{2})*$/.test(said)) throw new Wrong('invalid hex');
    return decoded(Buffer.from(said, 'hex'));
  },
  'urlquery.encode': (args) => query(text(args, 0)),
  'urlquery.decode': (args) => unquery(text(args, 0)),
  'urlquery.encode_object': (args, context) =>
    object(args, 0)
      .entries(context.meter)
      .flatMap(({ key, value }) => {
        const name = query(text([key], 0));
        return textOrTexts([value], 0, context).map((each) => `${name}=${query(each)}`);
      })
      .join('&'),
  'urlquery.decode_object': (args, { meter }) => {
    const found = new Map<string, string[]>();
    for (const pair of text(args, 0).split('&')) {
      if (pair === '') continue;
      const at = pair.indexOf('=');
      const name = unquery(at < 0 ? pair : pair.slice(0, at));
      const values = found.get(name) ?? [];
      values.push(at < 0 ? '' : unquery(pair.slice(at + 1)));
      found.set(name, values);
    }
    return objectFrom(found, meter);
  },
  'yaml.marshal': (args, { meter }) => {
    const plain: unknown = JSON.parse(toJson(args[0] ?? null, meter));
    return yamlLibrary().stringify(plain, { sortMapEntries: true });
  },
  'yaml.unmarshal': (args, { meter }) => {
    const read = unmarshalled(text(args, 0), (steps) => meter.spend(steps));
    return fromYaml(read, (plain) => fromPlain(plain, meter));
  },
  'yaml.is_valid': (args, { meter }) => {
    if (typeof args[0] !== 'string') return false;
    try {
      unmarshalled(args[0], (steps) => meter.spend(steps));
      return true;
    } catch (thrown) {
      if (thrown instanceof Wrong) return false;
      throw thrown;
    }
  },
  'json.marshal': (args, { meter }) => toJson(args[0] ?? null, meter),
  'json.unmarshal': (args, { meter }) => {
    const said = text(args, 0);
    meter.spend(said.length >> 2);
    try {
      return fromJson(said, meter);
    } catch (thrown) {
      if (thrown instanceof Halt) throw thrown;
      throw new Wrong('it is no JSON');
    }
  },
  'json.is_valid': (args) => {
    if (typeof args[0] !== 'string') return false;
    try {
      JSON.parse(args[0]);
      return true;
    } catch {
      return false;
    }
  },
};

function fromYaml(read: unknown, convert: (plain: unknown) => Value): Value {
  return convert(JSON.parse(JSON.stringify(read ?? null)));
}
