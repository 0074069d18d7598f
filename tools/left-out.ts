import type { TestEvent } from 'node:test/reporters';

/** A reporter for `node --test`: a line for each test that was left out, with its file and the reason. */
async function* leftOut(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const why = data.skip ?? data.todo;
    // Absent and false: it ran. An empty text is a reason too.
    if (why === undefined || why === false) continue;
    yield `${data.file ?? ''}: ${data.name}: ${why === true || why === '' ? 'no reason' : why}\n`;
  }
}

// oxlint-disable-next-line import/no-default-export -- the runner reads no other
export default leftOut;
