import { classifyInboundRequest } from '@modelcontextprotocol/server';
import { costs } from '../../carriers/http/costs.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { denialOfFull, retryAfter, statusOfFull } from '../../carriers/http/full.ts';
import { inRun } from '../../carriers/http/run.ts';
import { statedBy } from '../../carriers/http/stated.ts';
import { isObject } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import { utf8 } from '../../carriers/http/cuts.ts';
import { statusOf } from '../../carriers/http/problem.ts';
import type { Action } from '../../core/action.ts';
import type { Denial, Permit } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import { Full } from '../../core/held.ts';
import type { Waiting } from '../../core/protocol.ts';
import { first } from '../../http/headers.ts';
import { codes, errorOf, type Message, readMessage } from './message.ts';
import { anew } from './anew.ts';
import { meaningOf, unreadable } from './meaning.ts';
import { mirrored, originAllowed } from './checks.ts';
import { asTask } from './held/drive.ts';
import { heldIn, listenTo, onlyTasks, tellOf } from './held/listen.ts';
import { answerTask, hasTaskMethod, isTaskMethod, lacksTasks } from './held/methods.ts';
import { type HeldTask, takesTasks } from './held/task.ts';
import { innerOf, noInner } from './inner.ts';
import { Out, sayMessage } from './out.ts';
import { Pass } from './pass.ts';
import { type Asked, keyOf, ownerOf, type Talk, type ToolboxParts } from './talk.ts';
import { refusalOf } from './refusal.ts';
import { isTaskWish, mayStill, type Task, whoseOf } from './tasks.ts';

type Request = Extract<Message, { kind: 'request' }>;

const mostAsked = 1_000;

/** One request of a client to the MCP endpoint of a resource. */
export async function attend(parts: ToolboxParts, exchange: Exchange): Promise<void> {
  const { method, target, fields } = exchange;
  const refuse = (status: number, code: number, why: string): void =>
    turnAway(exchange, status, errorOf(null, code, why));
  if (target.path !== '/' && target.path !== '/mcp')
    return refuse(404, codes.invalidRequest, 'There is no MCP endpoint here');
  if (target.query !== '') return refuse(400, codes.invalidRequest, 'The MCP endpoint takes no query');
  if (!originAllowed(fields, parts.settings))
    return refuse(403, codes.invalidRequest, 'This origin may not use it');
  const session = first(fields, 'mcp-session-id');
  if (method === 'POST') return post(parts, exchange, session);
  if (method !== 'GET' && method !== 'DELETE') return refuse(405, codes.invalidRequest, 'POST messages here');
  if (session === undefined && method === 'DELETE')
    return refuse(400, codes.invalidRequest, 'A session must be named');
  const talk = talkOf(parts, exchange, session);
  if (session !== undefined && talk === undefined)
    return refuse(404, codes.invalidRequest, 'There is no such session');
  const action: Action = {
    ...unreadable(method, ''),
    verb: 'mcp.connect',
    access: 'read',
    notes: [],
  };
  const verdict = await exchange.stay.gate.ask({ action });
  if (verdict.kind === 'refusal')
    return sayMessage(exchange.reply, 403, errorOf(null, codes.denied, verdict.denial.why));
  if (method === 'DELETE' && session !== undefined) parts.talks.delete(keyOf(exchange, session));
  const asked = { exchange, message: undefined, modern: false, session, talk };
  const out = new Out(exchange, parts.house.world);
  using _told = tellOf(parts, asked, out);
  await new Pass(parts, asked, { permit: verdict, out }).run();
}

