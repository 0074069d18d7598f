import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { messageOf } from '../base/errors.ts';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, say, type Command } from './command.ts';

const help = `Usage: sallyport reveal [TOKEN…] [--input FILE] [--resource NAME] [--column SCHEMA.TABLE.COLUMN] [--key N]
                        [--reason TEXT] [--ticket ID] [--json]

Says what tokens in masked answers (t_…, and numbers masked as tokens) stand for, one a line, in their order. Only where a rule
allows \`mask.reveal\`; a rule can hold it for a person, ask for a reason or a ticket, and limit how many and which types. Who
asked, for how many, of which types, is in the ledger before anything is shown; neither the tokens nor the values are.

--input FILE   tokens from a file, one a line; - is standard input, which is also read where no token is given
--resource, --column   where the tokens come from: shown to who approves, and rules can ask for it
--key N        numbers were made with an earlier key: 1 is the one before. Texts find their key by themselves
--json         an array of {id, value, type, form} or {id, error}; id is the place of the token, from 1

A number proves nothing: one that was no token gives some other number. Where it waits for a person, the command says for which
review and ends with 1; the same command goes through, once, when it is approved (sallyport reviews wait ID).
Exit codes: 0 all of them, 1 denied or not all of them, 2 could not run.
SALLYPORT_API (default http://127.0.0.1:8420) is the gateway, SALLYPORT_TOKEN your token.
`;

export const reveal: Command = { help, run };

interface Shown {
  readonly value?: string;
  readonly type?: string;
  readonly form?: string;
  readonly masked?: true;
  readonly error?: string;
}

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      input: { type: 'string' },
      resource: { type: 'string' },
      column: { type: 'string' },
      key: { type: 'string' },
      reason: { type: 'string' },
      ticket: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const { json, input, key, ...said } = values;
  if (input !== undefined && positionals.length > 0)
    throw new CouldNotRun('Give tokens as arguments or by --input, not both; see --help');
  if (key !== undefined && !/^\d$/.test(key)) throw new CouldNotRun('--key is a number from 0 to 9');
  const tokens = positionals.length > 0 ? positionals : await read(input ?? '-');
  if (tokens.length === 0) throw new CouldNotRun('There is no token to reveal; see --help');
  if (tokens.length > most) throw new CouldNotRun(`At most ${most} tokens at once`);
  const asked = await ask('/api/v1/mask/reveal', {
    tokens,
    ...said,
    ...(key === undefined ? {} : { key: Number(key) }),
  });
  if (!asked.ok) {
    say(asked.refusal);
    return 1;
  }
  const { values: shown } = asked.answer as { readonly values: readonly Shown[] }; // the API's own schema
  if (json) {
    print(
      JSON.stringify(
        shown.map((each, at) => ({ id: at + 1, ...each })),
        undefined,
        2,
      ),
    );
  } else {
    for (const [at, { value, error }] of shown.entries()) {
      print(value === undefined ? '' : safe(value).replaceAll('\n', '\\n'));
      if (error !== undefined) say(`${at + 1}: ${error}`);
    }
  }
  return shown.every(({ error }) => error === undefined) ? 0 : 1;
}

const most = 1_000;

async function read(file: string): Promise<readonly string[]> {
  try {
    const all = file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8');
    return all.split(/\r?\n/).filter((line) => line !== '');
  } catch (thrown) {
    throw new CouldNotRun(`Cannot read the tokens: ${messageOf(thrown)}`);
  }
}
