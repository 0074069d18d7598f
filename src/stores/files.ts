import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** What the ledger's threads do with files: few and whole operations, so that a test can let each of them fail. */
export interface Files {
  readonly list: (folder: string) => readonly string[];
  readonly exists: (path: string) => boolean;
  readonly read: (path: string) => Buffer;
  readonly readAt: (fd: number, buffer: Buffer, offset: number) => number;
  /** For reading. */
  readonly open: (path: string) => number;
  /** For writing in place; on return of `write` to it the bytes are on disk. */
  readonly openDurable: (path: string) => number;
  readonly write: (fd: number, bytes: Buffer, offset: number) => void;
  readonly close: (fd: number) => void;
  /** A new file with these bytes, on disk on return (its name is not: see `syncFolder`). */
  readonly create: (path: string, bytes: Uint8Array, mode?: number) => void;
  readonly rename: (from: string, to: string) => void;
  readonly remove: (path: string) => void;
  readonly makeFolder: (path: string) => void;
  /** Removes a folder if nothing is in it. */
  readonly removeEmptyFolder: (path: string) => void;
  readonly syncFolder: (path: string) => void;
}

// A write through O_DSYNC is one call where write and fdatasync are two, and on Linux as durable. Elsewhere O_DSYNC can
// stop at the drive's cache, and fdatasync is what reaches the platter.
const dsync = process.platform === 'linux' ? constants.O_DSYNC : 0;

export const realFiles: Files = {
  list: (folder) => (existsSync(folder) ? readdirSync(folder) : []),
  exists: existsSync,
  read: (path) => readFileSync(path),
  readAt: (fd, buffer, offset) => readSync(fd, buffer, 0, buffer.length, offset),
  open: (path) => openSync(path, 'r'),
  openDurable: (path) => openSync(path, constants.O_RDWR | constants.O_CREAT | dsync, 0o600),
  write: (fd, bytes, offset) => {
    let at = 0;
    while (at < bytes.length) at += writeSync(fd, bytes, at, bytes.length - at, offset + at);
    if (dsync === 0) fdatasyncSync(fd);
  },
  close: closeSync,
  create: (path, bytes, mode = 0o600) => {
    const fd = openSync(path, 'w', mode);
    try {
      let at = 0;
      while (at < bytes.length) at += writeSync(fd, bytes, at, bytes.length - at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  },
  rename: renameSync,
  remove: (path) => rmSync(path, { force: true }),
  makeFolder: (path) => {
    if (existsSync(path)) return;
    mkdirSync(path, { recursive: true, mode: 0o700 });
    syncFolder(dirname(path));
  },
  removeEmptyFolder: (path) => {
    if (readdirSync(path).length === 0) rmdirSync(path);
  },
  syncFolder,
};

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
