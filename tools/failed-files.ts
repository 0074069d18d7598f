import type { TestEvent } from 'node:test/reporters';

/** A reporter for `node --test`: the file of each test that failed, a line each. */
async function* failedFiles(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const named = new Set<string>();
  for await (const { type, data } of source) {
    if (type !== 'test:fail' || data.todo !== undefined) continue;
    // A file that ends badly, outside of its tests, is a test of the name of the file.
    const file = data.file ?? data.name;
    if (!named.has(file)) yield `${file}\n`;
    named.add(file);
  }
}

// oxlint-disable-next-line import/no-default-export -- the runner reads no other
export default failedFiles;
