import type { FindMask } from '../core/decision.ts';
import { scanner } from './scan.ts';

// What a terminal is sent is judged as it is displayed: colours inside a number, backspaces, carriage returns and cursor
// moves are followed (ECMA-48), and detectors read what a person would. Letters that were written over never go out.

/** Masks what goes to a terminal. For every split into pieces the same comes out. */
export interface TerminalStream {
  /** Gives the lines that are whole; the rest is held. */
  readonly push: (piece: string) => string;
  /** Gives what is held although its line goes on, for a person who waits: what may be the beginning of a value is starred. */
  readonly flush: () => string;
  readonly end: () => string;
  /** Values starred so far. */
  masked: number;
}

export interface TerminalParts {
  /** What is starred; every operator shows as stars here, as wide as the value, so that the screen stays as it was. */
  readonly finds: readonly FindMask[];
  /** Most characters of one line; beyond, the line is `***`. Default 65,536. */
  readonly most?: number;
}

/** One place on the screen, with the controls that stand before it. A jump to another place is one without a letter. */
interface Cell {
  controls: string;
  char: string;
}

const contextKept = 256;
const keyHead = /-----BEGIN[ A-Z0-9_-]{0,64}PRIVATE KEY(?: BLOCK)?-----/;
const keyFoot = '-----END';
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\ud83c-\ud83e\ud840-\ud87f][\udc00-\udfff]/;
const zero = /^\p{M}$|^[\u200b-\u200f\u2060\ufeff]$/u;

