import { isObject } from '../base/check.ts';
import type { ReplayReader, Shown } from '../core/replay.ts';
import type { Frame } from './frames.ts';

/** One thing that happened in a session, `at` milliseconds after it began. A line of the export as JSON Lines is one of these. */
export type Scene = { readonly at: number } & Seen;

export type Seen =
  | { readonly kind: 'session'; readonly session: SceneSession }
  | {
      readonly kind: 'statement';
      readonly id: string;
      readonly text: string;
      /** Digest of bound values. */
      readonly values?: string;
      /** What the ledger says of it; absent where it is not known here. */
      readonly decided?: Decided;
    }
  | {
      readonly kind: 'decision';
      readonly id: string;
      readonly decision: string;
      readonly why?: string;
      readonly decided?: Decided;
    }
  | { readonly kind: 'answer'; readonly of?: string; readonly shown: Shown }
  | { readonly kind: 'sent'; readonly of?: string; readonly shown: Shown }
  | { readonly kind: 'note'; readonly text: string }
  /** Something is not here, and why. */
  | { readonly kind: 'gap'; readonly why: string; readonly chunk?: number }
  | { readonly kind: 'end'; readonly why: string };

export interface SceneSession {
  readonly id: string;
  readonly identity: string;
  readonly resource: string;
  readonly protocol: string;
  readonly startedAt: string; // RFC 3339
  readonly run?: string;
}

export interface Decided {
  readonly decision: 'allow' | 'deny' | 'review';
  readonly verb: string;
  readonly access: string;
  readonly rules: readonly string[];
  readonly duties: readonly string[];
  readonly review?: string;
  readonly ended?: string;
}

/** Frames of one recording as scenes. `decided` tells of a decision by its id. */
export class SceneReader {
  readonly #reader: ReplayReader;
  readonly #decided: (id: string) => Decided | undefined;
  #chunk = -1;
  #turn: string | undefined;

  constructor(reader: ReplayReader, decided: (id: string) => Decided | undefined = () => undefined) {
    this.#reader = reader;
    this.#decided = decided;
  }

  /** `chunk` is where the frame lies: turns do not reach over its end. */
  read(frame: Frame, chunk: number): readonly Scene[] {
    if (chunk !== this.#chunk) this.#turn = undefined;
    this.#chunk = chunk;
    const { at, kind, bytes } = frame;
    const of = this.#turn === undefined ? {} : { of: this.#turn };
    switch (kind) {
      case 'header':
        return [];
      case 'turn':
        this.#turn = bytes.length === 0 ? undefined : textOf(bytes);
        return [];
      case 'statement':
        return [this.#statement(at, objectOf(bytes))];
      case 'decision':
        return [this.#decision(at, objectOf(bytes))];
      case 'answer':
        return this.#reader.answer(bytes, this.#turn).map((shown) => ({ at, kind: 'answer', ...of, shown }));
      case 'ask':
        return this.#reader.ask(bytes, this.#turn).map((shown) => ({ at, kind: 'sent', ...of, shown }));
      case 'note':
        return [{ at, kind: 'note', text: textOf(bytes) }];
      default:
        return kind satisfies never;
    }
  }

  #statement(at: number, { id = '', text = '', values }: Facts): Scene {
    const decided = this.#decided(id);
    return {
      at,
      kind: 'statement',
      id,
      text,
      ...(values === undefined ? {} : { values }),
      ...(decided === undefined ? {} : { decided }),
    };
  }

  #decision(at: number, { id = '', decision = '', why }: Facts): Scene {
    const decided = this.#decided(id);
    return {
      at,
      kind: 'decision',
      id,
      decision,
      ...(why === undefined ? {} : { why }),
      ...(decided === undefined ? {} : { decided }),
    };
  }
}

type Facts = Readonly<Partial<Record<string, string>>>;

function objectOf(bytes: Uint8Array): Facts {
  let value: unknown;
  try {
    value = JSON.parse(textOf(bytes));
  } catch {
    return { text: textOf(bytes) };
  }
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, String(each)]));
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
