import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Makes a model that a test can read through and through: a real ONNX file for a real runtime. Each token of its vocabulary has
// the logits that stand beside it; what is not in it is nothing.

type Label = 'O' | 'B-PER' | 'I-PER' | 'B-LOC';
const labels: readonly Label[] = ['O', 'B-PER', 'I-PER', 'B-LOC'];
const words: readonly (readonly [word: string, label: Label])[] = [
  ['[PAD]', 'O'],
  ['[UNK]', 'O'],
  ['[CLS]', 'B-PER'], // would be found if it were taken for a word
  ['[SEP]', 'B-PER'],
  ['xylo', 'B-PER'],
  ['quend', 'I-PER'],
  ['##berg', 'I-PER'],
  ['zorbia', 'B-LOC'],
  ['met', 'O'],
  ['in', 'O'],
  ['a', 'O'],
];

// ONNX is protobuf: a field is its number and wire type, then a number, or a length and bytes.
function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) out.push((rest & 0x7f) | 0x80);
  return [...out, rest];
}

function count(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

function bytes(field: number, ...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Uint8Array.from([...varint(field * 8 + 2), ...varint(body.length)]), body]);
}

const float = 1;
const int64 = 7;

function valueInfo(name: string, type: number, dims: readonly (number | string)[]): Uint8Array {
  const shape = dims.map((dim) => bytes(1, typeof dim === 'number' ? count(1, dim) : bytes(2, dim)));
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, count(1, type), bytes(2, ...shape)))]);
}

/** logits = Gather(table, input_ids), onnx.proto of opset 13. */
function onnx(): Uint8Array {
  const table = new Float32Array(words.flatMap(([, label]) => labels.map((each) => (each === label ? 6 : 0))));
  const raw = new Uint8Array(table.buffer);
  const tensor = [count(1, words.length), count(1, labels.length), count(2, float), bytes(8, 'table'), bytes(9, raw)];
  const graph = [
    bytes(1, bytes(1, 'table'), bytes(1, 'input_ids'), bytes(2, 'logits'), bytes(4, 'Gather')),
    bytes(2, 'tiny'),
    bytes(5, ...tensor),
    bytes(11, valueInfo('input_ids', int64, [1, 'tokens'])),
    bytes(11, valueInfo('attention_mask', int64, [1, 'tokens'])),
    bytes(12, valueInfo('logits', float, [1, 'tokens', labels.length])),
  ];
  return Buffer.concat([count(1, 8), bytes(7, ...graph), bytes(8, bytes(1, ''), count(2, 13))]);
}

/** Writes the model into `folder`. */
export function writeTinyModel(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const special = (content: string, id: number): object => ({
    id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false,
  });
  const json = (name: string, value: object): void => writeFileSync(join(folder, name), JSON.stringify(value));
  writeFileSync(join(folder, 'model.onnx'), onnx());
  json('config.json', {
    id2label: Object.fromEntries(labels.entries()),
    max_position_embeddings: 32,
  });
  json('tokenizer.json', {
    version: '1.0',
    added_tokens: [special('[CLS]', 2), special('[SEP]', 3)],
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '[CLS]', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '[SEP]', type_id: 0 } }],
      pair: [],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(words.map(([word], id) => [word, id])),
    },
  });
}
