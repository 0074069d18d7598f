import type { Recorder } from '../core/ports.ts';
import type { Records } from './api/records.ts';

// Stand-ins until recordings and the index of sessions are in stores/: nothing is recorded, nothing is listed.

export function openRecordings(): { readonly recorder: () => Recorder } {
  return { recorder: () => ({ frame: () => undefined, close: () => Promise.resolve(0) }) };
}

export function recordsOf(): Records {
  return {
    sessions: () => Promise.resolve([]),
    session: () => Promise.resolve(undefined),
    decision: () => Promise.resolve(undefined),
  };
}
