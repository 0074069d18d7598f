import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instant } from '../base/time.ts';
import { scan } from '../mask/index.ts';
import { kindsOf } from '../policy/kinds.ts';
import { problemLine } from '../policy/problem.ts';
import { review } from '../policy/review.ts';
import { protocols } from '../protocols/index.ts';
import { propose, type SeenColumn, starterFiles } from './starter.ts';

function seen(column: string, type = 'text', ...samples: readonly string[]): SeenColumn {
  return { table: 'public.t', column, type, samples };
}

const detect = (text: string, column: string): ReturnType<typeof scan> => scan(text, { column });

const cases: readonly (readonly [SeenColumn, string | undefined])[] = [
  [seen('email'), 'pii/email'],
  [seen('workEmail'), 'pii/email'],
  [seen('phone_number'), 'pii/phone'],
  [seen('password_hash'), 'secret/password'],
  [seen('api_key'), 'secret/key'],
  [seen('credit_card'), 'pci/card'],
  [seen('date_of_birth', 'date'), 'pii/birth-date'],
  [seen('email_verified', 'boolean'), undefined],
  [seen('discard'), undefined],
  [seen('"E-Mail Address"'), 'pii/email'],
  [seen('"Téléphone Phone No"'), 'pii/phone'],
  [seen('"Card Number"', 'numeric'), 'pci/card'],
  [seen('access_token', 'uuid'), 'secret/token'],
  [seen('access_key', 'bytea'), 'secret/key'],
  [seen('token_used', 'timestamp with time zone'), undefined],
  [{ ...seen('x1'), comment: 'The reader. tag: pii/nick-name, see DPO' }, 'pii/nick-name'],
  [{ ...seen('x2'), comment: 'Personal data of customers' }, 'pii/personal'],
  [{ ...seen('x3'), comment: 'see https://host/pii/handbook, and src/pii/a.sql' }, undefined],
  [{ ...seen('mail'), comment: 'Personal data' }, 'pii/email'],
  [seen('id', 'integer', '1', '2'), undefined],
  [seen('c1', 'text', 'ada@example.com', 'b@example.org', ''), 'pii/email'],
  [seen('c2', 'text', '4111 1111 1111 1111', '5555555555554444'), 'pci/card'],
  [
    seen('c3', 'text', 'please write to ada@example.com about the long story', 'nothing', 'no', 'none'),
    undefined,
  ],
];

test('propose() goes by names, then by what detectors find; free text is told, not tagged', () => {
  for (const [column, tag] of cases) {
    assert.equal(propose([column], detect).tags[0]?.tag, tag, column.column);
  }
  const { loose } = propose(
    cases.map(([column]) => column),
    detect,
  );
  assert.deepEqual(loose, [{ table: 'public.t', column: 'c3', types: ['EMAIL_ADDRESS'] }]);
});

test('what init writes has no finding, passes its own tests, and holds no sample', () => {
  const columns = cases.map(([column]) => column);
  for (const some of [
    columns,
    [],
    [{ ...seen('"E Mail"'), table: 'public."odd: \'name"', samples: ['a@b.example'] }],
  ]) {
    const { tags, loose } = propose(some, detect);
    const files = starterFiles({ resource: 'shop', tags, loose, owner: 'team:a' });
    const said = review(files, kindsOf(protocols), instant(0));
    assert.deepEqual(said.problems.map(problemLine), []);
    const text = [...files.values()].join('\n');
    for (const { samples } of some)
      for (const each of samples) if (/[@\d]{1}.{4}/.test(each)) assert.ok(!text.includes(each));
  }
});