export function terminalStream(parts: TerminalParts): TerminalStream {
  const find = scanner({ entities: parts.finds.map(({ entity }) => entity) });
  const most = parts.most ?? 65_536;
  let cells: Cell[] = [];
  let column = 0; // index into `cells`
  let base = 0; // where this line began: a carriage return goes here
  let controls = ''; // colours that come before the next letter
  let sequence = ''; // an escape sequence that goes on
  let returned = false; // a carriage return that may be the first half of a line's end
  let half = ''; // the first half of a surrogate pair
  let context = '';
  let inKey = false;
  let overflown = false;
  let partly = false; // letters of this line are out
  const stream = { push, flush, end, masked: 0 };
  return stream;

  function push(piece: string): string {
    let out = '';
    for (let at = 0; at < piece.length; at++) {
      let char = piece[at] ?? '';
      if (half !== '') {
        char = half + char;
        half = '';
      } else if (char >= '\ud800' && char <= '\udbff') {
        half = char;
        continue;
      }
      out += take(char);
    }
    return out;
  }

  function take(char: string): string {
    if (sequence !== '') return follow(char);
    if (char === '\u001b' || (char >= '\u0080' && char <= '\u009f')) {
      sequence = char === '\u009b' ? '\u001b[' : char === '\u009d' ? '\u001b]' : char;
      return sequence.length === 1 && char !== '\u001b' ? drop() : '';
    }
    if (char === '\n' || char === '\v' || char === '\f') {
      const out = line(returned ? `\r${char}` : char);
      returned = false;
      return out;
    }
    settleReturn();
    if (char === '\r') returned = true;
    else if (char === '\b') column = Math.max(base, column - 1);
    else if (char === '\u0007' || char === '\0') controls += char === '\0' ? '' : char;
    else write(char);
    return '';
  }

  function settleReturn(): void {
    if (!returned) return;
    returned = false;
    column = base;
  }

  function write(char: string): void {
    if (overflown) return;
    if (column < cells.length) {
      const cell = cells[column];
      if (cell !== undefined) {
        cell.char = char;
        cell.controls += controls;
      }
    } else {
      while (cells.length < column) cells.push({ controls: '', char: ' ' });
      cells.push({ controls, char });
    }
    controls = '';
    column++;
    if (cells.length > most) {
      overflown = true;
      cells = [];
      column = 0;
      base = 0;
    }
  }

  function drop(): string {
    sequence = '';
    return '';
  }

  /** SECURITY: a sequence is passed whole or not at all; one that never ends is dropped. */
  function follow(char: string): string {
    if (char === '\u0018' || char === '\u001a') return drop();
    sequence += char;
    const kind = sequence[1] ?? '';
    if (sequence.length > 4_096) return drop();
    if (kind === '[') {
      if (sequence.length > 2 && char >= '@' && char <= '~') csi();
      return '';
    }
    if (kind === ']' || kind === 'P' || kind === 'X' || kind === '^' || kind === '_') {
      if (char === '\u0007' || sequence.endsWith('\u001b\\')) strings();
      return '';
    }
    // Escape, intermediates, final.
    if (char >= '0' && char <= '~') {
      if (char === 'D' || char === 'E' || char === 'M' || char === '8' || char === 'c') jump();
      else controls += sequence;
      drop();
    }
    return '';
  }

  /** Titles, links, the clipboard: a text of its own. */
  function strings(): void {
    const inside = sequence.slice(2, sequence.endsWith('\u0007') ? -1 : -2);
    if (find(inside).length > 0 || find(inside.replaceAll(/[;/?=&]/g, ' ')).length > 0) stream.masked++;
    else controls += sequence;
    drop();
  }

  function csi(): void {
    settleReturn();
    const match = /^(\d{0,5})(?:;[\d;]*)?([A-Za-z@`])$/.exec(sequence.slice(2));
    const count = Math.min(most, Math.max(1, Number(match?.[1] ?? '1')));
    switch (match?.[2]) {
      case 'C':
      case 'a':
        column += count;
        break;
      case 'D':
        column = Math.max(base, column - count);
        break;
      case 'G':
      case '`':
        column = base + count - 1;
        break;
      case 'K':
        erase(match[1] ?? '');
        break;
      case 'P':
        cells.splice(column, count);
        break;
      case 'X':
        for (let at = column; at < Math.min(cells.length, column + count); at++) clear(at);
        break;
      case '@':
        if (column < cells.length && cells.length + count <= most)
          cells.splice(column, 0, ...Array.from({ length: count }, () => ({ controls: '', char: ' ' })));
        break;
      case 'm':
        controls += sequence;
        break;
      default:
        if (match === null && !/^[?>=!]/.test(sequence.slice(2))) jump();
        else if (match === null || /[hlnqrstc]/.test(match[2] ?? '')) controls += sequence;
        else jump();
    }
    drop();
  }

  function clear(at: number): void {
    const cell = cells[at];
    if (cell !== undefined) cell.char = ' ';
  }

  function erase(how: string): void {
    if (how === '' || how === '0') cells.length = Math.min(cells.length, Math.max(base, column));
    else for (let at = base; at < (how === '1' ? column + 1 : cells.length); at++) clear(at);
  }

  /** Writing goes on somewhere else on the screen. */
  function jump(): void {
    if (overflown) return;
    cells.push({ controls: controls + sequence, char: '' });
    controls = '';
    base = cells.length;
    column = base;
  }

  function line(ending: string): string {
    const out = show(false) + controls + ending;
    const text = shadow(cells, ' ');
    context = `${context}${text}\n`.slice(-contextKept);
    cells = [];
    column = 0;
    base = 0;
    controls = '';
    overflown = false;
    partly = false;
    return out;
  }

  /** The held cells with stars in them. `waits`: what stands last may go on. */
  function show(waits: boolean): string {
    if (overflown) {
      stream.masked++;
      return '***';
    }
    const hidden = new Uint8Array(cells.length);
    for (const gap of cells.some(({ char }) => char === '') ? [' ', ''] : [' ']) hide(hidden, gap);
    if (waits) hideBegun(hidden);
    return cells
      .map(({ controls: before, char }, at) => before + (hidden[at] === 1 ? '*'.repeat(widthOf(char)) : char))
      .join('');
  }

  function hide(hidden: Uint8Array, gap: string): void {
    const text = shadow(cells, gap);
    const places = cells.flatMap(({ char }, at) =>
      Array.from({ length: (char === '' ? gap : char).length }, () => at),
    );
    const mark = (start: number, end: number): void => {
      let some = false;
      for (let at = Math.max(0, start); at < end; at++) {
        const place = places[at];
        if (place === undefined || cells[place]?.char === ' ' || cells[place]?.char === '') continue;
        hidden[place] = 1;
        some = true;
      }
      if (some) stream.masked++;
    };
    const head = keyHead.exec(text);
    if (inKey || head !== null) {
      const foot = text.indexOf(keyFoot);
      mark(inKey ? 0 : (head?.index ?? 0), text.length);
      inKey = foot < 0;
    }
    for (const { start, end } of find(context + text)) mark(start - context.length, end - context.length);
  }

  function hideBegun(hidden: Uint8Array): void {
    const text = shadow(cells, ' ');
    const tail = /(?:[\d][\d ().+-]{5,}|\S*\d\S{11,}|\S{12,}\d\S*)$/.exec(text);
    if (tail === null) return;
    stream.masked++;
    for (let at = Math.max(0, cells.length - tail[0].length); at < cells.length; at++) hidden[at] = 1;
  }

  function flush(): string {
    if (cells.length === 0 || returned || sequence !== '' || column !== cells.length || overflown) return '';
    const out = show(true) + controls;
    controls = '';
    context = (context + shadow(cells, ' ')).slice(-contextKept);
    cells = [];
    column = 0;
    base = 0;
    partly = true;
    return out;
  }

  function end(): string {
    settleReturn();
    sequence = '';
    half = '';
    const back = partly || column >= cells.length ? '' : `\u001b[${cells.length - column}D`;
    return show(false) + controls + back;
  }
}

function shadow(cells: readonly Cell[], gap: string): string {
  return cells.map(({ char }) => (char === '' ? gap : char)).join('');
}

function widthOf(char: string): number {
  return zero.test(char) ? 0 : wide.test(char) ? 2 : 1;
}
