import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import type { House } from '../core/protocol.ts';
import { realFiles } from '../stores/files.ts';

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
        const fresh = `${file(name)}.new`;
        realFiles.makeFolder(folder);
        realFiles.create(fresh, Buffer.from(text));
        realFiles.rename(fresh, file(name));
        realFiles.syncFolder(folder); // after a power cut too it is the new one
      } catch (thrown) {
        throw new Fault('config', `Nothing can be kept in ${folder}`, { cause: thrown });
      }
    },
  };
}
