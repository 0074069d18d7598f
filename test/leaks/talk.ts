import { cstring, int16, type Message, type RawClient, say, wire } from '../e2e/harness/raw.ts';

/** What is sent in one go, and how many ReadyForQuery it brings. */
export interface Step {
  readonly parts: readonly Uint8Array[];
  readonly ready: number;
}

/** One case: steps on one connection inside a transaction that is taken back. */
export interface Case {
  readonly way: string;
  readonly sql: readonly string[]; // to be read by a person
  readonly steps: readonly Step[];
  /** It tells the time, the process or chance: nothing to compare with. */
  readonly varies?: true;
}

export function asked(sql: string): Step {
  return { parts: [wire.query(sql)], ready: 1 };
}

/** A Bind whose columns all come in this format (0 text, 1 binary). */
export function bind(format: 0 | 1, portal = '', statement = ''): Buffer {
  return say('B', cstring(portal), cstring(statement), int16(0), int16(0), int16(1), int16(format));
}

/** Sends a step and gives all that came. */
export async function take(client: RawClient, step: Step): Promise<readonly Message[]> {
  client.send(...step.parts);
  const all: Message[] = [];
  for (let left = step.ready; left > 0; left--) all.push(...(await client.until('Z')));
  return all;
}

export { wire };
