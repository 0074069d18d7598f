/**
 * Tools, resources and prompts over the Model Context Protocol (MCP 2025-06-18, 2025-11-25 and 2026-07-28, streamable HTTP);
 * servers over streamable HTTP or as processes, alone or several together.
 *
 * Understood: connections of both eras on one endpoint, lists, calls, reads, prompts, completions, progress, logs, tasks (2025-11-25).
 * Refused: batches, methods of extensions, headers that do not repeat the body, sessions of others, definitions
 * that are not the pinned ones, arguments that a tool's schema does not allow; what servers ask of the client's side,
 * unless it is allowed. Masked: every text of every message towards the client. Docs: docs/protocols/mcp.md.
 */
import { bodyReplay } from '../../http/replay.ts';
import {
  httpClient,
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  towardsUpstream,
} from '../../carriers/http/client.ts';
import { httpDoor } from '../../carriers/http/door.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { keyless } from '../../carriers/http/keyless.ts';
import { Fault } from '../../base/errors.ts';
import { Lru } from '../../base/lru.ts';
import { Secret } from '../../base/secret.ts';
import type { Action } from '../../core/action.ts';
import type { House, Protocol, Room } from '../../core/protocol.ts';
import type { Resource } from '../../core/session.ts';
import { towardsClient } from '../../http/headers.ts';
import type { Credential, Upstream } from '../../http/upstream.ts';
import { maskKey } from '../../mask/index.ts';
import { HeldTasks } from './held/store.ts';
import { hub } from './hub.ts';
import { ownServer } from './own/server.ts';
import { pinOf } from './changes.ts';
import { attributes, meaningOf, unreadable, verbs } from './meaning.ts';
import { codes, errorOf, readMessage } from './message.ts';
import { brokerOf } from './oauth/index.ts';
import type { Broker } from './oauth/broker.ts';
import { sayMessage } from './out.ts';
import { challengeOf, sayMetadata } from './metadata.ts';
import { Pins } from './pins.ts';
import { attend } from './session.ts';
import { type Schemas, schemas } from './schemas.ts';
import type { ToolboxParts } from './talk.ts';
import { Tasks } from './tasks.ts';
import { type McpSettings, settings } from './settings.ts';

export const mcp: Protocol = {
  name: 'mcp',
  port: 8082,
  verbs,
  attributes,
  settings,
  start,
  reads: true,
  replay: () => bodyReplay((event) => `${JSON.stringify(event)}\n`),
};

const talksKept = 20_000;

