import { isObject } from '../../base/check.ts';
import type { ServerEvent } from '../../http/events.ts';
import type { Body } from './body.ts';
import type { Channel, Shown } from './shown.ts';
import type { Thoughts } from './thoughts.ts';
import type { JudgeCall } from './tools.ts';

export interface StreamParts {
  readonly shown: Shown;
  readonly judge: JudgeCall;
  readonly thoughts: Thoughts;
  readonly signal: AbortSignal;
}

/** One streamed answer: takes the provider's events and gives those that the client gets. */
export interface AnswerStream {
  readonly event: (event: Body) => Promise<readonly Body[]>;
  /**
   * Nothing more comes: what was still held back, masked. `whole`: the provider ended it, so its calls are as complete as
   * they will ever be, and are judged; `broken`: the connection did, and of calls nobody knows.
   */
  readonly end: (how: 'whole' | 'broken') => Promise<readonly Body[]>;
}

/** The event's data, with the name that its protocol gives it. */
export function named(data: Body | string, event: string | undefined): ServerEvent {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return { ...(event === undefined ? {} : { event }), data: text, comments: [] };
}

interface Open {
  readonly channel: Channel;
  last: (text: string) => Body;
}

/** Pieces of texts, and a way to send what was still held back: of one block, item or choice, or of all. */
export class Channels {
  readonly #shown: Shown;
  readonly #open: Map<string, Map<string, Open>> = new Map();

  constructor(shown: Shown) {
    this.#shown = shown;
  }

  push(
    piece: string,
    { of, part, last }: { readonly of: string; readonly part: string; readonly last: (text: string) => Body },
  ): string {
    const parts = this.#open.get(of) ?? new Map<string, Open>();
    this.#open.set(of, parts);
    const known = parts.get(part) ?? { channel: this.#shown.channel(), last };
    known.last = last;
    parts.set(part, known);
    return known.channel.push(piece).join('');
  }

  /** Ends the texts of one: the events that carry their rests. */
  end(of: string): readonly Body[] {
    const rests = [...(this.#open.get(of)?.keys() ?? [])].flatMap((part) => this.endOne(of, part));
    this.#open.delete(of);
    return rests;
  }

  endOne(of: string, part: string): readonly Body[] {
    const known = this.#open.get(of)?.get(part);
    this.#open.get(of)?.delete(part);
    if (known === undefined) return [];
    const rest = known.channel.end().join('');
    return rest === '' ? [] : [known.last(rest)];
  }

  endAll(): readonly Body[] {
    return [...this.#open.keys()].flatMap((of) => this.end(of));
  }
}

export function listOf(value: unknown): readonly Body[] {
  return Array.isArray(value) ? value.filter((each): each is Body => isObject(each)) : [];
}

export function pick(from: Body, ...keys: readonly string[]): Body {
  return Object.fromEntries(Object.entries(from).filter(([key]) => keys.includes(key)));
}

export function without(from: Body, ...keys: readonly string[]): Body {
  return Object.fromEntries(Object.entries(from).filter(([key]) => !keys.includes(key)));
}
