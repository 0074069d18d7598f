import type { Cost } from '../../core/held.ts';

// What a byte that is held whole takes of memory, measured with 60 MB by the kernel's own count.

export const costs: Readonly<Record<'request' | 'answer' | 'parsed', Cost>> = {
  /** A client's body: its pieces, the whole, its text, what is searched and recorded of it. */
  request: { each: 6, node: 0 },
  /** A body that is masked: its pieces, the whole, and what is shown of it. */
  answer: { each: 3, node: 0 },
  /** What is read into objects, changed, and written anew. */
  parsed: { each: 8, node: 64 },
};
