import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../e2e/harness/place.ts';
import { percentile } from './report.ts';

/** Microseconds that one small write and its fdatasync take on the disk where the gateways' ledgers lie. */
export function diskSync(writes = 200): { readonly p50: number; readonly p99: number } {
  using folder = temporaryFolder('disk');
  const fd = openSync(join(folder.path, 'file'), 'w');
  const size = 8_388_608;
  writeSync(fd, Buffer.alloc(size), 0, size, 0); // as the write-ahead log: no write changes the file's size
  fdatasyncSync(fd);
  const bytes = Buffer.alloc(750, 1);
  const times: number[] = [];
  for (let at = 0; at < writes; at++) {
    const started = performance.now();
    writeSync(fd, bytes, 0, bytes.length, at * bytes.length);
    fdatasyncSync(fd);
    times.push((performance.now() - started) * 1_000);
  }
  closeSync(fd);
  times.sort((a, b) => a - b);
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}
