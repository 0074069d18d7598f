import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { writeTinyModel } from '../../src/ner/testdata/tiny-model.ts';
import { root, temporaryFolder } from './harness/place.ts';
import { installPackages } from './harness/packages.ts';

// A model as people use one: the real runtime and tokenizer, installed apart, asked by `sallyport mask --ner` in its own
// process and thread.

const packages = join(root, 'test/ner');
const folder = temporaryFolder('ner');
const model = join(folder.path, 'tiny');

before(() => {
  // Without scripts: that of the runtime would fetch code for graphics cards from elsewhere.
  installPackages(packages, '--ignore-scripts');
  writeTinyModel(model);
});
after(() => folder[Symbol.dispose]());

interface Shown {
  readonly masked: string;
  readonly findings: readonly {
    readonly type: string;
    readonly start: number;
    readonly end: number;
    readonly score: number;
  }[];
}

/** Runs the program on texts, with a settings file of these lines. */
function mask(
  settings: readonly string[],
  texts: readonly string[],
  ...options: readonly string[]
): { readonly code: number | null; readonly err: string; readonly shown: readonly Shown[] } {
  const file = join(folder.path, 'ner.yaml');
  writeFileSync(file, [`packages: ${packages}`, ...settings, ''].join('\n'));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'src/cli/main.ts'), 'mask', '--input', '-', '--json', '--ner', file, ...options],
    {
      input: texts.map((text, id) => JSON.stringify({ id, text })).join('\n'),
      encoding: 'utf8',
      cwd: folder.path,
      timeout: 600_000,
    },
  );
  const shown = stdout.split('\n').filter(Boolean);
  return { code: status, err: stderr, shown: shown.map((line) => JSON.parse(line) as Shown) };
}

function masked(settings: readonly string[], texts: readonly string[]): readonly string[] {
  const { code, err, shown } = mask(settings, texts);
  assert.equal(code, 0, err);
  return shown.map((each) => each.masked);
}

test('a real model, run by the real runtime, finds what it was made to find, with detectors beside it', () => {
  assert.deepEqual(
    masked(
      ['model: tiny'],
      [
        'We met Xylo Quendberg in Zorbia.',
        '𐐀\u200b Xylo, ann@example.com',
        'met in a',
        '12 + 34',
        'met XYLO, xylo\nand zorbia-zorbia',
      ],
    ),
    [
      'We met [PERSON] in [LOCATION].',
      '𐐀\u200b [PERSON], [EMAIL_ADDRESS]',
      'met in a',
      '12 + 34',
      'met [PERSON], [PERSON]\nand [LOCATION]-[LOCATION]',
    ],
  );
});

test('what is found has its place in the text as it was written', () => {
  const text = '𐐀\u200b we met Xylo Quendberg';
  const [shown] = mask(['model: tiny'], [text]).shown;
  assert.deepEqual(
    shown?.findings.map(({ type, start, end }) => [type, text.slice(start, end)]),
    [['PERSON', 'Xylo Quendberg']],
  );
  assert.ok(shown.findings.every(({ score }) => score > 0.9 && score <= 1));
});

test('a text of many windows is found in as a whole', () => {
  const far = [`${'met in a 𐐀 '.repeat(40)}Xylo Quend`, 'in a '.repeat(50), 'Zorbia'];
  assert.deepEqual(masked(['model: tiny'], [far.join(' ')]), [
    [`${'met in a 𐐀 '.repeat(40)}[PERSON]`, 'in a '.repeat(50), '[LOCATION]'].join(' '),
  ]);
});

test('a threshold that nothing reaches finds nothing; labels that are left out are nothing', () => {
  assert.deepEqual(masked(['model: tiny', 'threshold: 1'], ['met Xylo']), ['met Xylo']);
  assert.deepEqual(masked(['model: tiny', 'labels: { LOC: LOCATION }'], ['met Xylo in Zorbia']), [
    'met Xylo in [LOCATION]',
  ]);
});

test('what the model cannot read in time is masked whole', () => {
  const text = `met Xylo ${'in a '.repeat(30_000)}`;
  assert.deepEqual(masked(['model: tiny', 'labels: { PER: PERSON }', 'withinMs: 10'], [text]), ['[PERSON]']);
});

const refused: readonly (readonly [
  name: string,
  settings: readonly string[],
  change: (model: string) => void,
  RegExp,
])[] = [
  [
    'a file that is no model',
    [],
    (model) => writeFileSync(join(model, 'model.onnx'), 'x'),
    /Cannot use the model of --ner: /,
  ],
  [
    'labels that the model does not know',
    ['labels: { HUMAN: PERSON }'],
    () => undefined,
    /knows PER, LOC, and "labels" names none/,
  ],
];
for (const [name, settings, change, problem] of refused) {
  test(`refused before a line is read: ${name}`, () => {
    const wrong = join(folder.path, name.replaceAll(' ', '-'));
    writeTinyModel(wrong);
    change(wrong);
    const { code, err, shown } = mask([`model: ${wrong}`, ...settings], ['met Xylo']);
    assert.deepEqual([code, shown], [2, []]);
    assert.match(err, problem);
  });
}

test('packages that are installed beside the program need not be named', async () => {
  const beside = join(folder.path, 'beside');
  for (const room of ['base', 'core', 'ner'])
    cpSync(join(root, 'src', room), join(beside, 'src', room), { recursive: true });
  mkdirSync(beside, { recursive: true });
  symlinkSync(join(packages, 'node_modules'), join(beside, 'node_modules'));
  const worker = (await import(pathToFileURL(join(beside, 'src/ner/model-worker.ts')).href)) as {
    readonly open: (opening: object) => Promise<unknown>;
  };
  assert.deepEqual(await worker.open({ model }), { kind: 'ready', labels: ['PER', 'LOC'] });
});
