import { Fault } from '../../src/base/errors.ts';
import { wirePair } from '../../src/base/memory-wire.ts';
import { ok } from '../../src/base/result.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Wire } from '../../src/base/stream.ts';
import { noDuties } from '../../src/core/decision.ts';
import { heldBy } from '../../src/core/held.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import type { Policy } from '../../src/core/ports.ts';
import type { House } from '../../src/core/protocol.ts';
import type { ResourceName, SessionId } from '../../src/core/session.ts';
import { gate, type SessionGate } from '../../src/gate/gate.ts';
import { maskKey } from '../../src/mask/index.ts';
import { Cancels } from '../../src/protocols/postgres/cancel.ts';
import { type Database, viewParser } from '../../src/protocols/postgres/database.ts';
import { Watches } from '../../src/protocols/postgres/watch.ts';
import * as encode from '../../src/protocols/postgres/encode.ts';
import { type Fake, type FakeAnswer, fakePostgres } from '../../src/protocols/postgres/fake.ts';
import type { Field } from '../../src/protocols/postgres/messages.ts';
import { serve } from '../../src/protocols/postgres/session.ts';
import { settings } from '../../src/protocols/postgres/settings.ts';
import { Understanding } from '../../src/protocols/postgres/understanding.ts';
import { heldWorld, memoryLedger, person } from '../../src/server/fake.ts';
import { analyse } from '../../src/sql/analyse.ts';
import type { Catalogue } from '../../src/sql/catalogue.ts';
import { publicPath, shop as shopCatalogue } from '../../src/sql/fake.ts';
import type { ParseLimits } from '../../src/sql/parse.ts';
import { parse as parseNow } from '../../src/sql/parse-worker.ts';
import { canary } from './talks.ts';

// A whole room of the PostgreSQL protocol with a true gate and true parser, between a client and a server in memory.

const parseLimits: ParseLimits = defaultLimits;
const parse = (text: string): ReturnType<typeof parseNow> => parseNow({ text, limits: parseLimits });
const catalogue: Catalogue = await shopCatalogue();
const silent = { count: ignore, gauge: ignore, observe: ignore };

/** Reads and plain writes but of payments; what belongs to sessions; nothing else. Personal data is masked. */
const policy: Policy = {
  id: { digest: 'fuzz' },
  tagsOf: (_resource, { column }) => (column === 'ssn' || column === 'email' ? ['pii/any'] : []),
  decide: ({ action }) => {
    const plain = action.access === 'read' || action.access === 'write';
    const own = /^sql\.(?:set|show|transaction|session)$/.test(action.verb);
    const closed = action.targets.some(({ name }) => name === 'public.payments');
    const allow = (plain || own) && !closed && action.access !== 'unknown';
    return {
      kind: allow ? 'allow' : 'deny',
      ...(allow ? {} : { code: 'NO_ALLOW_RULE' as const }),
      because: [],
      why: allow ? 'Allowed' : 'No rule allows it',
      fix: [],
      duties: { ...noDuties, masks: [[{ tag: 'pii/*', operator: { kind: 'redact' } }]] },
      policy: { digest: 'fuzz' },
      wouldBe: [],
      cacheable: true,
    };
  },
};

const identity = person('analyst');
const given = settings({ address: '127.0.0.1:5432', credentials: { user: 'gateway' }, tls: 'disable' }, '');
if (!given.ok) throw new Error('The settings of the fuzz are wrong');
const resource = { name: 'shop' as ResourceName, kind: 'postgres', tags: [], settings: given.value };

/** Whether every statement of a text would be allowed, by a reading of its own: not the one the session made. */
export async function isAllowed(text: string): Promise<boolean> {
  const parsed = await parse(text);
  if (!parsed.ok) return false;
  const { statements } = analyse(parsed.statements, catalogue, publicPath);
  const at = heldWorld().now();
  const session = { id: 's' as SessionId, startedAt: at };
  return statements.every(({ action, effect }) =>
    // What a name stands for is judged by what is asked of the gate, and counted.
    effect.kind === 'execute' || effect.kind === 'fetch'
      ? true
      : policy.decide({ identity, resource, action, session, at }).kind === 'allow',
  );
}

