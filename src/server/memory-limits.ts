import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { defaultLimits, type Limits } from '../core/limits.ts';

export interface Memory {
  /** What the heap may grow to. */
  readonly heapBytes: number;
  /** What the process may have: of its container, where it is in one. */
  readonly bytes: number;
}

/** Of this process. */
export function memoryHere(): Memory {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return {
    heapBytes: getHeapStatistics().heap_size_limit,
    bytes: constrained > 0 ? Math.min(constrained, total) : total,
  };
}

/** The limits as configured. What is not said of bytes held goes by the memory that there is, and no identity has more than a quarter. */
export function limitsIn(given: Partial<Limits>, { heapBytes, bytes }: Memory): Limits {
  const limits = { ...defaultLimits, ...given };
  const heldBytes =
    given.heldBytes ?? Math.floor(Math.min(defaultLimits.heldBytes, heapBytes / 2, bytes / 3));
  return {
    ...limits,
    heldBytes,
    heldBytesPerIdentity: given.heldBytesPerIdentity ?? Math.ceil(heldBytes / 4),
  };
}
