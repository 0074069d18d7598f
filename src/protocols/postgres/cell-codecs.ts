import type { MaskOperator } from '../../core/decision.ts';
import { mayContain, showText } from '../../mask/index.ts';
import type { Type } from '../../sql/catalogue.ts';
import { binaryArray, binaryHstore, binaryRecord, decode, encode, type Shown } from './binary.ts';
import type { How, Search } from './cell-how.ts';
import { textArray, textHstore, textJson, textRecord, type JsonShow } from './cell-texts.ts';
import {
  arrays,
  byteaOf,
  numberMultiranges,
  numberRanges,
  scalars,
  texts,
  worded,
  type ScalarType,
} from './cell-types.ts';
import type { CellParts } from './cells.ts';

/** How values of one type are shown, in both formats. */
export interface Codec {
  readonly kind: 'text' | 'number' | 'structure' | 'unknown';
  /** The gate over the value's bytes is right for it: what shows no sign there holds nothing. */
  readonly gated: boolean;
  readonly text: (value: string, how: How) => Shown<string>;
  readonly binary: (value: Uint8Array, how: How) => Shown<Uint8Array>;
}

const deepest = 16; // domains over arrays of composites of …

export function codecOf(oid: number, parts: CellParts, depth: number): Codec {
  if (depth > deepest) return unknown;
  if (oid === 19) return nameCodec;
  if (texts.has(oid)) return text;
  const known = builtIn.get(oid);
  if (known !== undefined) return known;
  const scalar = scalars.get(oid);
  if (scalar !== undefined) return oid === 17 ? bytea : numberLike(scalar);
  const words = worded.get(oid);
  if (words !== undefined) return wordy(words);
  const element = arrays.get(oid);
  if (element !== undefined) return arrayOf(element, parts, depth);
  if (numberRanges.has(oid)) return numberLike(emptyRange);
  if (numberMultiranges.has(oid)) return numberLike(emptyMultirange);
  if (oid === 2249) return record(undefined, parts, depth);
  return ownType(parts.typeOf(oid), parts, depth);
}

function ownType(type: Type | undefined, parts: CellParts, depth: number): Codec {
  if (type === undefined) return unknown;
  if (type.element !== 0) return arrayOf(type.element, parts, depth);
  switch (type.kind) {
    case 'domain':
      return type.base === 0 ? unknown : codecOf(type.base, parts, depth + 1);
    case 'composite':
      return record(parts.fieldsOf?.(type.relation), parts, depth);
    case 'range':
      return wordy(emptyRange);
    case 'multirange':
      return wordy(emptyMultirange);
    case 'enum':
      // A label is the schema's word, not somebody's value; shown otherwise it must still be a label: NULL.
      return numberLike({});
    case 'base':
      if (type.name === 'citext') return text;
      return type.name === 'hstore' ? hstore : unknown;
    case 'pseudo':
      return unknown;
  }
}

const emptyRange: ScalarType = { constant: { text: 'empty', binary: Uint8Array.of(1) } };
const emptyMultirange: ScalarType = { constant: { text: '{}', binary: new Uint8Array(4) } };

const text: Codec = {
  kind: 'text',
  gated: true,
  text: showOwnText,
  binary: (value, how) => {
    if (how.kind === 'scan' && isQuiet(value, how)) return undefined;
    const shown = showOwnText(decode(value), how);
    return typeof shown === 'string' ? encode(shown) : shown;
  },
};

/** The gate over its bytes is enough to pass it. */
function isQuiet(value: Uint8Array, { always, reads }: Search): boolean {
  return !always && reads === undefined && !mayContain(value, 0, value.length);
}

/** A name has 63 bytes at most: what would be longer is starred. */
const nameCodec: Codec = {
  ...text,
  text: (value, how) => shortened(showOwnText(value, how)),
  binary: (value, how) => {
    const shown = text.binary(value, how);
    return shown instanceof Uint8Array && shown.length > longestName ? encode('***') : shown;
  },
};

const longestName = 63;

function shortened(shown: Shown<string>): Shown<string> {
  return typeof shown === 'string' && Buffer.byteLength(shown) > longestName ? '***' : shown;
}

