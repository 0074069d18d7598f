import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { parse } from 'yaml';
import { messageOf } from '../base/errors.ts';
import { Lru } from '../base/lru.ts';
import { worker } from '../carriers/worker.ts';
import { type Detector, entityNames, normalise } from '../mask/index.ts';
import { modelThread, nerCheck, nerFinder, nerIn, type NerSettings } from '../ner/index.ts';

/** A model that reads texts before they are searched. */
export interface NerReader extends AsyncDisposable {
  /** Must end before the text is searched: what the model finds is found then. */
  readonly read: (text: string) => Promise<void>;
  /** One for each type that the model's labels are found as. */
  readonly detectors: readonly Detector[];
}

/** More than `sallyport mask` holds lines. INVARIANT: what was read is known until it is searched. */
const textsKept = 4_096;
/** The least score that is reported. */
const least = 0.4;

/**
 * Opens a model: its folder, or a YAML or JSON file with `model`, `packages`, `labels`, `threshold`, `withinMs`.
 * @throws {Error} that says what is missing and what to do.
 */
export async function nerReader(path: string): Promise<NerReader> {
  const settings = settingsOf(path);
  const { module, heapMegabytes } = modelThread;
  const metrics = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
  const thread = worker(module, { metrics, heapMegabytes });
  try {
    const finder = await nerFinder(thread, settings);
    const known = new Lru<string, Awaited<ReturnType<typeof finder.find>>>(textsKept);
    return {
      read: async (text) => {
        // Detectors are given texts as they are read.
        const { text: normal } = normalise(text);
        known.set(normal, await finder.find(normal));
      },
      detectors: [...new Set(Object.values(settings.labels))].map((name) => ({
        kind: 'find',
        name,
        context: [],
        own: true,
        examples: { yes: [], no: [] },
        find: (text) =>
          (known.get(text) ?? [])
            .filter(({ type }) => type === name)
            .map(({ start, end, score }) => ({ start, end, score: Math.max(least, score) })),
      })),
      [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
    };
  } catch (thrown) {
    await thread[Symbol.asyncDispose]();
    throw new Error(`Cannot use the model of --ner: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function settingsOf(path: string): NerSettings {
  let raw: unknown;
  try {
    raw = statSync(path).isDirectory() ? { model: path } : parse(readFileSync(path, 'utf8'));
  } catch (thrown) {
    throw new Error(`Cannot read --ner ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
  const checked = nerCheck((name) => entityNames.includes(name))(raw, 'ner');
  if (!checked.ok)
    throw new Error(checked.error.map(({ path: at, message }) => `${path}: ${at}: ${message}`).join('\n'));
  return statSync(path).isDirectory() ? checked.value : nerIn(dirname(path), checked.value);
}
