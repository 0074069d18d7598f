import type { FindMask } from '../core/decision.ts';
import { namedDigits, namedReach, rightReach } from './context.ts';
import { monthNames } from './detectors/dates.ts';
import { closingOf, secretOver } from './detectors/secrets.ts';
import type { MaskKey } from './key.ts';
import { clearReach, isClear } from './names/index.ts';
import { normalise } from './normalise.ts';
import { findMasker } from './operators.ts';
import { parted, type Since } from './parted.ts';
import { detectorsInUse } from './registry.ts';
import { scanner, type Scanner } from './scan.ts';

/**
 * Masks a text that comes in pieces: whatever the pieces, what comes out is what masking the whole text gives. A piece is
 * held back from the last place at which a value could still be going on: usually the last word or two.
 */
export interface TextStream {
  /** Takes the next piece and gives what can no longer change; may be empty. */
  readonly push: (piece: string) => string;
  /**
   * Gives what is held although more may come, for a reader who waits: a value that may have begun (six digits, a long
   * word with digits) is shown as `***`. What comes after is masked as if the text began anew behind it.
   */
  readonly flush: () => string;
  /** The text is over: gives the rest. */
  readonly end: () => string;
  /**
   * Here a part of the text ends and another begins, of which a reader may make one text or two: what is a value in either is
   * masked. One that goes over the mark is shown before it.
   */
  readonly mark: () => void;
  /** Where marks came to stand in all that was shown since the beginning; those behind it are not known yet. */
  readonly marks: readonly number[];
  /** Findings shown so far. */
  masked: number;
  /** Characters held back now. */
  readonly held: number;
}

/** The same for UTF-8 bytes; what is not UTF-8 comes out as U+FFFD. */
export interface ByteStream {
  readonly push: (piece: Uint8Array) => Uint8Array;
  readonly end: () => Uint8Array;
}

export interface StreamParts {
  readonly finds: readonly FindMask[];
  readonly key: MaskKey;
  /** Most characters held back; beyond, they are shown as `***`. Default 65,536. */
  readonly most?: number;
  /** The name that the text stands under: context for every value in it. */
  readonly column?: string;
}

const mostHeld = 65_536;
const contextKept = 256;
/** How long a value of somebody's own detector with blanks may be, to be found however the text is cut. */
const ownReach = 256;
/** More than the local part of an address in quotes has, with what is not seen in it. */
const quotedReach = 96;
const lookahead = 256; // more than a detector reads behind a value

