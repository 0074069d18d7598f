import { runProgram } from '../harness/clients.ts';
import type { PackageName } from '../harness/needs.ts';
import { environment, type Login } from './place.ts';

export type Row = readonly (string | null)[];

/** What an analyst got. */
export interface Judged {
  /** The first statement of masked.sql, by the way in which it was asked. */
  readonly masked: Readonly<Record<string, readonly Row[]>>;
  /** What came of each step: `ok <value>`, a command's tag, or the SQLSTATE. */
  readonly events: Readonly<Record<string, readonly string[]>>;
}

/** A client that is put through the same three questions as all others. */
export interface Driven {
  readonly name: string;
  readonly needs?: readonly PackageName[];
  /** Everything it read; equal for two logins when both gave the same. */
  readonly same: (login: Login) => Promise<unknown>;
  readonly judged: (login: Login) => Promise<Judged>;
}

/** A client that is a program: it gets the question as its first argument and answers in JSON. */
export function program(
  name: string,
  command: readonly [string, ...string[]],
  needs: readonly PackageName[],
): Driven {
  const [run, ...args] = command;
  return {
    name,
    needs,
    same: (login) => answer(run, [...args, 'same'], login),
    judged: async (login) => JSON.parse(await answer(run, [...args, 'judged'], login)) as Judged,
  };
}

/** Its standard output; throws what it said instead if it failed. */
export async function answer(command: string, args: readonly string[], login: Login): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, args, { env: environment(login) });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr.slice(-2_000)}`);
  return stdout;
}
