import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'node:test';
import { conformance } from './conformance.ts';
import { fileSink } from './file.ts';

describe('file', () =>
  conformance('file', () => {
    const top = mkdtempSync(join(tmpdir(), 'sallyport-batches-'));
    const folder = join(top, 'out');
    const text = (): string =>
      readdirSync(folder)
        .filter((file) => file.endsWith('.jsonl'))
        .toSorted()
        .map((file) => readFileSync(join(folder, file), 'utf8'))
        .join('');
    return Promise.resolve({
      open: () => fileSink({ kind: 'file', folder }),
      raw: text,
      received: () =>
        text()
          .trimEnd()
          .split('\n')
          .map((line) => (JSON.parse(line) as { n: number }).n),
      down: () => writeFileSync(folder, 'a file where a folder should be'),
      up: () => renameSync(folder, `${folder}.away`),
      [Symbol.asyncDispose]: () => {
        rmSync(top, { recursive: true });
        return Promise.resolve();
      },
    });
  }));
