import { open, readdir } from 'node:fs/promises';
import type { Folder } from '../ledger/index.ts';

/** A directory on disk, as the verifier sees it. Links are not followed. */
export function diskFolder(root: string): Folder {
  return {
    list: async () => {
      const files: string[] = [];
      const others: string[] = [];
      await walk(root, '', { files, others });
      return { files, others };
    },
    read: (path, most) => readUpTo(`${root}/${path}`, most + 1),
  };
}

async function walk(
  root: string,
  below: string,
  found: { files: string[]; others: string[] },
): Promise<void> {
  for (const entry of await readdir(`${root}/${below}`, { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) await walk(root, path, found);
    else if (entry.isFile()) found.files.push(path);
    else found.others.push(path);
  }
}

async function readUpTo(path: string, most: number): Promise<Uint8Array | undefined> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return undefined;
    throw thrown;
  }
  try {
    const { size } = await file.stat();
    const bytes = Buffer.allocUnsafe(Math.min(size, most));
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  } finally {
    await file.close();
  }
}
