import { Fault } from '../base/errors.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';
import { placeOf } from './listen.ts';

export interface ProcessParts {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Ends everything, in order. */
  readonly stop: (why: string) => Promise<void>;
  /** Ends at once what must not outlive this process. */
  readonly abandon: () => void;
  /** Resolves, with what happened, when a part of the program has ended that it cannot do without. */
  readonly lost?: Promise<string>;
}

const twinMs = 1_000;

/**
 * Waits for a signal or a failure that nobody caught, then stops everything; gives the exit code. Ctrl-C under npm arrives
 * twice, so a second signal within a second means nothing; a later one means: do not wait.
 */
export function untilStopped({ log, metrics, stop, abandon, lost }: ProcessParts): Promise<number> {
  return new Promise((resolve) => {
    let since: number | undefined;
    const begin = (why: string, code: number): void => {
      if (since !== undefined) return;
      since = performance.now();
      stop(why).then(
        () => resolve(code),
        (thrown: unknown) => {
          log('error', 'stop.failed', { message: describe(thrown) });
          abandon();
          resolve(2);
        },
      );
    };
    const onSignal = (signal: NodeJS.Signals): void => {
      if (since === undefined) begin(signal, 0);
      else if (performance.now() - since > twinMs) {
        log('warn', 'stop.forced', { signal });
        abandon();
        process.exit(1);
      }
    };
    void lost?.then((what) => {
      if (since === undefined) log('error', 'process.lost', { what });
      begin(what, 2);
    });
    // Whoever read what is said here may be gone: nobody can be told of that, and telling would fail again.
    for (const out of [process.stdout, process.stderr]) out.on('error', () => undefined);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
    process.on('uncaughtException', (thrown) => {
      metrics.count('faults_total', { code: 'bug' });
      log('error', 'process.uncaught', { message: describe(thrown) });
      begin('uncaught error', 2); // what state it left is not known: nothing more may pass
    });
    process.on('unhandledRejection', (thrown) => {
      metrics.count('faults_total', { code: thrown instanceof Fault ? thrown.code : 'bug' });
      log('error', 'process.unhandled', { message: describe(thrown) });
    });
  });
}

function describe(thrown: unknown): string {
  return thrown instanceof Fault ? thrown.message : placeOf(thrown);
}
