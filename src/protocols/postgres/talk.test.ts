import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { wirePair } from '../../base/memory-wire.ts';
import type { Wire } from '../../base/stream.ts';
import type { Action } from '../../core/action.ts';
import { noDuties, type Outcome, type Permit } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import { defaultLimits } from '../../core/limits.ts';
import type { Recorder } from '../../core/ports.ts';
import type { Gate } from '../../core/protocol.ts';
import { maskKey } from '../../mask/index.ts';
import type { CopyFormat, SessionEffect, Statement } from '../../sql/analysis.ts';
import { catalogue } from '../../sql/catalogue.ts';
import { Answers } from './answers.ts';
import * as encode from './encode.ts';
import { Flow } from './flow.ts';
import { backendBounds, Frames } from './frames.ts';
import type { Meaning } from './meaning.ts';
import { backend } from './messages.ts';
import { ModelServer } from './model.ts';
import { Names } from './names.ts';
import { Requests } from './requests.ts';
import type { Reading } from './understanding.ts';
import { Watches } from './watch.ts';

// The same bytes are sent to a server directly and through the gateway: the client must see the same messages. What is
// denied must come as an error in the same place, and must never arrive.

const empty = catalogue({
  version: '1',
  serverMajor: 18,
  database: 'd',
  currentUser: 'u',
  schemas: [],
  relations: [],
  functions: [],
  operators: [],
  casts: [],
  types: [],
});

const epoch = { catalogue: empty, scope: { searchPath: [] } };

function statementOf(text: string): Statement {
  const action: Action = {
    verb: text.startsWith('copyin') ? 'sql.copy' : 'sql.select',
    access: 'read',
    targets: [],
    columns: [],
    attributes: {},
    text,
    notes: [],
  };
  const copy = {
    format: 'text',
    delimiter: '\t',
    null: '\\N',
    header: false,
    quote: '"',
    escape: '"',
  } as const;
  const outputs = { kind: 'columns', columns: [{ name: 'value', lineage: { kind: 'clean' } }] } as const;
  return {
    action,
    outputs: /^(?:rows|copyout|execute)/.test(text) ? outputs : { kind: 'none' },
    effect: effectOf(text, copy),
  };
}

function effectOf(text: string, copy: CopyFormat): SessionEffect {
  const [, verb = '', name = '', inner = ''] = /^(\w+) (\w+)(?:=(.*))?$/.exec(text) ?? [];
  if (text.startsWith('copyin')) return { kind: 'copy-in' };
  if (verb === 'copyout') return { kind: 'copy-out', copy };
  if (verb === 'prepare') return { kind: 'prepare', name, statement: statementOf(inner) };
  if (verb === 'execute') return { kind: 'execute', name };
  if (verb === 'deallocate') return { kind: 'deallocate', name };
  // Only what the model lets `execute` run is plain.
  return text.startsWith('rows') ? { kind: 'none' } : { kind: 'transaction', what: 'begin' };
}

const statements = new Map<string, Statement>();

function read(text: string): Reading {
  const parts = text.split(';').map((each) => each.trim());
  const known = parts
    .filter((each) => each !== '')
    .map((each) => {
      const statement = statements.get(each) ?? statementOf(each);
      statements.set(each, statement);
      return statement;
    });
  return { kind: 'understood', analysis: { statements: known }, catalogue: empty };
}

interface GateLog {
  readonly permits: Map<Permit, Outcome[]>;
}

function testGate(log: GateLog): Gate {
  const judge = (action: Action, id: string): ReturnType<Gate['prepare']> => {
    if (action.text.includes('denied')) {
      return Promise.resolve({ kind: 'refusal', denial: denial('RULE', 'd.1', 'Denied by a rule') });
    }
    const permit = {
      kind: 'permit',
      id,
      action,
      duties: noDuties,
      written: Promise.resolve(),
      operatorOf: () => undefined,
    };
    const made = permit as unknown as Permit; // the real gate is not needed here
    if (id !== '') log.permits.set(made, []);
    return made;
  };
  return {
    ask: ({ action }) => judge(action, 's.1'),
    again: (permit) => permit,
    prepare: (action) => judge(action, ''),
    done: (permit, outcome) => log.permits.get(permit)?.push(outcome),
    guardCalls: (call) => (_permit, request) => call(request),
    guard: (wire) => ({
      ...wire,
      send: (_permits, bytes) => wire.write(bytes),
      say: (bytes) => wire.write(bytes),
    }),
  };
}

const recorder: Recorder = { frame: () => undefined, close: () => Promise.resolve(0) };

