import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isObject } from '../base/check.ts';
import { messageOf } from '../base/errors.ts';
import { now } from './now.ts';
import { bare, joined, piecesOf, windowsOf, type Found, type Judged } from './windows.ts';

// Runs in a thread of its own: reads a model and judges one text at a time. Both packages are there only where somebody has
// installed them.

export interface Opening {
  /** The folder of the model. */
  readonly model: string;
  /** The folder in whose `node_modules` both packages are; absent: beside Sallyport. */
  readonly packages?: string;
}

/** What the model can say, without `B-` and `I-`; or why it cannot be used, and what to do. */
export type Opened =
  | { readonly kind: 'ready'; readonly labels: readonly string[] }
  | { readonly kind: 'problem'; readonly problem: string };

export interface Asked extends Opening {
  readonly texts: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly threshold: number;
  /** As `now` gives it: what is not read by then is not. */
  readonly until: number;
  /** Its one number is no longer 0 when nobody waits for what is not read yet. */
  readonly stop: SharedArrayBuffer;
}

/** What is used of `onnxruntime-node`. */
interface Runtime {
  readonly InferenceSession: {
    readonly create: (path: string, options: unknown) => Promise<Session>;
  };
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => unknown;
}

interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly run: (feeds: Readonly<Record<string, unknown>>) => Promise<Readonly<Record<string, unknown>>>;
}

/** What is used of `@huggingface/tokenizers`. */
interface Tokenizers {
  readonly Tokenizer: new (tokenizer: object, config: object) => Tokenizer;
}

interface Tokenizer {
  readonly encode: (text: string, options: object) => { readonly ids: readonly number[] };
}

interface Model {
  readonly runtime: Runtime;
  readonly session: Session;
  readonly tokenizer: Tokenizer;
  readonly labels: readonly string[];
  /** What the tokenizer puts before and behind a text. */
  readonly head: readonly number[];
  readonly tail: readonly number[];
  /** The most tokens of one run, head and tail included. */
  readonly most: number;
}

/** As they are exported, the exacter ones first: in the folder itself or in its `onnx`. */
const exported = [
  'model',
  'model_fp16',
  'model_quantized',
  'model_int8',
  'model_uint8',
  'model_q4',
  'model_q4f16',
];
const files = exported.flatMap((name) => [`${name}.onnx`, `onnx/${name}.onnx`]);
const mostTokens = 512;

let opened: { readonly from: string; readonly model: Promise<Model> } | undefined;

/** Reads the model. */
export async function open(opening: Opening): Promise<Opened> {
  try {
    const { labels } = await modelOf(opening);
    return { kind: 'ready', labels: [...new Set(labels.map(bare))].filter((label) => label !== 'O') };
  } catch (thrown) {
    return { kind: 'problem', problem: messageOf(thrown) };
  }
}

/** What the model finds in each text; null where it fails, or where there is no time left for it. */
export async function find(asked: Asked): Promise<readonly (readonly Found[] | null)[]> {
  const { texts, until } = asked;
  // A thread that took the place of a hung one has to read the model first, for as long as that takes.
  const model = await Promise.race([modelOf(asked), later(until)]);
  const found: (readonly Found[] | null)[] = [];
  for (const text of texts) found.push(model === undefined ? null : await foundIn(text, asked, model));
  return found;
}

function later(until: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), Math.max(0, until - now())).unref();
  });
}

function isOver({ until, stop }: Pick<Asked, 'until' | 'stop'>): boolean {
  return now() > until || Atomics.load(new Int32Array(stop), 0) !== 0;
}

async function foundIn(text: string, asked: Asked, model: Model): Promise<readonly Found[] | null> {
  if (isOver(asked)) return null;
  try {
    return await searched(text, model, asked);
  } catch {
    return null;
  }
}

async function searched(
  text: string,
  model: Model,
  asked: Omit<Asked, 'texts'>,
): Promise<readonly Found[] | null> {
  const pieces = piecesOf(text);
  if (pieces.length === 0) return [];
  const tokens = pieces.map(({ start, end }) => {
    // Tokenizers that know words by the blank before them are given it.
    const blank = start > 0 && /\s/.test(text[start - 1] ?? '') ? ' ' : '';
    return model.tokenizer.encode(blank + text.slice(start, end), { add_special_tokens: false }).ids;
  });
  const room = model.most - model.head.length - model.tail.length;
  const judged: Judged[] = pieces.map(() => ({ label: 'O', score: 0 }));
  const counts = tokens.map((ids) => Math.min(ids.length, room));
  for (const [from, to] of windowsOf(counts, room)) {
    if (isOver(asked)) return null;
    const said = await judge(
      model,
      tokens.slice(from, to).map((ids) => ids.slice(0, room)),
    );
    // SECURITY: of two windows that see a word the one that finds something counts.
    for (const [at, each] of said.entries()) {
      const before = judged[from + at];
      if (before === undefined || before.label === 'O' || (each.label !== 'O' && each.score > before.score))
        judged[from + at] = each;
    }
  }
  const { labels, threshold } = asked;
  return joined(text, pieces, judged, { labels: new Map(Object.entries(labels)), threshold });
}