/** One conversation that runs. */
export interface Play {
  readonly client: Wire;
  /** Rejects with what `serve` rejects with. */
  readonly served: Promise<void>;
  readonly server: () => Fake | undefined;
  readonly towardsServer: Uint8Array[];
  /** What was recorded of the answers. */
  readonly recorded: Uint8Array[];
  readonly logged: string[];
  readonly ledger: ReturnType<typeof memoryLedger>;
  readonly world: ReturnType<typeof heldWorld>;
  readonly gate: SessionGate;
  readonly stop: AbortController;
}

/** Starts a room between a client and a server; `spoil` is put into the server's way to the gateway. */
export function startRoom(spoil: (wire: Wire) => Wire = (wire) => wire): Play {
  const world = heldWorld();
  const [ledger, stop] = [memoryLedger(), new AbortController()];
  const [towardsServer, recorded, logged]: [Uint8Array[], Uint8Array[], string[]] = [[], [], []];
  let server: Fake | undefined;
  const dial = (): Promise<Wire> => {
    const [near, far] = wirePair();
    if (server !== undefined) {
      // A second connection is one of ours that asks to cancel: a server reads it and closes.
      void far.read().finally(() => far.end());
      return Promise.resolve(near);
    }
    server = fakePostgres(spoil(far), { answer: answers, unparsable: isOurs });
    const tapped = (bytes: Uint8Array): Promise<void> | undefined => {
      towardsServer.push(Buffer.from(bytes));
      return near.write(bytes);
    };
    return Promise.resolve({ ...near, write: tapped });
  };
  const house: House = {
    resources: [resource],
    world,
    limits: { ...defaultLimits, pipelined: 50, messageBytes: 1_048_576, preparedStatements: 50 },
    held: heldBy(defaultLimits, world),
    log: (...line) => logged.push(JSON.stringify(line)),
    metrics: silent,
    dial,
    worker: () => {
      throw new Fault('bug', 'There are no workers here');
    },
    maskKey: new Secret('00'.repeat(32)),
  };
  const session = { id: 'fuzz' as SessionId, identity, resource, startedAt: world.now(), peer: 'memory' };
  const made = gate({ policy: () => policy, ledger, world, metrics: silent }, session);
  const keeper = { current: () => catalogue, lookAgain: () => catalogue, invalidate: ignore };
  const understanding = new Understanding({
    parse,
    limits: house.limits,
    metrics: silent,
    world,
    resource: 'shop',
  });
  const [client, near] = wirePair();
  const served = serve(
    {
      house,
      cancels: new Cancels(world),
      maskKey: maskKey(new Uint8Array(32)),
      database: () => ({ keeper, understanding, watches: new Watches() }) as unknown as Database, // a catalogue that does not change
      parseView: viewParser(parse),
    },
    {
      client: near,
      plainAllowed: true,
      admit: () =>
        Promise.resolve(
          ok({
            session,
            gate: made,
            recorder: {
              frame: (kind, bytes) => {
                if (kind === 'answer') recorded.push(Buffer.from(bytes));
                return undefined;
              },
              close: () => Promise.resolve(0),
            },
          }),
        ),
      join: () => Promise.reject(new Fault('bug', 'There is one session only')),
      signal: stop.signal,
      draining: new AbortController().signal,
    },
  );
  served.catch(ignore); // looked at in the end
  return {
    client,
    served,
    server: () => server,
    towardsServer,
    recorded,
    logged,
    ledger,
    world,
    gate: made,
    stop,
  };
}

/** The gateway's own: it asks where names lead, and puts a text that fails in the place of what it refuses. */
export function isOurs(text: string): boolean {
  return text.startsWith('sallyport refused this statement: decision ');
}

