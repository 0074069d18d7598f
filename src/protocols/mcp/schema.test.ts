import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Fault } from '../../base/errors.ts';
import { instant } from '../../base/time.ts';
import { defaultLimits } from '../../core/limits.ts';
import { fitting } from './schema.ts';
import { type Schemas, schemas } from './schemas.ts';

function fit(schema: object, given: unknown): string {
  return fitting({ schema: JSON.stringify(schema), given });
}

suite('schemas of tools', () => {
  test('one schema is not another because both have the same $id', () => {
    const id = 'https://example.com/arguments';
    const [any, text] = [{}, { type: 'string' }].map((a) => ({ $id: id, type: 'object', properties: { a } }));
    assert.equal(fit(any ?? {}, { a: 1 }), 'fits');
    assert.equal(fit(text ?? {}, { a: 1 }), 'unfit');
    assert.equal(fit(text ?? {}, { a: 'x' }), 'fits');
  });

  for (const [what, schema] of Object.entries({
    'a reference to elsewhere': { properties: { a: { $ref: 'https://evil.example/schema' } } },
    'a reference to a file': { properties: { a: { $ref: 'file:///etc/passwd' } } },
    'a pattern that is none': { properties: { a: { type: 'string', pattern: '(' } } },
    'another dialect': { $schema: 'https://evil.example/dialect' },
  }))
    test(`unusable: ${what}`, () => assert.equal(fit(schema, {}), 'unusable'));

  test('a schema that is late again and again is asked nothing for a minute, and others are', async () => {
    let now = 0;
    let asked = 0;
    const slow = { title: 'slow' };
    const isSlow = (schema: string): boolean => schema.includes('slow');
    await using own: Schemas = schemas({
      limits: defaultLimits,
      metrics: { count: () => undefined, gauge: () => undefined, time: () => undefined } as never,
      world: {
        now: () => instant(now),
        random: (n) => new Uint8Array(n),
        after: () => ({ [Symbol.dispose]: () => undefined }),
      },
      worker: () => ({
        call: (_name, argument) => {
          asked++;
          const { schema, given } = argument as { readonly schema: string; readonly given: unknown };
          return isSlow(schema)
            ? Promise.reject(new Fault('parser', 'The worker did not answer'))
            : Promise.resolve(fitting({ schema, given }));
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
    });
    const said = await Promise.all(Array.from({ length: 5 }, () => own.fit('one', slow, {})));
    assert.deepEqual(said, ['late', 'late', 'late', 'late', 'late']);
    assert.equal(asked, 3);
    assert.equal(await own.fit('one', { type: 'object' }, {}), 'fits');
    now += 61_000;
    assert.equal(await own.fit('one', slow, {}), 'late');
    assert.equal(asked, 5);
    // A resource that has many of them takes no more of the time of others.
    for (let at = 0; at < 20; at++) await own.fit('one', { title: `slow ${at}` }, {});
    assert.equal(asked, 14);
    assert.equal(await own.fit('one', { type: 'object' }, {}), 'late');
    assert.equal(await own.fit('other', { type: 'object' }, {}), 'fits');
  });
});
