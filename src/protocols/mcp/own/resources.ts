import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { isObject } from '../../../base/check.ts';
import type { TicketResult } from '../../../core/protocol.ts';
import type { Json } from '../message.ts';
import {
  asked,
  type Caller,
  failed,
  mayName,
  ok,
  resourceOf,
  say,
  send,
  type Sent,
  type Told,
} from './caller.ts';

// Tools that carry something to a resource: each is the caller's client there.

const databases = ['postgres'];

export async function queryDatabase(caller: Caller, given: Json): Promise<Told> {
  const resource = await resourceOf(caller, given['resource'], databases);
  if (!('name' in resource)) return resource;
  const { sql, params, max_rows: rows = 100 } = given;
  const values = Array.isArray(params)
    ? params.map((each: unknown) =>
        typeof each === 'string' ? each : each === null ? null : JSON.stringify(each),
      )
    : [];
  const result = await say(caller, {
    resource: resource.name,
    kind: resource.kind,
    text: String(sql),
    ...(values.length === 0 ? {} : { values }),
    rows: Number(rows),
    stated: statedIn(given),
  });
  if (result === undefined) return failed('This kind of database is not spoken here');
  return result.error === undefined ? ok(tableOf(result)) : refusedBy(result.error);
}

function tableOf({ answers, ...only }: TicketResult): Json {
  return answers === undefined ? oneTable(only) : { results: answers.map(oneTable) };
}

function oneTable({ columns, rows, tag, cut }: TicketResult): Json {
  return {
    columns,
    rows,
    ...(tag === undefined ? {} : { tag }),
    ...(cut === 0 ? {} : { more_rows: cut, note: 'There were more rows than are shown: ask for fewer' }),
  };
}

/** What the database's room said, as an object: the class, rule and decision stand in its DETAIL. */
function refusedBy({ code, message, detail = '', hint }: NonNullable<TicketResult['error']>): Told {
  const said = /^(?:No rule|(?:Nearest rule|Rule) (\S+))(?: at (\S+))? \((\w+).*\); decision (\S+)$/.exec(
    detail,
  );
  const fix = hint === undefined ? [] : [hint];
  if (said === null) return failed(message, { code, ...(detail === '' ? {} : { detail }), fix });
  const [, rule, at, kind = '', decision] = said;
  const review = /\brev_[0-9a-z]+/.exec(message)?.[0];
  if (kind === 'REVIEW_PENDING' && review !== undefined) return pending(message, review);
  return {
    kind: 'denied',
    value: {
      status: 'denied',
      why: message,
      denial: {
        class: kind,
        ...(rule === undefined ? {} : { rule }),
        ...(at === undefined ? {} : { at }),
        why: message,
        fix,
        decisionId: decision,
        ...(review === undefined ? {} : { review }),
      },
    },
  };
}

function pending(why: string, review: string): Told {
  return {
    kind: 'pending',
    value: {
      status: 'pending_approval',
      why,
      review,
      next: `wait_for_review {"review": "${review}"}, then get_result`,
    },
  };
}

export async function describeDatabase(caller: Caller, given: Json): Promise<Told> {
  const resource = await resourceOf(caller, given['resource'], databases);
  if (!('name' in resource)) return resource;
  const { name, kind } = resource;
  const [schema, table] = tableNamed(given['table']);
  const result = await say(caller, {
    resource: name,
    kind,
    ...(table === undefined ? { text: tablesSql } : { text: columnsSql, values: [schema, table] }),
    rows: 1_000,
    stated: {},
  });
  if (result === undefined) return failed('This kind of database is not spoken here');
  if (result.error !== undefined) return refusedBy(result.error);
  if (table === undefined) return ok(tableOf(result));
  if (result.rows.length === 0) return failed('There is no such table, or you may not see it');
  const masks = await masksOf(caller, name, `SELECT * FROM ${quoted(schema)}.${quoted(table)}`);
  return ok({
    table: `${schema}.${table}`,
    columns: result.rows.map(([column, type, nullable]) => ({
      column,
      type,
      nullable: nullable === 'YES',
      ...(masks.has(column ?? '') ? { masked: masks.get(column ?? '') } : {}),
    })),
  });
}

