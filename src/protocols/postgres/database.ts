import { Lru } from '../../base/lru.ts';
import type { House } from '../../core/protocol.ts';
import type { Parsed } from '../../sql/parse.ts';
import type { Node } from '../../sql/tree.ts';
import { Estimates } from './estimate.ts';
import { Keeper, type OwnConnection } from './keeper.ts';
import { Understanding } from './understanding.ts';
import { Watches } from './watch.ts';

/** What all sessions of one database share: its catalogue, what statements mean there, and what detectors saw. */
export interface Database extends AsyncDisposable {
  readonly keeper: Keeper;
  readonly understanding: Understanding;
  readonly estimates: Estimates;
  readonly watches: Watches;
}

export interface DatabaseParts {
  readonly house: House;
  readonly resource: string;
  readonly connect: () => Promise<OwnConnection>;
  readonly parse: (text: string) => Promise<Parsed>;
}

const catalogueTrustMs = 5_000;
const viewTextHeld = 2_000_000; // characters

export function openDatabase({ house, resource, connect, parse }: DatabaseParts): Database {
  const { limits, metrics, world, log } = house;
  const keeper = new Keeper({
    connect,
    parse: viewParser(parse),
    world,
    log,
    resource,
    trustMs: catalogueTrustMs,
  });
  const estimates = new Estimates(connect, world.after);
  return {
    keeper,
    estimates,
    watches: new Watches(),
    understanding: new Understanding({ parse, limits, metrics, world, resource }),
    [Symbol.asyncDispose]: () => {
      estimates.close();
      return keeper[Symbol.asyncDispose]();
    },
  };
}

/** Reads a view's text: exactly one statement, or it counts as not readable and its columns as unknown. */
export function viewParser(
  parse: (text: string) => Promise<Parsed>,
): (text: string) => Promise<Node | undefined> {
  // Most views are as they were when the catalogue is read again: 150 of them are PostgreSQL's own.
  const known = new Lru<string, Node>(viewTextHeld, (text) => text.length);
  return async (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const parsed = await parse(text);
    const node = parsed.ok && parsed.statements.length === 1 ? parsed.statements[0]?.node : undefined;
    if (node !== undefined) known.set(text, node);
    return node;
  };
}
