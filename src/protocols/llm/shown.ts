import { isObject } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import type { DocumentMask, LongText } from '../../carriers/http/masks.ts';
import type { Permit } from '../../core/decision.ts';
import { textRuns } from '../../http/text-runs.ts';
import { type MaskKey, partsAt, textStream } from '../../mask/index.ts';
import type { Placeholders } from './placeholders.ts';
import { textOf } from './body.ts';
import { isStructural } from './request.ts';

/** How the texts of one answer are shown: masked, then with the values that this session hid in its prompts. */
export class Shown {
  readonly #permit: Permit;
  readonly #key: MaskKey;
  readonly #mask: DocumentMask;
  readonly #placeholders: Placeholders;
  readonly #wantsJson: boolean;
  /** Texts that are shown otherwise than by themselves, since a reader may put them together with those beside them. */
  readonly #joined: Map<string, string> = new Map();
  /** Texts that were looked at together with others. */
  readonly #seen: Set<string> = new Set();
  #streamed = 0;

  constructor(parts: {
    readonly permit: Permit;
    readonly key: MaskKey;
    readonly mask: DocumentMask;
    readonly placeholders: Placeholders;
    /** The answer is to be JSON, and must stay so. */
    readonly wantsJson?: boolean;
  }) {
    this.#wantsJson = parts.wantsJson === true;
    this.#permit = parts.permit;
    this.#key = parts.key;
    this.#mask = parts.mask;
    this.#placeholders = parts.placeholders;
  }

  get masked(): number {
    return this.#mask.masked + this.#streamed;
  }

  /** Whether anything may be masked: then what is not understood may not pass. */
  get needed(): boolean {
    return this.#mask.needed;
  }

  /** A model is asked: what is whole is shown inside of `read`. */
  get reads(): boolean {
    return this.#mask.reads;
  }