/** The gateway's own questions. */
export function isQuestion(text: string): boolean {
  return /^(?:SELECT pg_catalog\.(?:unnest|array_to_json)\(|SELECT name, statement FROM pg_catalog\.pg_)/.test(
    text,
  );
}

const orders = oidOf('orders');
const customers = oidOf('customers');

function oidOf(name: string): number {
  return catalogue.data.relations.find((each) => each.schema === 'public' && each.name === name)?.oid ?? 0;
}

function column(name: string, tableOid: number, at: number): Field {
  return { ...encode.textField(name), tableOid, column: at };
}

function rows(fields: readonly Field[], ...values: readonly (readonly string[])[]): FakeAnswer {
  return { kind: 'rows', fields, rows: values };
}

const inOrder = [column('id', orders, 1), column('status', orders, 3)];
const known: Readonly<Record<string, FakeAnswer>> = {
  'SELECT id, status FROM orders': rows(inOrder, ['1', 'paid'], ['2', 'open']),
  'SELECT id, status FROM orders WHERE id = 1': rows(inOrder, ['1', 'paid']),
  'SELECT ssn FROM customers': rows([column('ssn', customers, 5)], [canary], [canary]),
  'SELECT ssn, email FROM customers WHERE id = 7': rows(
    [column('ssn', customers, 5), column('email', customers, 3)],
    [canary, canary],
  ),
  'SELECT c FROM customers AS c': rows([encode.textField('c')], [`(1,${canary})`]),
  'FETCH 2 FROM c': rows([column('ssn', customers, 5)], [canary]),
  'EXECUTE p': rows([column('id', orders, 1)], ['1']),
  'COPY orders TO STDOUT': { kind: 'copyOut', columns: 5, data: ['1\t1\tpaid\t9\tnow\n'] },
  'COPY customers TO STDOUT': {
    kind: 'copyOut',
    columns: 9,
    data: [`1\tAna\t${canary}\t+1\t${canary}\tx\ty\tz\tnow\n`],
  },
  'COPY audit (note) FROM STDIN': { kind: 'copyIn', columns: 1 },
  'SELECT fail FROM orders': { kind: 'error', sqlstate: '42703', message: 'column "fail" does not exist' },
  BEGIN: { kind: 'done', tag: 'BEGIN', status: 'T' },
  COMMIT: { kind: 'done', tag: 'COMMIT', status: 'I' },
  ROLLBACK: { kind: 'done', tag: 'ROLLBACK', status: 'I' },
};

function answers(text: string): readonly FakeAnswer[] {
  if (isOurs(text)) return [{ kind: 'error', sqlstate: '42601', message: 'syntax error' }];
  if (text.startsWith('SELECT pg_catalog.unnest(')) return [rows([encode.textField('unnest')], ['public'])];
  if (text.startsWith('SELECT pg_catalog.array_to_json(')) {
    return [rows([encode.textField('array_to_json')], ['["pg_catalog","public"]'])];
  }
  if (isQuestion(text)) return [rows([encode.textField('name'), encode.textField('statement')])];
  const parts = text.split(';').map((each) => each.trim());
  const filled = parts.filter((each) => each !== '');
  if (filled.length === 0) return [{ kind: 'empty' }];
  const found = filled.map((each) => known[each] ?? answerOf(each));
  const failed = found.findIndex(({ kind }) => kind === 'error');
  return failed < 0 ? found : found.slice(0, failed + 1);
}

function answerOf(text: string): FakeAnswer {
  const [word = ''] = text.toUpperCase().split(/\s/);
  return ['SELECT', 'TABLE', 'SHOW', 'FETCH', 'EXECUTE', 'VALUES'].includes(word)
    ? rows([encode.textField('value')], ['plain'])
    : { kind: 'done', tag: word };
}

function ignore(): void {
  // Nobody looks.
}
