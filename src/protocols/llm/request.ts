import { isObject } from '../../base/check.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { rewriteJson } from '../../http/json.ts';
import type { Body } from './body.ts';
import { lookalikeIn } from './lookalikes.ts';
import { attached, attachmentsOf, elsewhereIn, hasTokens, storedIn, toolNames } from './offered.ts';

/** The ways to ask a model that are understood. */
export type Api =
  | 'chat'
  | 'completions'
  | 'responses'
  | 'messages'
  | 'count'
  | 'embeddings'
  | 'models'
  | 'stored';

/** Which of them a path is; undefined for any other. */
export function apiOf(method: string, path: string): Api | undefined {
  const plain = path.replace(/^\/v1(?=\/)/, '');
  if (method === 'GET' && /^\/models(?:\/[\w.:@-]+(?:\/[\w.:@-]+)?)?$/.test(plain)) return 'models';
  if ((method === 'GET' || method === 'DELETE') && /^\/responses\/[\w-]+$/.test(plain)) return 'stored';
  return method === 'POST' ? posts[plain] : undefined;
}

const posts: Readonly<Record<string, Api>> = {
  '/chat/completions': 'chat',
  '/completions': 'completions',
  '/responses': 'responses',
  '/messages': 'messages',
  '/messages/count_tokens': 'count',
  '/embeddings': 'embeddings',
};

/** What a policy may know of a request to a model. */
export interface Prompt {
  readonly body: Body;
  readonly model: string;
  readonly stream: boolean;
  readonly tools: readonly string[];
  readonly attachments: readonly string[]; // 'image', 'audio', 'video', 'file', 'tokens'
  readonly maxTokens: number; // -1 where the request does not say
  /** How many answers it asks for at once. */
  readonly answers: number;
  /** Its texts are texts, not numbers of tokens. */
  readonly readable: boolean;
  readonly turns: number;
  /** All that the provider has stored and the request names: answers, items of them, rooms in which code was run. */
  readonly stored: readonly string[];
}

const deepest = 100;

/** Reads a request's body. What is sent on is written anew from what was read here: nothing else reaches the provider. */
export function readPrompt(text: string): Result<Prompt, string> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return err('The body is not JSON');
  }
  if (!isObject(body)) return err('The body is not a JSON object');
  if (Object.hasOwn(body, '__proto__') || depthOf(body) > deepest)
    return err('The body is nested too deeply, or has an evil key');
  const alike = lookalikeIn(body);
  if (alike !== undefined) return err(`A key is \`${alike}\` but for its capitals`);
  const { model, stream } = body;
  if (typeof model !== 'string' || !/^[\w.:/@+-]{1,200}$/.test(model))
    return err('`model` is missing, or is not the name of a model');
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    return err('`stream` is neither true nor false');
  if (body['background'] === true)
    return err('`background` is not understood: its answer would come past the gateway');
  const other = elsewhereIn(body);
  if (other !== undefined) return err(`\`${other}\` is not understood`);
  if (isObject(body['prompt']))
    return err('A stored `prompt` is not understood: its text and tools would come past the gateway');
  const bounds = boundsOf(body);
  if (!bounds.ok) return bounds;
  const list = Array.isArray(body['messages'])
    ? body['messages']
    : Array.isArray(body['input'])
      ? body['input']
      : [];
  return ok({
    body,
    model,
    stream: stream === true,
    tools: toolNames(body),
    attachments: attachmentsOf(body),
    ...bounds.value,
    readable: !hasTokens(body),
    turns: list.length,
    stored: storedIn(body),
  });
}

const most = ['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'max_tokens_to_sample'];
const times = ['n', 'best_of'];

/**
 * How much is asked for. Of several bounds nobody can say which counts: the largest does. Some servers read numbers out of texts,
 * so what is no number is refused; -1 says as much as nothing.
 */
function boundsOf(body: Body): Result<{ readonly maxTokens: number; readonly answers: number }, string> {
  const given: number[][] = [[], []];
  for (const [index, keys] of [most, times].entries())
    for (const key of keys) {
      const value = body[key];
      if (value === undefined || value === null) continue;
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < -1)
        return err(`\`${key}\` is no whole number`);
      given[index]?.push(value);
    }
  const [tokens = [], answers = []] = given;
  return ok({
    maxTokens: tokens.length === 0 || tokens.includes(-1) ? -1 : Math.max(...tokens),
    answers: Math.max(1, ...answers) * promptsIn(body['prompt']),
  });
}

/** Each prompt of a list has answers of its own; numbers are the tokens of one. */
function promptsIn(prompt: unknown): number {
  return Array.isArray(prompt) && prompt.some((each) => typeof each !== 'number') ? prompt.length : 1;
}

function depthOf(value: unknown, depth: number = 0): number {
  if (depth > deepest || typeof value !== 'object' || value === null) return depth;
  let most = depth + 1;
  for (const each of Object.values(value))
    if (typeof each === 'object') most = Math.max(most, depthOf(each, depth + 1));
  return most;
}