/** Nothing found reaches over one of these: quotes and brackets of markup. */
const breaks = /["<>]/;
/** Marks of scripts without blanks: only addresses of the web and secrets behind their names reach over one. */
const marks = /[\u3001\u3002\uff01\uff0c\uff1b\uff1f\u300c-\u300f]/;
/** What such an address or name is written with, as it stands or full-width. */
const latin =
  /[!-/:-~\uff02-\uff0b\uff0d-\uff0f\uff1a\uff1c-\uff1e\uff20-\uff5e]|\p{M}|[^\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{N}\s\u3001\u3002\u300c-\u300f\uff01-\uff5e]/u;
/** From a secret's name to where the secret may begin. */
const nameReach = 40;
const blank = /[^\S\ufeff]/; // which is not seen, and parts nothing
/** ASCII that is neither a break nor a blank: most of any text. */
const plain = Uint8Array.from({ length: 0x80 }, (_, code) => {
  const char = String.fromCharCode(code);
  return breaks.test(char) || blank.test(char) ? 0 : 1;
});
const digit = /\p{N}/u;
/** How much behind a number is waited for: it can say what the number is (`rightOf`), with a few letters of the value before it. */
const afterNumber = rightReach + 8;
/** Behind one of these nothing is said of the number any more. */
const unspoken = /["<>\n\r;:!?{}|=]|^[^([]*\p{L}{5}\.\s/u;
/** A word that cannot be a part of a value written in several words. */
// `plate=d` ends in a value that may go on behind a blank.
const plainWord = /(?:[a-z]{5}|(?=\p{L}{5})\P{ASCII}{5})\P{L}*$/iu; // an ASCII letter begins a word behind another one
/** What a spelled address has between its parts. */
const spelledWord = /^(?:at|dot)$/i;
const joining = new RegExp(
  `(?:^|\\P{L})(?:${monthNames.filter(({ length }) => length > 4).join('|')}|extension)`,
  'iu',
);
/** Names and addresses have several words with capitals: they are cut where these end. */
const namesOf: ReadonlySet<string> = new Set(['*', 'LOCATION', 'PERSON']);
const fence = '-----BEGIN';
const privateHead = /^-----BEGIN[ A-Z0-9_-]{0,64}PRIVATE KEY(?: BLOCK)?-----/;
const openHead = /^-----BEGIN[ A-Z0-9_-]{0,100}$/;

export function textStream(parts: StreamParts): TextStream {
  const { column } = parts;
  const mask = findMasker(parts.finds, { key: parts.key, ...(column === undefined ? {} : { column }) });
  const most = parts.most ?? mostHeld;
  let held = '';
  let seen = 0; // of `held`, by `advance`
  let word = 0; // where the word that goes on began
  let ended = -1; // where a plain word ended that nothing but blanks stands behind yet
  let safe = 0; // the last place in `held` where nothing goes on, and what stands there is known
  let number = -1; // where the last digit stands, of a number that what is behind it may name
  let beforeNumber = 0; // the last safe place before that number
  let opened = -1; // where a quote stands that an address may begin with: `"ann lee"@example.com`
  let closed = -1; // the next quote, of which it is not known yet what stands behind
  let inner = 0; // what `safe` is if that is no address
  const own = ownScanner(parts.finds);
  const names = parts.finds.some(({ entity }) => namesOf.has(entity));
  const secrets = parts.finds.some(({ entity }) => entity === '*' || entity === 'PASSWORD');
  let waits = 0; // where the next release may end, once what stands behind it is known to own detectors
  let original = '';
  let shown = '';
  let swallowing: 'no' | 'word' | 'key' | 'quoted' = 'no';
  let quote = ''; // what ends that
  let given = 0; // characters shown so far
  let ahead: readonly number[] = []; // marks in `held`
  let since: Since = { original: Infinity, shown: Infinity };
  const passed: number[] = [];
  const stream = { push, flush, end, mark, marks: passed, masked: 0, held: 0 };
  return stream;

  function mark(): void {
    if (held === '') passed.push(given);
    else ahead = [...ahead, held.length];
  }

  function push(piece: string): string {
    held += piece;
    advance();
    let out = '';
    if (swallowing !== 'no') swallow();
    if (swallowing === 'no') {
      const to = beforeSecret(
        beforeKey(held, own === undefined ? unsaid() : unsaid() < safe ? 0 : clearOf(own)),
      );
      if (to > 0) out = release(to);
      if (held.length > most) out += overflow();
    }
    stream.held = held.length;
    return out;
  }

  /** A safe place that no value of an own detector goes over; 0 while that is not known. */
  function clearOf(find: Scanner): number {
    if (waits === 0) waits = safe;
    if (waits === 0 || held.length - waits < ownReach) return 0;
    const at = original.length + waits;
    const over = find(original + held).some(({ start, end }) => start < at && end > at);
    if (!over) return waits;
    waits = safe;
    return 0;
  }

  function quotedOver(at: number): ReturnType<typeof secretOver> {
    return secrets ? secretOver(original + held, original.length + at) : undefined;
  }

  /** `at`, or 0 while a secret in quotes goes over it: what stands before the quote may be a part of something else. */
  function beforeSecret(at: number): number {
    const over = at === 0 ? undefined : quotedOver(at);
    return over === undefined ? at : 0;
  }

  /** Moves `safe` over what has come: behind a break, and behind a plain word that a blank ends. */
  function advance(): void {
    for (; seen < held.length; seen++) {
      const code = held.charCodeAt(seen);
      if (opened >= 0) quoted(code);
      if (plain[code] === 1) {
        if (ended >= 0 && !maySpell()) settle(); // see below
        if (code >= 0x30 && code <= 0x39) {
          number = seen;
          beforeNumber = safe;
        }
        continue;
      }
      const char = held[seen] ?? '';
      if (code >= 0x80 && digit.test(held.slice(seen - 1, seen + 1))) {
        number = seen;
        beforeNumber = safe;
      }
      if (breaks.test(char) || (marks.test(char) && !latin.test(before(word, seen)))) {
        if (char === '<' || char === '>') {
          opened = -1;
          safe = seen + 1;
        } else if (char !== '"') keep(seen + 1);
        else if (opened >= 0) closed = seen;
        else {
          opened = seen;
          inner = seen + 1;
          safe = Math.max(safe, seen);
        }
        word = seen + 1;
        ended = -1;
      } else if (blank.test(char)) {
        // `joris at example`: what is before it may be a part of the address.
        if (ended >= 0 && seen > word) {
          const last = normalise(held.slice(word, seen)).text;
          if (spelledWord.test(last)) ended = -1;
          else if (last !== '') settle();
        }
        if (seen > word) {
          const last = normalise(held.slice(word, seen)).text;
          if (plainWord.test(last) && !digit.test(last) && !joining.test(last)) ended = seen;
        }
        word = seen + 1;
      } else if (ended >= 0 && normalise(char).text !== '') {
        // `password: words` tells of one, `password: words` and no more is one: what is behind counts.
        settle();
      }
    }
  }

  /** In quotes nothing is safe until it is known that no address goes over the second one, or that none is near. */
  function quoted(code: number): void {
    if (closed >= 0 && (code < 0x80 || normalise(held[seen] ?? '').text !== '')) {
      const [from, to] = [opened, closed];
      closed = -1;
      if (code === 0x40 || code === 0x25) opened = -1;
      else if (held[to - 1] !== '\\') {
        safe = Math.max(safe, to);
        opened = to;
        inner = to + 1;
      } else opened = from;
    }
    if (opened >= 0 && closed < 0 && (code === 0x0a || code === 0x0d || seen - opened > quotedReach)) {
      const next = code === 0x0a || code === 0x0d ? -1 : held.indexOf('"', opened + 1);
      const another = next >= 0 && next < seen;
      safe = Math.max(safe, another ? next : Math.max(inner, opened + 1));
      opened = another ? next : -1;
      inner = opened + 1;
    }
  }

  function keep(at: number): void {
    if (opened >= 0) inner = Math.max(inner, at);
    else safe = Math.max(safe, at);
  }

  /** The word that a plain word stands before may be one that addresses are spelled with: `joris [at] example dot org`. */
  function maySpell(): boolean {
    const begun = held.slice(word, seen + 1);
    if (/^[[({&]/.test(begun)) ended = -1;
    return ended < 0 || /^(?:at?|d(?:ot?)?)$/i.test(begun);
  }

  /** The last safe place, or the one before a number that what is behind it may still name. */
  function unsaid(): number {
    if (number < 0 || safe <= number) return safe;
    const left = held.slice(0, number + 1);
    const shown = normalise(left).text;
    const digits = shown === left ? shown.slice(-namedReach) : shown;
    if ((digits.match(/\d/g)?.length ?? 0) < namedDigits) return safe;
    const rest = normalise(held.slice(number + 1)).text;
    return rest.length >= afterNumber || unspoken.test(rest) ? safe : beforeNumber;
  }

  function settle(): void {
    const left = (): string => normalise(before(ended - clearReach, ended)).text;
    if (!names || ended <= safe || isClear(left(), /[\r\n]/.test(held[ended] ?? ''))) keep(ended);
    ended = -1;
  }

  /** What has come from a little before `from` up to `to`. */
  function before(from: number, to: number): string {
    const start = from - nameReach;
    return (start < 0 ? original.slice(start) : '') + held.slice(Math.max(0, start), to);
  }

  function release(to: number): string {
    const region = held.slice(0, to);
    const around = { original, shown, right: held.slice(to, to + lookahead) };
    const made = mask(region, around);
    const parts = parted(mask, { text: region, around, shown: made.text, marks: ahead, since });
    const text = parts.shown;
    original = (original + region).slice(-contextKept);
    shown = (shown + text).slice(-contextKept);
    since = parts.since;
    stream.masked += made.masked;
    for (const at of parts.marks) passed.push(given + at);
    ahead = ahead.slice(parts.marks.length);
    given += text.length;
    drop(to);
    return text;
  }

  function drop(count: number): void {
    // What was dropped unseen stands nowhere.
    for (const at of ahead) if (at <= count) passed.push(given);
    ahead = ahead.flatMap((at) => (at <= count ? [] : [at - count]));
    held = held.slice(count);
    seen -= count;
    word = Math.max(0, word - count);
    safe = Math.max(0, safe - count);
    ended = Math.max(-1, ended - count);
    number = Math.max(-1, number - count);
    opened = Math.max(-1, opened - count);
    closed = Math.max(-1, closed - count);
    inner = Math.max(0, inner - count);
    beforeNumber = Math.max(0, beforeNumber - count);
    waits = 0;
  }

  /** SECURITY: what is too long to be judged is not shown, and neither is what it goes on with. */
  function overflow(): string {
    begin(held.includes(fence) ? 'key' : 'word');
    stream.masked++;
    original = '';
    shown = '';
    given += 3;
    return '***';
  }

  /** Drops what is held, and what it goes on with: a secret in quotes to its end, anything else as `kind` says. */
  function begin(kind: 'key' | 'word'): void {
    const over = quotedOver(held.length);
    swallowing = over === undefined ? kind : 'quoted';
    quote = over?.quote ?? '';
    drop(held.length);
  }

  function swallow(): void {
    if (swallowing === 'quoted') {
      const close = closingOf(held, 0, quote) ?? held.search(/[\r\n]/);
      if (close >= 0) {
        drop(close);
        swallowing = 'no';
      } else drop(held.endsWith('\\') ? held.length - 1 : held.length);
      return;
    }
    if (swallowing === 'key') {
      const foot = held.indexOf('-----END');
      const close = foot < 0 ? -1 : held.indexOf('-----', foot + 8);
      if (close >= 0) {
        drop(close + 5);
        swallowing = 'no';
      } else if (foot < 0) drop(Math.max(0, held.length - 8));
      else if (held.length > most) drop(0);
      return;
    }
    if (safe > 0) {
      drop(safe);
      swallowing = 'no';
    } else if (word > 0) drop(word);
    else drop(held.length);
  }

  function flush(): string {
    if (swallowing !== 'no' || held === '') return '';
    const last = held.slice(word);
    const begun =
      beforeSecret(beforeKey(held, held.length)) < held.length ||
      (held.match(/\p{N}/gu)?.length ?? 0) >= 6 ||
      (last.length >= 16 && digit.test(last));
    if (!begun) return finish();
    begin('word');
    stream.held = 0;
    stream.masked++;
    original = '';
    shown = '';
    given += 3;
    return '***';
  }

  function finish(): string {
    const out = held === '' ? '' : release(held.length);
    stream.held = 0;
    return out;
  }

  function end(): string {
    if (swallowing !== 'no') {
      drop(held.length);
      swallowing = 'no';
    }
    return finish();
  }
}

/** Looks for the values that may have blanks in them: nobody knows where one of them ends but its detector. */
function ownScanner(finds: readonly FindMask[]): Scanner | undefined {
  const spaced = detectorsInUse().filter((each) => each.kind === 'find' && each.spaced === true);
  const entities = finds.map(({ entity }) => entity);
  const asked = spaced.some(({ name }) => entities.includes('*') || entities.includes(name));
  return asked ? scanner({ entities, detectors: spaced }) : undefined;
}

/** The last place not behind `at` that no private key goes over: a key ends with its foot, or never. */
function beforeKey(text: string, at: number): number {
  let from = text.indexOf(fence);
  while (from >= 0 && from < at) {
    const rest = text.slice(from, from + 128);
    let next = from + fence.length;
    if (privateHead.test(rest)) {
      const foot = text.indexOf('-----END', next);
      const close = foot < 0 ? -1 : text.indexOf('-----', foot + 8);
      if (close < 0 || close + 5 > at) return apart(text, from);
      next = close + 5;
    } else if (openHead.test(rest)) return apart(text, from);
    from = text.indexOf(fence, next);
  }
  return at;
}

/** A fence that touches what stands before it may be a part of that. */
function apart(text: string, from: number): number {
  return blank.test(text[from - 1] ?? '') ? from : 0;
}

/** @see TextStream */
export function byteStream(parts: StreamParts): ByteStream {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const encoder = new TextEncoder();
  const text = textStream(parts);
  return {
    push: (piece) => encoder.encode(text.push(decoder.decode(piece, { stream: true }))),
    end: () => encoder.encode(text.push(decoder.decode()) + text.end()),
  };
}