  /** As that of `DocumentMask`. */
  read<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (!this.reads) return run();
    return this.#mask.read(() => {
      this.#joined.clear();
      this.#seen.clear();
      return run();
    }, signal);
  }

  text(text: string): string {
    return this.#joined.get(text) ?? this.#alone(text);
  }

  #alone(text: string): string {
    return this.#placeholders.restore(this.#mask.text(text));
  }

  /** Arguments of a tool, as JSON; what is not JSON is shown as a text. */
  json(text: string): string {
    if (text.trim() === '') return text;
    const shown = this.#mask.json(text);
    return shown.ok
      ? this.#placeholders.restoreJson(shown.value)
      : this.#placeholders.restore(this.#mask.text(text));
  }

  /** Works out the long texts of a whole answer in slices, before `document` asks for them; `signal` ends that. */
  async ready(value: unknown, signal: AbortSignal): Promise<void> {
    if (this.needed) await this.#mask.ready(this.#longTexts(value, ''), signal);
  }

  /** Looks at the texts of a value that a reader may put together, before `document` asks for them. */
  async join(value: unknown, signal: AbortSignal): Promise<void> {
    if (!this.needed) return;
    for (const run of textRuns(value)) {
      if (run.every((text) => this.#seen.has(text))) continue;
      const shown = await this.#mask.joined(run, signal);
      for (const [index, text] of run.entries())
        this.joined(text, this.#placeholders.restore(shown[index] ?? '***'));
    }
  }

  /** What one of several texts is shown as, wherever it is repeated. */
  joined(text: string, shown: string): void {
    this.#seen.add(text);
    const known = this.#joined.get(text);
    // SECURITY: of the same text in two places nobody can say which one is meant.
    if (known !== undefined && known !== shown) this.#joined.set(text, '***');
    else if (shown !== this.#alone(text)) this.#joined.set(text, shown);
  }

  *#longTexts(value: unknown, key: string): Generator<LongText> {
    if (typeof value === 'string') {
      yield { text: value, name: '', isJson: key === 'arguments' || this.#isJson(value) };
    } else if (Array.isArray(value)) {
      for (const each of value) yield* this.#longTexts(each, key);
    } else if (isObject(value)) {
      for (const [name, each] of Object.entries(value)) {
        if (name === 'input' && isObject(each)) yield { text: JSON.stringify(each), name: '', isJson: true };
        else if (!(typeof each === 'string' && isBytes(name, value))) yield* this.#longTexts(each, name);
      }
    }
  }

  /** A whole answer or event: every text of it that somebody can have written. What stays as it is, is not copied. */
  document<T>(value: T): T {
    return this.#document(value, '') as T;
  }

  #document(value: unknown, key: string): unknown {
    if (Array.isArray(value)) {
      const shown = value.map((each) => this.#document(each, key));
      return shown.every((each, at) => each === value[at]) ? value : shown;
    }
    if (typeof value === 'string') return isStructural(key, value) ? value : this.#named(value, key);
    if (!isObject(value)) return value;
    let out: Record<string, unknown> | undefined;
    const keys = Object.keys(value);
    for (const [at, key] of keys.entries()) {
      const each = value[key];
      const name = plainKey.test(key) ? key : this.text(key);
      const shown = this.#field(key, each, value);
      if (out === undefined) {
        if (name === key && shown === each) continue;
        out = Object.fromEntries(keys.slice(0, at).map((before) => [before, value[before]]));
      }
      out[name] = shown;
    }
    return out ?? value;
  }

  #field(key: string, each: unknown, of: Readonly<Record<string, unknown>>): unknown {
    // SECURITY: the texts of tokens stand there a second time.
    if (repeated.has(key) && this.needed) return Array.isArray(each) ? [] : null;
    // What a tool is called with can hold numbers too.
    if (ownKeys.has(key) && isObject(each)) return JSON.parse(this.json(JSON.stringify(each))) as unknown;
    if (typeof each !== 'string') return this.#document(each, key);
    if (key === 'name' && isTool(of)) return this.toolName(each);
    // Bytes of pictures and sounds, and what the provider has sealed.
    return isBytes(key, of) ? this.#bytes(each, of) : this.#document(each, key);
  }

  /** A tool's own name, as the client knows it; what is no name was written by somebody. */
  toolName(name: string): string {
    return /^(?=.*[A-Za-z_])[\w.:/-]{1,128}$/.test(name) ? name : this.text(name);
  }

  /** What may not be read may not be heard. */
  #bytes(bytes: string, { transcript }: Readonly<Record<string, unknown>>): string {
    return typeof transcript === 'string' && this.text(transcript) !== transcript ? '' : bytes;
  }

  #named(text: string, name: string): string {
    return name === 'arguments' || this.#isJson(text) ? this.json(text) : this.text(text);
  }

  #isJson(text: string): boolean {
    return this.#wantsJson && /^\s*[[{]/.test(text);
  }

  /** A JSON document cannot be masked before its end: a number may go on, and escapes hide what they stand for. */
  #whole(): Channel {
    const parts = [''];
    let length = 0;
    return {
      push: (piece) => {
        parts.push((parts.pop() ?? '') + piece);
        length += piece.length;
        if (length > longestDocument)
          throw new Fault('mask', 'A document of the answer is too long to be masked');
        return [''];
      },
      next: () => {
        parts.push('');
        return [''];
      },
      end: () => {
        const shown = parts.map((text) => this.#named(text, ''));
        const all = parts.join('');
        const whole = this.#named(all, '');
        return whole === all || whole === shown.join('')
          ? shown
          : parts.map((_, at) => (at === 0 ? whole : ''));
      },
    };
  }

  /** Texts that come in pieces, one after the other. */
  channel(): Channel {
    const { finds } = this.#permit.duties;
    const restoring = this.#placeholders.restoring();
    if (finds.length === 0) {
      return {
        push: (piece) => [restoring.push(piece)],
        next: () => [restoring.end(), ''],
        end: () => [restoring.end()],
      };
    }
    if (this.#wantsJson) return this.#whole();
    const masking = textStream({ finds, key: this.#key });
    let given = 0;
    let passed = 0;
    const parted = (text: string): string[] => {
      const places = masking.marks.slice(passed).map((at) => at - given);
      passed += places.length;
      given += text.length;
      const parts = partsAt(text, places);
      return parts.map((part, at) => restoring.push(part) + (at < places.length ? restoring.end() : ''));
    };
    return {
      push: (piece) => {
        try {
          return parted(masking.push(piece));
        } catch (cause) {
          throw new Fault('mask', 'A text of the answer could not be masked', { cause });
        }
      },
      next: () => {
        masking.mark();
        return parted('');
      },
      end: () => {
        const rest = parted(masking.end());
        this.#streamed += masking.masked;
        return [...rest.slice(0, -1), (rest.at(-1) ?? '') + restoring.end()];
      },
    };
  }
}

/** Objects with keys and numbers of somebody's own: what a tool is called with, and what a file is said to be. */
const ownKeys: ReadonlySet<string> = new Set(['input', 'attributes', 'metadata']);

/** Gives what can no longer change: of the oldest part whose end is not known, and of those behind it once it is. */
export interface Channel {
  readonly push: (piece: string) => readonly string[];
  /** Another part begins, of which a reader may make one text with the one before. */
  readonly next: () => readonly string[];
  readonly end: () => readonly string[];
}

export const longestDocument = 16_777_216;

/** Keys of the protocols; what stands in others, somebody may have written. */
const plainKey = /^[A-Za-z_]+\d{0,3}$/;

/** Where tokens of the text stand once more: their texts, their bytes, their numbers. */
const repeated: ReadonlySet<string> = new Set([
  'logprobs',
  'top_logprobs',
  'prompt_logprobs',
  'token_ids',
  'prompt_token_ids',
]);

function isBytes(name: string, of: Readonly<Record<string, unknown>>): boolean {
  if (name === 'b64_json' || name === 'partial_image_b64') return base64.test(textOf(of[name]));
  const type = of['type'];
  if (name === 'result') return type === 'image_generation_call' && base64.test(textOf(of[name]));
  if (name === 'data')
    return (type === 'redacted_thinking' || Object.hasOwn(of, 'transcript')) && base64.test(textOf(of[name]));
  return false;
}

const base64 = /^[A-Za-z0-9+/_-]{16,}={0,2}$/;

function isTool(value: Readonly<Record<string, unknown>>): boolean {
  return (
    Object.hasOwn(value, 'arguments') ||
    Object.hasOwn(value, 'parameters') ||
    Object.hasOwn(value, 'input_schema') ||
    (typeof value['type'] === 'string' && /tool_use$|_call$/.test(value['type']))
  );
}