/** Keys whose values are the protocol's own words; everything else that is a text can hold what somebody wrote. */
const structural: ReadonlySet<string> = new Set([
  'id', 'object', 'type', 'role', 'model', 'event', 'finish_reason', 'stop_reason', 'status', 'created', 'created_at', 'completed_at',
  'index', 'output_index', 'content_index', 'summary_index', 'sequence_number', 'item_id', 'call_id', 'tool_call_id', 'tool_use_id',
  'response_id', 'previous_response_id', 'conversation_id', 'system_fingerprint', 'service_tier', 'encrypted_content', 'signature', 'media_type',
  'mime_type', 'format', 'effort', 'verbosity', 'tool_choice', 'truncation', 'detail', 'obfuscation', 'object_type', 'owned_by',
  'safety_identifier', 'prompt_cache_key', 'cache_control', 'phase', 'namespace',
]); // prettier-ignore

/** Keys under which bytes of pictures, sounds and files stand. */
const bytes: ReadonlySet<string> = new Set([
  'data',
  'b64_json',
  'file_data',
  'image_url',
  'url',
  'embedding',
  'audio',
]);

/** What the protocol's own words look like, never all numbers; anything else under their keys was written by somebody. */
const tame = /^(?=.*[A-Za-z_]|$)[\w.:/=+-]*$/;

/** A key of the protocols: what stands in others, somebody may have written. */
const plainKey = /^[A-Za-z_$]+\d{0,3}$/;

/** Whether a text is one of the protocol's own words. */
export function isStructural(key: string, text: string): boolean {
  return structural.has(key) && tame.test(text);
}

function isBytes(text: string, isPart: boolean): boolean {
  if (/^data:[\w.+/-]{0,100};base64,[A-Za-z0-9+/=_\s-]*$/.test(text)) return true;
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) && (isPart || text.length >= 100);
}

/** A JSON text behind its escapes, with keys and numbers; another text as it is. */
function inJson(text: string, show: (text: string, key: string) => string): string {
  const shown = rewriteJson(text, ({ kind, key, value }) => {
    if (kind === 'null' || kind === 'boolean') return undefined;
    const after = show(value, key);
    return after === value ? undefined : after;
  });
  return shown.ok ? shown.value : show(text, 'arguments');
}

/**
 * Every text of a JSON value through `show`, in place of it; names of tools and the protocol's words stay. What is not changed is
 * not copied: the value itself stays as it is.
 */
export function mapTexts(
  value: unknown,
  show: (text: string, key: string) => string,
  key: string = '',
): unknown {
  if (typeof value === 'string') {
    if (isStructural(key, value)) return value;
    return key === 'arguments' ? inJson(value, show) : show(value, key);
  }
  if (Array.isArray(value)) return mapElements(value, show, key);
  if (!isObject(value)) return value;
  const { type } = value;
  const isCall = typeof type === 'string' && type.endsWith('tool_use');
  const isPart = typeof type === 'string' && (Object.hasOwn(attached, type) || type === 'base64');
  let out: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    const each = value[name];
    if (name === 'name' && isNamed(value)) continue;
    if (typeof each === 'string' && bytes.has(name) && isBytes(each, isPart)) continue;
    // What a tool was called with has keys and numbers of its own, and no words of the protocol.
    const isGiven = isCall && name === 'input' && isObject(each);
    const shown = isGiven ? mapGiven(each, show) : mapTexts(each, show, name);
    if (shown === each) continue;
    out ??= { ...value };
    out[name] = shown;
  }
  return withKeys(out ?? value, show);
}

/** Keys that are no names were written by somebody. */
function withKeys(value: object, show: (text: string, key: string) => string): object {
  const isShown = (name: string): boolean => plainKey.test(name) || show(name, '') === name;
  if (Object.keys(value).every(isShown)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [isShown(name) ? name : show(name, ''), each]),
  );
}

function mapElements(
  list: readonly unknown[],
  show: (text: string, key: string) => string,
  key: string,
): readonly unknown[] {
  let out: unknown[] | undefined;
  for (const [at, each] of list.entries()) {
    const shown = mapTexts(each, show, key);
    if (shown === each) continue;
    out ??= [...list];
    out[at] = shown;
  }
  return out ?? list;
}

function mapGiven(given: object, show: (text: string, key: string) => string): unknown {
  const json = JSON.stringify(given);
  const shown = inJson(json, show);
  return shown === json ? given : (JSON.parse(shown) as unknown);
}

/** Whether `name` in it is the name of a tool. */
function isNamed(value: Readonly<Record<string, unknown>>): boolean {
  return (
    Object.hasOwn(value, 'arguments') ||
    Object.hasOwn(value, 'parameters') ||
    Object.hasOwn(value, 'input_schema') ||
    value['type'] === 'tool_use'
  );
}