async function post(parts: ToolboxParts, exchange: Exchange, session: string | undefined): Promise<void> {
  const { reply, fields, body } = exchange;
  const refuse = (status: number, code: number, why: string): void =>
    turnAway(exchange, status, errorOf(null, code, why));
  const type = first(fields, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    return refuse(415, codes.invalidRequest, 'Messages are sent as application/json');
  const most = parts.house.limits.messageBytes;
  const bytes = await body.whole(most, exchange.held.counting(costs.parsed)).catch((thrown: unknown) => {
    if (thrown instanceof Full) return thrown;
    throw thrown;
  });
  if (bytes instanceof Full) {
    const why = denialOfFull(bytes, await notUnderstood(exchange, 'POST', bytes.message));
    const said = errorOf(null, codes.denied, why.why, { denial: why });
    return sayMessage(reply, statusOfFull(bytes), said, retryAfter);
  }
  if (bytes === undefined) {
    parts.house.metrics.count('limits_total', { limit: 'messageBytes' });
    return refuse(413, codes.invalidRequest, `The message is longer than ${most} bytes`);
  }
  const text = utf8(bytes);
  const read = text.ok ? readMessage(text.value) : text;
  if (!read.ok) {
    await notUnderstood(exchange, 'POST', read.error);
    const code = isJson(text) ? codes.invalidRequest : codes.parse;
    return sayMessage(reply, 400, errorOf(null, code, read.error));
  }
  const message = read.value;
  const named = await inRun(exchange, runIn(message));
  if (!named.ok)
    return sayMessage(reply, statusOf(named.error.class), errorOf(null, codes.denied, named.error.why));
  using within = named.value;
  return received(parts, within.exchange, { session, message, text: text.ok ? text.value : '' });
}

/** What the client says this belongs to (`_meta`): its own word for it, or the trace (SEP-414). */
function runIn(message: Message): string | undefined {
  const params = 'params' in message ? message.params : {};
  const meta = params['_meta'];
  if (!isObject(meta)) return undefined;
  const { [runKey]: run, traceparent } = meta;
  if (typeof run === 'string') return run;
  if (typeof traceparent !== 'string') return undefined;
  return /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent)?.[1];
}

const runKey = 'dev.sallyport/run';

/** One message that has been read, in the session that it belongs to. */
async function received(
  parts: ToolboxParts,
  exchange: Exchange,
  came: { readonly session: string | undefined; readonly message: Message; readonly text: string },
): Promise<void> {
  const { reply, fields } = exchange;
  const { session, message, text } = came;
  const era = eraOf(exchange, text);
  if (era.kind === 'reject')
    return turnAway(
      exchange,
      era.httpStatus,
      errorOf(message.kind === 'request' ? message.id : null, era.code, era.message),
      'MCP: another revision, or not as it says',
    );
  const modern = era.kind === 'modern';
  const unlike = modern ? mirrored(message, fields) : undefined;
  if (unlike !== undefined) {
    return turnAway(
      exchange,
      400,
      errorOf(message.kind === 'request' ? message.id : null, codes.headerMismatch, unlike),
    );
  }
  const talk = modern ? undefined : talkOf(parts, exchange, session);
  const begins = message.kind === 'request' && message.method === 'initialize';
  if (!modern && session !== undefined && talk === undefined && !begins) {
    return turnAway(
      exchange,
      404,
      errorOf(message.kind === 'request' ? message.id : null, codes.sessionNotFound, 'Session not found'),
    );
  }
  if (message.kind === 'request' && talk !== undefined) {
    // SECURITY: an id stands for one request, or its answer could be shown by the masks of another.
    if (talk.asked.has(message.id) || talk.asked.size >= mostAsked)
      return turnAway(
        exchange,
        400,
        errorOf(message.id, codes.invalidRequest, 'This id, or too many of them, waits for an answer'),
      );
  }
  const asked: Asked = { exchange, message, modern, session: modern || begins ? undefined : session, talk };
  if (message.kind === 'answer' || message.kind === 'error') return answered(parts, asked, message.id);
  const lacks = lacksTasks(message, modern);
  if (lacks !== undefined && message.kind === 'request') {
    await notUnderstood(exchange, message.method, 'The client does not take tasks');
    return sayMessage(reply, 400, lacks);
  }
  if (message.kind === 'request' && message.method === 'tools/call') return called(parts, asked, message);
  if (message.kind === 'request' && isTaskMethod(message.method)) {
    // Clients repeat with it what they wished for when they called.
    const { task: _, ...params } = message.params;
    const plain = { ...message, params };
    return judged(parts, { ...asked, message: plain }, plain);
  }
  await judged(parts, asked, message);
}