async function throughGateway(client: Wire, server: Wire, log: GateLog, pipelined: number): Promise<void> {
  const names = new Names();
  const flow = new Flow(names);
  const gate = testGate(log);
  const upstream = gate.guard(server);
  const meaning = {
    read,
    epoch: () => epoch,
    ended: () => undefined,
    pathTouched: false,
  } as unknown as Meaning;
  const key = maskKey(new Uint8Array(32));
  const metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
  const parts = { flow, names, gate, recorder, metrics, maskKey: key, watches: new Watches() };
  const answers = new Answers({
    ...parts,
    messageBytes: 1_000_000,
    after: () => ({ [Symbol.dispose]: () => undefined }),
    write: client.write,
    cancel: () => undefined,
    settled: () => undefined,
    ended: () => undefined,
    parameter: () => undefined,
  });
  const requests = new Requests({
    ...parts,
    meaning,
    upstream,
    limits: { ...defaultLimits, pipelined },
    calm: () => undefined,
    hold: () => Promise.reject(new Error('nothing waits here')),
    saying: { stated: undefined, settle: () => undefined },
  });
  const up = async (): Promise<void> => {
    for (let chunk = await client.read(); chunk !== undefined; chunk = await client.read()) {
      if (!(await requests.push(chunk))) break;
    }
    await upstream.say(encode.terminate);
  };
  const down = async (): Promise<void> => {
    for (let chunk = await upstream.read(); chunk !== undefined; chunk = await upstream.read())
      await answers.push(chunk);
    client.end();
  };
  await Promise.all([up(), down()]);
  for (const run of flow.abandon()) gate.done(run.permit, { kind: 'unsent' });
}

/** Message types the client sees, errors with their SQLSTATE left out: the denial's own differs. */
async function collect(wire: Wire): Promise<string[]> {
  const frames = new Frames(backendBounds(1_000_000));
  const seen: string[] = [];
  for (let chunk = await wire.read(); chunk !== undefined; chunk = await wire.read()) {
    frames.push(chunk);
    while (frames.next()) {
      const body = Buffer.from(frames.bytes.subarray(frames.start + 5, frames.end)).toString('latin1');
      seen.push(frames.type === backend.ErrorResponse ? 'E' : `${String.fromCharCode(frames.type)}${body}`);
    }
  }
  return seen;
}

type Message = readonly [label: string, bytes: (text: (given: string) => string) => Uint8Array];

const word = fc.constantFrom(
  'rows 1',
  'rows 3',
  'fail',
  'begin',
  'commit',
  'rollback',
  'copyout 2',
  'denied',
  'set',
  'deallocate a',
  'prepare a=rows 2',
  'prepare b=rows 4',
  '',
);
// Where a name is missing the gateway refuses the whole text, so this stands alone.
const byName = fc.constantFrom('execute a', 'execute b');
const name = fc.constantFrom('', 'a', 'b');
const message: fc.Arbitrary<Message> = fc.oneof(
  fc
    .array(word, { minLength: 1, maxLength: 3 })
    .map((words): Message => [`Q ${words.join(';')}`, (text) => encode.query(text(words.join(';')))]),
  byName.map((text): Message => [`Q ${text}`, () => encode.query(text)]),
  fc
    .tuple(name, fc.oneof(word, byName))
    .map(([n, w]): Message => [`P ${n}=${w}`, (text) => encode.parse(n, text(w))]),
  fc
    .tuple(name, name)
    .map(([p, s]): Message => [`B ${p}<-${s}`, () => encode.bind({ portal: p, statement: s, values: [] })]),
  fc
    .tuple(fc.constantFrom('statement' as const, 'portal' as const), name)
    .map(([of, n]): Message => [`D ${of} ${n}`, () => encode.describe(of, n)]),
  fc
    .tuple(name, fc.constantFrom(0, 1, 2))
    .map(([n, max]): Message => [`E ${n} ${max}`, () => encode.execute(n, max)]),
  fc
    .tuple(fc.constantFrom('statement' as const, 'portal' as const), name)
    .map(([of, n]): Message => [`C ${of} ${n}`, () => encode.close(of, n)]),
  fc.constant<Message>(['S', () => encode.sync]),
  fc.constant<Message>(['H', () => encode.flush]),
  fc.constant<Message>(['d', () => encode.copyData(Buffer.from('x\n'))]),
);
// A COPY from the client with its data, whole: in the simple protocol and as libpq does it in the extended one.
const copyTalk = fc.constantFrom<readonly Message[]>(
  [
    ['Q copyin', () => encode.query('copyin')],
    ['d', () => encode.copyData(Buffer.from('x\n'))],
    ['c', () => encode.copyDone],
  ],
  [
    ['P copyin', () => encode.parse('', 'copyin')],
    ['B', () => encode.bind({ portal: '', statement: '', values: [] })],
    ['E', () => encode.execute('', 0)],
    ['S', () => encode.sync],
    ['d', () => encode.copyData(Buffer.from('x\n'))],
    ['c', () => encode.copyDone],
    ['S', () => encode.sync],
  ],
  [
    ['Q copyin', () => encode.query('copyin')],
    ['d', () => encode.copyData(Buffer.from('x\n'))],
    ['f', () => encode.copyFail('no')],
  ],
);
const talk = fc
  .array(
    fc.oneof({ weight: 12, arbitrary: message.map((one) => [one]) }, { weight: 1, arbitrary: copyTalk }),
    { maxLength: 25 },
  )
  .map((groups) => groups.flat());

