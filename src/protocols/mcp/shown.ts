import { isObject } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import type { DocumentMask, LongText } from '../../carriers/http/masks.ts';
import { utf8 } from '../../carriers/http/cuts.ts';
import { mayBeDocument } from '../../carriers/http/texts.ts';
import { base64Bytes } from '../../http/base64.ts';
import { contentOf, typeFits } from '../../http/content.ts';
import { textRuns } from '../../http/text-runs.ts';
import type { Json, Message } from './message.ts';

export interface ShowParts {
  readonly mask: DocumentMask;
  /** Media types that may pass unseen. */
  readonly uninspected: readonly string[];
}

/** A message of a server as its client may see it: every text, wherever it stands, and every number. */
export class Shower {
  readonly #mask: DocumentMask;
  readonly #uninspected: readonly string[];
  /** Texts that were looked at together with those beside them. */
  readonly #joined: Map<string, string> = new Map();
  withheld = 0;

  constructor({ mask, uninspected }: ShowParts) {
    this.#mask = mask;
    this.#uninspected = uninspected;
  }

  /** Long texts are worked out in slices; `signal` ends that. */
  async show(message: Message, signal: AbortSignal): Promise<Message> {
    if (!this.#mask.needed) return message;
    if (!this.#mask.reads) return this.#show(message, signal);
    const { withheld } = this;
    return this.#mask.read(() => {
      this.#joined.clear();
      this.withheld = withheld;
      return this.#show(message, signal);
    }, signal);
  }

  async #show(message: Message, signal: AbortSignal): Promise<Message> {
    await this.#mask.ready(longTexts(bodyOf(message), ''), signal);
    await this.#join(bodyOf(message), signal);
    switch (message.kind) {
      case 'answer':
        return { ...message, result: this.#object(message.result) };
      case 'error':
        return { ...message, error: this.#object(message.error) };
      default:
        return { ...message, params: this.#object(message.params) };
    }
  }

  /** Texts that follow each other in one content: a reader may make one of them. */
  async #join(value: unknown, signal: AbortSignal): Promise<void> {
    for (const texts of textRuns(value)) {
      for (const run of plainRuns(texts)) {
        const shown = await this.#mask.joined(run, signal);
        for (const [index, text] of run.entries()) {
          const [known, each = '***'] = [this.#joined.get(text), shown[index]];
          // SECURITY: of the same text in two places nobody can say which one is meant.
          this.#joined.set(text, known === undefined || known === each ? each : '***');
        }
      }
    }
  }

  #object(value: Json): Json {
    const shown = this.#value(value, '');
    return isObject(shown) ? shown : {};
  }

  #value(value: unknown, key: string): unknown {
    if (Array.isArray(value)) return value.map((each: unknown) => this.#value(each, key));
    if (isObject(value)) return this.#fields(value);
    if (typeof value === 'string') return this.#text(value, key);
    if (typeof value === 'number') return this.#document(value);
    return value;
  }

  #fields(value: Json): Json {
    const out: Record<string, unknown> = {};
    const bytes = typeof value['blob'] === 'string' ? 'blob' : isMedia(value) ? 'data' : undefined;
    if (bytes !== undefined) {
      const shown = this.#bytes(value, bytes);
      if (shown === undefined) {
        this.withheld++;
        const why = 'Withheld: it cannot be looked into, so it cannot be masked';
        if (bytes === 'data') return { type: 'text', text: why };
        return {
          uri: typeof value['uri'] === 'string' ? this.#text(value['uri'], 'uri') : '',
          mimeType: 'text/plain',
          text: why,
        };
      }
      out[bytes] = shown;
    }
    for (const [key, each] of Object.entries(value)) {
      if (key === bytes) continue;
      // Tags are of the answer's own paths, not of the envelope around it.
      out[this.#mask.key(key)] =
        key === 'structuredContent'
          ? this.#document(each)
          : words.has(key)
            ? this.#word(each, key)
            : this.#value(each, key);
    }
    return out;
  }

  /** The protocol's own words stay; what is none of them is a text like others. */
  #word(value: unknown, key: string): unknown {
    return typeof value === 'string' && plain.test(value) ? value : this.#value(value, key);
  }

  /** A text that is JSON says the same as the structured content beside it, so it is shown by the same paths. */
  #text(text: string, key: string): string {
    const joined = key === 'text' ? this.#joined.get(text) : undefined;
    if (joined !== undefined) return this.#mask.mixed(joined) ?? joined;
    if (mayBeDocument(text)) {
      const shown = this.#mask.json(text, nameOf(key));
      if (shown.ok) return shown.value;
    }
    return this.#mask.mixed(text, nameOf(key)) ?? this.#mask.text(text, nameOf(key));
  }

  #document(value: unknown): unknown {
    const shown = this.#mask.json(JSON.stringify(value ?? null));
    if (!shown.ok) throw new Fault('mask', 'A part of the answer cannot be read, so it cannot be masked');
    return JSON.parse(shown.value) as unknown;
  }

  #bytes(value: Json, key: 'blob' | 'data'): string | undefined {
    const given = String(value[key]);
    const type = typeof value['mimeType'] === 'string' ? value['mimeType'] : undefined;
    if (this.#uninspected.some((pattern) => typeFits(pattern, type))) return given;
    if (type === undefined || contentOf(type) === 'opaque') return undefined;
    const read = base64Bytes(given);
    const text = read === undefined ? undefined : utf8(read);
    if (text?.ok !== true) return undefined;
    const shown = this.#text(text.value, '');
    return shown === text.value ? given : Buffer.from(shown).toString('base64');
  }
}

/** Documents have an end of their own. */
function* plainRuns(texts: readonly string[]): Generator<readonly string[]> {
  let run: string[] = [];
  for (const text of texts) {
    if (!mayBeDocument(text)) run.push(text);
    else {
      if (run.length > 1) yield run;
      run = [];
    }
  }
  if (run.length > 1) yield run;
}

function bodyOf(message: Message): Json {
  if (message.kind === 'answer') return message.result;
  return message.kind === 'error' ? message.error : message.params;
}

/** What a text is called, where its key says so. */
function nameOf(key: string): string {
  return key === 'text' ? '' : key;
}

/** The texts that `#text` and `#document` will ask for. */
function* longTexts(value: unknown, key: string): Generator<LongText> {
  if (typeof value === 'string') {
    yield { text: value, name: nameOf(key), isJson: mayBeDocument(value) };
  } else if (Array.isArray(value)) {
    for (const each of value) yield* longTexts(each, key);
  } else if (isObject(value)) {
    for (const [name, each] of Object.entries(value)) {
      if (name === 'structuredContent') yield { text: JSON.stringify(each ?? null), name: '', isJson: true };
      else if (name !== 'blob' && name !== 'data') yield* longTexts(each, name);
    }
  }
}

const words: ReadonlySet<string> = new Set([
  'type',
  'resultType',
  'role',
  'mimeType',
  'level',
  'method',
  'cacheScope',
]);
const plain = /^[a-z_+./-]{1,60}$/i;

function isMedia(value: Json): boolean {
  return typeof value['data'] === 'string' && (value['type'] === 'image' || value['type'] === 'audio');
}
