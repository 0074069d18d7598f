import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { scan } from '../scan.ts';

suite('addresses of mail', () => {
  const cases: readonly (readonly [text: string, found: readonly string[]])[] = [
    ['/unsubscribe/ann.lee%40example.com/now', ['ann.lee%40example.com']],
    ['v=ann%40example.com&w=bo%40example.org', ['ann%40example.com', 'bo%40example.org']],
    ['a%40b.example@example.com', ['a%40b.example@example.com']],
    ['ann.lee@example.com.pdf', ['ann.lee@example.com']],
    ['see ann@mail.example.org.txt.', ['ann@mail.example.org']],
    ['notes@example.md', ['notes@example.md']],
    ['icon@2x.png', []],
    ['logo@2x.min.js', []],
    ['logo@2x.de.png', []],
    ['chunk@app.com', ['chunk@app.com']],
    ['lodash@4.17.21.js', []],
    ["LIKE '%40%'", []],
    ['100%40.50', []],
    ['ann%41example.com', []],
    ['%40example.com', []],
  ];
  for (const [text, found] of cases)
    test(text, () => {
      assert.deepEqual(
        scan(text).map(({ start, end }) => text.slice(start, end)),
        found,
      );
    });
});