const tablesSql = `SELECT table_schema, table_name, table_type FROM information_schema.tables
  WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2`;
const columnsSql = `SELECT column_name, data_type, is_nullable FROM information_schema.columns
  WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position`;

function tableNamed(given: unknown): readonly [string, string | undefined] {
  if (typeof given !== 'string') return ['', undefined];
  const at = given.indexOf('.');
  return at < 0 ? ['public', given] : [given.slice(0, at), given.slice(at + 1)];
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

async function masksOf(caller: Caller, on: string, statement: string): Promise<ReadonlyMap<string, string>> {
  const explained = await asked(caller, 'POST', '/api/v1/explain', { on, statement });
  const found = new Map<string, string>();
  for (const each of explained.kind === 'answer' ? statementsOf(explained.body) : []) {
    const masks: unknown = each['masks'];
    for (const mask of Array.isArray(masks) ? (masks as readonly unknown[]) : [])
      if (isObject(mask)) found.set(String(mask['column']), String(mask['operator']));
  }
  return found;
}

function statementsOf(body: unknown): readonly Json[] {
  const statements = isObject(body) ? body['statements'] : undefined;
  return Array.isArray(statements) ? statements.filter(isObject) : [];
}

export async function checkAction(caller: Caller, given: Json): Promise<Told> {
  const explained = await asked(caller, 'POST', '/api/v1/explain', {
    on: given['resource'],
    statement: given['action'],
  });
  if (explained.kind !== 'answer') return explained;
  return ok({
    note: 'Nothing was done. What is really sent is judged again',
    statements: statementsOf(explained.body).map((each) => {
      const { decision, class: code, verb, access, why, fix, notes, rules, masks, rowLimit, approve } = each;
      return {
        decision,
        class: code,
        verb,
        access,
        why,
        fix,
        notes,
        rules: rulesOf(rules),
        masks,
        rowLimit,
        approve,
      };
    }),
  });
}

function rulesOf(rules: unknown): readonly Json[] {
  return (Array.isArray(rules) ? rules : [])
    .filter(isObject)
    .map(({ id, effect, at }) => ({ id, effect, at }));
}

export async function httpRequest(caller: Caller, given: Json): Promise<Told> {
  const resource = await resourceOf(caller, given['resource'], ['http']);
  if (!('name' in resource)) return resource;
  const { method = 'GET', path, headers, body } = given;
  const named = Object.entries(isObject(headers) ? headers : {}).map(
    ([name, value]) => [name.toLowerCase(), String(value)] as const,
  );
  const bad = named.find(([name, value]) => !mayName(name) || /[^\t\x20-\x7e]/.test(value));
  if (bad !== undefined)
    return failed('A header may not be sent from here: it is the gateway’s, or not a header');
  if (!/^\/[\x21-\x7e]*$/.test(String(path)))
    return failed('The path is not one: escape what is not plain ASCII');
  const typed = named.some(([name]) => name === 'content-type');
  return carried(caller, {
    resource: resource.name,
    kind: 'http',
    method: String(method),
    path: String(path),
    fields: [
      ...named,
      ...(typeof body === 'string' && !typed ? [['content-type', 'application/json'] as const] : []),
    ],
    ...(typeof body === 'string' ? { body } : {}),
    stated: statedIn(given),
  });
}

async function carried(caller: Caller, sent: Sent): Promise<Told> {
  const { status, type, text } = await send(caller, sent);
  const body = type.endsWith('json') && text !== undefined ? parsed(text) : text;
  const denial = status >= 400 && isObject(body) ? denialIn(body) : undefined;
  if (denial !== undefined) {
    const { class: kind, review, why } = denial;
    if (kind === 'REVIEW_PENDING' && typeof review === 'string') return pending(String(why), review);
    return { kind: 'denied', value: { status: 'denied', why, denial } };
  }
  return ok({
    status,
    type,
    ...(body === undefined ? { note: 'The answer is no text, or too long to be shown' } : { body }),
  });
}

function denialIn(body: Json): Json | undefined {
  const { denial, error } = body;
  if (isObject(denial)) return denial;
  return isObject(error) && isObject(error['gateway']) ? error['gateway'] : undefined;
}

export async function askModel(caller: Caller, given: Json): Promise<Told> {
  const resource = await resourceOf(caller, given['resource'], ['llm']);
  if (!('name' in resource)) return resource;
  const { model, prompt, max_tokens: tokens } = given;
  const answer = await carried(caller, {
    resource: resource.name,
    kind: 'llm',
    method: 'POST',
    path: '/v1/chat/completions',
    fields: [['content-type', 'application/json']],
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content: prompt }],
      ...(tokens === undefined ? {} : { max_tokens: tokens }),
    }),
    stated: statedIn(given),
  });
  const { body, status } = answer.value;
  if (answer.kind !== 'ok' || !isObject(body) || typeof status !== 'number' || status >= 400) return answer;
  const [choice] = Array.isArray(body['choices']) ? (body['choices'] as readonly unknown[]) : [];
  const message = isObject(choice) && isObject(choice['message']) ? choice['message'] : {};
  return ok({ model: body['model'], answer: message['content'] ?? null, usage: body['usage'] });
}