function showOwnText(value: string, how: How): Shown<string> {
  if (how.kind === 'scan') return how.show(value);
  const shown = showText(how.operator, value, how.key);
  return shown === value ? undefined : shown;
}

/** Numbers, dates, ids: never searched; shown by a typed answer, else the typed constant, else NULL. */
function numberLike(scalar: ScalarType): Codec {
  return {
    kind: 'number',
    gated: true,
    text: (value, how) =>
      how.kind === 'scan'
        ? undefined
        : (scalar.text?.(how.operator, value, how.key) ?? scalar.constant?.text ?? null),
    binary: (value, how) =>
      how.kind === 'scan'
        ? undefined
        : (scalar.binary?.(how.operator, value, how.key) ?? scalar.constant?.binary ?? null),
  };
}

/** Searched as the words that stand in it, whole or not at all: a hit anywhere gives the constant. */
function wordy(scalar: ScalarType): Codec {
  const hit = (value: string, how: How): boolean => how.kind === 'mask' || how.show(value) !== undefined;
  return {
    kind: 'structure',
    gated: true,
    text: (value, how) => (hit(value, how) ? (scalar.constant?.text ?? null) : undefined),
    binary: (value, how) => (hit(decode(value), how) ? (scalar.constant?.binary ?? null) : undefined),
  };
}

/** A type without a codec: its text can be searched, a hit gives NULL; of its binary nothing can be said. */
const unknown: Codec = {
  ...wordy({}),
  kind: 'unknown',
  binary: () => null,
};

const bytea: Codec = {
  kind: 'structure',
  gated: false,
  text: (value, how) => {
    const shown = showBytes(byteaOf(value), how);
    return shown instanceof Uint8Array ? `\\x${Buffer.from(shown).toString('hex')}` : shown;
  },
  binary: showBytes,
};

const utf8 = new TextDecoder('utf-8', { fatal: true });

function showBytes(value: Uint8Array, how: How): Shown<Uint8Array> {
  if (how.kind === 'mask')
    return scalars.get(17)?.binary?.(how.operator, value, how.key) ?? new Uint8Array(0);
  if (isQuiet(value, how)) return undefined;
  const text = textOf(value);
  // SECURITY: what must be read and is no text cannot be.
  if (how.reads === 'required' && text === undefined) return new Uint8Array(0);
  const latin = how.aside(Buffer.from(value).toString('latin1'));
  if (latin === undefined && (how.reads === undefined || text === undefined)) return undefined;
  if (text === undefined) return new Uint8Array(0);
  const whole = how.show(text);
  if (typeof whole === 'string') return encode(whole);
  return latin === undefined ? undefined : new Uint8Array(0);
}

function textOf(value: Uint8Array): string | undefined {
  try {
    return utf8.decode(value);
  } catch {
    return undefined;
  }
}

const xml: Codec = {
  kind: 'structure',
  gated: false,
  text: showXml,
  binary: (value, how) => {
    const shown = showXml(decode(value), how);
    return typeof shown === 'string' ? encode(shown) : shown;
  },
};

/** Content of XML stays well-formed: what is put in has no markup. A value hidden by character references redacts it whole. */
function showXml(value: string, how: How): Shown<string> {
  if (how.kind === 'mask') {
    const operator: MaskOperator = how.operator.kind === 'hash' ? how.operator : { kind: 'redact' };
    return showText(operator, value, how.key);
  }
  if (/&#/.test(value)) {
    const plain = value.replace(
      /&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));/g,
      (_all, hex?: string, decimal?: string) => {
        const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
        return code <= 0x10ffff ? String.fromCodePoint(code) : '';
      },
    );
    if (how.show(plain) !== undefined) return '***';
  }
  return showOwnText(value, how);
}

const hstore: Codec = {
  kind: 'structure',
  gated: false,
  text: (value, how) => (how.kind === 'mask' ? '' : textHstore(value, pairs(how))),
  binary: (value, how) => (how.kind === 'mask' ? new Uint8Array(4) : binaryHstore(value, pairs(how))),
};

