import { isObject } from '../../../base/check.ts';
import { Fault } from '../../../base/errors.ts';
import { httpClient } from '../../../carriers/http/client.ts';
import { decoded, wholeOf } from '../../../carriers/http/decoded.ts';
import type { Exchange } from '../../../carriers/http/exchange.ts';
import { utf8 } from '../../../carriers/http/cuts.ts';
import type { World } from '../../../base/time.ts';
import type { Inside, TicketResult } from '../../../core/protocol.ts';
import { first, type Fields, mayBeNamed } from '../../../http/headers.ts';
import { type Patience, usual } from '../../../http/patience.ts';
import type { Json } from '../message.ts';

/**
 * Whoever calls a tool of the gateway's own, and all that the tool can do: be their client at the gateway's doors, with
 * their token. SECURITY: there is no other way from here to a resource or to the API.
 */
export interface Caller {
  readonly inside: Inside;
  readonly exchange: Exchange;
  readonly world: World;
  /** Tells the waiting client. */
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What a tool answers. `denied`: the gateway said no, and the model reads why. */
export interface Told {
  readonly kind: 'ok' | 'pending' | 'denied' | 'failed';
  readonly value: Json;
}

export function ok(value: Json): Told {
  return { kind: 'ok', value };
}

export function failed(why: string, more: Json = {}): Told {
  return { kind: 'failed', value: { status: 'failed', why, ...more } };
}

/** A resource as the API names it to this caller; undefined where there is none that they may reach. */
export async function resourceOf(
  caller: Caller,
  name: unknown,
  kinds: readonly string[],
): Promise<{ readonly name: string; readonly kind: string } | Told> {
  const listed = await api(caller, 'GET', '/api/v1/resources');
  const found = (Array.isArray(listed.body) ? listed.body : []).find(
    (each: unknown) => isObject(each) && each['name'] === name,
  ) as Json | undefined;
  const kind = String(found?.['kind']);
  // The same words whether it is not there or not theirs.
  if (found === undefined) return failed('There is no such resource, or you may not reach it', reach);
  if (!kinds.includes(kind))
    return failed(`This resource is of the kind ${kind}, which this tool does not speak`, reach);
  return { name: String(found['name']), kind };
}

const reach = { fix: ['list_resources says which there are and which tool speaks to each'] };

export function api(
  { inside, exchange }: Caller,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): ReturnType<Inside['api']> {
  const { peer } = exchange.stay.session;
  return inside.api({ method, path, token: exchange.token, peer, ...(body === undefined ? {} : { body }) });
}

/** What the API answered, or its refusal. */
export async function asked(
  caller: Caller,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<{ readonly kind: 'answer'; readonly body: unknown } | Told> {
  const answer = await api(caller, method, path, body);
  if (answer.status < 400) return { kind: 'answer', body: answer.body };
  const said = isObject(answer.body) ? answer.body : {};
  const { detail, denial, code } = said;
  return {
    kind: answer.status === 403 ? 'denied' : 'failed',
    value: {
      status: answer.status === 403 ? 'denied' : 'failed',
      why: typeof detail === 'string' ? detail : 'The gateway could not answer',
      ...(typeof code === 'string' ? { code } : {}),
      ...(denial === undefined ? {} : { denial }),
    },
  };
}

export interface Question {
  readonly resource: string;
  readonly kind: string;
  readonly text: string;
  readonly values?: readonly (string | null)[];
  readonly rows: number;
  readonly stated: { readonly reason?: string; readonly ticket?: string };
}

const mostBytes = 262_144;
const clientName = 'mcp';

/** Says a text to a database, as this caller's client. */
export async function say(caller: Caller, question: Question): Promise<TicketResult | undefined> {
  const { inside, exchange, tell, signal } = caller;
  const { session } = exchange.stay;
  const client = inside.say(question.kind);
  if (client === undefined) return undefined;
  const { resource, text, values, rows, stated } = question;
  return client(inside.connect(question.kind, session.peer), {
    user: session.identity.subject,
    token: exchange.token,
    resource,
    text,
    ...(values === undefined ? {} : { values }),
    stated,
    ...(session.run === undefined ? {} : { run: session.run }),
    client: clientName,
    patienceMs: 0, // who waits for a person gets a ticket: no client of MCP can wait as long as people take
    rows,
    bytes: mostBytes,
    tell,
    signal,
  });
}

export interface Sent {
  readonly resource: string;
  readonly kind: string;
  readonly method: string;
  readonly path: string;
  readonly fields: Fields;
  readonly body?: string;
  readonly stated: { readonly reason?: string; readonly ticket?: string };
}

/** As a header can hold it. */
function plain(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, '?');
}

export interface Came {
  readonly status: number;
  readonly type: string;
  /** Undefined where it is no text, or longer than is kept. */
  readonly text: string | undefined;
  readonly session: string | undefined;
}

/**
 * What a client may not say for itself: who asks and from where, by which hop, for which host or part, and what the gateway says
 * to itself. SECURITY: an agent that could name them could be somebody else for the service, or be shown what the masks do not see.
 */
const forbidden: readonly RegExp[] = [
  /^(?:authorization|authentication|proxy-.*|cookie2?|set-cookie|x-api-key|api-key|x-auth-.*|x-csrf-.*)$/,
  /^(?:forwarded|via|origin|referer|x-forwarded-.*|x-real-ip|x-client-ip|true-client-ip|cf-.*|x-envoy-.*|x-original-.*|x-rewrite-.*)$/,
  /^(?:x-http-method.*|x-method-override|x-remote-.*|x-user-.*|x-ssl-.*|x-amzn-.*|sec-.*)$/,
  /^(?:host|content-length|content-encoding|transfer-encoding|connection|keep-alive|upgrade|http2-settings|te|trailer|expect|range|if-range)$/,
  /^(?:accept-encoding|prefer|traceparent|tracestate|baggage|sallyport-.*)$/,
];

export function mayName(header: string): boolean {
  const plain = /^[a-z][a-z0-9-]{0,60}$/.test(header);
  return plain && mayBeNamed(header) && !forbidden.some((each) => each.test(header));
}

/** What lies behind has a deadline of its own, which tells more: this one only ends what would never end. */
const patience: Patience = { ...usual.model, firstByteMs: 900_000, idleMs: 900_000, streamIdleMs: 900_000 };

/** Sends a request over HTTP, as this caller's client. */
export async function send(caller: Caller, sent: Sent): Promise<Came> {
  const { inside, exchange, signal, world } = caller;
  const { session } = exchange.stay;
  const { stated, resource, kind, method, path } = sent;
  await using client = httpClient({
    address: 'inside.invalid',
    dial: () => Promise.resolve(inside.connect(kind, session.peer)),
    patience,
    world,
  });
  const answer = await client.call({
    method,
    path: `/${resource}${path}`,
    fields: [
      ...sent.fields,
      ['authorization', `Bearer ${exchange.token.reveal('sign in as its owner')}`],
      ['user-agent', clientName],
      ['prefer', 'respond-async'],
      ...(session.run === undefined ? [] : [['sallyport-run', session.run] as const]),
      ...(stated.reason === undefined ? [] : [['sallyport-reason', plain(stated.reason)] as const]),
      ...(stated.ticket === undefined ? [] : [['sallyport-ticket', plain(stated.ticket)] as const]),
    ],
    ...(sent.body === undefined ? {} : { body: Buffer.from(sent.body) }),
    signal,
  });
  const body = decoded(answer);
  if (body === undefined) throw new Fault('upstream-closed', 'The answer has a coding that is not known');
  const bytes = await wholeOf(body, mostBytes);
  const text = bytes === undefined ? undefined : utf8(bytes);
  const type = first(answer.fields, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const opened = first(answer.fields, 'mcp-session-id');
  return { status: answer.status, type, session: opened, text: text?.ok === true ? text.value : undefined };
}
