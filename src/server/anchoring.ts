import { join } from 'node:path';
import type { World } from '../base/time.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';
import type { Channel } from '../core/review.ts';
import { messageOf } from '../base/errors.ts';
import { anchorRound } from '../stores/anchoring.ts';
import { realFiles } from '../stores/files.ts';
import { openWitness } from '../stores/witness.ts';
import type { LedgerSettings } from './ledger-config.ts';

/** Where other gateways ask for cosignatures: the submission prefix of tlog-witness is `/witness`. */
const witnessPath = '/witness';

interface AnchoringParts {
  readonly settings: LedgerSettings;
  readonly data: string; // folder
  readonly world: World;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Keeps heads elsewhere while the gateway runs: a round whenever the ledger grew, at most one in `every`. */
export function startAnchoring({ settings, data, world, log, metrics }: AnchoringParts): AsyncDisposable {
  if (settings.anchors.length + settings.witnesses.length === 0)
    return { [Symbol.asyncDispose]: async () => {} };
  let kept = -1;
  let timer: Disposable | undefined;
  let stopped = false;
  let running = Promise.resolve();
  const round = async (): Promise<void> => {
    try {
      const { size, places } = await anchorRound(data, settings, world, kept);
      for (const { where, ok, why } of places.filter((place) => !place.ok)) {
        metrics.count('faults_total', { code: 'ledger' });
        log('error', 'ledger.not-anchored', { where, ok, why });
      }
      if (places.every(({ ok }) => ok)) kept = size;
      metrics.gauge('ledger_unanchored', size - Math.max(0, kept));
    } catch (thrown) {
      metrics.count('faults_total', { code: 'ledger' });
      log('error', 'ledger.not-anchored', { why: messageOf(thrown) });
    }
  };
  const plan = (): void => {
    if (stopped) return;
    timer = world.after(settings.everyMs, () => {
      running = round().then(plan);
    });
  };
  running = round().then(plan);
  return {
    [Symbol.asyncDispose]: async () => {
      stopped = true;
      timer?.[Symbol.dispose]();
      await running;
    },
  };
}

/** The hook that cosigns heads of the ledgers in `ledger.cosigns`; none where there are none. */
export function witnessHooks(of: {
  readonly settings: LedgerSettings | undefined;
  readonly home: string;
  readonly name: string;
  readonly world: World;
  readonly log: Log;
}): Readonly<Record<string, NonNullable<Channel['hook']>>> {
  const { settings, home, name, world, log } = of;
  if (settings === undefined || settings.cosigns.length === 0) return {};
  const folder = join(home, 'witness');
  const witness = openWitness({
    files: realFiles,
    folder,
    name: `${name}/witness`,
    of: settings.cosigns,
    world,
  });
  log('info', 'witness.opened', { key: witness.key.text, ledgers: settings.cosigns.length });
  const text = new TextDecoder();
  return {
    [`${witnessPath}/add-checkpoint`]: ({ body }) => Promise.resolve(witness.add(text.decode(body))),
    [`${witnessPath}/add-key`]: ({ body }) => Promise.resolve(witness.follow(text.decode(body))),
  };
}