/** A word is what its first token is; one without a token is nothing. */
async function judge(model: Model, words: readonly (readonly number[])[]): Promise<readonly Judged[]> {
  const ids = [...model.head, ...words.flat(), ...model.tail];
  const dims = [1, ids.length];
  const { Tensor } = model.runtime;
  const filled = (value: bigint): unknown =>
    new Tensor('int64', new BigInt64Array(ids.length).fill(value), dims);
  const feeds: Record<string, unknown> = {};
  for (const name of model.session.inputNames) {
    if (name === 'input_ids') feeds[name] = new Tensor('int64', BigInt64Array.from(ids, BigInt), dims);
    else if (name === 'attention_mask') feeds[name] = filled(1n);
    else if (name === 'token_type_ids') feeds[name] = filled(0n);
    else
      throw new Error('The model wants an input that is none of input_ids, attention_mask, token_type_ids');
  }
  const answer = (await model.session.run(feeds))[model.session.outputNames[0] ?? 'logits'];
  const data = isObject(answer) ? answer['data'] : undefined;
  const count = model.labels.length;
  if (!(data instanceof Float32Array) || data.length !== ids.length * count)
    throw new Error(`The model does not give a number for each of its ${count} labels and each token`);
  let token = model.head.length;
  return words.map((each) => {
    const at = token;
    token += each.length;
    return each.length === 0
      ? { label: 'O', score: 0 }
      : best(data.subarray(at * count, (at + 1) * count), model.labels);
  });
}

function best(logits: Float32Array, labels: readonly string[]): Judged {
  let most = 0;
  for (let at = 1; at < logits.length; at++) if ((logits[at] ?? 0) > (logits[most] ?? 0)) most = at;
  const top = logits[most] ?? 0;
  if (!Number.isFinite(top)) throw new Error('The model gives what is no number');
  let sum = 0;
  for (const each of logits) sum += Math.exp(each - top);
  return { label: labels[most] ?? 'O', score: 1 / sum };
}

function modelOf({ model, packages }: Opening): Promise<Model> {
  const from = JSON.stringify([model, packages]);
  if (opened?.from !== from) opened = { from, model: read(model, packages) };
  return opened.model;
}

async function read(folder: string, packages: string | undefined): Promise<Model> {
  const file = files.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (file === undefined) throw new Error(`No model in ${folder}: it needs one of ${files.join(', ')}`);
  const config = json(join(folder, 'config.json'));
  const labels = labelsOf(config);
  const optional = join(folder, 'tokenizer_config.json');
  const known = [json(join(folder, 'tokenizer.json')), existsSync(optional) ? json(optional) : {}] as const;
  const runtime = await loaded<Runtime>('onnxruntime-node', packages);
  const { Tokenizer } = await loaded<Tokenizers>('@huggingface/tokenizers', packages);
  const tokenizer = new Tokenizer(...known);
  const session = await runtime.InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const { ids } = tokenizer.encode('a', {});
  const inner = tokenizer.encode('a', { add_special_tokens: false }).ids;
  const at = ids.findIndex((_, from) => inner.every((id, offset) => ids[from + offset] === id));
  const head = at < 0 ? [] : ids.slice(0, at);
  const tail = at < 0 ? [] : ids.slice(at + inner.length);
  const positions = config['max_position_embeddings'];
  const most =
    typeof positions === 'number' && positions >= 16 ? Math.min(mostTokens, positions) : mostTokens;
  // Models of the RoBERTa family count positions from two on.
  return { runtime, session, tokenizer, labels, head, tail, most: most > 500 ? 510 : most };
}

function labelsOf(config: Readonly<Record<string, unknown>>): readonly string[] {
  const listed = config['id2label'];
  const labels = isObject(listed)
    ? Array.from({ length: Object.keys(listed).length }, (_, id) => listed[String(id)])
    : [];
  const named = labels.filter((label) => typeof label === 'string');
  if (named.length === 0 || named.length !== labels.length)
    throw new Error(
      'config.json of the model has no id2label with a name for each number: it is no token classification',
    );
  return named;
}

function json(path: string): Readonly<Record<string, unknown>> {
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new Error(`Cannot read ${path}: the model needs it, as JSON`);
  }
  if (!isObject(read)) throw new Error(`${path} is no JSON object`);
  return read;
}

/** A package that is there only where somebody has installed it; it has no types for us where it is not. */
async function loaded<T>(name: string, packages: string | undefined): Promise<T> {
  try {
    const module: unknown = packages === undefined ? await import(name) : required(name, packages);
    return module as T; // what is used of it is written down above
  } catch (cause) {
    const from = packages === undefined ? '' : ` from ${packages}`;
    // What is there and fails says why: it is made for another machine, or a library is missing.
    const absent = isObject(cause) && cause['code'] === notFound;
    const how =
      packages === undefined
        ? 'install it beside Sallyport, or anywhere and name that folder with "packages" in the file of --ner'
        : 'install it there';
    throw new Error(
      `Cannot load the package ${name}${from}: ${absent ? `${how}, with ${install}` : messageOf(cause)}`,
      { cause },
    );
  }
}

const install = 'npm install --ignore-scripts onnxruntime-node@1.30.0 @huggingface/tokenizers@0.2.0';
const notFound = 'ERR_MODULE_NOT_FOUND';

/** SECURITY: code comes from the folder that was named, not from those above it where Node would look as well. */
function required(name: string, packages: string): unknown {
  const folder = join(packages, 'node_modules', name);
  if (!existsSync(folder)) throw Object.assign(new Error(`No ${folder}`), { code: notFound });
  return createRequire(join(packages, 'from.js'))(name);
}
