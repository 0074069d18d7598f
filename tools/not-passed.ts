import type { TestEvent } from 'node:test/reporters';

/** One line of what the reporter writes, as JSON. */
export type NotPassed =
  | { readonly kind: 'left out'; readonly what: string } // the file, the test, the reason
  | { readonly kind: 'failed'; readonly file: string };

/**
 * A reporter for `node --test`: each test that was left out, with its file and the reason, and each file in which something failed,
 * once. It is one, because with a third beside that of the terminal the runner warns of a leak.
 */
async function* notPassed(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failed = new Set<string>();
  const line = (one: NotPassed): string => `${JSON.stringify(one)}\n`;
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const why = data.skip ?? data.todo;
    // Absent and false: it ran. An empty text is a reason too.
    if (why !== undefined && why !== false) {
      const reason = why === true || why === '' ? 'no reason' : why;
      yield line({ kind: 'left out', what: `${data.file ?? ''}: ${data.name}: ${reason}` });
    }
    if (type !== 'test:fail' || data.todo !== undefined) continue;
    // A file that ends badly, outside of its tests, is a test of the name of the file.
    const file = data.file ?? data.name;
    if (!failed.has(file)) yield line({ kind: 'failed', file });
    failed.add(file);
  }
}

export function readNotPassed(written: string): readonly NotPassed[] {
  return written
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as NotPassed); // what the reporter wrote
}

// oxlint-disable-next-line import/no-default-export -- the runner reads no other
export default notPassed;
