import { isObject } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import type { DocumentMask } from '../../carriers/http/masks.ts';
import type { Permit } from '../../core/decision.ts';
import { type MaskKey, textStream } from '../../mask/index.ts';
import type { Placeholders } from './placeholders.ts';
import { mapTexts } from './request.ts';

/** How the texts of one answer are shown: masked, then with the values that this session hid in its prompts. */
export class Shown {
  readonly #permit: Permit;
  readonly #key: MaskKey;
  readonly #mask: DocumentMask;
  readonly #placeholders: Placeholders;
  #streamed = 0;

  constructor(parts: {
    readonly permit: Permit;
    readonly key: MaskKey;
    readonly mask: DocumentMask;
    readonly placeholders: Placeholders;
  }) {
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

  text(text: string): string {
    return this.#placeholders.restore(this.#mask.text(text));
  }

  /** Arguments of a tool, as JSON; what is not JSON is shown as a text. */
  json(text: string): string {
    if (text.trim() === '') return text;
    const shown = this.#mask.json(text);
    return this.#placeholders.restore(shown.ok ? shown.value : this.#mask.text(text));
  }

  /** A whole answer or event: every text of it that somebody can have written. */
  document<T>(value: T): T {
    return this.#document(value, '') as T;
  }

  #document(value: unknown, key: string): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#document(each, key));
    if (!isObject(value)) return mapTexts(value, (text, name) => this.#named(text, name), key);
    const out: Record<string, unknown> = {};
    for (const [name, each] of Object.entries(value)) {
      // SECURITY: the texts of tokens stand there a second time.
      if (name === 'logprobs' && this.needed) out[name] = Array.isArray(each) ? [] : null;
      // What a tool is called with can hold numbers too.
      else if (name === 'input' && isObject(each)) out[name] = JSON.parse(this.json(JSON.stringify(each)));
      else if (name === 'name' && isTool(value)) out[name] = each;
      else out[name] = this.#document(each, name);
    }
    return out;
  }

  #named(text: string, name: string): string {
    return name === 'arguments' ? this.json(text) : this.text(text);
  }

  /** One text that comes in pieces. */
  channel(): Channel {
    const { finds } = this.#permit.duties;
    const restoring = this.#placeholders.restoring();
    if (finds.length === 0) return restoring;
    const masking = textStream({ finds, key: this.#key });
    return {
      push: (piece) => {
        try {
          return restoring.push(masking.push(piece));
        } catch (cause) {
          throw new Fault('mask', 'A text of the answer could not be masked', { cause });
        }
      },
      end: () => {
        const rest = restoring.push(masking.end()) + restoring.end();
        this.#streamed += masking.masked;
        return rest;
      },
    };
  }
}

export interface Channel {
  readonly push: (piece: string) => string;
  readonly end: () => string;
}

function isTool(value: Readonly<Record<string, unknown>>): boolean {
  return (
    Object.hasOwn(value, 'arguments') ||
    Object.hasOwn(value, 'parameters') ||
    Object.hasOwn(value, 'input_schema') ||
    (typeof value['type'] === 'string' && /tool_use$|_call$/.test(value['type']))
  );
}
