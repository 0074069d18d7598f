import { Fault, WireError } from '../../base/errors.ts';
import type { FindMask, MaskOperator } from '../../core/decision.ts';
import {
  type ColumnVote,
  findMasker,
  isContext,
  mayContain,
  showText,
  type MaskKey,
} from '../../mask/index.ts';
import type { Type } from '../../sql/catalogue.ts';
import { binaryArray, binaryHstore, binaryRecord, decode, encode, type Shown } from './binary.ts';
import { copy, Written } from './outgoing.ts';
import { shortcut } from './cell-shortcuts.ts';
import { type OperatorAt, textPaths } from './cell-paths.ts';
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
import { ballotOf, votedText } from './voted.ts';
import type { Watch } from './watch.ts';

/** What becomes of one column's values. */
export type ColumnPlan =
  /** Forwarded as it is. */
  | { readonly kind: 'pass' }
  /** Shown by the operator. `whole`: the value is derived from a masked one, so nothing of it may stay. */
  | { readonly kind: 'mask'; readonly operator: MaskOperator; readonly whole?: boolean }
  /** A document of which only what stands at some paths is hidden; `inside`: the strongest of these, for what is no document. */
  | {
      readonly kind: 'paths';
      readonly operatorAt: OperatorAt;
      readonly inside: MaskOperator;
      readonly finds: readonly FindMask[];
    }
  /** Searched by detectors. */
  | { readonly kind: 'scan'; readonly finds: readonly FindMask[] }
  /** Where it comes from is unknown: `***` in a text, NULL in all else. */
  | { readonly kind: 'withhold' };

/** A column as the client gets it. */
export interface FieldShape {
  readonly type: number; // oid
  readonly format: 0 | 1; // 0 text, 1 binary
  /** Its name, as context for detectors. */
  readonly name?: string;
  /** What detectors know of the column. */
  readonly watch?: Watch;
}

export interface CellParts {
  readonly key: MaskKey;
  readonly typeOf: (oid: number) => Type | undefined;
  /** The types of a composite's columns, by the oid of its relation, in order: without it, fields in text lose their type. */
  readonly fieldsOf?: (relation: number) => readonly number[] | undefined;
}

export interface RowMasker {
  /**
   * `bytes[start, end)` is one whole DataRow: 'D', int32 length, int16 count, then int32 length and bytes for each column.
   * Gives the new message, or `undefined` when it stays as it is.
   * @throws {WireError} `bad-message` when the count or a length is wrong.
   */
  readonly row: (bytes: Uint8Array, start: number, end: number) => Uint8Array | undefined;
  /** The same, written where what goes out is gathered; false when the message stays as it is, and nothing was written. */
  readonly write: (message: Message, out: { readonly writer: () => Written }) => boolean;
  /** No column is looked at: rows need no more than framing. */
  readonly passes: boolean;
  /** Counts a row's values before it is shown; true: it must wait. Absent where no column has a vote. */
  readonly see?: (message: Message) => boolean;
  /** No more rows come for now. */
  readonly settle?: () => void;
  masked: number;
  withheld: number;
}