/** A call: as a task of the gateway's own where its client takes such and it has to wait, or asks for one that no server gives. */
function called(parts: ToolboxParts, asked: Asked, message: Request): Promise<void> {
  const { task, ...params } = message.params;
  if (asked.modern) {
    // Tasks are the server's to make; what says so in the words of 2025-11-25 is left out (2026-07-28, Tasks).
    const call = task === undefined ? message : { ...message, params };
    const own = { ...asked, message: call };
    if (!takesTasks(message)) return judged(parts, own, call);
    return asTask(parts, own, { call, wish: { always: false, ttl: undefined }, judge: judged });
  }
  if (!isTaskWish(task)) return judged(parts, asked, message);
  const ttl = isObject(task) ? task['ttl'] : undefined;
  const name = String(params['name']);
  // What a tool can do is known once it was listed.
  const byServer =
    parts.tasks.served !== undefined && (parts.pins.takesTask(name) || !parts.pins.knows(name));
  const call = byServer ? message : { ...message, params };
  const wish = { always: !byServer, ttl };
  return asTask(parts, { ...asked, message: call }, { call, wish, judge: judged });
}

async function judged(
  parts: ToolboxParts,
  asked: Asked,
  message: Extract<Message, { kind: 'request' | 'notification' }>,
): Promise<void> {
  const { exchange, modern } = asked;
  const { reply, stay } = exchange;
  const out = new Out(exchange, parts.house.world);
  const refuse = async (why: Denial, status: number): Promise<void> => {
    if (message.kind === 'notification')
      return sayMessage(reply, status, errorOf(null, codes.denied, why.why));
    const structured = !parts.pins.promises(message.params['name']);
    await out.whole(refusalOf(message, why, { modern, structured }));
    out.end();
  };
  const gone = isTaskMethod(message.method)
    ? !hasTaskMethod(message.method, modern)
    : modern && removed.has(message.method);
  const meant = gone ? unknownMethod : meaningOf(parts.settings, message);
  if (meant.kind === 'refused') {
    const id = await notUnderstood(exchange, message.method, meant.why);
    if (message.kind === 'request' && meant.why === unknownMethod.why) {
      return sayMessage(
        reply,
        modern ? 404 : 200,
        errorOf(message.id, codes.methodNotFound, 'Method not found'),
      );
    }
    return refuse(denial('NOT_UNDERSTOOD', id, meant.why, 'What is not understood is refused'), 400);
  }
  const { action } = meant;
  const about = taskOf(parts, asked, message);
  if (about.kind === 'none') {
    await notUnderstood(exchange, message.method, 'There is no such task', action);
    return sayMessage(reply, 200, errorOf(about.id, codes.invalidParams, 'There is no such task'));
  }
  // What is known to be refused when it would run is not asked of a person first.
  const name = String(message.params['name']);
  const fit =
    message.method === 'tools/call' && parts.pins.knows(name)
      ? await parts.pins.fit(name, message.params['arguments'] ?? {})
      : undefined;
  if (fit?.kind === 'refused') {
    const id = await notUnderstood(exchange, action.text, fit.why, action);
    return refuse(denial('NOT_UNDERSTOOD', id, fit.why, fit.fix), 200);
  }
  const verdict = await stay.gate.ask({
    action,
    ...statedBy(exchange.fields),
    ...(message.kind === 'request' ? { wait: () => waiting(asked, out, { action, message }) } : {}),
  });
  const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
  if (verdict.kind === 'refusal' || verdict.duties.record !== 'meta')
    void stay.recorder.frame('statement', frame({ id, text: action.text }), id);
  out.recorded = { of: id, full: verdict.kind === 'refusal' || verdict.duties.record === 'full' };
  if (verdict.kind === 'refusal') {
    void stay.recorder.frame('decision', frame({ id, decision: 'deny', why: verdict.denial.why }), id);
    return refuse(verdict.denial, statusOf(verdict.denial.class));
  }
  const inner = await innerFor(parts, asked, { message, out, action, permit: verdict });
  if (inner.kind === 'refused') return refuse(inner.denial, 200);
  if (message.kind === 'request' && (about.kind === 'held' || isOwn(parts, asked, message)))
    return own(parts, asked, { message, permit: verdict, out, ...about });
  const now = about.kind === 'task' ? await anew(exchange, about.task) : undefined;
  if (now?.kind === 'refused') {
    stay.gate.done(verdict, { kind: 'unsent' });
    inner.inner.done({ kind: 'unsent' });
    return refuse(now.denial, statusOf(now.denial.class));
  }
  const of = about.kind === 'task' && now !== undefined ? { of: { ...about.task, ...now } } : {};
  try {
    asked.lasting?.runs();
  } catch (thrown) {
    stay.gate.done(verdict, { kind: 'unsent' });
    inner.inner.done({ kind: 'unsent' });
    throw thrown;
  }
  await new Pass(parts, asked, { permit: verdict, out, inner: inner.inner, ...of }).run();
}

