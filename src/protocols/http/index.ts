/**
 * HTTP/1.1 and HTTP/2 web services (RFC 9110, 9112, 9113), as a reverse proxy that knows who asks.
 *
 * Understood: requests by method, route and JSON body; GraphQL operations; WebSocket message by message;
 * streaming bodies, NDJSON, server-sent events.
 * Refused: targets and heads that two programs could read differently, method overrides, bodies that are not what they
 * say they are, stored GraphQL operations, CONNECT, TRACE, upgrades to anything but WebSocket; binary messages there.
 * Masked: JSON by path and by what is found, text, forms, lines, events, header values; other bodies are withheld while
 * masks apply. Docs: docs/protocols/http.md.
 */
import { bodyReplay } from '../../http/replay.ts';
import { httpClient, type HttpClient } from '../../carriers/http/client.ts';
import { httpDoor } from '../../carriers/http/door.ts';
import { sayProblem } from '../../carriers/http/problem.ts';
import { Fault } from '../../base/errors.ts';
import type { House, Protocol, Room } from '../../core/protocol.ts';
import type { Resource } from '../../core/session.ts';
import { readTarget, router } from '../../http/target.ts';
import { maskKey } from '../../mask/index.ts';
import { meaningOf, meaningOfMessage, unreadable } from './meaning.ts';
import { site } from './session.ts';
import { type HttpSettings, settings } from './settings.ts';
import { attributes, verbs } from './words.ts';

export const http: Protocol = {
  name: 'http',
  port: 8080,
  verbs,
  attributes,
  settings,
  start,
  replay: () => bodyReplay(),
};

function start(house: House): Room {
  const key = maskKey(Buffer.from(house.maskKey.reveal('mask key'), 'hex'));
  const clients = new Map<string, HttpClient>(
    house.resources.map((resource) => [resource.name, clientOf(house, resource)]),
  );
  const sites = new Map<string, ReturnType<typeof site>>(
    house.resources.map((resource) => {
      const client = clients.get(resource.name);
      if (client === undefined) throw new Fault('bug', 'A resource without a client');
      return [resource.name, site({ house, settings: settingsOf(resource), client, maskKey: key })];
    }),
  );
  const hosts = new Map(
    house.resources.map((resource) => [resource.name as string, settingsOf(resource).upstream.hosts]),
  );
  return {
    serve: httpDoor({
      house,
      kind: 'http',
      visitors: house.visitors,
      hostsOf: (resource) => hosts.get(resource) ?? [],
      serve: async (exchange) => sites.get(exchange.stay.session.resource.name)?.serve(exchange),
      socket: async (exchange, wish) =>
        sites.get(exchange.stay.session.resource.name)?.socket(exchange, wish),
      refuse: (reply, status, why) => sayProblem(reply, status, why),
    }),
    probe: (resource, signal) => probe(clients.get(resource.name), resource, signal),
    actions: (resource, text) => Promise.resolve(actionsOf(resource, text)),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...clients.values()].map((client) => client[Symbol.asyncDispose]()));
    },
  };
}

function settingsOf(resource: Resource): HttpSettings {
  return resource.settings as HttpSettings; // checked by settings.ts when the configuration was read
}

function clientOf(house: House, resource: Resource): HttpClient {
  const { address, authority, tls, patience } = settingsOf(resource).upstream;
  return httpClient({
    address,
    authority,
    dial: house.dial,
    patience,
    world: house.world,
    ...(tls === undefined ? {} : { tls: { kind: 'client', ...tls } }),
  });
}

/** Any answer will do: only whether somebody is there is asked. */
async function probe(
  client: HttpClient | undefined,
  resource: Resource,
  signal: AbortSignal,
): Promise<string> {
  if (client === undefined) throw new Fault('bug', 'A resource without a client');
  const { base, credential } = settingsOf(resource).upstream;
  const fields =
    credential === undefined ? [] : ([[credential.header, credential.value.reveal('probe')]] as const);
  const { status, body } = await client.call({ method: 'GET', path: `${base}/`, fields, signal });
  for await (const _ of body) break;
  return `HTTP ${status}`;
}

/** `GET /customers/42?x=1`, `WEBSOCKET /talk`, `SEND /talk`, with a body or message below an empty line: what `explain` is given. */
function actionsOf(
  resource: Resource,
  text: string,
): ReturnType<Room['actions']> extends Promise<infer T> ? T : never {
  const [head = '', ...rest] = text.split('\n\n');
  const [method = '', raw = ''] = head.trim().split(/\s+/);
  if (!/^[A-Z]+$/.test(method) || !raw.startsWith('/')) throw new Fault('parser', 'Expected METHOD /path');
  const target = readTarget(raw);
  if (!target.ok) return [unreadable(method, raw, target.error)];
  const body = Buffer.from(rest.join('\n\n'));
  const routed = router(settingsOf(resource).routes);
  if (method === 'SEND') {
    const said = meaningOfMessage({
      from: 'client',
      host: '',
      target: target.value,
      route: routed('GET', target.value.path),
      bytes: body,
      binary: false,
    });
    return [said.kind === 'refused' ? unreadable(method, target.value.path, said.why) : said.action];
  }
  const upgrade = method === 'WEBSOCKET';
  const as = upgrade ? 'GET' : method;
  const meant = meaningOf({
    method: as,
    ...(upgrade ? { upgrade } : {}),
    host: '',
    target: target.value,
    fields: body.length === 0 ? [] : [['content-type', 'application/json']],
    route: routed(as, target.value.path),
    operation: settingsOf(resource).api?.operationOf(as, target.value.path),
    body,
    length: body.length,
  });
  if (meant.kind === 'refused') return [unreadable(method, target.value.path, meant.why)];
  return [meant.action];
}
