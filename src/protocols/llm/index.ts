/**
 * Models behind an HTTP API, in the shapes of OpenAI (Chat Completions, Completions, Responses, embeddings, models) and of
 * Anthropic (Messages, count_tokens, models), streamed and not.
 *
 * Understood: prompts with what they offer and attach; answers as texts, thoughts and calls of tools.
 * Refused: other paths, bodies that are not what the API says, answers in the background, stored answers of others.
 * Masked: prompts (reversibly by the operator `token`), answers in one piece and in any pieces, arguments of tools; thoughts
 * that are signed are hidden whole. Calls of tools are judged one by one. Docs: docs/protocols/llm.md.
 */
import { bodyReplay } from '../../http/replay.ts';
import { spoken } from './replay.ts';
import { httpClient, towardsUpstream } from '../../carriers/http/client.ts';
import { httpDoor } from '../../carriers/http/door.ts';
import { Fault } from '../../base/errors.ts';
import { Lru } from '../../base/lru.ts';
import type { Action } from '../../core/action.ts';
import type { House, Protocol, Room } from '../../core/protocol.ts';
import type { Resource, SessionId } from '../../core/session.ts';
import { maskKey } from '../../mask/index.ts';
import { Budgets } from './budget.ts';
import { budgetBook } from './budget-kept.ts';
import { attributes, promptAction, toolAction, unreadable, verbs } from './meaning.ts';
import { refuse } from './refusal.ts';
import { apiOf, readPrompt } from './request.ts';
import type { Memory, ModelParts } from './parts.ts';
import { attend } from './session.ts';
import { type LlmSettings, settings } from './settings.ts';

export const llm: Protocol = {
  name: 'llm',
  port: 8081,
  verbs,
  attributes,
  settings,
  start,
  reads: true,
  replay: () => bodyReplay(spoken),
};

const sessionsKept = 5_000;
const answersKept = 100_000;

function start(house: House): Room {
  const key = maskKey(Buffer.from(house.maskKey.reveal('mask key'), 'hex'));
  const memories = new Lru<SessionId, Memory>(sessionsKept);
  const models = new Map<string, ModelParts>();
  for (const resource of house.resources) {
    const given = settingsOf(resource);
    models.set(resource.name, {
      house,
      settings: given,
      client: httpClient(towardsUpstream(given.upstream, house)),
      maskKey: key,
      budgets: new Budgets(given, house.world, (all) => budgetBook(house, resource.name, all)),
      stored: new Lru(answersKept),
      memories,
    });
  }
  return {
    serve: httpDoor({
      house,
      kind: 'llm',
      hostsOf: (resource) => models.get(resource)?.settings.upstream.hosts ?? [],
      serve: async (exchange) => {
        const parts = models.get(exchange.stay.session.resource.name);
        if (parts === undefined) throw new Fault('bug', 'A session with a resource of another kind');
        await attend(parts, exchange);
      },
      refuse: (reply, status, why, { path }) => refuse(reply, why, { path, status }),
    }),
    probe: (resource, signal) => probe(models.get(resource.name), signal),
    actions: (_resource, text) => Promise.resolve([actionOf(text)]),
    [Symbol.asyncDispose]: async () => {
      for (const { budgets } of models.values()) budgets[Symbol.dispose]();
      await Promise.all([...models.values()].map(({ client }) => client[Symbol.asyncDispose]()));
    },
  };
}

/** `POST /v1/messages` with the body below an empty line, such a body alone, or a call of a tool: `name({"a":1})`. */
function actionOf(text: string): Action {
  const call = /^([\w.:-]+)\((.*)\)$/s.exec(text.trim());
  if (call !== null) return toolAction('', { name: call[1] ?? '', arguments: call[2] ?? '' });
  const alone = text.trimStart().startsWith('{');
  const [head = '', ...rest] = alone ? ['POST /v1/chat/completions', text] : text.split('\n\n');
  const [method = '', path = ''] = head.trim().split(/\s+/);
  const body = rest.join('\n\n');
  const api = apiOf(method, path);
  if (api === undefined)
    return unreadable(`${method} ${path}`, 'It is not among the requests that are understood');
  const about = { found: [], bytes: Buffer.byteLength(body), text: body === '' ? head : body };
  if (method !== 'POST') return promptAction(api, undefined, about);
  const read = readPrompt(body);
  return read.ok ? promptAction(api, read.value, about) : unreadable(`${method} ${path}`, read.error);
}

function settingsOf(resource: Resource): LlmSettings {
  return resource.settings as LlmSettings; // checked by settings.ts when the configuration was read
}

/** Whether somebody is there; providers list models to whoever has a key. */
async function probe(parts: ModelParts | undefined, signal: AbortSignal): Promise<string> {
  if (parts === undefined) throw new Fault('bug', 'A resource without settings');
  const { base, credential } = parts.settings.upstream;
  const fields =
    credential === undefined ? [] : ([[credential.header, credential.value.reveal('probe')]] as const);
  const { status, body } = await parts.client.call({
    method: 'GET',
    path: `${base}/v1/models`,
    fields,
    signal,
  });
  for await (const _ of body) break;
  return `HTTP ${status}`;
}
