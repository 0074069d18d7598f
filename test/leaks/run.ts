import type { Message, RawClient } from '../e2e/harness/raw.ts';
import { errorOf } from '../e2e/harness/raw.ts';
import type { Leak } from './secrets.ts';
import { asked, type Case, take } from './talk.ts';

/** What came back of one case, message by message. */
export interface Came {
  readonly messages: readonly Message[];
}

/** Runs a case in a transaction that is taken back. */
export async function run(client: RawClient, { steps }: Case): Promise<Came> {
  const messages: Message[] = [...(await take(client, asked('BEGIN')))];
  for (const [at, step] of steps.entries()) {
    // One refused or failed step must not hide what the others bring.
    if (at > 0) messages.push(...(await take(client, asked(`SAVEPOINT s${at}`))));
    messages.push(...(await take(client, step)));
    const failed = messages.at(-1)?.type === 'Z' && messages.at(-1)?.body.toString() === 'E';
    if (failed && at + 1 < steps.length && at > 0) {
      messages.push(...(await take(client, asked(`ROLLBACK TO SAVEPOINT s${at}`))));
    } else if (failed && at + 1 < steps.length) {
      messages.push(...(await take(client, asked('ROLLBACK'))), ...(await take(client, asked('BEGIN'))));
    }
  }
  messages.push(...(await take(client, asked('ROLLBACK'))));
  return { messages };
}

export function bytesOf({ messages }: Came): Buffer {
  return Buffer.concat(messages.flatMap(({ type, body }) => [Buffer.from(`\0${type}`), body]));
}

/** How it ended, for the tally: rows came, it was refused by the gateway, or the server said no. */
export function endOf({ messages }: Came): 'rows' | 'refused' | 'error' | 'none' {
  if (messages.some(({ type }) => type === 'D' || type === 'd')) return 'rows';
  const errors = messages.filter(({ type }) => type === 'E').map(errorOf);
  if (errors.length === 0) return 'none';
  return errors.some(({ code }) => code === '42501') ? 'refused' : 'error';
}

export function shown(one: Case, leak: Leak): string {
  return `${one.way}: ${leak.secret.column} came as ${leak.form} (${leak.piece})\n    ${one.sql.join(';\n    ')}`;
}
