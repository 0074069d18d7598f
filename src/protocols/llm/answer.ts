import { isObject } from '../../base/check.ts';
import { type Body, textOf } from './body.ts';
import type { Api } from './request.ts';
import type { StreamParts } from './stream.ts';
import type { JudgeCall } from './tools.ts';
import type { Used } from './budget.ts';

/** A whole answer as the client gets it: calls of tools judged, texts masked. */
export async function showAnswer(api: Api, answer: Body, parts: StreamParts): Promise<Body> {
  // SECURITY: a client may read any of the shapes, whatever it asked for.
  if (!unjudged.has(api)) {
    dropped(answer, 'choices', 'output');
    await judgeChat(answer, parts.judge);
    await judgeOutput(answer, parts.judge);
    await judgeContent(answer, parts.judge);
  }
  const { shown, signal } = parts;
  return shown.read(async () => {
    if (shown.reads) await shown.ready(answer, signal);
    await shown.join(answer, signal);
    return shown.document(parts.thoughts.hide(answer, shown));
  }, signal);
}

/** Of these nothing is called: lists of models, vectors, counts. */
const unjudged: ReadonlySet<Api> = new Set<Api>(['models', 'embeddings', 'count']);

function listOf(value: unknown): Body[] {
  return Array.isArray(value) ? value.filter((each): each is Body => isObject(each)) : [];
}

/** SECURITY: lists that are none: a client may read calls out of them. */
function dropped(of: Body, ...lists: readonly string[]): void {
  for (const key of lists)
    if (of[key] !== null && of[key] !== undefined && !Array.isArray(of[key])) delete of[key];
}

async function judgeChat(answer: Body, judge: JudgeCall): Promise<void> {
  for (const choice of listOf(answer['choices'])) {
    // A piece of a stream is no answer, and its calls are not judged.
    delete choice['delta'];
    const message = choice['message'];
    if (!isObject(message)) continue;
    const inner = message as Body;
    dropped(inner, 'tool_calls');
    if (listOf(inner['content']).some(isUse) || isObject(inner['content'])) await judgeContent(inner, judge);
    const kept: Body[] = [];
    const denials: string[] = [];
    for (const call of listOf(inner['tool_calls'])) {
      const { name, text } = calledOf(call);
      const denial = await judge({ name, arguments: text });
      if (denial === undefined) kept.push(call);
      else denials.push(denial);
    }
    // The older way to ask for one call.
    const old = inner['function_call'];
    if (isObject(old)) {
      const { name, text } = calledOf(old);
      const denial = await judge({ name, arguments: text });
      if (denial !== undefined) {
        denials.push(denial);
        delete inner['function_call'];
        if (kept.length === 0) choice['finish_reason'] = 'stop';
      }
    }
    if (denials.length === 0) continue;
    inner['content'] = [inner['content'], ...denials]
      .filter((part) => typeof part === 'string' && part !== '')
      .join('\n');
    if (kept.length > 0) inner['tool_calls'] = kept;
    else if (Object.hasOwn(inner, 'tool_calls')) {
      delete inner['tool_calls'];
      choice['finish_reason'] = 'stop';
    }
  }
}

/** Name and arguments of a call in Chat Completions: of a function, or of a custom tool. */
export function calledOf(call: Readonly<Record<string, unknown>>): {
  readonly name: string;
  readonly text: string;
} {
  const inner = isObject(call['function'])
    ? call['function']
    : isObject(call['custom'])
      ? call['custom']
      : call;
  // Items of the provider's own tools have what is asked for under other names.
  const text = inner['arguments'] ?? inner['input'] ?? inner['action'] ?? inner['operation'] ?? inner['code'];
  return {
    name: textOf(inner['name']),
    text: typeof text === 'string' ? text : JSON.stringify(text ?? {}),
  };
}

async function judgeOutput(answer: Body, judge: JudgeCall): Promise<void> {
  if (!Array.isArray(answer['output'])) return;
  const output: Body[] = [];
  for (const item of listOf(answer['output'])) {
    const denial = isCall(item)
      ? await judge({ name: callName(item), arguments: calledOf(item).text })
      : undefined;
    output.push(denial === undefined ? item : deniedItem(textOf(item['id']), denial));
  }
  answer['output'] = output;
}

/** Items by which a model asks its client, or the provider on its behalf, to do something. */
export function isCall(item: Readonly<Record<string, unknown>>): boolean {
  const type = item['type'];
  return typeof type === 'string' && (type.endsWith('_call') || type === 'mcp_approval_request');
}

export function callName(item: Readonly<Record<string, unknown>>): string {
  const name = textOf(item['name'] ?? item['type']);
  return typeof item['namespace'] === 'string' ? `${item['namespace']}.${name}` : name;
}

export function deniedItem(id: string, denial: string): Body {
  const content = [{ type: 'output_text', text: denial, annotations: [] }];
  return {
    id: `msg_${id.replace(/^[a-z]+_/, '')}`,
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content,
  };
}

function isUse({ type }: Readonly<Body>): boolean {
  return typeof type === 'string' && type.endsWith('tool_use');
}

/** The calls among the blocks of a message: a denied one becomes a text. */
export async function judgeContent(answer: Body, judge: JudgeCall): Promise<void> {
  // One block, where a list of them should be.
  if (isObject(answer['content'])) answer['content'] = [answer['content']];
  if (!Array.isArray(answer['content'])) return;
  const content: Body[] = [];
  let called = 0;
  let denied = 0;
  for (const block of listOf(answer['content'])) {
    if (!isUse(block)) {
      content.push(block);
      continue;
    }
    const denial = await judge({
      name: textOf(block['name']),
      arguments: JSON.stringify(block['input'] ?? {}),
    });
    if (denial === undefined) called++;
    else denied++;
    content.push(denial === undefined ? block : { type: 'text', text: denial });
  }
  answer['content'] = content;
  if (denied > 0 && called === 0 && answer['stop_reason'] === 'tool_use') answer['stop_reason'] = 'end_turn';
}

/** Tokens that an answer or one of its events says were used; undefined where it says nothing. */
export function usedOf(body: Readonly<Record<string, unknown>>): Used | undefined {
  const given = [body['usage'], inside(body['response'], 'usage'), inside(body['message'], 'usage')].find(
    isObject,
  );
  if (given === undefined) return undefined;
  const count = (...keys: readonly string[]): number => {
    for (const key of keys) {
      const value = given[key];
      if (typeof value === 'number' && value >= 0) return value;
    }
    return 0;
  };
  const cached = count('cache_read_input_tokens') + count('cache_creation_input_tokens');
  return {
    input: count('prompt_tokens', 'input_tokens') + cached,
    output: count('completion_tokens', 'output_tokens'),
  };
}

function inside(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}
