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

const name: string = 'onnxruntime-node';
const tokenizers: string = '@huggingface/tokenizers';
const installed = await Promise.all([import(name), import(tokenizers)]).then(
  () => true,
  () => false,
);
const skip = installed ? false : 'the packages of a model are not installed';

test('mask --ner masks what the model finds, in a thread of its own', { skip }, async () => {
  const { code, out, err } = await run(model, [
    { id: 1, text: 'We met Xylo Quendberg in Zorbia.' },
    { id: 2, text: '𐐀\u200b Xylo, ann@example.com' },
    { id: 3, text: 'met in a' },
  ]);
  assert.equal(code, 0, err);
  assert.deepEqual(
    out.map((each) => (each as { masked: string }).masked),
    ['We met [PERSON] in [LOCATION].', '𐐀\u200b [PERSON], [EMAIL_ADDRESS]', 'met in a'],
  );
});

test('mask --ner: what the model cannot read in time is masked whole', { skip }, async () => {
  const file = join(folder, 'ner.yaml');
  writeFileSync(file, 'model: tiny\nlabels: { PER: PERSON }\nwithinMs: 10\n');
  const text = `met Xylo ${'in a '.repeat(30_000)}`;
  const { code, out } = await run(file, [{ id: 1, text }]);
  assert.equal(code, 0);
  assert.deepEqual((out[0] as { masked: string }).masked, '[PERSON]');
});

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

test(
  'mask --ner without its packages says which to install',
  { skip: installed && 'they are installed' },
  async () => {
    const { code, out, err } = await run(model, [{ id: 1, text: 'x' }]);
    assert.deepEqual([code, out], [2, []]);
    assert.match(err, /Cannot load the package onnxruntime-node: install it beside Sallyport/);
  },
);