function pairs(how: Search): (value: string, key: string | undefined) => Shown<string> {
  return (value, key) => (key === undefined ? named(how, value) : how.within(key).show(value));
}

/** A key's own name: of what has no blank in it no model is asked. */
function named(how: Search, key: string): Shown<string> {
  return /\s/.test(key) ? how.show(key) : how.aside(key);
}

function json(version: 0 | 1): Codec {
  return {
    kind: 'structure',
    gated: false,
    text: showJson,
    binary: (value, how) => {
      // jsonb_send: one byte 1, then its text.
      if (version === 1 && value[0] !== 1) return null;
      const shown = showJson(decode(value.subarray(version)), how);
      if (typeof shown !== 'string') return shown;
      return version === 0 ? encode(shown) : Buffer.concat([Uint8Array.of(1), encode(shown)]);
    },
  };
}

function showJson(value: string, how: How): Shown<string> {
  if (how.kind === 'mask') {
    const inner = /^"[^"\\]*"$/.test(value) ? value.slice(1, -1) : undefined;
    if (how.operator.kind !== 'hash' && inner === undefined) return '"***"';
    return JSON.stringify(showText(how.operator, inner ?? value, how.key));
  }
  const show: JsonShow = {
    key: (each) => named(how, each) ?? undefined,
    string: (each, key) => how.within(key).show(each) ?? undefined,
    number: (each, key) => {
      const inner = how.within(key);
      return inner.always && /\d{4}/.test(each) && inner.show(each) !== undefined ? '0' : undefined;
    },
  };
  return textJson(value, show);
}

const builtIn: ReadonlyMap<number, Codec> = new Map<number, Codec>([
  [114, json(0)],
  [3802, json(1)],
  [142, xml],
  // "char" is one byte and void none.
  [18, numberLike({ constant: { text: '*', binary: Uint8Array.of(0x2a) } })],
  [2278, numberLike({ constant: { text: '', binary: new Uint8Array(0) } })],
]);

function arrayOf(element: number, parts: CellParts, depth: number): Codec {
  const own = codecOf(element, parts, depth + 1);
  // box is the one type of PostgreSQL's whose arrays have another delimiter.
  const delimiter = element === 603 ? ';' : ',';
  return {
    kind: own.kind === 'number' ? 'number' : own.kind === 'unknown' ? 'unknown' : 'structure',
    gated: own.gated,
    text: (value, how) => {
      if (how.kind === 'mask' && how.whole) return '{}';
      return textArray(value, delimiter, (each) => own.text(each, how));
    },
    binary: (value, how) => {
      if (how.kind === 'mask' && how.whole) return emptyArray(element);
      return binaryArray(value, (type, each) =>
        (type === element ? own : codecOf(type, parts, depth + 1)).binary(each, how),
      );
    },
  };
}

function emptyArray(element: number): Uint8Array {
  const out = Buffer.alloc(12);
  out.writeUInt32BE(element, 8);
  return out;
}

function record(types: readonly number[] | undefined, parts: CellParts, depth: number): Codec {
  const codecs = new Map<number, Codec>();
  const codec = (type: number): Codec => {
    const found = codecs.get(type) ?? codecOf(type, parts, depth + 1);
    codecs.set(type, found);
    return found;
  };
  return {
    kind: 'structure',
    gated: false,
    text: (value, how) =>
      textRecord(value, (field, index) => {
        const type = types?.[index];
        if (type !== undefined) return codec(type).text(field, how);
        if (how.kind === 'mask') return null;
        // Without its type a field can only be searched; what reads like a number may be one, and gets NULL.
        const shown = nested(field, how);
        return typeof shown === 'string' && /^[-\d.\s:+]*$/.test(field) ? null : shown;
      }),
    binary: (value, how) => binaryRecord(value, (type, field) => codec(type).binary(field, how)),
  };
}

/** A field of unknown type: JSON, an array or a record inside shows by its first character, and is searched as such. */
function nested(field: string, how: How): Shown<string> {
  if (/^[[{]/.test(field)) {
    try {
      return showJson(field, how);
    } catch {
      // Not JSON: an array's text, or a word that begins like one.
    }
  }
  return showOwnText(field, how);
}
