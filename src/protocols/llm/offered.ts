import { isObject } from '../../base/check.ts';
import { type Body, textOf } from './body.ts';

// What a request to a model offers, attaches and names, wherever a provider could read it.

/**
 * Names of the tools that the model may ask for: of functions and namespaces by every name they have, and the types of the
 * provider's own; MCP servers that the provider would call by itself are `mcp`.
 */
export function toolNames(body: Readonly<Body>): readonly string[] {
  const names = [...namesIn(body['tools']), ...namesIn(body['functions'])];
  // Tools that came up in the turns before, and are offered on.
  for (const item of listOf(body['input'])) if (isObject(item)) names.push(...namesIn(item['tools']));
  if (isObject(body['web_search_options'])) names.push('web_search');
  const servers = listOf(body['mcp_servers']);
  if (servers.length > 0)
    names.push('mcp', ...servers.map((each) => textOf(isObject(each) ? each['name'] : '')));
  return [...new Set(names.filter((name) => name !== ''))];
}

function namesIn(tools: unknown): readonly string[] {
  return listOf(tools).flatMap((tool: unknown) => {
    if (!isObject(tool)) return [];
    const type = textOf(tool['type']);
    const own = [tool, tool['function'], tool['custom']].map((each) =>
      isObject(each) ? textOf(each['name']) : '',
    );
    const names = [...own, type === 'function' || type === 'custom' ? '' : type].filter(
      (name) => name !== '',
    );
    const [name = ''] = names;
    return [...names, ...namesIn(tool['tools']).map((each) => `${name}.${each}`)];
  });
}

/** Types of parts by which something else than text is attached. */
export const attached: Readonly<Record<string, string>> = {
  image: 'image',
  image_url: 'image',
  image_file: 'image',
  image_embeds: 'image',
  input_image: 'image',
  computer_screenshot: 'image',
  image_generation_call: 'image',
  input_audio: 'audio',
  audio_url: 'audio',
  audio: 'audio',
  file: 'file',
  input_file: 'file',
  document: 'file',
  container_upload: 'file',
  video: 'video',
  video_url: 'video',
  input_video: 'video',
};

/** Keys that attach something whatever the type beside them says: some servers do not ask for one. */
const attaching: Readonly<Record<string, string>> = {
  image_url: 'image',
  images: 'image',
  input_audio: 'audio',
  audio_url: 'audio',
  video_url: 'video',
  file_id: 'file',
  file_ids: 'file',
  file_data: 'file',
  file_url: 'file',
};

/** Definitions, not what is said: names in them attach nothing. */
const definitions: ReadonlySet<string> = new Set([
  'tools',
  'functions',
  'response_format',
  'text',
  'output_config',
  'output_format',
]);

/** `image`, `audio`, `video`, `file`; `tokens` where texts are given as numbers that only the model can read. */
export function attachmentsOf(body: Readonly<Body>): readonly string[] {
  const found = new Set<string>();
  for (const [key, value] of Object.entries(body)) if (!definitions.has(key)) collect(value, found);
  // Files that a tool of the provider reads.
  for (const tool of listOf(body['tools']))
    if (isObject(tool) && isObject(tool['container']) && isGiven(tool['container']['file_ids']))
      found.add('file');
  if (hasTokens(body)) found.add('tokens');
  return [...found].toSorted();
}

function collect(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const each of value) collect(each, found);
    return;
  }
  if (!isObject(value)) return;
  const type = textOf(value['type']);
  const kind = Object.hasOwn(attached, type) ? attached[type] : undefined;
  if (kind !== undefined) found.add(kind);
  for (const key of Object.keys(value)) {
    const each = value[key];
    // What a tool was called with is text to the model.
    if (key === 'input' && type.endsWith('tool_use')) continue;
    const by = Object.hasOwn(attaching, key) && isGiven(each) ? attaching[key] : undefined;
    if (by !== undefined) found.add(by);
    if (typeof each === 'object') collect(each, found);
  }
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value)
    ? value.length > 0
    : (typeof value === 'string' && value !== '') || isObject(value);
}

/** Whether texts are given as numbers of tokens, or as vectors: nobody here can read them. */
export function hasTokens(body: Readonly<Body>): boolean {
  const numbers = (value: unknown): boolean =>
    Array.isArray(value) && value.some((each: unknown) => typeof each === 'number' || numbers(each));
  return numbers(body['prompt']) || numbers(body['input']) || isGiven(body['prompt_embeds']);
}

