import { Fault } from '../base/errors.ts';
import { Lru } from '../base/lru.ts';
import type { Duties } from '../core/decision.ts';
import { modelUseOf, operatorForFind } from '../core/duties.ts';
import { detectorsInUse, type Finding, modelInUse, type TextModel } from '../mask/index.ts';

/**
 * What a model finds in the texts of one answer, or one prompt; undefined where no rule wants one asked, or none is there and none
 * is required.
 */
export function readingOf(finds: Duties['finds'], of: ReadingOf = 'texts'): Reading | undefined {
  const use = modelUseOf(finds);
  if (use === undefined) return undefined;
  const asking = finds.filter(({ model }) => model !== undefined);
  if (modelFinds(finds)) return new Reading(asking, { model: modelInUse(), use, of });
  return use === 'required' ? new Reading(asking, { model: undefined, use, of }) : undefined;
}

/**
 * Of a text that nobody read the whole is one finding; in rows, of which there is no end, where it must be read: else it is what
 * detectors find. Rows repeat their values, so short ones are read once.
 */
export type ReadingOf = 'texts' | 'rows';

/** Whether there is a model that finds what a rule asks it for. */
export function modelFinds(finds: Duties['finds']): boolean {
  const asking = finds.filter(({ model }) => model !== undefined);
  return modelInUse()?.types.some((type) => operatorForFind(asking, type) !== undefined) === true;
}

/** How a reading went. */
export interface Went {
  /** Texts that the model was given. */
  asked: number;
  /** Of these, what it did not read. */
  unread: number;
}

/** More than once where what is hidden makes other texts of those around it. */
const mostRounds = 4;
/** Of less nobody is called. */
const wordy = /\p{L}\p{M}*\p{L}/u;
/** Short texts of one answer's rows, and how long they are. */
const mostKept = 1_024;
const longestKept = 64;
const none: readonly Finding[] = [];
const marks = /\[([A-Z][A-Z0-9_]{1,39}?)(?:_\d{1,6})?\]/g;

function isType(name: string): boolean {
  return detectorsInUse().some((each) => each.name === name);
}

/**
 * Searches are not made to wait, and a model is not made to be quick: so all is searched, what the model has not read yet is noted,
 * it reads that, and all is searched again, until nothing is new. SECURITY: what it could not read is one finding as a whole, and
 * a text that is searched anywhere else is refused where the model is required.
 */
export class Reading {
  readonly #finds: Duties['finds'];
  readonly #model: TextModel | undefined;
  readonly use: 'required' | 'where-possible';
  readonly #required: boolean;
  /** What is not read goes by detectors. */
  readonly #spares: boolean;
  /** Short texts of rows that were read. */
  readonly #kept: Lru<string, readonly Finding[]> | undefined;
  readonly went: Went = { asked: 0, unread: 0 };
  /** What is done once, when all is searched for the last time. */
  #later: (() => void)[] = [];
  readonly #known: Map<string, readonly Finding[]> = new Map();
  readonly #open: Set<string> = new Set();
  #state: 'outside' | 'noting' | 'last' | 'aside' = 'outside';

  constructor(
    finds: Duties['finds'],
    {
      model,
      use,
      of,
    }: {
      readonly model: TextModel | undefined;
      readonly use: 'required' | 'where-possible';
      readonly of: ReadingOf;
    },
  ) {
    this.#finds = finds;
    this.#model = model;
    this.use = use;
    this.#required = use === 'required';
    this.#spares = of === 'rows' && !this.#required;
    this.#kept = of === 'rows' ? new Lru(mostKept) : undefined;
  }

