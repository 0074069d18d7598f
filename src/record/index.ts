/**
 * Recordings without I/O: frames, and chunks of frames as they are stored. `stores/recordings.ts` puts them on disk.
 * What is recorded is what the client saw, after the masks. A chunk stands alone, is compressed and sealed with its
 * session's key, and its digest stands in the ledger.
 */
export * from './chunk.ts';
export * from './frames.ts';
export * from './asciicast.ts';
export * from './page.ts';
export * from './scene.ts';
export * from './terminal.ts';
