import { cosignedAt, type WitnessKey } from './cosign.ts';
import { same } from './merkle.ts';
import { type Checkpoint, type Head, parseCheckpoint, signedBy, type VerifierKey } from './note.ts';
import { readRotation } from './rotation.ts';

/** A head that was kept somewhere: the ledger must contain what it committed to. */
export interface KeptHead {
  readonly text: string; // a signed note
  readonly where: string; // as reports name it
  /**
   * False for one that lies beside the ledger, where whoever changed the ledger could change it too: it counts as an
   * anchor only with the cosignature of a known witness. It must hold all the same.
   */
  readonly elsewhere: boolean;
}

/** What became of a kept head. */
export interface AnchorReport {
  readonly where: string;
  readonly size: number | null;
  readonly holds: boolean;
  /** Whether it counts for `anchoredTo`. */
  readonly counts: boolean;
  /** Witnesses that cosigned it, and when (seconds since 1970). */
  readonly cosigned: readonly { readonly name: string; readonly at: number }[];
}

export type Tell = (what: string, where: string, index?: number) => void;

export interface ReadHead extends Checkpoint {
  readonly where: string;
}

/** Reads a signed head; its signature is checked when the keys are known. */
export function readHead(text: string, where: string, tell: Tell): ReadHead | undefined {
  const checkpoint = parseCheckpoint(text);
  if (!checkpoint.ok) {
    tell(checkpoint.error, where);
    return undefined;
  }
  if (checkpoint.value.head.size > BigInt(Number.MAX_SAFE_INTEGER)) {
    tell('The size is beyond all reason', where);
    return undefined;
  }
  return { ...checkpoint.value, where };
}

/** The keys of one ledger in turn. `from` is the smallest size of a head that the key signs. */
export class KeyChain {
  readonly #keys: { readonly from: number; readonly key: VerifierKey }[] = [];
  readonly #tell: Tell;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** An entry `key.rotated` at this index. */
  rotated(index: number, fields: Readonly<Record<string, unknown>>): void {
    const rotation = readRotation(fields);
    if (!rotation.ok) {
      this.#tell(rotation.error, 'key.rotated', index);
      return;
    }
    const { from, to } = rotation.value;
    const last = this.#keys.at(-1)?.key;
    if (last === undefined) this.#keys.push({ from: 0, key: from });
    else if (last.text !== from.text) {
      this.#tell('The change of the key does not begin with the key before it', 'key.rotated', index);
      return;
    }
    this.#keys.push({ from: index + 1, key: to });
  }

  /** All entries were seen: `own` is what stands in the folder, `pinned` what the reader trusts. */
  close(own: VerifierKey | undefined, pinned: VerifierKey | undefined): void {
    const last = this.#keys.at(-1)?.key;
    const base = pinned ?? own;
    if (last === undefined && base !== undefined) this.#keys.push({ from: 0, key: base });
    if (pinned !== undefined && own !== undefined && last === undefined && own.text !== pinned.text)
      this.#tell('It is another key than the pinned one', 'key.pub');
    if (last !== undefined && own !== undefined && own.text !== last.text)
      this.#tell('It is not the key that the entries of this ledger changed to', 'key.pub');
    if (last !== undefined && pinned !== undefined && !this.#keys.some(({ key }) => key.text === pinned.text))
      this.#tell('None of the keys of this ledger is the pinned one', 'key.pub');
  }

  get all(): readonly { readonly from: number; readonly key: VerifierKey }[] {
    return this.#keys;
  }

  /** Which of its keys signed this head, and was the ledger's at that size. Tells what is wrong otherwise. */
  signer({ note, head, where }: ReadHead): VerifierKey | undefined {
    const size = Number(head.size);
    const at = this.#keys.findLastIndex(({ from }) => from <= size);
    const valid = [this.#keys[at], this.#keys[at]?.from === size ? this.#keys[at - 1] : undefined].flatMap(
      (each) => (each === undefined ? [] : [each.key]),
    );
    const [expected] = valid;
    const signer = valid.find((key) => signedBy(note, key));
    if (signer === undefined)
      this.#tell(
        `The head is not signed by ${expected === undefined ? 'a known key' : `${expected.name}+${expected.keyId}`}`,
        where,
      );
    if (expected !== undefined && head.origin !== expected.name)
      this.#tell('The head is of another ledger than the key', where);
    return signer;
  }
}

/** Heads that were kept, compared with the roots that the entries give. */
export class Kept {
  readonly #heads: { readonly read: ReadHead; readonly elsewhere: boolean }[] = [];
  readonly #broken: AnchorReport[] = [];
  readonly #roots: Map<number, Uint8Array | undefined> = new Map();
  readonly #tell: Tell;

  constructor(heads: readonly KeptHead[], tell: Tell) {
    this.#tell = tell;
    for (const { text, where, elsewhere } of heads) {
      const read = readHead(text, where, tell);
      if (read === undefined) {
        this.#broken.push({ where, size: null, holds: false, counts: false, cosigned: [] });
        continue;
      }
      this.#heads.push({ read, elsewhere });
      this.#roots.set(Number(read.head.size), undefined);
    }
  }

  /** The tree has this size now. */
  at(size: number, root: () => Uint8Array): void {
    if (this.#roots.has(size)) this.#roots.set(size, root());
  }

  /** What became of each, once the keys are known; `size` is what the ledger's own head covers. */
  report(keys: KeyChain, witnesses: readonly WitnessKey[], size: number): readonly AnchorReport[] {
    const checked = this.#heads.map(({ read, elsewhere }): AnchorReport => {
      const { head, note, where } = read;
      const cosigned = witnesses.flatMap((witness) => {
        const at = cosignedAt(note, witness);
        return at === undefined ? [] : [{ name: witness.name, at }];
      });
      const signed = keys.signer(read) !== undefined;
      const contained = this.#contains(head, where, size);
      const holds = signed && contained;
      const counts = holds && (elsewhere || cosigned.length > 0);
      return { where, size: Number(head.size), holds, counts, cosigned };
    });
    return [...checked, ...this.#broken];
  }

  #contains(head: Head, where: string, size: number): boolean {
    const root = this.#roots.get(Number(head.size));
    if (root === undefined) {
      this.#tell(
        `The kept head covers ${head.size} entries, more than this copy holds: its tail was cut off, or it is an old copy`,
        where,
      );
      return false;
    }
    if (same(root, head.root)) {
      if (head.size <= BigInt(size)) return true;
      this.#tell(
        `The kept head covers ${head.size} entries, the ledger's own head only ${size}: an old head was put back, or the copy was taken before the head was kept`,
        where,
      );
      return false;
    }
    this.#tell(`The ledger does not contain the ${head.size} entries of the kept head: it was forked`, where);
    return false;
  }
}
