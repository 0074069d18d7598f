import { isObject } from '../../base/check.ts';
import { Lru } from '../../base/lru.ts';
import { type Body, textOf } from './body.ts';
import type { Shown } from './shown.ts';

const kept = 1_000;
export const hiddenThought = '[hidden by Sallyport: it held values that are masked]';

/**
 * Anthropic signs its thinking blocks: an edited one would be refused when it comes back. One that would have to be masked
 * is hidden whole, and its own text is put back by its signature when the client sends it up again.
 */
export class Thoughts {
  readonly #bySignature: Lru<string, string> = new Lru(kept);

  /** Hides the thinking blocks of a message that hold what must not be seen. */
  hide(message: Body, shown: Shown): Body {
    if (!Array.isArray(message['content'])) return message;
    const content = message['content'].map((block: unknown) =>
      isObject(block) && block['type'] === 'thinking' ? this.hideBlock(block as Body, shown) : block,
    );
    return { ...message, content };
  }

  hideBlock(block: Body, shown: Shown): Body {
    const text = textOf(block['thinking']);
    if (shown.text(text) === text) return block;
    const signature = block['signature'];
    if (typeof signature === 'string' && signature !== '') this.#bySignature.set(signature, text);
    return { ...block, thinking: hiddenThought };
  }

  /** Puts the texts of hidden blocks back into a request that repeats them. What has none is not copied. */
  restore(value: unknown): unknown {
    if (this.#bySignature.size === 0) return value;
    if (Array.isArray(value)) return value.map((each) => this.restore(each));
    if (!isObject(value)) return value;
    if (
      value['type'] === 'thinking' &&
      value['thinking'] === hiddenThought &&
      typeof value['signature'] === 'string'
    ) {
      const text = this.#bySignature.get(value['signature']);
      return text === undefined ? value : { ...value, thinking: text };
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [
        key,
        key === 'messages' || key === 'content' ? this.restore(each) : each,
      ]),
    );
  }
}