export async function callTool(caller: Caller, given: Json): Promise<Told> {
  const resource = await resourceOf(caller, given['resource'], ['mcp']);
  if (!('name' in resource)) return resource;
  // SECURITY: a tool of this server that calls this server could do so without end.
  if (resource.name === caller.exchange.stay.session.resource.name)
    return failed('These are the tools of this server: call them by their names');
  const client = new Client({ name: 'sallyport', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  await client.connect(
    new StreamableHTTPClientTransport(new URL('http://inside.invalid/'), {
      fetch: (_url, init) =>
        fetchAs(caller, { resource: resource.name, stated: statedIn(given) }, init ?? {}),
    }),
  );
  try {
    const { tool, arguments: args } = given;
    if (typeof tool !== 'string') {
      const { tools } = await client.listTools(undefined, { signal: caller.signal });
      return ok({
        tools: tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
      });
    }
    const result = await client.callTool(
      { name: tool, arguments: isObject(args) ? args : {} },
      { signal: caller.signal },
    );
    return { kind: result.isError === true ? 'denied' : 'ok', value: { ...result } };
  } finally {
    await client.close();
  }
}

async function fetchAs(
  caller: Caller,
  { resource, stated }: Pick<Sent, 'resource' | 'stated'>,
  { method = 'GET', headers, body }: RequestInit,
): Promise<Response> {
  if (method === 'GET') return new Response(null, { status: 405 }); // nothing is waited for between calls
  const fields = [...new Headers(headers)].filter(([name]) =>
    /^(?:accept|content-type|last-event-id|mcp-[a-z-]+)$/.test(name),
  );
  const came = await send(caller, {
    resource,
    kind: 'mcp',
    method,
    path: '/mcp',
    fields,
    stated,
    ...(typeof body === 'string' ? { body } : {}),
  });
  const empty = [204, 205, 304].includes(came.status);
  return new Response(empty ? null : (came.text ?? ''), {
    status: came.status,
    headers: {
      ...(came.type === '' ? {} : { 'content-type': came.type }),
      ...(came.session === undefined ? {} : { 'mcp-session-id': came.session }),
    },
  });
}

function statedIn({ reason, ticket }: Json): { readonly reason?: string; readonly ticket?: string } {
  return {
    ...(typeof reason === 'string' ? { reason: withoutControls(reason) } : {}),
    ...(typeof ticket === 'string' ? { ticket: withoutControls(ticket) } : {}),
  };
}

function withoutControls(text: string): string {
  return text.replaceAll(/\p{C}+/gu, ' ').trim();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
