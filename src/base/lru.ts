/**
 * A map that keeps what was used last, in two generations: what is used moves to the young one, and when that weighs half
 * the capacity the old one is let go. So at least the half of the capacity that was used last is kept, never more than
 * the capacity, and to use what is young costs no more than to look it up. Each entry may weigh more than one.
 */
export class Lru<K, V> {
  #young: Map<K, V> = new Map();
  #old: Map<K, V> = new Map();
  #youngWeight = 0;
  #oldWeight = 0;
  readonly #weigh: (key: K, value: V) => number;
  readonly #capacity: number;

  constructor(capacity: number, weigh: (key: K, value: V) => number = () => 1) {
    this.#capacity = capacity;
    this.#weigh = weigh;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get weight(): number {
    return this.#youngWeight + this.#oldWeight;
  }

  get(key: K): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.delete(key);
    this.#add(key, old, this.#weigh(key, old));
    return old;
  }

  /** What alone weighs more than the capacity is not kept. */
  set(key: K, value: V): void {
    this.delete(key);
    const weight = this.#weigh(key, value);
    if (weight <= this.#capacity) this.#add(key, value, weight);
  }

  delete(key: K): void {
    const young = this.#young.get(key);
    if (young !== undefined) {
      this.#youngWeight -= this.#weigh(key, young);
      this.#young.delete(key);
      return;
    }
    const old = this.#old.get(key);
    if (old === undefined) return;
    this.#oldWeight -= this.#weigh(key, old);
    this.#old.delete(key);
  }

  /** All that is kept, in no order that means anything. */
  *values(): Iterable<V> {
    yield* this.#young.values();
    yield* this.#old.values();
  }

  clear(): void {
    this.#young = new Map();
    this.#youngWeight = 0;
    this.#letGo();
  }

  /** INVARIANT: both generations together never weigh more than the capacity. */
  #add(key: K, value: V, weight: number): void {
    if (this.#youngWeight + weight > this.#capacity / 2 && this.#young.size > 0) {
      this.#old = this.#young;
      this.#oldWeight = this.#youngWeight;
      this.#young = new Map();
      this.#youngWeight = 0;
    }
    if (this.#oldWeight + this.#youngWeight + weight > this.#capacity) this.#letGo();
    this.#young.set(key, value);
    this.#youngWeight += weight;
  }

  #letGo(): void {
    this.#old = new Map();
    this.#oldWeight = 0;
  }
}
