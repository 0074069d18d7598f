import { hash } from 'node:crypto';
import { WireError } from '../../base/errors.ts';
import type { Frame } from './frames.ts';

/** The text of a message, or undefined where it is not UTF-8; every other fault of the message ends the session. */
export function textOrRefusal<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (thrown) {
    if (thrown instanceof WireError && thrown.code === 'bad-encoding') return undefined;
    throw thrown;
  }
}

/** SHA-256 of what Bind says behind the two names: formats, values, result formats. */
export function digest({ bytes, end }: Frame, behindNames: number): string {
  return hash('sha256', bytes.subarray(behindNames, end), 'hex');
}
