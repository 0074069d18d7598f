import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WireError } from '../../base/errors.ts';
import type { FindMask } from '../../core/decision.ts';
import { readingOf } from '../../carriers/reading.ts';
import { maskKey, type TextModel, useModel } from '../../mask/index.ts';
import type { CopyFormat } from '../../sql/analysis.ts';
import type { ColumnPlan } from './cells.ts';
import { copyMasker } from './copy.ts';
import { unreadCopy } from './unread.ts';

const finds: readonly FindMask[] = [{ entity: '*', operator: { kind: 'redact' } }];
const plans: readonly ColumnPlan[] = [
  { kind: 'pass' },
  { kind: 'scan', finds },
  { kind: 'mask', operator: { kind: 'partial', keepFirst: 0, keepLast: 4 } },
  { kind: 'withhold' },
];
const types = [23, 25, 25, 23];
const parts = { key: maskKey(new Uint8Array(32).fill(4)), typeOf: () => undefined, rowBytes: 1_000 };
const text: CopyFormat = {
  format: 'text',
  delimiter: '\t',
  null: '\\N',
  header: false,
  quote: '"',
  escape: '"',
};
const csv: CopyFormat = { ...text, format: 'csv', delimiter: ',', null: '', header: true };

function through(format: CopyFormat, input: Buffer, cuts: readonly number[] = []): Buffer {
  const masker = copyMasker(format, plans, types, parts);
  const out: Uint8Array[] = [];
  let from = 0;
  for (const cut of [...cuts, input.length].map((each) => each % (input.length + 1)).sort((a, b) => a - b)) {
    out.push(Buffer.from(masker.push(input.subarray(from, cut))));
    from = cut;
  }
  out.push(masker.push(input.subarray(from)), masker.end());
  return Buffer.concat(out);
}

const textIn = Buffer.from(
  '1\tmail ann@example.com\t219-09-9998\t7\n2\t\\N\t\\N\t\\N\n3\ta\\tb\\\\c\\nann\\100example.com\tx\\ty\t8\n4\té \t\t\\N\n\\.\n',
);
const textOut =
  '1\tmail [EMAIL_ADDRESS]\t***-**-9998\t\\N\n2\t\\N\t\\N\t\\N\n3\ta\\tb\\\\c\\n[EMAIL_ADDRESS]\t***\t\\N\n4\té \t\t\\N\n\\.\n';
const csvIn = Buffer.from(
  'id,note,ssn,x\n1,"said ""ann@example.com"", ok",219-09-9998,7\n2,,,\n3,"a\nb",12345678,8\n4,"",x,9\n',
);
const csvOut =
  'id,note,ssn,x\n1,"said ""[EMAIL_ADDRESS]"", ok","***-**-9998",\n2,,,\n3,"a\nb","****5678",\n4,"","*",\n';

function binary(): { readonly input: Buffer; readonly output: Buffer } {
  const head = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
  const field = (value: string | null): Buffer => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value === null ? -1 : Buffer.byteLength(value));
    return Buffer.concat([length, Buffer.from(value ?? '')]);
  };
  const row = (values: readonly (string | null)[]): Buffer =>
    Buffer.concat([Buffer.from([0, values.length]), ...values.map(field)]);
  const foot = Buffer.from([255, 255]);
  return {
    input: Buffer.concat([
      head,
      row(['\0\0\0\x01', 'ann@example.com', '219-09-9998', '\0\0\0\x07']),
      row([null, null, null, null]),
      foot,
    ]),
    output: Buffer.concat([
      head,
      row(['\0\0\0\x01', '[EMAIL_ADDRESS]', '***-**-9998', null]),
      row([null, null, null, null]),
      foot,
    ]),
  };
}

test('COPY text: NULL markers and escapes are understood, and put back', () => {
  assert.equal(through(text, textIn).toString(), textOut.replace('x\\ty', '***'));
});

test('COPY csv: quotes, newlines inside them and the header', () => {
  assert.equal(through(csv, csvIn).toString(), csvOut);
});

test('COPY csv with another escape, delimiter and NULL', () => {
  const format: CopyFormat = {
    ...csv,
    delimiter: ';',
    escape: '\\',
    quote: "'",
    null: 'NULL',
    header: false,
  };
  const input = Buffer.from("1;'it\\'s ann@example.com';NULL;2\n");
  assert.equal(through(format, input).toString(), "1;'it\\'s [EMAIL_ADDRESS]';NULL;NULL\n");
});

test('COPY binary: values by their length', () => {
  const { input, output } = binary();
  assert.deepEqual(through({ ...text, format: 'binary' }, input), output);
});

