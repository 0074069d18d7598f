import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { useDetectors } from '../mask/index.ts';
import { mask } from './mask.ts';

async function run(
  args: readonly string[],
  lines?: string,
): Promise<{ code: number; out: string; err: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-mask-'));
  const file = join(folder, 'in.jsonl');
  if (lines !== undefined) writeFileSync(file, lines);
  let out = '';
  let err = '';
  try {
    const code = await mask(
      args.map((arg) => (arg === 'FILE' ? file : arg)),
      { out: (text) => void (out += text), err: (text) => void (err += text) },
    );
    return { code, out, err };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('mask writes each line masked, in order, with the places of what it found', async () => {
  const input = [
    { id: 1, text: 'mail ann@example.com now' },
    { id: 'b', text: '457555462', column: 'ssn' },
    { id: null, text: 'nothing here' },
  ];
  const { code, out } = await run(
    ['--input', 'FILE', '--json'],
    input.map((each) => JSON.stringify(each)).join('\n'),
  );
  assert.equal(code, 0);
  const lines: unknown[] = out
    .trim()
    .split('\n')
    .map((each): unknown => JSON.parse(each));
  assert.deepEqual(lines, [
    {
      id: 1,
      masked: 'mail [EMAIL_ADDRESS] now',
      findings: [{ type: 'EMAIL_ADDRESS', start: 5, end: 20, score: 0.95 }],
    },
    { id: 'b', masked: '[US_SSN]', findings: [{ type: 'US_SSN', start: 0, end: 9, score: 0.85 }] },
    { id: null, masked: 'nothing here', findings: [] },
  ]);
});

test('mask looks only for the entities asked for', async () => {
  const { out } = await run(
    ['--input', 'FILE', '--entities', 'US_SSN'],
    '{"id":1,"text":"ann@example.com 219-09-9998"}',
  );
  assert.match(out, /ann@example\.com \[US_SSN\]/);
});

test('mask says which line it cannot read, never what stands in it', async () => {
  for (const bad of ['{"id":1,"text":"ann@example.com"', '{"id":1,"txt":"ann@example.com"}', '[1]']) {
    const { code, err } = await run(['--input', 'FILE'], `{"id":0,"text":""}\n${bad}`);
    assert.equal(code, 2);
    assert.match(err, /^Line 2/);
    assert.doesNotMatch(err, /ann@/);
  }
  assert.equal((await run(['--input', '/nowhere/at/all'])).code, 2);
  assert.equal((await run([])).code, 2);
  assert.equal((await run(['--input', 'FILE', '--entities', 'NOBODY'], '')).code, 2);
  assert.equal((await run(['--help'])).code, 0);
});

test('mask counts places in UTF-16 units, or in characters where asked', async () => {
  const lines = JSON.stringify({ id: 1, text: '😀 ann@example.com' });
  const placed = async (...args: readonly string[]): Promise<string> =>
    /"start":\d+,"end":\d+/.exec((await run(['--input', 'FILE', ...args], lines)).out)?.[0] ?? '';
  assert.equal(await placed(), '"start":3,"end":18');
  assert.equal(await placed('--unit', 'characters'), '"start":2,"end":17');
  assert.equal((await run(['--input', 'FILE', '--unit', 'bytes'], lines)).code, 2);
});

test('mask holds back the first numbers of a column until its vote is decided', async () => {
  const nhs = (value: string): boolean => {
    let sum = 0;
    for (let at = 0; at < 9; at++) sum += Number(value[at]) * (10 - at);
    return (11 - (sum % 11)) % 11 === Number(value[9]);
  };
  const valid = Array.from({ length: 20_000 }, (_, at) => String(4_000_000_000 + at * 7_919))
    .filter(nhs)
    .slice(0, 9);
  const numbers = Array.from({ length: 9 }, (_, at) => String(4_123_456_789 + at * 1_234_567));
  const lines = valid.flatMap((text, at) => [
    JSON.stringify({ id: `a${at}`, text, column: 'customer_ref' }),
    JSON.stringify({ id: `b${at}`, text: numbers[at], column: 'order_no' }),
  ]);
  const { out } = await run(['--input', 'FILE', '--entities', 'UK_NHS'], lines.join('\n'));
  const shown = out
    .trim()
    .split('\n')
    .map((line): { id: string; masked: string } => JSON.parse(line));
  assert.deepEqual(
    shown.map(({ id }) => id),
    valid.flatMap((_, at) => [`a${at}`, `b${at}`]),
  );
  for (const { id, masked } of shown) {
    if (id.startsWith('a')) assert.equal(masked, '[UK_NHS]');
    else assert.match(masked, /^\d+$/);
  }
});

test('mask looks for detectors of a file, and refuses what its examples refute', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-detectors-'));
  const own = join(folder, 'own.yaml');
  try {
    writeFileSync(own, '- { name: PLANT, pattern: "QX-[0-9]{4}", examples: { yes: [QX-1234] } }\n');
    const { out } = await run(['--input', 'FILE', '--detectors', own], '{"id":1,"text":"see QX-9999"}');
    assert.match(out, /see \[PLANT\]/);
    writeFileSync(own, '- { name: PLANT, pattern: "QX-[0-9]{4}", examples: { yes: [QX-12] } }\n');
    const { code, err } = await run(['--input', 'FILE', '--detectors', own], '');
    assert.equal(code, 2);
    assert.match(err, /own\.yaml:1:\d+ SP-Y004 0\.examples\.yes\.0: /);
  } finally {
    useDetectors([]);
    rmSync(folder, { recursive: true });
  }
});
