// A model that finds names, as an optional plug-in: token classification in ONNX, run by `onnxruntime-node` in a thread of
// its own. Neither that package nor `@huggingface/tokenizers` is a dependency: who wants a model installs both.
//   nerCheck           the settings
//   nerIn(folder)      the same, where their folders are relative to one
//   modelThread        the thread's module, and how much memory it may have
//   nerFinder(parts)   asks the model; a text that it cannot judge in time is one finding
// It does not promise the same answer for a piece of a text as for the whole, so nothing that is passed on in pieces, and
// nothing that cannot wait, is given to it.
import { resolve } from 'node:path';
import { type Check, map, number, object, optional, record, string } from '../base/check.ts';
import { err, ok } from '../base/result.ts';
import type { Worker } from '../core/protocol.ts';
import type { Asked, Opened } from './model-worker.ts';
import { now } from './now.ts';
import type { Found } from './windows.ts';

export interface NerSettings {
  /** The folder of the model: `model.onnx`, `tokenizer.json`, `config.json`. */
  readonly model: string;
  /** The folder in whose `node_modules` `onnxruntime-node` and `@huggingface/tokenizers` are; absent: beside Sallyport. */
  readonly packages?: string;
  /** What the model's labels are found as, without `B-` and `I-`: `{ PER: PERSON }`. */
  readonly labels: Readonly<Record<string, string>>;
  /** The least score, from 0 to 1. */
  readonly threshold: number;
  /** How long one text may take; beyond, it is a finding as a whole. */
  readonly withinMs: number;
}

/** How the labels of most published models are found. */
const usual: Readonly<Record<string, string>> = {
  ...foundAs(
    'PERSON',
    'PER PERSON GIVENNAME GIVEN_NAME FIRSTNAME FIRST_NAME MIDDLENAME MIDDLE_NAME SURNAME LASTNAME LAST_NAME',
  ),
  ...foundAs(
    'LOCATION',
    `LOC LOCATION GPE FAC ADDRESS STREET STREETNAME STREET_NAME STREETADDRESS STREET_ADDRESS BUILDINGNUM BUILDINGNUMBER
     BUILDING_NUMBER SECONDARYADDRESS SECONDARY_ADDRESS CITY STATE COUNTRY ZIPCODE ZIP_CODE POSTCODE POSTAL_CODE`,
  ),
};

function foundAs(type: string, labels: string): Readonly<Record<string, string>> {
  return Object.fromEntries(labels.split(/\s+/).map((label) => [label, type]));
}

const shape = object({
  model: string({ max: 4_096 }),
  packages: optional(string({ max: 4_096 })),
  labels: optional(
    record(string({ pattern: /^[A-Z][A-Z0-9_]{1,39}$/, what: 'a type of findings, such as PERSON' })),
  ),
  threshold: optional(number({ min: 0, max: 1 })),
  withinMs: optional(number({ min: 10, max: 600_000 })),
});

/** `{ model, packages?, labels?, threshold? (0.5), withinMs? (5000) }`; `isType`: whether labels may be found as this. */
export function nerCheck(isType: (name: string) => boolean): Check<NerSettings> {
  return map(shape, ({ model, packages, labels, threshold = 0.5, withinMs = 5_000 }, path) => {
    const unknown = Object.entries(labels ?? {}).find(([, type]) => !isType(type));
    if (unknown !== undefined)
      return err([{ path: `${path}.labels.${unknown[0]}`, message: `No detector finds "${unknown[1]}"` }]);
    return ok({
      model,
      ...(packages === undefined ? {} : { packages }),
      labels: labels ?? usual,
      threshold,
      withinMs,
    });
  });
}

/** Folders of the settings are relative to this one. */
export function nerIn(folder: string, settings: NerSettings): NerSettings {
  const { model, packages } = settings;
  return {
    ...settings,
    model: resolve(folder, model),
    ...(packages === undefined ? {} : { packages: resolve(folder, packages) }),
  };
}

