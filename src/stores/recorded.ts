import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { isObject } from '../base/check.ts';
import type { Envelope } from '../ledger/index.ts';
import { manifestOf } from './archive.ts';

/** What a look at the recordings beside a ledger found. */
export interface RecordedReport {
  readonly chunks: number; // that the ledger knows
  /** Chunks that were moved to a store of recordings, as a file beside them says: not looked at here. */
  readonly archived: number;
  readonly checked: number; // whose files are what the ledger knows
  /** Sessions of which no chunk lies there: not copied. Said, not counted as a fault. */
  readonly absent: number;
  /** Sessions whose keys were destroyed; the first 100 of them, with what the ledger says of it. */
  readonly erasedCount: number;
  readonly erased: readonly ErasedSession[];
  readonly problems: readonly { readonly what: string; readonly where: string; readonly index: number }[]; // the first 100
  readonly problemCount: number;
}

export interface ErasedSession {
  readonly session: string;
  readonly at: string; // RFC 3339
  readonly by: string;
  readonly rule: string;
  readonly why: string;
  readonly index: number;
}

interface Known {
  readonly day: string;
  present: number;
  readonly missing: { readonly where: string; readonly index: number }[];
}

const listed = 100;

/** Compares the recordings of a data folder with the digests in its ledger, as the entries pass by. */
export class Recorded {
  readonly #folder: string;
  readonly #sessions: Map<string, Known> = new Map();
  readonly #problems: { what: string; where: string; index: number }[] = [];
  #chunks = 0;
  #checked = 0;
  #archived = 0;
  #problemCount = 0;
  #absent = 0;
  readonly #gone: Set<string> = new Set();
  readonly #erased: ErasedSession[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  readonly see = (envelope: Envelope): Promise<void> | undefined => {
    const { index, kind, at, fields } = envelope;
    if (kind === 'record.erased') this.#erase(envelope);
    const { session, chunk, digest, bytes } = fields;
    // SECURITY: a tampered ledger names the files that are looked at.
    if (typeof session !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(session)) return undefined;
    if (kind === 'session.opened') {
      const day = Number.isFinite(at) && Math.abs(at) < 8e15 ? new Date(at).toISOString().slice(0, 10) : '';
      this.#sessions.set(session, { day, present: 0, missing: [] });
    }
    if (kind !== 'recording.chunk') return undefined;
    this.#chunks += 1;
    const known = this.#sessions.get(session);
    if (known === undefined || !Number.isSafeInteger(chunk)) return undefined;
    const where = `recordings/${known.day}/${session}/${String(chunk)}.chunk`;
    return this.#check({ where, index, known, digest: String(digest), bytes: Number(bytes) });
  };

  report(): RecordedReport {
    for (const [session, known] of this.#sessions) if (!this.#gone.has(session)) this.#settle(known);
    this.#sessions.clear();
    return {
      chunks: this.#chunks,
      archived: this.#archived,
      checked: this.#checked,
      absent: this.#absent,
      erasedCount: this.#gone.size,
      erased: this.#erased,
      problems: this.#problems,
      problemCount: this.#problemCount,
    };
  }

  async #check(chunk: {
    readonly where: string;
    readonly index: number;
    readonly known: Known;
    readonly digest: string;
    readonly bytes: number;
  }): Promise<void> {
    const { where, index, known } = chunk;
    const path = `${this.#folder}/${where}`;
    const about = await stat(path).catch(() => undefined);
    if (about?.isFile() !== true) {
      const number = Number(/(\d+)\.chunk$/.exec(where)?.[1]);
      const moved = await manifestOf(path.slice(0, path.lastIndexOf('/')));
      if (moved?.some(({ from, to }) => from <= number && number <= to) === true) {
        this.#archived += 1;
        return;
      }
      known.missing.push({ where, index });
      return;
    }
    known.present += 1;
    if (about.size !== chunk.bytes) {
      const how = about.size < chunk.bytes ? 'truncated' : 'longer than it was written';
      this.#problem(
        `The chunk is ${how}: ${about.size} bytes, the ledger knows ${chunk.bytes}`,
        where,
        index,
      );
    } else if ((await digestOf(path)) === chunk.digest) this.#checked += 1;
    else this.#problem('The chunk is not the one that the ledger knows', where, index);
  }

  #erase({ index, at, fields }: Envelope): void {
    const { sessions, by, rule, why } = fields;
    if (!Array.isArray(sessions)) return;
    for (const session of sessions as readonly unknown[]) {
      this.#gone.add(String(session));
      if (this.#erased.length >= listed) continue;
      this.#erased.push({
        session: String(session),
        at: Math.abs(at) < 8e15 ? new Date(at).toISOString() : String(at),
        by: isObject(by) ? String(by['subject']) : '',
        rule: String(rule),
        why: String(why),
        index,
      });
    }
  }

  /** A part of a recording that is gone while others lie there was taken out; a whole one may have been let go. */
  #settle({ present, missing }: Known): void {
    if (missing.length === 0) return;
    if (present === 0) this.#absent += 1;
    else
      for (const { where, index } of missing)
        this.#problem('The chunk is missing, others of its session are not', where, index);
  }

  #problem(what: string, where: string, index: number): void {
    this.#problemCount += 1;
    if (this.#problems.length < listed) this.#problems.push({ what, where, index });
  }
}

async function digestOf(path: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const piece of createReadStream(path)) digest.update(piece as Buffer);
  return digest.digest('hex');
}
