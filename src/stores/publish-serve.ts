import type { MessagePort } from 'node:worker_threads';
import type { Files } from './files.ts';
import { Publisher, type Published, type PublishParts } from './publish.ts';

export interface PublishCall {
  readonly kind: 'cycle' | 'finish';
  readonly committed: number;
  readonly now: number;
}

export type PublishAnswer =
  | ({ readonly kind: 'published' } & Published)
  | { readonly kind: 'failed'; readonly why: string };

/** Answers each call once, in order. An error leaves the publisher unusable: its state may be half a cycle ahead. */
export function servePublisher(files: Files, parts: PublishParts, port: MessagePort | null): void {
  const publisher = new Publisher(files, parts);
  port?.on('message', ({ kind, committed, now }: PublishCall) => {
    let answer: PublishAnswer;
    try {
      answer = { kind: 'published', ...publisher[kind](committed, now) };
    } catch (thrown) {
      answer = { kind: 'failed', why: thrown instanceof Error ? thrown.message : String(thrown) };
    }
    port.postMessage(answer);
    if (kind === 'finish' || answer.kind === 'failed') port.close();
  });
}