/** What the gateway answers by itself: a list of tasks where servers have none, a stream of what becomes of its own. */
function isOwn(parts: ToolboxParts, asked: Asked, message: Request): boolean {
  if (message.method === 'tasks/list') return parts.tasks.served?.list !== true;
  return message.method === 'subscriptions/listen' && asked.modern && onlyTasks(message);
}

/** A permitted request about the gateway's own tasks. */
async function own(
  parts: ToolboxParts,
  asked: Asked,
  given: {
    readonly message: Request;
    readonly permit: Permit;
    readonly out: Out;
    readonly task?: Task | HeldTask;
  },
): Promise<void> {
  const { message, permit, out, task } = given;
  const { gate } = asked.exchange.stay;
  let kind: 'ok' | 'error' = 'error';
  try {
    await permit.written;
    if (message.method === 'subscriptions/listen') {
      await listenTo(parts, asked, { id: message.id, tasks: heldIn(parts, asked, message), out });
    } else {
      const named = task !== undefined && 'step' in task ? task : undefined;
      const answer = await answerTask(parts, asked, { call: message, task: named, out, judge: judged });
      await out.whole(answer);
    }
    out.end();
    kind = 'ok';
  } finally {
    out.stop();
    const about = { rows: 0, bytes: out.bytes, masked: 0, withheld: 0 };
    gate.done(permit, kind === 'ok' ? { kind, ...about } : { kind, code: 'closed', ...about });
  }
}

/** What 2026-07-28 has no more. */
const removed: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
]);
const unknownMethod = { kind: 'refused', why: 'This method is not understood' } as const;

/** The task that a request is about; `none` in the same words where there is none, it is another's, or it is denied by now. */
function taskOf(
  { tasks, held, settings }: ToolboxParts,
  { exchange, session }: Asked,
  { kind, method, params, ...rest }: Extract<Message, { kind: 'request' | 'notification' }>,
):
  | { readonly kind: 'task'; readonly task: Task }
  | { readonly kind: 'held'; readonly task: HeldTask }
  | { readonly kind: 'none'; readonly id: string | number | null }
  | { readonly kind: 'other' } {
  if (!isTaskMethod(method) || method === 'tasks/list') return { kind: 'other' };
  const ours = kind === 'request' ? held.of(params['taskId'], ownerOf(exchange)) : undefined;
  if (ours !== undefined) {
    const meant = meaningOf(settings, ours.call);
    const may = meant.kind === 'understood' && exchange.stay.gate.foresee?.(meant.action) !== 'deny';
    return may ? { kind: 'held', task: ours } : { kind: 'none', id: 'id' in rest ? rest.id : null };
  }
  const task = tasks.of(params['taskId'], whoseOf(exchange, session));
  const known = kind === 'request' && task !== undefined && mayStill(task, exchange.stay.gate);
  return known ? { kind: 'task', task } : { kind: 'none', id: 'id' in rest ? rest.id : null };
}

/**
 * Says an error that nobody judged, and has it written down; many alike are one entry. `why` where the error's own words may
 * hold something of the request.
 */
// oxlint-disable-next-line max-params
function turnAway({ reply, turnedAway }: Exchange, status: number, said: Message, why?: string): void {
  const own = said.kind === 'error' ? String(said.error['message']) : '';
  turnedAway(why ?? `MCP: ${own}`);
  sayMessage(reply, status, said);
}

/** The client answers what a server asked: only what was asked, in this session, and under the permit of the asking. */
async function answered(parts: ToolboxParts, asked: Asked, id: string | number | null): Promise<void> {
  const { exchange, talk } = asked;
  const open = id === null ? undefined : talk?.open.get(id);
  if (id === null || open === undefined) {
    return turnAway(exchange, 400, errorOf(null, codes.invalidRequest, 'Nobody asked for this answer'));
  }
  talk?.open.delete(id);
  await new Pass(parts, asked, {
    permit: open.permit,
    gate: open.gate,
    out: new Out(exchange, parts.house.world),
  }).run();
}

