// Stand-ins for this room's tests.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { instant, realWorld, type World } from '../base/time.ts';
import type { Entry } from '../core/entry.ts';
import type { Stored } from '../ledger/index.ts';
import { maskKey } from '../mask/index.ts';
import { itemOf, type ItemTerms } from './item.ts';
import type { Source } from './pump.ts';
import type { Item, SinkParts } from './sink.ts';

/** Real time in which nobody waits long. */
export const quickWorld: World = {
  ...realWorld,
  after: (ms, call) => realWorld.after(Math.min(ms, 5), call),
};

export interface PartsFake extends SinkParts {
  readonly logged: string[];
  readonly measured: Map<string, number>;
}

export function partsFake(): PartsFake {
  const logged: string[] = [];
  const measured = new Map<string, number>();
  return {
    world: quickWorld,
    origin: 'gate-1',
    version: '0.1.0',
    logged,
    measured,
    log: (...line) => logged.push(JSON.stringify(line)),
    metrics: {
      count: (name, labels = {}, by = 1) => {
        const key = `${name} ${Object.values(labels).join(' ')}`;
        measured.set(key, (measured.get(key) ?? 0) + by);
      },
      gauge: (name, value, labels = {}) => measured.set(`${name} ${Object.values(labels).join(' ')}`, value),
      observe: () => undefined,
    },
  };
}

/** A ledger in memory. */
export interface SourceFake extends Source {
  readonly entries: Entry[];
}

export function sourceFake(entries: readonly Entry[] = []): SourceFake {
  const all = [...entries];
  return {
    entries: all,
    get size() {
      return all.length;
    },
    read: async function* (from, to): AsyncGenerator<Stored> {
      for (const [at, entry] of all.slice(from, to).entries()) {
        await Promise.resolve();
        yield { index: from + at, entry, seal: 'opened' };
      }
    },
  };
}

export const hostile = 'evil "\\] \n<13>1 fake\r\n\u001B[2J\u2028\u202Etxet \u009B {"n":9}|=';

/** A denial whose every text tries to break out of its format, and whose sealed part is a canary. */
export function decision(number: number): Entry {
  return {
    kind: 'decision',
    at: instant(Date.UTC(2026, 0, 1) + number),
    id: `ses_1.${number}` as never,
    session: 'ses_1' as never,
    identity: { subject: number % 2 === 0 ? 'dba' : hostile, kind: 'human', groups: ['dba'] },
    resource: 'shop',
    decision: number % 3 === 0 ? 'deny' : 'allow',
    verb: 'sql.delete',
    access: 'write',
    targets: [{ kind: 'table', name: number % 2 === 0 ? 'public.orders' : hostile, access: 'write' }],
    columns: [],
    attributes: {},
    rules: [],
    wouldBe: [],
    duties: [],
    policy: 'abc',
    sealed: { text: `DELETE FROM orders WHERE id = 'canary-${number}'` },
  };
}

export const terms: ItemTerms = {
  origin: 'gate-1',
  version: '0.1.0',
  format: 'entry',
  personal: false,
  texts: 'none',
  maskKey: maskKey(new Uint8Array(16)),
};

export function item(stored: Stored, over: Partial<ItemTerms> = {}): Item {
  return itemOf(stored, { ...terms, ...over });
}

export interface HttpFake extends AsyncDisposable {
  readonly url: string;
  readonly requests: {
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
  }[];
  /** A status that it answers to everything, while set. */
  failing: number | 'drop' | undefined;
}

export async function httpFake(answer: (path: string, body: string) => unknown): Promise<HttpFake> {
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    if (fake.failing === 'drop') {
      incoming.socket.destroy();
      return;
    }
    const path = incoming.url ?? '';
    const said = fake.failing === undefined ? answer(path, body) : {};
    const status = fake.failing ?? (typeof said === 'number' ? said : 200);
    if (status === 200) fake.requests.push({ path, headers: incoming.headers, body });
    outgoing.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said));
  };
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const fake: HttpFake = {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    requests: [],
    failing: undefined,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fake;
}

/** Waits until it is so; a test that waits in vain is ended by its own time limit. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