function start(house: House): Room {
  const key = maskKey(Buffer.from(house.maskKey.reveal('mask key'), 'hex'));
  const opened: AsyncDisposable[] = [];
  const stop = new AbortController();
  const boxes = new Map<string, ToolboxParts>();
  const fits = schemas(house);
  opened.push(fits);
  for (const resource of house.resources) {
    const given = settingsOf(resource);
    const remote = new Map<string, Remote>();
    for (const [name, server] of given.servers) {
      if (server.kind !== 'http') continue;
      const client = httpClient(towardsUpstream(server.upstream, house));
      opened.push(client);
      const { oauth, upstream } = server;
      const about = { resource: resource.name, server: name, upstream };
      const broker =
        oauth === undefined
          ? undefined
          : oauth.per === undefined
            ? shared(brokerOf(house, { ...about, settings: oauth }))
            : each((person) => brokerOf(house, { ...about, settings: oauth, person }));
      remote.set(name, { upstream, client, broker });
    }
    const callServer = (name: string, request: Request, exchange?: Exchange): Promise<Answer> => {
      const at = remote.get(name);
      if (at === undefined) throw new Fault('bug', 'A server that is not reached over HTTP');
      const broker = at.broker?.(exchange);
      if (at.broker === undefined) return called(at, request);
      // A probe is nobody's: that somebody answers is all it asks.
      return broker === undefined ? called(at, request) : signedIn(at, broker, request);
    };
    // One server over HTTP speaks for itself; everything else is made to look like one.
    const single = remote.has('');
    if (given.servers.get('')?.kind === 'own') {
      boxes.set(resource.name, boxOf({ house, resource, given, key, fits }, ownCall(house), stop.signal));
      continue;
    }
    const joint = single
      ? undefined
      : hub({ settings: given, call: callServer, version: '1', most: house.limits.messageBytes });
    if (joint !== undefined) opened.push(joint);
    boxes.set(
      resource.name,
      boxOf(
        { house, resource, given, key, fits },
        joint?.call ?? ((request, exchange) => callServer('', request, exchange)),
        stop.signal,
      ),
    );
  }
  const named = [...boxes].map(([name, box]) => ({ name, settings: box.settings }));
  return {
    serve: httpDoor({
      house,
      kind: 'mcp',
      hostsOf: (resource) => boxes.get(resource)?.settings.hosts ?? [],
      serve: async (exchange) => {
        const parts = boxes.get(exchange.stay.session.resource.name);
        if (parts === undefined) throw new Fault('bug', 'A session with a resource of another kind');
        await attend(parts, exchange);
      },
      challenge: (resource, host, secure) => {
        const settings = boxes.get(resource)?.settings;
        return settings === undefined ? '' : challengeOf({ name: resource, settings }, host, secure);
      },
      open: (path, about, reply) => sayMetadata(path, about, { reply, resources: named }),
      refuse: (reply, status, why) =>
        sayMessage(reply, status, errorOf(null, codes.denied, why.why, { denial: why })),
    }),
    probe: (resource, signal) => probe(boxes.get(resource.name), signal),
    actions: (resource, text) => Promise.resolve([actionOf(settingsOf(resource), text)]),
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Fault('stopping', 'The gateway stops'));
      await Promise.all(opened.map((each) => each[Symbol.asyncDispose]()));
    },
  };
}

interface BoxParts {
  readonly house: House;
  readonly resource: Resource;
  readonly given: McpSettings;
  readonly key: ToolboxParts['maskKey'];
  readonly fits: Schemas;
}

// oxlint-disable-next-line max-params
function boxOf(
  { house, resource, given, key, fits }: BoxParts,
  call: ToolboxParts['call'],
  stop: AbortSignal,
): ToolboxParts {
  return {
    house,
    settings: given,
    call,
    maskKey: key,
    stop,
    talks: new Lru(talksKept),
    pins: new Pins(resource.name, given, house, fits),
    tasks: new Tasks(),
    held: new HeldTasks(resource.name, house),
  };
}

/** The gateway's own tools; they need a caller, so nobody is there for a probe to ask. */
function ownCall({ inside, world }: House): ToolboxParts['call'] {
  if (inside === undefined)
    throw new Fault('config', 'This gateway has no doors inside: it cannot offer its own tools');
  const own = ownServer({ inside, world, version: '1' });
  return (request, exchange) =>
    exchange === undefined
      ? Promise.resolve({ status: 204, fields: [], body: nothing() })
      : own.call(request, exchange);
}

// oxlint-disable-next-line require-yield
async function* nothing(): AsyncIterable<Uint8Array> {}

function settingsOf(resource: Resource): McpSettings {
  return resource.settings as McpSettings; // checked by settings.ts when the configuration was read
}

type Request = HttpRequest;
type Answer = HttpResponse;

/** SECURITY: the server gets the gateway's credential and nothing of the client's. */
function towards({ base, credential }: Upstream, request: Request): Request {
  return {
    ...request,
    path: base === '' ? '/' : base,
    fields: [
      ...request.fields,
      ['accept-encoding', 'identity'],
      ...(credential === undefined
        ? []
        : [[credential.header, credential.value.reveal('sign in to a resource')] as const]),
    ],
  };
}

async function called({ upstream, client }: Remote, request: Request): Promise<Answer> {
  return without(await client.call(towards(upstream, request)), upstream.credential);
}

/** SECURITY: a server that repeats what it was signed in to with repeats it to nobody. */
function without(answer: Answer, credential: Credential | undefined): Answer {
  const open = keyless(answer, credential);
  if (open === undefined)
    throw new Fault('upstream-closed', 'The answer of the MCP server cannot be decoded');
  const fields = open.recoded ? towardsClient(answer.fields, { changed: true }) : answer.fields;
  return { ...answer, fields, body: open.body };
}

