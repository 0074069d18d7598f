import { Fault } from '../../base/errors.ts';
import { costs } from '../../carriers/http/costs.ts';
import { denialOfFull, statusOfFull } from '../../carriers/http/full.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { utf8 } from '../../carriers/http/cuts.ts';
import { isObject } from '../../base/check.ts';
import { denial, denialOfDemand } from '../../core/denial.ts';
import { Full, fullForSeconds } from '../../core/held.ts';
import { modelUseOf } from '../../core/duties.ts';
import { inRun } from '../../carriers/http/run.ts';
import { statedBy } from '../../carriers/http/stated.ts';
import { promptAction, unreadable } from './meaning.ts';
import { refuse } from './refusal.ts';
import { type Api, apiOf, type Prompt, readPrompt } from './request.ts';
import { foundIn } from './found.ts';
import { Hold } from './hold.ts';
import { json, type ModelParts } from './parts.ts';
import { Pass } from './pass.ts';

export async function attend(parts: ModelParts, exchange: Exchange): Promise<void> {
  const { method, target, reply, body } = exchange;
  const api = apiOf(method, target.path);
  if (api === undefined || target.names.some((name) => !queries.has(name))) {
    return notUnderstood(
      exchange,
      `${method} ${target.path} is not among the requests to models that are understood${otherwise(target.path)}`,
    );
  }
  const most = parts.house.limits.messageBytes;
  const bytes = await body.whole(most, exchange.held.counting(costs.parsed)).catch((thrown: unknown) => {
    if (thrown instanceof Full) return thrown;
    throw thrown;
  });
  if (bytes instanceof Full) {
    const id = await writtenDown(exchange, bytes.message);
    return refuse(reply, denialOfFull(bytes, id), {
      path: target.path,
      status: statusOfFull(bytes),
      retryAfterSeconds: fullForSeconds,
    });
  }
  if (bytes === undefined) {
    parts.house.metrics.count('limits_total', { limit: 'messageBytes' });
    return refuse(reply, denial('LIMIT', '', `The prompt is longer than ${most} bytes`), {
      path: target.path,
      status: 413,
    });
  }
  const text = utf8(bytes);
  const posts = method === 'POST';
  const read = text.ok && posts ? readPrompt(text.value) : undefined;
  if (!text.ok || read?.ok === false)
    return notUnderstood(exchange, text.ok ? 'The body cannot be read' : text.error, read);
  const prompt = read?.ok === true ? read.value : undefined;
  const named = await inRun(exchange, runIn(prompt));
  if (!named.ok) return refuse(reply, named.error, { path: target.path });
  using within = named.value;
  return judged(parts, within.exchange, { api, prompt, bytes: bytes.length, text: text.value });
}

const streamed: ReadonlySet<Api> = new Set<Api>(['chat', 'completions', 'responses', 'messages']);

/** What else its client can use. */
function otherwise(path: string): string {
  return path.startsWith('/api/') ? ": of Ollama's, the API of OpenAI's shape under /v1 is" : '';
}

/** What the client says the prompt belongs to: `metadata`, which providers let it have. */
function runIn(prompt: Prompt | undefined): unknown {
  const metadata = prompt?.body['metadata'];
  return isObject(metadata) ? metadata['run'] : undefined;
}

interface Read {
  readonly api: Api;
  readonly prompt: Prompt | undefined;
  readonly bytes: number;
  readonly text: string;
}

