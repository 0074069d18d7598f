import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than any machine takes for what is promised: where it is over, the promise is broken. */
const patientMs = 100_000;

/** Waits until it is so. Fails, saying `what`, where it never is. */
export async function until(
  is: () => boolean | Promise<boolean>,
  what: string | (() => string),
): Promise<void> {
  for (let waited = 0; !(await is()); waited += 20) {
    if (waited > patientMs) assert.fail(typeof what === 'string' ? what : what());
    await sleep(20);
  }
}

/** Waits until what is read has stayed the same for so long, and gives it. */
export async function steady<T>(read: () => T | Promise<T>, forMs: number = 1_000): Promise<T> {
  let last = await read();
  for (let waited = 0, same = 0; same < forMs; waited += 100) {
    assert.ok(waited < patientMs, 'It never comes to rest');
    await sleep(100);
    const now = await read();
    same = now === last ? same + 100 : 0;
    last = now;
  }
  return last;
}

/** Waits until nothing more is written, and a signed head of the ledger covers all entries. */
export async function covered(gateway: { readonly api: string; readonly home: string }): Promise<void> {
  const written = await steady(async () => {
    const metrics = await (await fetch(`${gateway.api}/metrics`)).text();
    return Number(/^sallyport_ledger_size (\d+)$/m.exec(metrics)?.[1]);
  });
  const head = join(gateway.home, 'data', 'ledger', 'checkpoint');
  const headed = (): number => (existsSync(head) ? Number(readFileSync(head, 'utf8').split('\n')[1]) : 0);
  await until(
    () => headed() >= written,
    () => `${headed()} of ${written} entries are under a head`,
  );
}
