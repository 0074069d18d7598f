// What worker.test.ts runs in its worker.

export function double(value: unknown): number {
  return Number(value) * 2;
}

export function whoAmI(): { readonly pid: number; readonly secret: string | undefined } {
  return { pid: process.pid, secret: process.env['WORKER_TEST_SECRET'] };
}

export function spin(): never {
  for (;;);
}

/** Tells that it answers, before it does. */
export function tell(cell: unknown): string {
  if (!(cell instanceof Int32Array)) return 'nobody can be told';
  Atomics.store(cell, 0, 1);
  Atomics.notify(cell, 0);
  return 'told';
}

export function fail(value: unknown): never {
  throw new RangeError(`secret ${String(value)}`);
}

export function exit(): void {
  process.exit(3);
}

export async function hog(): Promise<number> {
  const held: number[][] = [];
  for (;;) {
    held.push(Array.from({ length: 1_000_000 }, (_, index) => index + held.length));
    await null;
  }
}