/** One whole message: `bytes[start, end)`. */
interface Message {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** One value's way through: `undefined` as it was, `null` NULL, `withheld` NULL because it is not understood. */
export type CellShown = Uint8Array | null | undefined | 'withheld';
export type Cell = (bytes: Uint8Array, start: number, end: number) => CellShown;

/** @throws {Fault} `bug` when plans and fields differ in number. */
export function rowMasker(
  plans: readonly ColumnPlan[],
  fields: readonly FieldShape[],
  parts: CellParts,
): RowMasker {
  if (plans.length !== fields.length) throw new Fault('bug', 'Column plans and fields differ in number');
  const cells = plans.map((plan, at) => cellOf(plan, fields[at] ?? { type: 0, format: 1 }, parts));
  const masker = {
    row,
    write,
    passes: cells.every((cell) => cell === undefined),
    ...ballotOf(plans.map((plan, at) => voteOf(plan, fields[at], parts))),
    masked: 0,
    withheld: 0,
  };
  return masker;

  function row(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
    const written = new Written();
    const changed = write({ bytes, start, end }, { writer: () => written });
    return changed ? written.bytes.slice(0, written.length) : undefined;
  }

  function write({ bytes, start, end }: Message, out: { readonly writer: () => Written }): boolean {
    if (end - start < 7 || end > bytes.length || bytes[start] !== 0x44) throw bad();
    if (int32(bytes, start + 1) !== end - start - 1) throw bad();
    if ((((bytes[start + 5] ?? 0) << 8) | (bytes[start + 6] ?? 0)) !== cells.length) throw bad();
    let at = start + 7;
    let written: Written | undefined;
    let from = start; // what stands before it is written
    let to = 0; // where to write on
    for (const cell of cells) {
      if (at + 4 > end) throw bad();
      const length = int32(bytes, at);
      at += 4;
      if (length === -1) continue;
      if (length < 0 || length > end - at) throw bad();
      if (cell !== undefined) {
        const shown = cell(bytes, at, at + length);
        if (shown !== undefined) {
          if (shown === 'withheld' || shown === stars) masker.withheld++;
          else masker.masked++;
          if (written === undefined) {
            written = out.writer();
            to = written.length;
          }
          const value = shown === 'withheld' ? null : shown;
          const size = value?.length ?? 0;
          // Room for all that can still come unchanged, too: then the rest of the row needs no other.
          const into = written.room(to - written.length + (end - from) + size + 4);
          copy(bytes, from, at - 4, into, to);
          to += at - 4 - from;
          putInt32(into, to, value === null ? -1 : size);
          if (value !== null) copy(value, 0, size, into, to + 4);
          to += 4 + size;
          from = at + length;
        }
      }
      at += length;
    }
    if (at !== end) throw bad();
    if (written === undefined) return false;
    copy(bytes, from, end, written.bytes, to);
    to += end - from;
    putInt32(written.bytes, written.length + 1, to - written.length - 1);
    written.length = to;
    return true;
  }
}

function bad(): WireError {
  return new WireError('bad-message', 'DataRow does not have the columns or lengths it says');
}

function putInt32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}

function int32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}

/**
 * The way of one column's values; `undefined`: they pass unseen. A value that is not what its type says, and anything
 * that throws on the way, is withheld.
 */
export function cellOf(plan: ColumnPlan, field: FieldShape, parts: CellParts): Cell | undefined {
  if (plan.kind === 'pass') return undefined;
  const codec = codecOf(field.type, parts, 0);
  if (plan.kind === 'withhold') {
    return codec.kind === 'text' ? (): CellShown => stars : (): CellShown => 'withheld';
  }
  if (plan.kind === 'paths') return documentOf(plan, field, parts);
  const how = howOf(plan, parts.key, field);
  if (plan.kind === 'scan' && (plan.finds.length === 0 || codec.kind === 'number')) return undefined;
  if (how.kind === 'mask' && how.operator.kind === 'null') return () => null;
  // Nothing can be shown of a type that is not known; its text can at least be searched.
  if (codec.kind === 'unknown' && (how.kind === 'mask' || field.format === 1)) return () => 'withheld';
  const quick = how.kind === 'mask' && codec.kind === 'text' ? shortcut(how.operator) : undefined;
  const gated =
    how.kind === 'scan' && !how.always && (codec.kind === 'text' || (codec.gated && field.format === 0));
  const vote = voteOf(plan, field, parts);
  const { watch } = field;
  const voted =
    plan.kind === 'scan' && vote !== undefined && watch !== undefined
      ? votedText(watch, plan.finds, parts.key)
      : undefined;
  return (bytes, start, end) => {
    if (watch !== undefined) {
      watch.searched++;
      const shown = voted?.(bytes, start, end);
      if (shown !== undefined) return shown;
    }
    if (gated && !mayContain(bytes, start, end)) return undefined;
    const known = quick === undefined ? 'slow' : quick(bytes, start, end);
    if (known !== 'slow') return known;
    try {
      const value = bytes.subarray(start, end);
      if (field.format === 1) return codec.binary(value, how);
      const shown = codec.text(decode(value), how);
      return typeof shown === 'string' ? encode(shown) : shown;
    } catch {
      return 'withheld';
    }
  };
}

/** Only a column of texts has one: what a number, an array or a document holds is told by its name or its tag. */
export function voteOf(
  plan: ColumnPlan,
  field: FieldShape | undefined,
  parts: CellParts,
): ColumnVote | undefined {
  if (plan.kind !== 'scan' || plan.finds.length === 0 || field?.watch === undefined) return undefined;
  return codecOf(field.type, parts, 0).kind === 'text' ? field.watch.vote : undefined;
}

