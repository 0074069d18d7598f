// Many patterns in one walk: a deterministic automaton, built as texts need its states, over what the patterns look like.
// It may say that a pattern fits where it does not (what looks ahead is not followed, long repeats are loops), never the
// other way round: the pattern itself has the last word.

/** What stands behind the last byte. */
const endOfText = 256;
/** A digit of which it is not known which. */
const anyDigit = 257;
const symbols = 258;
/** Repeats are counted up to here. INVARIANT: less than `deep`, or nothing long would ever be a candidate. */
const counted = 20;
/** A walk this long is a candidate for whatever is still going on. */
const deep = 44;
/** States kept; beyond, they are forgotten and made anew. */
const mostStates = 4_000;

type Symbols = Uint8Array; // one byte for each symbol: 1 is in it

/** `from` steps to `to` over a symbol of `set`; without a set over nothing. */
interface Step {
  readonly to: number;
  readonly set?: Symbols;
}

interface State {
  /** Patterns that may fit up to here. */
  readonly fits: readonly number[];
  /** Patterns that may still go on. */
  readonly open: readonly number[];
  readonly nodes: readonly number[];
}

export interface Automaton {
  /**
   * Walks `bytes[at, end)` (ASCII, and 0x80 and above for all else) from a place that no ASCII letter or digit stands before,
   * and gives each pattern that may fit there, some more than once, until `take` says true. Gives whether it did.
   */
  readonly walk: (bytes: Uint8Array, at: number, end: number, take: (pattern: number) => boolean) => boolean;
  /** Whether `walk` would give anything. */
  readonly any: (bytes: Uint8Array, at: number, end: number) => boolean;
  /** Whether it would with any other digits in place of those that stand there. */
  readonly anyDigits: (bytes: Uint8Array, at: number, end: number) => boolean;
  /** Whether a pattern may fit that begins here, whatever stands behind `end`: one of the signs `ends`, or the end of the text. */
  readonly mayGoOn: (bytes: Uint8Array, at: number, end: number, ends: string) => boolean;
}

/** Whether a pattern begins at the beginning of a word, so that an automaton can look for it. */
export function walkable(pattern: RegExp): boolean {
  return !/[uvms]/.test(pattern.flags) && /^(?:\(\?<!\[(?:A-Za-z0-9|\\w[^\]]*)\]\))/.test(pattern.source);
}

/** Over patterns that are all `walkable`. */
export function automaton(patterns: readonly RegExp[]): Automaton {
  const edges: Step[][] = [[]];
  const accepts = new Map<number, number>(); // node to pattern
  const owner: number[] = [-1];
  const sets = new Map<string, Symbols>();
  for (const [index, pattern] of patterns.entries()) {
    const first = edges.length;
    const [start, last] = compile(pattern, edges, sets);
    edges[0]?.push({ to: start });
    accepts.set(last, index);
    for (let node = first; node < edges.length; node++) owner[node] = index;
  }
  const { classes, count } = classesOf(edges);
  // Of each state and each class of symbols the next state; -1: not worked out.
  const next = new Int32Array(mostStates * count);
  const fitting = new Uint8Array(mostStates); // 1: some pattern fits here
  // INVARIANT: state 0 is dead, state 1 the beginning.
  let states: State[] = [];
  let known = new Map<string, number>();
  const reset = (): void => {
    states = [];
    known = new Map();
    next.fill(-1);
    stateOf([]);
    stateOf([0]);
  };
  reset();
  return { walk, any, anyDigits, mayGoOn };

  function stateOf(from: readonly number[]): number {
    const nodes = closure(from, edges);
    const key = nodes.join();
    const before = known.get(key);
    if (before !== undefined) return before;
    const fits = nodes.flatMap((node) => accepts.get(node) ?? []);
    const open = [...new Set(nodes.map((node) => owner[node] ?? -1))].filter((each) => each >= 0);
    fitting[states.length] = fits.length > 0 ? 1 : 0;
    states.push({ fits, open, nodes });
    known.set(key, states.length - 1);
    return states.length - 1;
  }

  function step(from: number, byte: number): number {
    const to: number[] = [];
    // What is worked out for one byte beyond ASCII holds for all of them: they are one symbol.
    const symbol = byte >= 0x80 && byte < endOfText ? 0x80 : byte;
    for (const node of states[from]?.nodes ?? [])
      for (const edge of edges[node] ?? []) if (edge.set?.[symbol] === 1) to.push(edge.to);
    const made = stateOf(to);
    next[from * count + (classes[symbol] ?? 0)] = made;
    return made;
  }

  function walk(bytes: Uint8Array, at: number, end: number, take: (pattern: number) => boolean): boolean {
    if (states.length > mostStates - deep - 2) reset();
    let now = 1;
    for (let to = at; to <= end; to++) {
      const symbol = to < end ? (bytes[to] ?? 0) : endOfText;
      const found = next[now * count + (classes[symbol] ?? 0)] ?? -1;
      now = found >= 0 ? found : step(now, symbol);
      if (now === 0) return false;
      if (fitting[now] === 1 && states[now]?.fits.some(take) === true) return true;
      if (to - at >= deep) return states[now]?.open.some(take) === true;
    }
    return false;
  }

  function any(bytes: Uint8Array, at: number, end: number): boolean {
    return walk(bytes, at, end, always);
  }

  function anyDigits(bytes: Uint8Array, at: number, end: number): boolean {
    if (states.length > mostStates - deep - 2) reset();
    let now = 1;
    for (let to = at; to <= end; to++) {
      const byte = to < end ? (bytes[to] ?? 0) : endOfText;
      const symbol = byte >= 0x30 && byte <= 0x39 ? anyDigit : byte;
      const found = next[now * count + (classes[symbol] ?? 0)] ?? -1;
      now = found >= 0 ? found : step(now, symbol);
      if (now === 0) return false;
      if (fitting[now] === 1 || to - at >= deep) return true;
    }
    return false;
  }

  // oxlint-disable-next-line max-params
  function mayGoOn(bytes: Uint8Array, at: number, end: number, ends: string): boolean {
    if (end - at >= deep) return true;
    if (states.length > mostStates - deep - ends.length - 2) reset();
    let now = 1;
    for (let to = at; to < end; to++) {
      const byte = bytes[to] ?? 0;
      const symbol = byte >= 0x30 && byte <= 0x39 ? anyDigit : byte;
      const found = next[now * count + (classes[symbol] ?? 0)] ?? -1;
      now = found >= 0 ? found : step(now, symbol);
      if (now === 0) return false;
      if (fitting[now] === 1) return true;
    }
    const behind = [endOfText, ...Array.from(ends, (sign) => sign.charCodeAt(0))];
    return behind.some((symbol) => {
      const then = step(now, symbol);
      return then !== 0 && (symbol !== endOfText || fitting[then] === 1);
    });
  }
}