/** Keys by which a request would reach another model, host or key than those that are judged, or texts that only the provider has. */
const elsewhere: ReadonlySet<string> = new Set([
  'models', 'fallbacks', 'fallback_models', 'plugins', 'route', 'transforms', 'preset',
  'context_window_fallbacks', 'context_window_fallback_dict', 'content_policy_fallbacks', 'model_list', 'user_config', 'litellm_params',
  'custom_llm_provider', 'api_base', 'base_url', 'api_key', 'api_version', 'api_type', 'extra_headers', 'extra_query', 'lora_path', 'lora_request',
  'kv_transfer_params', 'bootstrap_host', 'bootstrap_port', 'bootstrap_room', 'cached_content', 'cachedContent', 'chat_template',
]); // prettier-ignore

/** The first of them that a request has, by itself or in what it hands on to the provider. */
export function elsewhereIn(body: Readonly<Body>): string | undefined {
  const extra = body['extra_body'];
  const all = [body, extra, ...(isObject(extra) ? Object.values(extra) : [])];
  for (const each of all)
    if (isObject(each)) {
      const key = Object.keys(each).find((one) => elsewhere.has(one) && each[one] !== null);
      if (key !== undefined) return key;
    }
  return undefined;
}

/** Ids of what the provider keeps and the request goes on from: answers, conversations, items of them, and rooms in which code was run. */
export function storedIn(body: Readonly<Body>): readonly string[] {
  const rooms = [
    body['container'],
    ...listOf(body['tools']).map((tool) => (isObject(tool) ? tool['container'] : undefined)),
  ];
  return [
    ...idsOf(body['previous_response_id']),
    ...idsOf(body['conversation']),
    ...listOf(body['input']).flatMap((item) =>
      isObject(item) && isReference(item) ? [textOf(item['id'])] : [],
    ),
    ...rooms.flatMap(idsOf),
    ...filesIn(body),
  ];
}

/** Ids of the provider's files and vector stores that a request has it read. */
function filesIn(value: unknown, found: string[] = []): readonly string[] {
  if (Array.isArray(value)) for (const each of value) filesIn(each, found);
  if (!isObject(value)) return found;
  for (const key of Object.keys(value)) {
    const each = value[key];
    // What was said of files gives nobody theirs, and what a tool is called with is its own.
    if (told.has(key) || (key === 'input' && isObject(each))) continue;
    if (!fileKeys.has(key) || typeof each === 'boolean' || isObject(each)) filesIn(each, found);
    else for (const id of Array.isArray(each) ? each : [each]) found.push(...idsOf(id));
  }
  return found;
}

const fileKeys: ReadonlySet<string> = new Set(['file_id', 'file_ids', 'vector_store_id', 'vector_store_ids']);
const told: ReadonlySet<string> = new Set([
  'annotations',
  'citations',
  'results',
  'metadata',
  'parameters',
  'input_schema',
  'schema',
]);

/** Undefined and null name nothing; whatever else is no id names nobody's. */
function idsOf(given: unknown): readonly string[] {
  if (isObject(given)) return given['id'] === undefined || given['id'] === null ? [] : [textOf(given['id'])];
  return given === undefined || given === null ? [] : [textOf(given)];
}

/** An item with its id and nothing of what it says. */
function isReference(item: Readonly<Body>): boolean {
  const type = item['type'];
  if (type === 'item_reference' || (type === undefined && item['role'] === undefined)) return true;
  if (type === 'image_generation_call') return typeof item['result'] !== 'string';
  return item['id'] !== undefined && Object.keys(item).every((key) => bare.has(key));
}

const bare: ReadonlySet<string> = new Set(['id', 'type', 'status', 'role']);

/** Ids by which an answer, or an event of one, can be gone on from later. */
export function givenIds(answer: Readonly<Body>): readonly string[] {
  const all = [answer, answer['response'], answer['message'], answer['delta']].filter(isObject);
  const items = [answer['item'], ...all.flatMap((each) => listOf(each['output']))].filter(isObject);
  return [
    ...all.flatMap((each) => [...idsOf(each['conversation']), ...idsOf(each['container'])]),
    ...all.slice(0, 2).flatMap((each) => idsOf(each['id'])),
    ...items.flatMap((item) => [...idsOf(item['id']), ...idsOf(item['container_id'])]),
    ...givenFiles(answer),
  ].filter((id) => id !== '');
}

/** Files that a provider made for an answer. SECURITY: looked for only where providers say so; an answer repeats what a client wrote. */
function givenFiles(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(givenFiles);
  if (!isObject(value)) return [];
  const inner = Object.entries(value).flatMap(([key, each]) => (saying.has(key) ? givenFiles(each) : []));
  return [...(madeFiles.has(textOf(value['type'])) ? idsOf(value['file_id']) : []), ...inner];
}

const saying: ReadonlySet<string> = new Set([
  'response',
  'output',
  'item',
  'part',
  'message',
  'content',
  'content_block',
  'annotations',
  'annotation',
]);

const madeFiles: ReadonlySet<string> = new Set([
  'container_file_citation',
  'code_execution_output',
  'bash_code_execution_output',
]);

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
