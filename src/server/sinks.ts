import { Fault } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { World } from '../base/time.ts';
import { noDuties, type Decision } from '../core/decision.ts';
import type { Ledger, Log, Policy } from '../core/ports.ts';
import { maskKey } from '../mask/index.ts';
import { startSinks, type Pump } from '../sinks/index.ts';
import type { OpenLedger } from '../stores/ledger.ts';
import type { Config } from './config.ts';
import type { MetricsPage } from './metrics.ts';

/** What a sink that is too far behind does to the gateway's work, where the configuration asks for it. */
export interface SinkGuard {
  /** The policy, or one that denies everything while a sink with `whenFull: deny` is full. */
  readonly policy: (policy: Policy | undefined) => Policy | undefined;
  /** A ledger whose decisions count as written only when no sink with `whenFull: wait` is full. */
  readonly ledger: (ledger: Ledger) => Ledger;
}

/** Starts the sinks of the configuration over this ledger. */
export async function sinksOf(
  config: Config,
  parts: {
    readonly ledger: OpenLedger;
    readonly folder: string;
    readonly maskKey: Secret;
    readonly version: string;
    readonly world: World;
    readonly log: Log;
    readonly metrics: MetricsPage;
  },
): Promise<AsyncDisposable & { readonly guard: SinkGuard }> {
  const { ledger, metrics, world } = parts;
  const pumps = await startSinks(config.sinks, {
    ...parts,
    origin: ledger.key.name,
    source: ledger,
    maskKey: maskKey(Buffer.from(parts.maskKey.reveal('mask texts for sinks'))),
  });
  ledger.watch((_entry, index) => {
    for (const pump of pumps) pump.wake(index);
  });
  metrics.before(() => {
    for (const pump of pumps) pump.measure();
  });
  const stop = new AbortController();
  return {
    guard: guardOf(pumps, world, stop.signal),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(pumps.map((pump) => pump[Symbol.asyncDispose]()));
    },
  };
}

const lookMs = 100;

export function guardOf(
  pumps: readonly Pick<Pump, 'name' | 'whenFull' | 'isFull'>[],
  world: World,
  signal: AbortSignal,
): SinkGuard {
  const [denying, waiting] = (['deny', 'wait'] as const).map((way) =>
    pumps.filter(({ whenFull }) => whenFull === way),
  );
  const denials = new WeakMap<Policy, Policy>();
  let room: Promise<void> | undefined; // one look for all who wait

  const untilRoom = async (): Promise<void> => {
    while (waiting?.some((pump) => pump.isFull()) === true) {
      if (signal.aborted) throw new Fault('ledger', 'A sink is too far behind, and the gateway stops');
      await new Promise<void>((resolve) => void world.after(lookMs, resolve));
    }
  };

  return {
    policy: (policy) => {
      if (policy === undefined || denying?.some((pump) => pump.isFull()) !== true) return policy;
      const denial = denials.get(policy) ?? denyingAll(policy);
      denials.set(policy, denial);
      return denial;
    },
    ledger: (ledger) =>
      waiting?.length === 0
        ? ledger
        : {
            append: async (entry) => {
              await ledger.append(entry);
              if (entry.kind !== 'decision' || waiting?.some((pump) => pump.isFull()) !== true) return;
              room ??= untilRoom().finally(() => {
                room = undefined;
              });
              await room;
            },
          },
  };
}

/** The same policy, saying no: another object, so that nothing decided before is taken from a cache. */
function denyingAll(policy: Policy): Policy {
  const decision: Decision = {
    kind: 'deny',
    code: 'NOT_WRITTEN',
    because: [],
    why: 'What happens here could not be sent to where it must be: a sink is too far behind',
    fix: ['Try again later; the operators of the gateway see which sink it is in sallyport_sink_lag_entries'],
    duties: noDuties,
    policy: policy.id,
    wouldBe: [],
    cacheable: false,
  };
  return { ...policy, decide: () => decision };
}