test('every split gives the same', () => {
  const all: readonly (readonly [CopyFormat, Buffer])[] = [
    [text, textIn],
    [csv, csvIn],
    [{ ...text, format: 'binary' }, binary().input],
  ];
  for (const [format, input] of all) {
    const whole = through(format, input);
    for (let cut = 0; cut <= input.length; cut++) assert.deepEqual(through(format, input, [cut]), whole);
    fc.assert(
      fc.property(fc.array(fc.nat(input.length), { maxLength: 12 }), (cuts) => {
        assert.deepEqual(through(format, input, cuts), whole);
      }),
      { numRuns: 200 },
    );
  }
});

test('what a model reads comes out as it does without, wherever it is cut, and with what the model finds', async () => {
  const wanting: readonly FindMask[] = [{ entity: '*', operator: { kind: 'redact' }, model: 'required' }];
  const read = async (format: CopyFormat, input: Buffer, cuts: readonly number[]): Promise<string> => {
    const reading = readingOf(wanting, 'rows');
    assert.ok(reading);
    const reads = plans.map((plan): ColumnPlan =>
      plan.kind === 'scan' ? { ...plan, finds: wanting } : plan,
    );
    const masker = copyMasker(format, reads, types, { ...parts, reading });
    assert.ok(masker.reading);
    const batches = unreadCopy(masker.reading);
    const out: Uint8Array[] = [];
    const give = (bytes: Uint8Array): undefined => void out.push(Buffer.from(bytes));
    let from = 0;
    for (const cut of [...cuts.map((each) => each % input.length).toSorted((a, b) => a - b), input.length]) {
      assert.equal(masker.push(input.subarray(from, cut)).length, 0);
      batches.add(cut - from);
      from = cut;
      if (cut % 2 === 0) await batches.read(give);
    }
    batches.add(masker.reading.last());
    await batches.read(give);
    give(masker.end());
    return Buffer.concat(out).toString('latin1');
  };
  const model = (name: RegExp): TextModel => ({
    types: ['PERSON'],
    withinMs: 60_000,
    most: 10_000,
    find: (texts) =>
      Promise.resolve(
        texts.map((each) =>
          Array.from(each.matchAll(name), ({ index, 0: found }) => ({
            type: 'PERSON',
            start: index,
            end: index + found.length,
            score: 0.6,
          })),
        ),
      ),
  });
  try {
    for (const [format, input] of [
      [text, textIn],
      [csv, csvIn],
      [{ ...text, format: 'binary' }, binary().input],
    ] as const) {
      const plain = through(format, input).toString('latin1');
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(), { maxLength: 5 }), async (cuts) => {
          useModel(model(/nobody/g));
          assert.equal(await read(format, input, cuts), plain);
        }),
        { numRuns: 60 },
      );
    }
    useModel(model(/said/g));
    assert.match(await read(csv, csvIn, []), /"\[PERSON\] ""\[EMAIL_ADDRESS\]"", ok"/);
    assert.match(await read({ ...csv, header: false }, Buffer.from('1,said,,'), [2]), /1,"\[PERSON\]",,/);
  } finally {
    useModel(undefined);
  }
});

test('a row beyond the limit, of other columns, or cut off ends the session', () => {
  const fails = (format: CopyFormat, input: Uint8Array, code: string): void => {
    assert.throws(
      () => through(format, Buffer.from(input)),
      (error) => error instanceof WireError && error.code === code,
    );
  };
  fails(text, Buffer.from(`1\t${'x'.repeat(2_000)}`), 'too-large');
  fails(csv, Buffer.from(`h\n1,"${'x\n'.repeat(1_000)}`), 'too-large');
  fails(text, Buffer.from('1\t2\t3\n'), 'bad-message');
  fails(csv, Buffer.from('h,h,h,h\n1,2,3,4,5\n'), 'bad-message');
  fails({ ...text, format: 'binary' }, binary().input.subarray(0, -1), 'bad-message');
  fails({ ...text, format: 'binary' }, Buffer.from('not a copy stream at all'), 'bad-message');
});

test('nothing is held back or touched where every column passes', () => {
  const masker = copyMasker(text, [{ kind: 'pass' }], [25], parts);
  const payload = Buffer.from('half a row');
  assert.equal(masker.push(payload), payload);
  assert.equal(masker.end().length, 0);
});

test('random bytes never do more than end the session', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom<CopyFormat['format']>('text', 'csv', 'binary'),
      (bytes, format) => {
        try {
          through({ ...csv, format, delimiter: ',' }, Buffer.from(bytes));
        } catch (error) {
          assert.ok(error instanceof WireError);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a value that looks like the NULL marker of the statement is masked as any other', () => {
  const input = Buffer.from('1\tx\t219-09-9998\t7\n');
  const guess = through({ ...text, null: '219-09-9998' }, input).toString();
  assert.equal(guess, '1\tx\t***-**-9998\t219-09-9998\n');
  assert.equal(through(text, Buffer.from('1\tx\t\\N\t7\n')).toString(), '1\tx\t\\N\t\\N\n');
});