interface Remote {
  readonly upstream: Upstream;
  readonly client: HttpClient;
  /** Who signs in for this client; gives nobody where each person has their own and nobody asks. */
  readonly broker: ((exchange: Exchange | undefined) => Broker | undefined) | undefined;
}

function shared(broker: Broker): NonNullable<Remote['broker']> {
  return () => broker;
}

const peopleKept = 5_000;

/** One for each person. SECURITY: an agent signs in as the person it acts for, whose rights bound its own; never as another. */
function each(make: (person: string) => Broker): NonNullable<Remote['broker']> {
  const known = new Lru<string, Broker>(peopleKept);
  return (exchange) => {
    if (exchange === undefined) return undefined;
    const { subject, actingFor } = exchange.stay.session.identity;
    const person = actingFor?.subject ?? subject;
    const broker = known.get(person) ?? make(person);
    known.set(person, broker);
    return broker;
  };
}

/** With a token of the gateway's own; once more with a new one, where the server takes that one no more. */
async function signedIn({ upstream, client }: Remote, broker: Broker, request: Request): Promise<Answer> {
  const send = async (again = false): Promise<{ readonly token: string; readonly answer: Answer }> => {
    const { token, fields } = await broker.signed(request.method);
    const asked = towards(upstream, request);
    const answer = await client.call({ ...asked, fields: [...asked.fields, ...fields] });
    if (!(await broker.heard(answer)) || again) {
      const credential = { header: 'authorization', value: new Secret(token) };
      return { token, answer: without(answer, credential) };
    }
    await drop(answer);
    return send(true);
  };
  const { token, answer } = await send();
  if (answer.status === 403) {
    const challenge = answer.fields.find(([name]) => name === 'www-authenticate')?.[1] ?? '';
    if (!/insufficient_scope/.test(challenge)) return answer;
    await drop(answer);
    if (!broker.more(challenge)) throw new Fault('upstream-auth', 'The MCP server wants more scopes');
    return (await send()).answer;
  }
  if (answer.status !== 401) return answer;
  await drop(answer);
  broker.refused(token);
  return (await send()).answer;
}

async function drop({ body }: Answer): Promise<void> {
  for await (const _ of body) break;
}

/**
 * Whether somebody is there: any answer will do. A whole request of 2026-07-28, which has no `ping` and where each names its
 * revision; servers of the earlier ones answer that they do not know it.
 */
async function probe(parts: ToolboxParts | undefined, signal: AbortSignal): Promise<string> {
  if (parts === undefined) throw new Fault('bug', 'A resource without settings');
  const { status, body } = await parts.call({
    method: 'POST',
    path: '',
    fields: [
      ['content-type', 'application/json'],
      ['accept', 'application/json, text/event-stream'],
      ['mcp-method', 'server/discover'],
      ['mcp-protocol-version', '2026-07-28'],
    ],
    body: Buffer.from(
      JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'server/discover', params: { _meta: probing } }),
    ),
    signal,
  });
  for await (const _ of body) break;
  return `HTTP ${status}`;
}

const probing = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'sallyport', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** `get_customer {"id": 7}`, a whole message, or `pin TOOL` for a definition that has changed: what `explain` is given. */
function actionOf(given: McpSettings, text: string): Action {
  const body = /^POST \S+\n\n([^]*)$/.exec(text)?.[1] ?? text;
  const [, changed] = /^\s*pin ([\w.:/-]+)\s*$/.exec(body) ?? [];
  if (changed !== undefined) return pinOf([changed], body);
  const [, name, rest = ''] = /^\s*([\w.:/-]+)\s*(\{[^]*\})?\s*$/.exec(body) ?? [];
  const read =
    name === undefined
      ? readMessage(body)
      : readMessage(
          `{"jsonrpc":"2.0","id":0,"method":"tools/call","params":{"name":${JSON.stringify(name)},"arguments":${rest === '' ? '{}' : rest}}}`,
        );
  if (!read.ok) return unreadable(body, read.error);
  const meant = meaningOf(given, read.value);
  return meant.kind === 'refused' ? unreadable(body, meant.why) : meant.action;
}
