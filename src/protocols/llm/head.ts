import { createHash } from 'node:crypto';

/** A key of a client's own, so that no other client can mean it. */
export function ownKey(subject: string, key: string): string {
  return createHash('sha256')
    .update(JSON.stringify([subject, key]))
    .digest('hex');
}

/** What SDKs send that providers understand; nothing that could name another host, account or key. */
export const allowed: RegExp =
  /^(?:accept|user-agent|anthropic-(?:version|beta|dangerous-direct-browser-access)|openai-beta|x-stainless-.*|x-claude-code-session-id)$/;
/** What providers say besides the answer that a client can use. */
export const given: RegExp =
  /^(?:content-type|request-id|x-request-id|retry-after|x-should-retry|openai-processing-ms|openai-version|(?:x|anthropic)-ratelimit-.*|date)$/;