/** A document of json or jsonb; of any other type the value is hidden whole. */
function documentOf(
  plan: Extract<ColumnPlan, { kind: 'paths' }>,
  field: FieldShape,
  parts: CellParts,
): Cell | undefined {
  if (field.type !== 114 && field.type !== 3802) {
    return cellOf({ kind: 'mask', operator: plan.inside, whole: true }, field, parts);
  }
  const search =
    plan.finds.length === 0 ? undefined : cellOf({ kind: 'scan', finds: plan.finds }, field, parts);
  const version = field.type === 3802 && field.format === 1 ? 1 : 0;
  return (bytes, start, end) => {
    try {
      if (version === 1 && bytes[start] !== 1) return 'withheld';
      const shown = textPaths(
        decode(bytes.subarray(start + version, end)),
        plan.operatorAt,
        (operator, value) => showText(operator, value, parts.key),
      );
      if (shown === undefined) return search?.(bytes, start, end);
      const changed = encode(version === 1 ? `\u0001${shown}` : shown);
      const found = search?.(changed, 0, changed.length);
      return found === undefined ? changed : found;
    } catch {
      return 'withheld';
    }
  };
}

/** What a withheld text shows: by identity, so that it counts as withheld. */
export const stars: Uint8Array = encode('***');

type How = Mask | Search;

interface Mask {
  readonly kind: 'mask';
  readonly operator: MaskOperator;
  readonly whole: boolean;
  readonly key: MaskKey;
}

interface Search {
  readonly kind: 'scan';
  readonly show: (text: string) => Shown<string>;
  /** Values without any sign must be searched too: the column's name is context. */
  readonly always: boolean;
  /** The search of what stands under this key, inside this column. */
  readonly within: (key: string | undefined) => Search;
}

function howOf(
  plan: Extract<ColumnPlan, { kind: 'mask' | 'scan' }>,
  key: MaskKey,
  { name, watch }: FieldShape,
): How {
  if (plan.kind === 'scan') return searchOf(plan.finds, key, { column: name, found: watch?.found });
  const whole = plan.whole === true;
  const operator: MaskOperator = whole && plan.operator.kind !== 'null' ? { kind: 'redact' } : plan.operator;
  return { kind: 'mask', operator, whole, key };
}

const mostKeys = 1_000; // searches kept for each column

/** Where a search looks: the column's or key's name, and who is told what was found. */
interface Place {
  readonly column: string | undefined;
  readonly found: Watch['found'] | undefined;
}

function searchOf(finds: readonly FindMask[], key: MaskKey, { column, found: tell }: Place): Search {
  const entities = finds.map((find) => find.entity);
  const mask = findMasker(finds, column === undefined ? { key } : { key, column });
  const kept = new Map<string, Search>();
  const self: Search = {
    kind: 'scan',
    show: (value) => {
      const { text: shown, masked, types } = mask(value);
      if (masked === 0) return undefined;
      tell?.(types);
      return shown;
    },
    always: column !== undefined && isContext({ entities, column }),
    within: (inner) => {
      if (inner === undefined) return self;
      const found = kept.get(inner);
      if (found !== undefined) return found;
      const named = column === undefined ? inner : `${column} ${inner}`;
      const made = searchOf(finds, key, { column: named, found: tell });
      if (kept.size < mostKeys) kept.set(inner, made);
      return made;
    },
  };
  return self;
}

/** How values of one type are shown, in both formats. */
interface Codec {
  readonly kind: 'text' | 'number' | 'structure' | 'unknown';
  /** The gate over the value's bytes is right for it: what shows no sign there holds nothing. */
  readonly gated: boolean;
  readonly text: (value: string, how: How) => Shown<string>;
  readonly binary: (value: Uint8Array, how: How) => Shown<Uint8Array>;
}

const deepest = 16; // domains over arrays of composites of …

function codecOf(oid: number, parts: CellParts, depth: number): Codec {
  if (depth > deepest) return unknown;
  if (oid === 19) return named;
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
    if (how.kind === 'scan' && !how.always && !mayContain(value, 0, value.length)) return undefined;
    const shown = showOwnText(decode(value), how);
    return typeof shown === 'string' ? encode(shown) : shown;
  },
};

/** A name has 63 bytes at most: what would be longer is starred. */
const named: Codec = {
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
  if (!how.always && !mayContain(value, 0, value.length)) return undefined;
  const shown = showOwnText(Buffer.from(value).toString('latin1'), how);
  if (shown === undefined) return undefined;
  try {
    const whole = showOwnText(utf8.decode(value), how);
    return typeof whole === 'string' ? encode(whole) : new Uint8Array(0);
  } catch {
    return new Uint8Array(0);
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
  return (value, key) => how.within(key).show(value);
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
