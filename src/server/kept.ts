import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import type { House } from '../core/protocol.ts';

/** Small texts of a room in files of this folder, each whole or not there at all. */
export function keptIn(folder: string): NonNullable<House['kept']> {
  const file = (name: string): string => join(folder, `${name.replaceAll(/[^A-Za-z0-9._-]/g, '_')}.json`);
  return {
    get: (name) => {
      try {
        return readFileSync(file(name), 'utf8');
      } catch (thrown) {
        if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
        throw new Fault('config', `What was kept in ${folder} cannot be read`, { cause: thrown });
      }
    },
    set: (name, text) => {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const fresh = `${file(name)}.new`;
        const out = openSync(fresh, 'w', 0o600);
        try {
          writeSync(out, text);
          fsyncSync(out);
        } finally {
          closeSync(out);
        }
        renameSync(fresh, file(name));
      } catch (thrown) {
        throw new Fault('config', `Nothing can be kept in ${folder}`, { cause: thrown });
      }
    },
  };
}