  /** What the model finds in a text, as `normalise` gives it. */
  readonly more = (normal: string): readonly Finding[] => {
    if (this.#state === 'aside' || !wordy.test(normal)) return none;
    if (this.#state === 'outside') {
      this.inParts();
      return none;
    }
    const known = this.#known.get(normal) ?? this.#kept?.get(normal);
    if (known !== undefined) return known;
    if (this.#state === 'last') return this.#whole(normal);
    this.#open.add(normal);
    return none;
  };

  /** UTF-16 units that the model is given of what is read together. */
  get most(): number {
    return this.#model?.most ?? 0;
  }

  /** How long the model may take for what is read together. */
  get withinMs(): number {
    return this.#model?.withinMs ?? 0;
  }

  /** What is searched may be searched again: what tells of it is done when it was for the last time. */
  later(tell: () => void): void {
    if (this.isOn) this.#later.push(tell);
    else tell();
  }

  get isOn(): boolean {
    return this.#state === 'noting' || this.#state === 'last';
  }

  /** Says that a text will be searched in pieces, which no model can read. Throws a Fault `mask` where one must. */
  inParts(): void {
    if (this.#required)
      throw new Fault('mask', 'A model must read this, and it cannot be given to one as a whole');
  }

  /**
   * Runs it until the model has read all that is searched in it; `fresh` forgets what the run before did. Rejects with the signal's
   * reason, and with a Fault `mask` where there is no model and one is required.
   */
  async read<T>(
    run: () => T | Promise<T>,
    { fresh, signal }: { readonly fresh: () => void; readonly signal: AbortSignal },
  ): Promise<T> {
    if (this.#state !== 'outside') throw new Fault('bug', 'A model reads one answer once at a time');
    const model = this.#model;
    if (model === undefined)
      throw new Fault('mask', 'A model must read this, and none is configured that finds what is asked for');
    const bounds = { until: performance.now() + model.withinMs, left: model.most, signal };
    this.went.asked = 0;
    this.went.unread = 0;
    try {
      for (let round = 1; ; round++) {
        this.#state = round < mostRounds ? 'noting' : 'last';
        const shown = await run();
        if (this.#open.size === 0) {
          this.#tell();
          return shown;
        }
        signal.throwIfAborted();
        await this.#ask(model, bounds);
        signal.throwIfAborted();
        this.#later = [];
        fresh();
      }
    } finally {
      this.#end();
    }
  }

  /** Runs it as if the model had read nothing: it is not asked. */
  unasked<T>(run: () => T): T {
    if (this.#state !== 'outside') throw new Fault('bug', 'A model reads one answer once at a time');
    try {
      this.#state = 'last';
      const shown = run();
      this.#tell();
      return shown;
    } finally {
      this.#end();
    }
  }

  #tell(): void {
    for (const tell of this.#later.splice(0)) tell();
  }

  #end(): void {
    this.#state = 'outside';
    this.#later = [];
    this.#known.clear();
    this.#open.clear();
  }

  /** Searches what no model is asked about: names of headers and keys. */
  aside<T>(run: () => T): T {
    const before = this.#state;
    this.#state = 'aside';
    try {
      return run();
    } finally {
      this.#state = before;
    }
  }

  async #ask(
    model: TextModel,
    bounds: { readonly until: number; left: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const given: string[] = [];
    for (const text of this.#open) {
      if (text.length > bounds.left) this.#known.set(text, this.#whole(text));
      else {
        bounds.left -= text.length;
        given.push(text);
      }
    }
    this.#open.clear();
    if (given.length === 0) return;
    const found = await model.find(given, Math.max(0, bounds.until - performance.now()), bounds.signal);
    this.went.asked += given.length;
    for (const [at, text] of given.entries()) {
      const read = found[at];
      const wanted = read === undefined ? this.#whole(text) : this.#wanted(text, read);
      if (read === undefined) this.went.unread++;
      else if (text.length <= longestKept) this.#kept?.set(text, wanted);
      this.#known.set(text, wanted);
    }
  }

  /** What masks show (`[PERSON]`, `[PERSON_1]`) is nobody's name. */
  #wanted(text: string, found: readonly Finding[]): readonly Finding[] {
    const shown = text.includes('[') ? [...text.matchAll(marks)].filter(([, name = '']) => isType(name)) : [];
    return found.filter(
      ({ type, start, end }) =>
        operatorForFind(this.#finds, type) !== undefined &&
        !shown.some(({ index, 0: mark }) => start >= index && end <= index + mark.length),
    );
  }

  #whole(text: string): readonly Finding[] {
    if (this.#spares) return none;
    const types = this.#model?.types ?? [];
    const type = types.find((each) => operatorForFind(this.#finds, each) !== undefined) ?? 'UNKNOWN';
    return [{ type, start: 0, end: text.length, score: 1 }];
  }
}
