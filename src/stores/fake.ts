import {
  copyFileSync,
  type Dirent,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realWorld, type World } from '../base/time.ts';
import type { RuleId } from '../core/decision.ts';
import type { Actor, DecisionEntry, Entry } from '../core/entry.ts';
import type { Metrics } from '../core/metrics.ts';
import type { SessionId } from '../core/session.ts';
import { type LedgerParts, openLedger, type OpenLedger } from './ledger.ts';

// Stand-ins for this room's tests.

export const noMetrics: Metrics = { count: ignore, gauge: ignore, observe: ignore };

export function freshFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-ledger-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function ledgerParts(directory: string, more: Partial<LedgerParts> = {}): LedgerParts {
  return {
    directory,
    origin: 'example.com/test',
    world: realWorld,
    log: ignore,
    metrics: noMetrics,
    ...more,
  };
}

export function open(directory: string, more: Partial<LedgerParts> = {}): Promise<OpenLedger> {
  return openLedger(ledgerParts(directory, more));
}

export function sessionId(name: string): SessionId {
  return name as SessionId;
}

export const analyst: Actor = { subject: 'analyst', kind: 'human', groups: ['analysts'] };

export function opened(session: string, peer: string = '192.0.2.7:5000', world: World = realWorld): Entry {
  return {
    kind: 'session.opened',
    at: world.now(),
    session: sessionId(session),
    identity: analyst,
    resource: { name: 'shop', kind: 'postgres', tags: ['env/test'] },
    peer,
    client: 'psql',
    run: 'run-7',
  };
}

export function decided(
  session: string,
  sequence: number,
  text: string,
  more: Partial<DecisionEntry> = {},
): DecisionEntry {
  return {
    kind: 'decision',
    at: realWorld.now(),
    id: `${session}.${sequence}` as DecisionEntry['id'],
    session: sessionId(session),
    identity: analyst,
    resource: 'shop',
    decision: 'allow',
    verb: 'sql.select',
    access: 'read',
    targets: [{ kind: 'table', name: 'public.customers', access: 'read' }],
    columns: [{ object: 'public.customers', column: 'name', use: 'output' }],
    attributes: { where: 'key' },
    rules: ['main/reads' as RuleId],
    wouldBe: [],
    duties: ['mask', 'record:full'],
    policy: 'a'.repeat(64),
    sealed: { text, values: 'b'.repeat(64) },
    ...more,
  };
}

export function ended(session: string, from: number, to: number): Entry {
  const outcome = { kind: 'ok', rows: 1, bytes: 10, masked: 1, withheld: 0 } as const;
  return {
    kind: 'outcomes',
    at: realWorld.now(),
    session: sessionId(session),
    outcomes: Array.from({ length: to - from + 1 }, (_, at) => ({
      id: `${session}.${from + at}` as DecisionEntry['id'],
      outcome,
    })),
  };
}

export function closed(session: string, decisions: number, chunks: number = 0): Entry {
  return {
    kind: 'session.closed',
    at: realWorld.now(),
    session: sessionId(session),
    why: 'client left',
    decisions,
    chunks,
  };
}

/** Waits until a signed head covers all entries that are in the ledger by now. */
export async function headed(ledger: OpenLedger, directory: string): Promise<void> {
  const head = join(directory, 'ledger', 'checkpoint');
  const covered = (): number => (existsSync(head) ? Number(readFileSync(head, 'utf8').split('\n')[1]) : 0);
  for (const { size } = ledger; covered() < size;) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Copies a folder file by file while others write to it, as `cp -r` does: what is gone when its turn comes is left out. */
export function copyLive(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of listed(from)) {
    const [path, copy] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyLive(path, copy);
    else unlessGone(() => copyFileSync(path, copy));
  }
}

function listed(folder: string): readonly Dirent[] {
  return unlessGone(() => readdirSync(folder, { withFileTypes: true })) ?? [];
}

function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Appends a whole session with this many decisions. */
export async function talk(ledger: OpenLedger, session: string, decisions: number): Promise<void> {
  const waits = [ledger.append(opened(session))];
  for (let at = 1; at <= decisions; at++) waits.push(ledger.append(decided(session, at, `SELECT ${at}`)));
  waits.push(ledger.append(ended(session, 1, decisions)), ledger.append(closed(session, decisions)));
  await Promise.all(waits);
}

function ignore(): void {
  // Nobody looks.
}