/** What a thread that reads models runs, and the memory that it may have. */
export const modelThread: { readonly module: URL; readonly heapMegabytes: number } = {
  module: new URL('./model-worker.ts', import.meta.url),
  heapMegabytes: 2_048,
};

/** The longest text that is given to a model; beyond, it is a finding as a whole. */
export const longestJudged = 200_000;

export interface NerFinder {
  /** The types that it may find. */
  readonly types: readonly string[];
  /** What the model finds. Never rejects: a text that it fails on, or that takes too long, is one finding. */
  readonly find: (text: string) => Promise<readonly Found[]>;
  /**
   * The same for many; undefined for each that it fails on, or that is too long or not read within `withinMs`, all of them together,
   * or before the signal: then it stops.
   */
  readonly findAll: (
    texts: readonly string[],
    withinMs: number,
    signal?: AbortSignal,
  ) => Promise<readonly (readonly Found[] | undefined)[]>;
}

/**
 * Opens the model in the worker (of `modelThread`), in each of its threads.
 * @throws {Error} that says what is missing and what to do: a package, a file, a label.
 */
export async function nerFinder(
  worker: Worker,
  settings: NerSettings,
  threads: number = 1,
): Promise<NerFinder> {
  const { model, packages, labels, threshold, withinMs } = settings;
  const opening = packages === undefined ? { model } : { model, packages };
  const answers = Array.from({ length: threads }, () => worker.call('open', opening, openMs));
  // What our own worker answers.
  const [opened] = (await Promise.all(answers)) as readonly Opened[];
  if (opened === undefined || opened.kind === 'problem')
    throw new Error(opened?.problem ?? 'No thread is left to read the model in');
  const said = Object.keys(labels).filter((label) => opened.labels.includes(label));
  if (said.length === 0)
    throw new Error(
      `The model in ${model} knows ${opened.labels.join(', ') || 'no label'}, and "labels" names none of these: write for instance { ${opened.labels[0] ?? 'PER'}: PERSON }`,
    );
  const types = [...new Set(said.map((label) => labels[label] ?? ''))];
  const [first = 'PERSON'] = types;
  const findAll: NerFinder['findAll'] = async (texts, within, signal) => {
    const given = texts.filter((text) => judgeable(text) && text.length <= longestJudged);
    const stop = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const asked: Asked = { ...opening, texts: given, labels, threshold, until: now() + within, stop };
    const stopped = (): void => void Atomics.store(new Int32Array(stop), 0, 1);
    signal?.addEventListener('abort', stopped, { once: true });
    if (signal?.aborted === true) stopped();
    const found =
      given.length === 0 ? [] : await inTime(worker.call('find', asked, within + hungMs), within, signal);
    signal?.removeEventListener('abort', stopped);
    // What our own worker answers: one for each text, in order.
    const known = new Map(given.map((text, at) => [text, (found as readonly Answer[] | undefined)?.[at]]));
    return texts.map((text) => (judgeable(text) ? (known.get(text) ?? undefined) : []));
  };
  return {
    types,
    findAll,
    find: async (text) =>
      (await findAll([text], withinMs))[0] ?? [{ type: first, start: 0, end: text.length, score: 1 }],
  };
}

type Answer = readonly Found[] | null;

/** Where no letter is, no name is. */
function judgeable(text: string): boolean {
  return /\p{L}/u.test(text);
}

/** What is called, or undefined where it fails, or has not come when its time is long over or nobody waits for it. */
async function inTime(
  called: Promise<unknown>,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const late = Promise.withResolvers<undefined>();
  const end = (): void => late.resolve(undefined);
  const timer = setTimeout(() => setImmediate(end), withinMs + lateMs);
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted === true) end();
  try {
    return await Promise.race([called.catch(() => undefined), late.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
  }
}

/** The worker says by itself what it has not done in time; who waits for it is told this much later that it is late. */
const lateMs = 250;
/** So much later its thread counts as hung, and another takes its place. */
const hungMs = 10_000;
/** Models have hundreds of megabytes. */
const openMs = 120_000;
