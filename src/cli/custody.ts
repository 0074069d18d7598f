import { parseArgs } from 'node:util';
import { ask } from './api.ts';
import { CouldNotRun, print, safe, say, table } from './command.ts';

interface Hold {
  readonly id: string;
  readonly at: string;
  readonly by: string;
  readonly session?: string;
  readonly identity?: string;
  readonly resource?: string;
}

const scope = {
  session: { type: 'string' },
  identity: { type: 'string' },
  resource: { type: 'string' },
  reason: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** `sallyport audit hold add|list|remove`. */
export async function hold(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: scope });
  const [verb, id, ...others] = positionals;
  if (verb === 'list' && id === undefined) return listHolds(values.json);
  const reason = values.reason;
  if (reason === undefined || reason.trim() === '') throw new CouldNotRun('Say why: --reason TEXT');
  if (verb === 'add' && id === undefined) {
    const of = scopeOf(values);
    if (Object.keys(of).length === 0)
      throw new CouldNotRun('Say what is held: --session ID, --identity WHO or --resource NAME');
    const asked = await ask('/api/v1/holds', { ...of, reason });
    if (!asked.ok) return refused(asked.refusal);
    const made = asked.answer as Hold; // the API's own schema
    print(values.json ? JSON.stringify(made, undefined, 2) : `Held: ${safe(made.id)}`);
    return 0;
  }
  if (verb === 'remove' && id !== undefined && others.length === 0) {
    const asked = await ask(`/api/v1/holds/${encodeURIComponent(id)}/remove`, { reason });
    if (!asked.ok) return refused(asked.refusal);
    print(values.json ? JSON.stringify(asked.answer, undefined, 2) : `Removed: ${safe(id)}`);
    return 0;
  }
  throw new CouldNotRun('Expected `audit hold add`, `audit hold list` or `audit hold remove ID`; see --help');
}

async function listHolds(json: boolean): Promise<number> {
  const asked = await ask('/api/v1/holds');
  if (!asked.ok) return refused(asked.refusal);
  const found = asked.answer as readonly Hold[]; // the API's own schema
  if (json) print(JSON.stringify(found, undefined, 2));
  else if (found.length === 0) print('No holds');
  else
    print(
      table([
        ['ID', 'SINCE', 'BY', 'SESSION', 'IDENTITY', 'RESOURCE'],
        ...found.map(({ id, at, by, session = '', identity = '', resource = '' }) =>
          [id, at, by, session, identity, resource].map(safe),
        ),
      ]),
    );
  return 0;
}

interface Erasure {
  readonly erased: readonly string[];
  readonly held: readonly { readonly session: string; readonly holds: readonly string[] }[];
  readonly open: readonly string[];
  readonly dryRun: boolean;
}

/** `sallyport audit erase`. Gives 1 where something that was asked for stays. */
export async function erase(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...scope,
      expired: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const of = scopeOf(values);
  if (positionals.length > 0 || values.expired === Object.keys(of).length > 0)
    throw new CouldNotRun(
      'Say what is erased: --session ID, --identity WHO or --resource NAME; or --expired',
    );
  const asked = await ask('/api/v1/erasures', {
    ...of,
    ...(values.expired ? { expired: true } : {}),
    ...(values.reason === undefined ? {} : { reason: values.reason }),
    ...(values['dry-run'] ? { dryRun: true } : {}),
  });
  if (!asked.ok) return refused(asked.refusal);
  const done = asked.answer as Erasure; // the API's own schema
  print(values.json ? JSON.stringify(done, undefined, 2) : told(done));
  const stays = done.held.length + done.open.length;
  const none = done.erased.length === 0 && !values.expired;
  return stays > 0 || none ? 1 : 0;
}

function told({ erased, held, open, dryRun }: Erasure): string {
  const lines = [
    ...erased.map((session) => `${dryRun ? 'Would be erased' : 'Erased'}: ${session}`),
    ...held.map(({ session, holds }) => `Held, not erased: ${session} (hold ${holds.join(', ')})`),
    ...open.map(
      (session) => `Open, not erased: ${session} (end it first: sallyport sessions kill ${session})`,
    ),
  ];
  return safe(lines.length === 0 ? 'No such sessions, or all of them were erased before' : lines.join('\n'));
}

function scopeOf(values: {
  readonly session?: string | undefined;
  readonly identity?: string | undefined;
  readonly resource?: string | undefined;
}): Readonly<Record<string, string>> {
  const { session, identity, resource } = values;
  return {
    ...(session === undefined ? {} : { session }),
    ...(identity === undefined ? {} : { identity }),
    ...(resource === undefined ? {} : { resource }),
  };
}

function refused(refusal: string): number {
  say(refusal);
  return 1;
}
