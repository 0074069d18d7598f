import { parseArgs } from 'node:util';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, say, table } from './command.ts';

const filters = {
  identity: { type: 'string' },
  agent: { type: 'string' },
  run: { type: 'string' },
  resource: { type: 'string' },
  session: { type: 'string' },
  kind: { type: 'string' },
  verb: { type: 'string' },
  access: { type: 'string' },
  effect: { type: 'string' },
  object: { type: 'string' },
  rule: { type: 'string' },
  risk: { type: 'string' },
  review: { type: 'string' },
  text: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  before: { type: 'string' },
  limit: { type: 'string' },
} as const;

interface Found {
  readonly entry: number;
  readonly at: string;
  readonly kind: string;
  readonly [part: string]: string | number;
}

/** `sallyport audit search`: asks the gateway, which judges and writes down that somebody searched. */
export async function search(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { ...filters, json: { type: 'boolean', default: false } },
  });
  if (positionals.length > 0 && values.text !== undefined)
    throw new CouldNotRun('Give words either behind the command or with --text');
  const query = new URLSearchParams();
  for (const name of Object.keys(filters) as (keyof typeof filters)[]) {
    const value = values[name];
    if (value !== undefined) query.set(name, value);
  }
  if (positionals.length > 0) query.set('text', positionals.join(' '));
  const asked = await ask(`/api/v1/entries?${query.toString()}`);
  if (!asked.ok) {
    say(asked.refusal);
    return 1;
  }
  const found = asked.answer as readonly Found[]; // the API's own schema
  print(values.json ? JSON.stringify(found, undefined, 2) : told(found));
  return 0;
}

function told(found: readonly Found[]): string {
  if (found.length === 0) return 'No entries\n';
  const cell = (value: string | number | undefined): string =>
    safe(String(value ?? ''))
      .replaceAll(/\s+/g, ' ')
      .slice(0, 100);
  const rows = found.map((each) =>
    [
      each.entry,
      `${each.at.slice(0, 10)} ${each.at.slice(11, 19)}`,
      each.kind,
      each['effect'],
      each['identity'],
      each['resource'],
      each['verb'],
      each['text'],
    ].map(cell),
  );
  return table([
    ['ENTRY', 'AT (UTC)', 'KIND', 'EFFECT', 'IDENTITY', 'RESOURCE', 'VERB', 'STATEMENT'],
    ...rows,
  ]);
}