/** What the arguments of a permitted call say to other resources; where that is refused, nothing of the call is sent. */
async function innerFor(
  parts: ToolboxParts,
  asked: Asked,
  call: {
    readonly message: Extract<Message, { kind: 'request' | 'notification' }>;
    readonly out: Out;
    readonly action: Action;
    readonly permit: Permit;
  },
): ReturnType<typeof innerOf> {
  const { message, out, action, permit } = call;
  const { exchange } = asked;
  const tool =
    message.method === 'tools/call' ? parts.settings.tools.get(String(message.params['name'])) : undefined;
  if (tool === undefined) return { kind: 'permitted', inner: noInner };
  const given: unknown = message.params['arguments'] ?? {};
  const unsent = (): void => exchange.stay.gate.done(permit, { kind: 'unsent' });
  try {
    if (message.kind !== 'request') throw new Fault('bug', 'A call is a request');
    const wait = (): Waiting => waiting(asked, out, { action, message });
    const found = await innerOf(parts, { exchange, tool, given: isObject(given) ? given : {}, wait });
    if (found.kind === 'permitted') return found;
    unsent();
    const { decisionId } = found.denial;
    return { ...found, denial: { ...found.denial, decisionId: decisionId === '' ? permit.id : decisionId } };
  } catch (thrown) {
    unsent();
    throw thrown;
  }
}

async function notUnderstood({ stay }: Exchange, text: string, why: string, like?: Action): Promise<string> {
  const action: Action = { ...(like ?? unreadable(text, why)), access: 'unknown', notes: [why] };
  const verdict = await stay.gate.ask({ action });
  if (verdict.kind === 'permit') stay.gate.done(verdict, { kind: 'unsent' });
  const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
  void stay.recorder.frame('decision', frame({ id, decision: 'deny', why }), id);
  return id;
}

function frame(facts: Readonly<Record<string, string>>): Uint8Array {
  return Buffer.from(JSON.stringify(facts));
}

function isJson(text: { readonly ok: boolean; readonly value?: string }): boolean {
  try {
    JSON.parse(text.value ?? '');
    return text.ok;
  } catch {
    return false;
  }
}

function eraOf({ fields }: Exchange, text: string): ReturnType<typeof classifyInboundRequest> {
  const version = first(fields, 'mcp-protocol-version');
  const method = first(fields, 'mcp-method');
  const name = first(fields, 'mcp-name');
  return classifyInboundRequest({
    httpMethod: 'POST',
    ...(version === undefined ? {} : { protocolVersionHeader: version }),
    ...(method === undefined ? {} : { mcpMethodHeader: method }),
    ...(name === undefined ? {} : { mcpNameHeader: name }),
    body: JSON.parse(text) as unknown,
  });
}

function talkOf({ talks }: ToolboxParts, exchange: Exchange, session: string | undefined): Talk | undefined {
  if (session === undefined) return undefined;
  const talk = talks.get(keyOf(exchange, session));
  return talk?.owner === ownerOf(exchange) ? talk : undefined;
}

/** Clients give up a call that says nothing after a minute; what is not decided by then becomes a ticket. */
const patienceMs = 45_000;

function waiting(
  { exchange: { signal, fields }, lasting }: Asked,
  out: Out,
  { action, message }: { readonly action: Action; readonly message: Request },
): Waiting {
  const meta = message.params['_meta'];
  const token =
    typeof meta === 'object' && meta !== null && 'progressToken' in meta ? meta.progressToken : undefined;
  const bound = { settings: {}, again: () => Promise.resolve({ action, settings: {} }) }; // nothing around a message changes what it means
  if (lasting !== undefined) {
    return {
      ...bound,
      tell: (line) => lasting.tell(line),
      signal,
      lasting: { asked: lasting.asked.bind(lasting), left: lasting.left },
      ...statedBy(fields),
      [Symbol.dispose]: () => undefined,
    };
  }
  let told = 0;
  out.begin();
  return {
    tell: (line) => {
      if (typeof token !== 'string' && typeof token !== 'number') return;
      told++;
      const params = { progressToken: token, progress: told, message: line };
      out.event({ kind: 'notification', method: 'notifications/progress', params }).catch(() => undefined);
    },
    signal,
    patienceMs: first(fields, 'prefer')?.includes('respond-async') === true ? 0 : patienceMs,
    thenTicket: true,
    ...bound,
    ...statedBy(fields),
    [Symbol.dispose]: () => undefined,
  };
}
