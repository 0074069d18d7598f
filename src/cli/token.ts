import { parseArgs } from 'node:util';
import { duration, realWorld, timestamp, instant } from '../base/time.ts';
import { issueToken } from '../identity/tokens.ts';
import { readIdentities } from '../server/config-identities.ts';
import { environment } from '../server/environment.ts';
import { revokeToken, tokenKeys, tokenTerms } from '../server/keys.ts';
import { CouldNotRun, print, say, unusable, type Command } from './command.ts';

const help = `Usage: sallyport token SUBJECT [--ttl 1h] [--config sallyport.yaml]
       sallyport token --revoke ID

Issues a token for an identity of the configuration, signed with the key of the gateway in SALLYPORT_HOME. It is the
database password, the bearer of the API, and lasts 1 hour unless --ttl says otherwise (1m to 24h). The token goes to
standard output, its id to standard error.

--revoke withdraws a token by its id: it signs in no more, and sessions that began with it end within 15 seconds.
The demo's tokens are in its ready file: they are signed with a key that lives as long as the demo.
`;

export const token: Command = { help, run };

const [shortestMs, longestMs] = [60_000, 86_400_000];

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ttl: { type: 'string', default: '1h' },
      config: { type: 'string', default: 'sallyport.yaml' },
      revoke: { type: 'string' },
    },
  });
  const { home } = environment();
  if (values.revoke !== undefined) return revoke(home, values.revoke);
  const [subject, ...others] = positionals;
  if (subject === undefined || others.length > 0) throw new CouldNotRun('Expected one SUBJECT; see --help');
  const ttlMs = duration(values.ttl);
  if (ttlMs === undefined || ttlMs < shortestMs || ttlMs > longestMs) {
    throw new CouldNotRun('--ttl: Expected 1m to 24h, such as 30m');
  }
  const who = readIdentities(values.config);
  if (!who.ok) throw unusable(who.error);
  const { directory } = who.value;
  const known = directory.find(subject);
  if (known === undefined) {
    say(
      `There is no identity "${subject}" in ${values.config}; it has: ${directory.subjects.join(', ') || 'none'}`,
    );
    return 1;
  }
  const { key } = tokenKeys(home);
  const issued = await issueToken(
    { terms: tokenTerms(who.value), world: realWorld, key },
    known.subject,
    ttlMs,
  );
  print(issued.token.reveal('it was asked for on the command line'));
  say(`token ${issued.id} for ${subject} until ${timestamp(instant(realWorld.now() + ttlMs))}`);
  return 0;
}

function revoke(home: string, id: string): number {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id))
    throw new CouldNotRun('--revoke: Expected the id of a token, not the token');
  revokeToken(home, id);
  say(`token ${id} is revoked`);
  return 0;
}
