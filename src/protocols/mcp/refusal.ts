import type { Denial } from '../../core/decision.ts';
import { codes, errorOf, type Json, type Message } from './message.ts';

/** Under this key of `_meta` stands the denial object. */
export const metaKey = 'dev.sallyport/denial';

function sentenceOf({ why, rule, at, fix, decisionId, review }: Denial): string {
  const place = rule === undefined ? '' : ` (rule ${rule}${at === undefined ? '' : ` at ${at}`})`;
  const todo = fix.length === 0 ? '' : ` To do: ${fix.join('; ')}.`;
  const asked = review === undefined ? '' : ` Review ${review}.`;
  return `${why}${place}.${todo}${asked}${decisionId === '' ? '' : ` Decision ${decisionId}.`}`;
}

/**
 * The denial as an answer to this request. A tool's denial is its result, which the model reads, not an error of the
 * protocol, which it never sees. `structured`: the tool promises no shape of its own for structured content.
 */
export function refusalOf(
  request: Extract<Message, { kind: 'request' }>,
  why: Denial,
  how: { readonly modern: boolean; readonly structured: boolean },
): Message {
  const { attemptsLeft } = why;
  const left = attemptsLeft === undefined ? {} : { attemptsLeft };
  const pending = why.class === 'REVIEW_PENDING';
  const said = pending
    ? `Waiting for a person: ${sentenceOf(why)} Call it again, unchanged, when it is approved.`
    : `Denied by Sallyport: ${sentenceOf(why)}`;
  if (request.method !== 'tools/call') {
    return errorOf(request.id, codes.denied, said, { ...why });
  }
  const structured: Json = { status: pending ? 'pending_approval' : 'denied', denial: why, ...left };
  return {
    kind: 'answer',
    id: request.id,
    result: {
      ...(how.modern ? { resultType: 'complete' } : {}),
      content: [{ type: 'text', text: said }],
      ...(how.structured ? { structuredContent: structured } : {}),
      isError: !pending,
      _meta: { [metaKey]: { ...why } },
    },
  };
}
