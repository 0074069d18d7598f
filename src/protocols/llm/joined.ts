import type { Body } from './body.ts';
import type { Channel, Shown } from './shown.ts';

type Later = () => readonly Body[];

/** One text of several, and what stands behind it. */
interface Part {
  readonly of: string;
  last: (text: string) => readonly Body[];
  text: string;
  shown: string;
  isOver: boolean;
  readonly behind: Later[];
}

/** Texts that follow each other: the first of them are over, but what stands at their ends may go on in the next. */
interface Run {
  readonly kind: string;
  readonly channel: Channel;
  readonly parts: Part[]; // whose end is not known yet
  isLong: boolean;
}

interface Piece {
  /** Which text it is a piece of. */
  readonly of: string;
  /** Texts of one kind are put together. */
  readonly kind: string;
  readonly text: string;
  /** The event that carries a piece of it. */
  readonly last: (text: string) => readonly Body[];
}

/**
 * The texts of a streamed answer, of which a reader may make one: a value that goes over from one to the next is masked in the first.
 * The order of events stays: what stands behind a text waits until its end is known, which is a word or two of the next one.
 */
export class Joined {
  readonly #shown: Shown;
  #runs: readonly Run[] = [];

  constructor(shown: Shown) {
    this.#shown = shown;
  }

  push({ of, kind, text, last }: Piece): readonly Body[] {
    const out: Body[] = [];
    let run = this.#openRun(of);
    if (run === undefined) {
      out.push(...this.#endWhere((each) => each.kind !== kind && isOver(each)));
      run = this.#runs.findLast((each) => each.kind === kind && isOver(each));
      if (run === undefined) {
        run = { kind, channel: this.#shown.channel(), parts: [], isLong: false };
        this.#runs = [...this.#runs, run];
      } else run.isLong = true;
      run.parts.push({ of, last, text: '', shown: '', isOver: false, behind: [] });
    }
    const part = run.parts.at(-1);
    if (part !== undefined) {
      part.text += text;
      part.last = last;
    }
    return [...out, ...this.#given(run, run.channel.push(text))];
  }

  /** What has come of a text that is not over. */
  open(of: string): string | undefined {
    return this.#openRun(of)?.parts.at(-1)?.text;
  }

  /** A text is over. Of one that is said to be longer than its pieces, more may come: its rest is not shown. */
  close(of: string, whole?: string): readonly Body[] {
    const run = this.#openRun(of);
    const part = run?.parts.at(-1);
    if (run === undefined || part === undefined) return [];
    part.isOver = true;
    if (whole !== undefined && whole.length !== part.text.length) part.last = () => [];
    return this.#given(run, run.channel.next());
  }

  /** Closes all texts whose names begin so. */
  closeAll(prefix: string): readonly Body[] {
    const parts = this.#runs.flatMap((run) => run.parts.filter((part) => !part.isOver));
    return parts.flatMap(({ of }) => (of.startsWith(prefix) ? this.close(of) : []));
  }

  /** What stands behind the texts so far: comes at once where the ends of all that are over are known. */
  pass(later: Later): readonly Body[] {
    const waiting = this.#runs.flatMap(({ parts }) => parts.filter((part) => part.isOver)).at(-1);
    if (waiting === undefined) return later();
    waiting.behind.push(later);
    return [];
  }

  /** Something else than a text begins: texts behind it are not put together with those before. */
  apart(): readonly Body[] {
    return this.#endWhere(isOver);
  }

  end(): readonly Body[] {
    return this.#endWhere(() => true);
  }

  #openRun(of: string): Run | undefined {
    return this.#runs.find(({ parts }) => parts.some((part) => part.of === of && !part.isOver));
  }

  #endWhere(wanted: (run: Run) => boolean): readonly Body[] {
    const ended = this.#runs.filter(wanted);
    this.#runs = this.#runs.filter((run) => !ended.includes(run));
    return ended.flatMap((run) => {
      const out = [...this.#given(run, run.channel.end())];
      for (const part of run.parts.splice(0)) out.push(...this.#done(run, part));
      return out;
    });
  }

  #given(run: Run, texts: readonly string[]): readonly Body[] {
    const out: Body[] = [];
    for (const [index, text] of texts.entries()) {
      const before = index > 0 ? run.parts.shift() : undefined;
      if (before !== undefined) out.push(...this.#done(run, before));
      const part = run.parts[0];
      if (part === undefined || text === '') continue;
      part.shown += text;
      out.push(...part.last(text));
    }
    return out;
  }

  #done({ isLong }: Run, { text, shown, behind }: Part): readonly Body[] {
    if (isLong) this.#shown.joined(text, shown);
    return behind.flatMap((later) => later());
  }
}

function isOver({ parts }: Run): boolean {
  return parts.every((part) => part.isOver);
}