/** A request that has been read, in the session that it belongs to. */
async function judged(
  parts: ModelParts,
  exchange: Exchange,
  { api, prompt, bytes, text }: Read,
): Promise<void> {
  const { method, target, reply, stay } = exchange;
  const posts = method === 'POST';
  const foreign = ownerOf(parts, api, exchange, prompt);
  if (foreign.some((owner) => owner !== stay.session.identity.subject)) {
    return refuse(
      reply,
      denial('SIGN_IN', '', 'There is no such stored answer or file, or it is not yours'),
      {
        path: target.path,
        status: 404,
      },
    );
  }
  const found = prompt === undefined ? undefined : foundIn(prompt.body);
  const shownText = posts ? text : `${method} ${target.path}`;
  const action = promptAction(api, prompt, { found: found?.types ?? [], bytes, text: shownText });
  const hold = new Hold(parts.house.world, exchange, {
    streams: prompt?.stream === true && streamed.has(api),
  });
  const verdict = await stay.gate.ask({
    action,
    ...statedBy(exchange.fields),
    wait: () => hold.waiting(action),
  });
  const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
  if (verdict.kind === 'refusal' || verdict.duties.record !== 'meta')
    void stay.recorder.frame('statement', json({ id, text: action.text }), id);
  if (verdict.kind === 'refusal') {
    void stay.recorder.frame('decision', json({ id, decision: 'deny', why: verdict.denial.why }), id);
    return refuse(reply, verdict.denial, { path: target.path });
  }
  if (prompt?.readable === false && verdict.duties.finds.length > 0) {
    const why = 'The prompt is given as numbers of tokens: nobody can look into it, so it cannot be masked';
    stay.gate.done(verdict, { kind: 'unsent' });
    void stay.recorder.frame('decision', json({ id, decision: 'deny', why }), id);
    return refuse(reply, denialOfDemand(verdict, 'LINEAGE', 'mask', why), { path: target.path });
  }
  const streams = prompt?.stream === true && streamed.has(api);
  if (streams && modelUseOf(verdict.duties.finds) === 'required') {
    const why = 'A model must read this answer before it is shown, so it cannot be given as a stream';
    stay.gate.done(verdict, { kind: 'unsent' });
    void stay.recorder.frame('decision', json({ id, decision: 'deny', why }), id);
    const said = denialOfDemand(verdict, 'LINEAGE', 'mask', why);
    const fix = ['Ask for it without `stream`', ...said.fix];
    return refuse(reply, { ...said, fix }, { path: target.path });
  }
  try {
    await new Pass(parts, { exchange, api, prompt, found, permit: verdict, hold }).run();
  } catch (thrown) {
    // A client that reads comments already is told in the stream that the provider failed.
    if (!(thrown instanceof Fault) || !hold.began || exchange.signal.aborted) throw thrown;
    refuse(reply, denial('UNSUPPORTED', id, thrown.message), { path: target.path, status: 502 });
  }
}

const queries: ReadonlySet<string> = new Set([
  'beta',
  'limit',
  'after',
  'before',
  'after_id',
  'before_id',
  'include',
  'include[]',
  'stream',
]);

async function notUnderstood(
  exchange: Exchange,
  said: string,
  read?: { readonly ok: boolean; readonly error?: string },
): Promise<void> {
  const { reply, target } = exchange;
  const why = read?.error ?? said;
  const id = await writtenDown(exchange, why);
  refuse(reply, denial('NOT_UNDERSTOOD', id, why, 'What is not understood is refused'), {
    path: target.path,
    status: 400,
  });
}

/** Nothing of it is sent, whatever the policy would say of it. Gives the decision's id. */
async function writtenDown({ stay, method, target }: Exchange, why: string): Promise<string> {
  const action = unreadable(`${method} ${target.path}`, why);
  const verdict = await stay.gate.ask({ action });
  if (verdict.kind === 'permit') stay.gate.done(verdict, { kind: 'unsent' });
  const id = verdict.kind === 'permit' ? verdict.id : verdict.denial.decisionId;
  void stay.recorder.frame('decision', json({ id, decision: 'deny', why }), id);
  return id;
}

/** The subjects that what it names of stored answers belongs to; nobody's is nobody's to use. */
function ownerOf(
  { stored, settings }: ModelParts,
  api: Api,
  { target }: Exchange,
  prompt: Prompt | undefined,
): readonly string[] {
  const named = api === 'stored' ? [target.path.split('/').at(-1) ?? ''] : (prompt?.stored ?? []);
  const isShared = (id: string): boolean =>
    settings.shared.some((each) => (each.endsWith('*') ? id.startsWith(each.slice(0, -1)) : id === each));
  return named.flatMap((id) => (api !== 'stored' && isShared(id) ? [] : [stored.get(id) ?? '']));
}