function always(): boolean {
  return true;
}

function closure(from: readonly number[], edges: readonly (readonly Step[])[]): readonly number[] {
  const seen = new Set(from);
  for (const node of seen) for (const { to, set } of edges[node] ?? []) if (set === undefined) seen.add(to);
  return [...seen].sort((a, b) => a - b);
}

/** Symbols that no step tells apart are one class. */
function classesOf(edges: readonly (readonly Step[])[]): {
  readonly classes: Uint16Array;
  readonly count: number;
} {
  let classes = new Uint16Array(symbols);
  let count = 1;
  const seen = new Set<Symbols>();
  for (const { set } of edges.flat()) {
    if (set === undefined || seen.has(set)) continue;
    seen.add(set);
    const numbers = new Map<number, number>();
    const next = new Uint16Array(symbols);
    for (let symbol = 0; symbol < symbols; symbol++) {
      const pair = (classes[symbol] ?? 0) * 2 + (set[symbol] ?? 0);
      const number = numbers.get(pair) ?? numbers.size;
      numbers.set(pair, number);
      next[symbol] = number;
    }
    classes = next;
    count = numbers.size;
  }
  classes.fill(classes[0x80] ?? 0, 0x80, endOfText);
  return { classes, count };
}

/** Adds the nodes of a pattern; gives its first and its last. Throws at what it does not know. */
function compile(pattern: RegExp, edges: Step[][], sets: Map<string, Symbols>): readonly [number, number] {
  const { source } = pattern;
  const folds = pattern.ignoreCase;
  let at = 0;
  const node = (): number => edges.push([]) - 1;
  const link = (from: number, to: number, set?: Symbols): void => {
    edges[from]?.push(set === undefined ? { to } : { to, set });
  };
  const last = node();
  const start = node();
  const finish = alternatives(start, 0);
  link(finish, last);
  if (at < source.length) throw new Error(`Cannot read pattern at ${at}: ${source}`);
  return [start, last];

  function alternatives(from: number, depth: number): number {
    const end = node();
    for (;;) {
      const begin = node();
      link(from, begin);
      link(sequence(begin, depth), end);
      if (source[at] !== '|') return end;
      at++;
    }
  }

  function sequence(from: number, depth: number): number {
    let now = from;
    while (at < source.length && source[at] !== '|' && source[at] !== ')') {
      const begun = at;
      const edge = edgeAt();
      if (edge !== undefined) {
        // What may not follow is followed only where nothing else does.
        if (depth > 0 || (at < source.length && source[at] !== '|')) continue;
        const to = node();
        link(now, to, edge);
        now = to;
        continue;
      }
      if (lookAt()) continue;
      const first = atom(now, depth);
      const [least, most] = quantifier();
      if (least === 1 && most === 1) {
        now = first;
        continue;
      }
      const after = at;
      const again = (source_: number): number => {
        at = begun;
        const to = atom(source_, depth);
        at = after;
        return to;
      };
      now = repeat(now, { least, most, again });
    }
    return now;
  }

  function repeat(
    from: number,
    of: { readonly least: number; readonly most: number; readonly again: (from: number) => number },
  ): number {
    let now = from;
    for (let count = 0; count < Math.min(of.least, counted); count++) now = of.again(now);
    const end = node();
    link(now, end);
    if (of.most > counted) {
      const loop = node();
      link(now, loop);
      const back = of.again(loop);
      link(back, loop);
      link(back, end);
      return end;
    }
    for (let count = of.least; count < of.most; count++) {
      now = of.again(now);
      link(now, end);
    }
    return end;
  }

  /** `(?![…])`: what may stand behind the pattern. */
  function edgeAt(): Symbols | undefined {
    const match = /^\(\?!(\[[^\]]*\])\)/.exec(source.slice(at));
    if (match === null) return undefined;
    at += 3;
    const from = at;
    const not = classAt();
    const key = `!${source.slice(from, at)}`;
    at++;
    const set = sets.get(key) ?? not.map((each, symbol) => (each === 1 && symbol !== 0x80 ? 0 : 1));
    sets.set(key, withAnyDigit(set));
    return set;
  }

  /** Steps over anything else that looks around, without following it. */
  function lookAt(): boolean {
    if (!/^\(\?(?:=|!|<=|<!)/.test(source.slice(at, at + 4))) return false;
    let open = 0;
    let inside = false;
    for (; at < source.length; at++) {
      const char = source[at];
      if (char === '\\') at++;
      else if (inside) inside = char !== ']';
      else if (char === '[') inside = true;
      else if (char === '(') open++;
      else if (char === ')' && --open === 0) {
        at++;
        return true;
      }
    }
    throw new Error(`Pattern without end: ${source}`);
  }

  function atom(from: number, depth: number): number {
    const char = source[at] ?? '';
    if (char === '(') {
      at += source.startsWith('(?:', at) ? 3 : 1;
      const end = alternatives(from, depth + 1);
      if (source[at] !== ')') throw new Error(`Cannot read pattern at ${at}: ${source}`);
      at++;
      return end;
    }
    // What was captured can be anything of any length.
    const back = /^\\[1-9]/.test(source.slice(at, at + 2));
    const to = node();
    if (back) {
      at += 2;
      const loop = node();
      link(from, loop);
      link(loop, loop, everything());
      link(loop, to);
      return to;
    }
    link(from, to, classAt());
    return to;
  }

  function quantifier(): readonly [number, number] {
    const match = /^(?:\{(\d+)(,(\d*))?\}|[?*+])/.exec(source.slice(at));
    if (match === null) return [1, 1];
    at += match[0].length;
    if (source[at] === '?') at++;
    if (match[0] === '?') return [0, 1];
    if (match[0] === '*') return [0, Infinity];
    if (match[0] === '+') return [1, Infinity];
    const least = Number(match[1]);
    if (match[2] === undefined) return [least, least];
    return [least, match[3] === '' ? Infinity : Number(match[3])];
  }

  function classAt(): Symbols {
    const rest = source.slice(at);
    const text = /^(?:\[(?:\\.|[^\]\\])*\]|\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\])/s.exec(rest)?.[0];
    if (text === undefined || text === '^' || text === '$') throw new Error(`Cannot read pattern: ${source}`);
    at += text.length;
    const key = folds ? `${text}i` : text;
    const before = sets.get(key);
    if (before !== undefined) return before;
    const one = new RegExp(`^(?:${text})$`, folds ? 'i' : '');
    const set = new Uint8Array(symbols);
    sets.set(key, set);
    for (let code = 0; code < 0x80; code++) set[code] = one.test(String.fromCharCode(code)) ? 1 : 0;
    // Beyond ASCII is one symbol: it is in every class that names any such character.
    if (text.startsWith('[^') || text === '.' || /[^\0-\x7f]|\\[sSWDux]/.test(text)) set[0x80] = 1;
    return withAnyDigit(set);
  }
}

/** A digit of which nothing is known may be each that the set has. */
function withAnyDigit(set: Symbols): Symbols {
  set[anyDigit] = set.subarray(0x30, 0x3a).includes(1) ? 1 : 0;
  return set;
}

function everything(): Symbols {
  const set = new Uint8Array(symbols).fill(1);
  set[endOfText] = 0;
  return set;
}
