import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { useDetectors } from '../mask/index.ts';
import { writeTinyModel } from '../ner/testdata/tiny-model.ts';
import { mask } from './mask.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-mask-ner-'));
after(() => rmSync(folder, { recursive: true }));
afterEach(() => useDetectors([]));
const model = join(folder, 'tiny');
writeTinyModel(model);

async function run(
  ner: string,
  lines: readonly object[],
): Promise<{ code: number; out: unknown[]; err: string }> {
  const input = join(folder, 'in.jsonl');
  writeFileSync(input, lines.map((each) => JSON.stringify(each)).join('\n'));
  let out = '';
  let err = '';
  const io = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  const code = await mask(['--input', input, '--ner', ner], io);
  return {
    code,
    out: out
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((each) => JSON.parse(each) as unknown),
    err,
  };
}

test('mask --ner says what is missing, and masks nothing', async () => {
  const missing = await run(join(folder, 'none'), [{ id: 1, text: 'x' }]);
  assert.deepEqual([missing.code, missing.out], [2, []]);
  assert.match(missing.err, /Cannot read --ner .*none/);
  const file = join(folder, 'wrong.yaml');
  writeFileSync(file, 'model: tiny\nlabels: { PER: NOBODY }\n');
  const wrong = await run(file, [{ id: 1, text: 'x' }]);
  assert.deepEqual([wrong.code, wrong.out], [2, []]);
  assert.match(wrong.err, /wrong\.yaml: ner\.labels\.PER: No detector finds "NOBODY"/);
});

test('mask --ner without its packages says which to install and where', async () => {
  const file = join(folder, 'bare.yaml');
  writeFileSync(file, 'model: tiny\npackages: .\n');
  const { code, out, err } = await run(file, [{ id: 1, text: 'x' }]);
  assert.deepEqual([code, out], [2, []]);
  assert.ok(
    err.includes(
      `Cannot load the package onnxruntime-node from ${folder}: install it there, with npm install`,
    ),
  );
});
