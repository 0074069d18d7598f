import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { load, parse, type Parsed, type ParseLimits } from './parse.ts';
import { open } from './tree.ts';

const limits: ParseLimits = { statementBytes: 1_048_576, statementDepth: 500, statementsPerQuery: 1_000 };

before(load);

function texts(parsed: Parsed): readonly string[] {
  return parsed.ok ? parsed.statements.map((each) => each.text) : [parsed.code];
}

test('parse() gives each statement its own text, counted in bytes', () => {
  assert.deepEqual(texts(parse("select 'ü'; delete from é ;; \n select 1 -- last", limits)), [
    "select 'ü'",
    'delete from é',
    'select 1 -- last',
  ]);
  assert.deepEqual(texts(parse(' select 1 ;', limits)), ['select 1']);
  assert.deepEqual(texts(parse('select 1 as \u00a0', limits)), ['select 1 as \u00a0']);
});

test('parse() takes texts without a statement', () => {
  for (const text of ['', ' ', ';', '/* nothing */', '-- nothing'])
    assert.deepEqual(texts(parse(text, limits)), []);
});

const types: readonly (readonly [string, readonly string[]])[] = [
  // One statement or two is where other parsers go wrong (PG-01, 02, 09, 10, 29, 31, 33).
  [`UPDATE audit SET note=E'O\\'Brien'; DELETE FROM customers`, ['UpdateStmt', 'DeleteStmt']],
  [`SELECT 'a\\'; DELETE FROM customers; --'`, ['SelectStmt', 'DeleteStmt']],
  [`WITH delete AS (SELECT 1) DELETE FROM customers`, ['DeleteStmt']],
  [`WITH x AS (SELECT $$a)b$$) DELETE FROM customers`, ['DeleteStmt']],
  [`DELETE\fFROM customers`, ['DeleteStmt']],
  [`SELECT 'a'\n'b; DELETE'; DELETE FROM customers`, ['SelectStmt', 'DeleteStmt']],
  [`/* a /* b */ DELETE FROM customers */ SELECT 1`, ['SelectStmt']],
  [`SELECT 'DROP TABLE customers' AS delete`, ['SelectStmt']],
  [`select $a$ ; delete from customers $a$`, ['SelectStmt']],
];

test('parse() finds the statements that the server runs', () => {
  for (const [text, expected] of types) {
    const parsed = parse(text, limits);
    assert.ok(parsed.ok, text);
    assert.deepEqual(
      parsed.statements.map((each) => open(each.node)[0]),
      expected,
      text,
    );
  }
});

const refused: readonly (readonly [string, string, Partial<ParseLimits>?])[] = [
  ['SELECT 1\0; DELETE FROM customers', 'nul'],
  ["select '\ud800'", 'bad-encoding'],
  ['select 1', 'too-large', { statementBytes: 7 }],
  ["select 'ü'", 'too-large', { statementBytes: 10 }],
  ['select 1; select 2', 'too-many', { statementsPerQuery: 1 }],
  ['selec', 'syntax'],
  ['DELETE\u00a0FROM customers', 'syntax'],
  ['select ' + '1+'.repeat(600) + '1', 'too-deep'],
  ['select 1' + ' union select 1'.repeat(600), 'too-deep'],
  ['select ' + 'array['.repeat(600) + '1' + ']'.repeat(600), 'too-deep'],
  ['select ' + '('.repeat(20_000) + '1' + ')'.repeat(20_000), 'too-deep'],
];

test('parse() refuses what it must not guess about', () => {
  for (const [text, code, less] of refused) {
    const parsed = parse(text, { ...limits, ...less });
    assert.equal(parsed.ok ? 'ok' : parsed.code, code, text.slice(0, 40));
  }
});

test("parse() gives PostgreSQL's words and place, in characters", () => {
  const parsed = parse("select 'üü' fromm x", limits);
  assert.deepEqual(parsed, {
    ok: false,
    code: 'syntax',
    message: 'syntax error at or near "x"',
    position: 19,
  });
  assert.deepEqual(parse('select é from', limits), {
    ok: false,
    code: 'syntax',
    message: 'syntax error at end of input',
    position: 14,
  });
});

test('parse() takes many statements and wide ones', () => {
  assert.equal(texts(parse('select 1;'.repeat(1_000), limits)).length, 1_000);
  const wide = `select * from t where ${Array.from({ length: 5_000 }, (_, at) => `a = ${at}`).join(' or ')}`;
  assert.ok(parse(wide, limits).ok);
});

test('a parser that ran out of stack answers, and its thread ends', async () => {
  const deep = 'select ' + '1+'.repeat(200_000) + '1';
  const code = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(new URL('parse-worker.ts', import.meta.url).href)}).then(async ({ parse }) => {
      setInterval(() => {}, 1000);
      const limits = ${JSON.stringify(limits)};
      parentPort.postMessage(await parse({ text: 'select 1', limits }));
      parentPort.postMessage(await parse({ text: ${JSON.stringify(deep)}, limits }));
      parentPort.postMessage(await parse({ text: 'select 1', limits }).catch((error) => error.code));
    });`;
  const worker = new Worker(code, { eval: true });
  const answers: unknown[] = [];
  worker.on('message', (answer) => answers.push(answer));
  await new Promise((resolve) => worker.on('exit', resolve));
  assert.equal((answers[0] as Parsed).ok, true);
  assert.deepEqual(answers.slice(1), [
    { ok: false, code: 'too-deep', message: 'Statement is nested too deeply' },
    'parser',
  ]);
});
