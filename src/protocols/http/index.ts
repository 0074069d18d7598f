/**
 * HTTP/1.1 and HTTP/2 web services (RFC 9110, 9112, 9113), as a reverse proxy that knows who asks.
 *
 * Understood: requests by method, route and JSON body; GraphQL operations; WebSocket message by message;
 * streaming bodies, NDJSON, server-sent events; gRPC method by method.
 * Refused: targets and heads that two programs could read differently, method overrides, bodies that are not what they
 * say they are, stored GraphQL operations, CONNECT, TRACE, upgrades to anything but WebSocket; binary messages there.
 * Masked: JSON by path and by what is found, text, forms, lines, events, header values; other bodies are withheld while
 * masks apply. Docs: docs/protocols/http.md.
 */
import { bodyReplay } from '../../http/replay.ts';
import {
  httpClient,
  type HttpClient,
  type HttpClientParts,
  towardsUpstream,
} from '../../carriers/http/client.ts';
import { http2Client, type Http2Client } from '../../carriers/http/client2.ts';
import { httpDoor } from '../../carriers/http/door.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { sayProblem } from '../../carriers/http/problem.ts';
import { Fault } from '../../base/errors.ts';
import type { House, Protocol, Room } from '../../core/protocol.ts';
import type { Resource } from '../../core/session.ts';
import { grpcMethod } from '../../http/grpc.ts';
import { readTarget } from '../../http/target.ts';
import { maskKey } from '../../mask/index.ts';
import { grpcService } from './grpc.ts';
import { meaningOfCall } from './grpc-meaning.ts';
import { grpcStatusOfHttp, isGrpc, sayRefusal } from './grpc-say.ts';
import { meaningOf, meaningOfMessage, unreadable } from './meaning.ts';
import { site } from './session.ts';
import { type HttpSettings, routesOf, settings } from './settings.ts';
import { attributes, verbs } from './words.ts';

export const http: Protocol = {
  name: 'http',
  port: 8080,
  verbs,
  attributes,
  settings,
  start,
  reads: true,
  replay: () => bodyReplay(),
};

function start(house: House): Room {
  const key = maskKey(Buffer.from(house.maskKey.reveal('mask key'), 'hex'));
  const clients = new Map<string, HttpClient>(
    house.resources.map((resource) => [resource.name, httpClient(towardsOf(house, resource))]),
  );
  const clients2: Http2Client[] = [];
  const services = new Map<string, (exchange: Exchange) => Promise<void>>();
  const sites = new Map<string, ReturnType<typeof site>>(
    house.resources.map((resource) => {
      const client = clients.get(resource.name);
      if (client === undefined) throw new Fault('bug', 'A resource without a client');
      const settings = settingsOf(resource);
      const client2 = http2Client(towardsOf(house, resource));
      clients2.push(client2);
      services.set(resource.name, grpcService({ house, settings, client: client2, maskKey: key }));
      return [resource.name, site({ house, settings, client, maskKey: key })];
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
      serve: async (exchange) => {
        const { name } = exchange.stay.session.resource;
        await (isGrpc(exchange.fields) ? services.get(name)?.(exchange) : sites.get(name)?.serve(exchange));
      },
      socket: async (exchange, wish) =>
        sites.get(exchange.stay.session.resource.name)?.socket(exchange, wish),
      refuse: (reply, status, why, { fields }) =>
        isGrpc(fields) ? sayRefusal(reply, grpcStatusOfHttp(status), why) : sayProblem(reply, status, why),
    }),
    probe: (resource, signal) => probe(clients.get(resource.name), resource, signal),
    actions: (resource, text) => Promise.resolve(actionsOf(resource, text)),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...clients.values(), ...clients2].map((client) => client[Symbol.asyncDispose]()));
    },
  };
}

function settingsOf(resource: Resource): HttpSettings {
  return resource.settings as HttpSettings; // checked by settings.ts when the configuration was read
}

function towardsOf(house: House, resource: Resource): HttpClientParts {
  return towardsUpstream(settingsOf(resource).upstream, house);
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

/** `GET /customers/42?x=1`, `WEBSOCKET /talk`, `SEND /talk`, `GRPC /shop.v1.Orders/Get`, with a body or message below an empty line: what `explain` is given. */
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
  const routed = routesOf(settingsOf(resource).routes);
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
  if (method === 'GRPC') {
    const called = grpcMethod(target.value.path);
    if (called === undefined)
      return [unreadable(method, target.value.path, 'The path is not /service/method')];
    const reads = settingsOf(resource).protos?.method(called.service, called.rpc)?.reads === true;
    const route = routed('POST', target.value.path);
    const contentType = 'application/grpc';
    const message = body.length === 0 ? undefined : { bytes: body };
    const said = meaningOfCall({
      ...called,
      contentType,
      host: '',
      route,
      reads,
      text: body.toString(),
      seen: 'whole',
      message,
    });
    return [said ?? unreadable(method, target.value.path, 'The message is no JSON, or names a key twice')];
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
    methodFields: settingsOf(resource).methodFields,
  });
  if (meant.kind === 'refused') return [unreadable(method, target.value.path, meant.why)];
  return [meant.action];
}
