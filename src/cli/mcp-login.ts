import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { realWorld } from '../base/time.ts';
import { dialTcp } from '../carriers/tcp.ts';
import { protocols } from '../protocols/index.ts';
import type { McpSettings } from '../protocols/mcp/settings.ts';
import type { Broker } from '../protocols/mcp/oauth/broker.ts';
import { brokerOf } from '../protocols/mcp/oauth/index.ts';
import { environment } from '../server/environment.ts';
import { keptIn } from '../server/kept.ts';
import { maskKey } from '../server/keys.ts';
import { CouldNotRun, print, say, type Command } from './command.ts';
import { configOf } from './up.ts';

const help = `Usage: sallyport mcp-login RESOURCE [--server NAME] [--as SUBJECT] [--port 8765] [--config sallyport.yaml]

Lets the gateway in to an MCP server that wants OAuth with a person (oauth: { grant: authorization_code }). Run it where the
gateway runs, with its SALLYPORT_HOME: it prints an address to open in a browser of this machine, waits for the browser to
come back to http://127.0.0.1:PORT/callback (the redirect URI to register), and keeps the tokens sealed. The gateway uses and
renews them from then on; no restart is needed. Where each person has a token of their own (oauth: { per: identity }), --as says
whose it is: who opens the address must be that person.
`;

export const mcpLogin: Command = { help, run };

const patienceMs = 600_000;

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      server: { type: 'string', default: '' },
      as: { type: 'string' },
      port: { type: 'string', default: '8765' },
      config: { type: 'string', default: 'sallyport.yaml' },
    },
  });
  const [name, ...others] = positionals;
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : -1;
  if (name === undefined || others.length > 0) throw new CouldNotRun('Expected one RESOURCE; see --help');
  if (port < 0 || port > 65_535) throw new CouldNotRun('--port: Expected 0 to 65535');
  const { home } = environment();
  const config = configOf(values.config, protocols);
  const resource = config.resources.find((each) => each.name === name && each.kind === 'mcp');
  if (resource === undefined) throw new CouldNotRun(`There is no MCP resource "${name}" in ${values.config}`);
  const { servers } = resource.settings as McpSettings; // checked by settings.ts when the configuration was read
  const server = servers.get(values.server);
  if (server?.kind !== 'http' || server.oauth?.grant !== 'authorization_code') {
    throw new CouldNotRun(`"${name}" has no such server with oauth: { grant: authorization_code }`);
  }
  const { per } = server.oauth;
  if ((per === undefined) !== (values.as === undefined))
    throw new CouldNotRun(
      per === undefined
        ? '--as: everybody shares one token here'
        : 'Expected --as SUBJECT: each person has their own token here',
    );
  const person = values.as === undefined ? {} : { person: values.as };
  const broker = brokerOf(
    {
      dial: (address, signal) => dialTcp(address, signal, config.limits.connectSeconds * 1_000),
      world: realWorld,
      kept: keptIn(join(home, 'kept', 'mcp')),
      maskKey: maskKey(home),
    },
    { resource: name, server: values.server, upstream: server.upstream, settings: server.oauth, ...person },
  );
  await signIn(broker, port);
  say(`The gateway is let in to "${name}".`);
  return 0;
}

/** Waits for the browser to come back, once, with the state that it was sent away with. */
async function signIn(broker: Broker, port: number): Promise<void> {
  const state = Buffer.from(realWorld.random(24)).toString('base64url');
  const came = Promise.withResolvers<{ readonly code: string; readonly iss: string | undefined }>();
  const listener = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const code = url.searchParams.get('code');
    const ours = url.pathname === '/callback' && url.searchParams.get('state') === state;
    response.writeHead(ours ? 200 : 404, {
      'content-type': 'text/plain; charset=utf-8',
      connection: 'close',
    });
    response.end(ours ? 'You can close this page and go back to the terminal.\n' : 'Not found\n');
    if (!ours) return;
    if (code === null) came.reject(new CouldNotRun('The authorization server did not let the gateway in'));
    else came.resolve({ code, iss: url.searchParams.get('iss') ?? undefined });
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', () => reject(new CouldNotRun(`Nothing can listen on port ${port}; see --port`)));
    listener.listen(port, '127.0.0.1', resolve);
  });
  const redirect = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`;
  const timer = setTimeout(() => came.reject(new CouldNotRun('Nobody came back in ten minutes')), patienceMs);
  try {
    const page = await broker.begin({ redirect, state });
    print(page.href);
    say('Open this address in a browser of this machine, and let the gateway in.');
    await broker.finish({ redirect, state }, await came.promise);
  } finally {
    clearTimeout(timer);
    listener.close();
    listener.closeAllConnections();
  }
}
