import { messageOf } from '../base/errors.ts';
import { worker } from '../carriers/worker.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';
import { useModel } from '../mask/index.ts';
import { modelThread, nerFinder } from '../ner/index.ts';
import type { NerModelSettings } from './ner-config.ts';

/**
 * Opens the model and has it asked by whatever a rule wants it for, until it is disposed of.
 * @throws {Error} that says what is missing, where, and what to do
 */
export async function openNamesModel(
  settings: NerModelSettings,
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
): Promise<AsyncDisposable> {
  const { threads, withinMs, longest, model } = settings;
  const { module, heapMegabytes } = modelThread;
  const thread = worker(module, { metrics, threads, heapMegabytes });
  try {
    const { types, findAll } = await nerFinder(thread, settings, threads);
    useModel({
      types,
      withinMs,
      most: longest,
      find: async (texts, within, signal) => {
        const found = await findAll(texts, within, signal);
        const unread = found.filter((each) => each === undefined).length;
        if (unread > 0) metrics.count('model_texts_total', { result: 'unread' }, unread);
        if (unread < found.length)
          metrics.count('model_texts_total', { result: 'read' }, found.length - unread);
        return found;
      },
    });
    log('info', 'model.opened', { model, types: types.join(', '), threads });
    return {
      [Symbol.asyncDispose]: () => {
        useModel(undefined);
        return thread[Symbol.asyncDispose]();
      },
    };
  } catch (thrown) {
    await thread[Symbol.asyncDispose]();
    throw new Error(`Cannot use the model that \`ner\` of the configuration names: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}