/** How many requests may be under way: with few the gateway waits for answers in the middle of a series. */
const limit = fc.constantFrom(defaultLimits.pipelined, 0, 3);

/** Whether all that the server ran stands in the same order in what was permitted; refused ones fail by design. */
function isWithin(ran: readonly string[], asked: readonly string[]): boolean {
  let at = 0;
  return ran
    .filter((text) => !text.startsWith('sallyport'))
    .every((text) => {
      at = asked.indexOf(text, at) + 1;
      return at > 0;
    });
}

async function play(
  messages: readonly Message[],
  cuts: readonly number[],
  how: 'direct' | { readonly pipelined: number },
): Promise<{ seen: string[]; server: ModelServer; log: GateLog }> {
  // Where any statement of a text is denied, nothing of the text is sent: to compare, the text is one denied statement.
  const text = (given: string): string => (how === 'direct' && given.includes('denied') ? 'denied' : given);
  const bytes = encode.join([...messages.map(([, make]) => make(text)), encode.sync, encode.terminate]);
  const [client, front] = wirePair();
  const log: GateLog = { permits: new Map() };
  const [back, serverEnd] = how === 'direct' ? [undefined, front] : wirePair();
  const server = new ModelServer(serverEnd);
  const running = [
    server.run(),
    ...(back === undefined || how === 'direct' ? [] : [throughGateway(front, back, log, how.pipelined)]),
  ];
  const all = Promise.all([collect(client), ...running]);
  all.catch(() => client.destroy());
  let from = 0;
  for (const cut of [...cuts.map((each) => each % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    if (cut > from) await client.write(bytes.subarray(from, cut));
    from = Math.max(from, cut);
    if (cut % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const [seen] = await all;
  return { seen, server, log };
}

/** What longer runs found. */
const found: [readonly Message[], number[], number][] = [
  // A refused Parse without a name left the unnamed statement before it where the server would have dropped it.
  [
    [
      ['P =rows 1', (text) => encode.parse('', text('rows 1'))],
      ['P =denied', (text) => encode.parse('', text('denied'))],
      ['S', () => encode.sync],
      ['B <-', () => encode.bind({ portal: '', statement: '', values: [] })],
    ],
    [],
    10_000,
  ],
  // A Parse that fails because the name is taken, and a use of the name behind the Sync.
  [
    [
      ['P a=rows 1', (text) => encode.parse('a', text('rows 1'))],
      ['P a=rows 3', (text) => encode.parse('a', text('rows 3'))],
      ['S', () => encode.sync],
      ['B <-a', () => encode.bind({ portal: '', statement: 'a', values: [] })],
      ['E ', () => encode.execute('', 0)],
    ],
    [],
    10_000,
  ],
  // A Query that waited to be sent when an Execute before it failed.
  [
    [
      ['Q rows 1', (text) => encode.query(text('rows 1;rows 1;rows 1'))],
      ['E  0', () => encode.execute('', 0)],
      ['Q rows 1', (text) => encode.query(text('rows 1;rows 1'))],
    ],
    [],
    10_000,
  ],
];

test('a talk through the gateway is the direct talk, for any requests, cut anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(
      talk,
      fc.array(fc.nat(4_000), { maxLength: 8 }),
      limit,
      async (messages, cuts, pipelined) => {
        const direct = await play(messages, [], 'direct');
        fc.pre(!direct.server.broken);
        const gateway = await play(messages, cuts, { pipelined });
        assert.deepEqual(gateway.seen, direct.seen);
        assert.ok(!gateway.server.seen.some((each) => each.includes('denied')), 'a denied statement arrived');
        for (const outcomes of gateway.log.permits.values())
          assert.equal(outcomes.length, 1, 'a permit ended once');
        const asked = [...gateway.log.permits.keys()].map(({ action }) => action.text);
        assert.ok(isWithin(gateway.server.seen, asked), 'the server ran what was not asked for');
      },
    ),
    { numRuns: 1_500, examples: found },
  );
});
