import { isObject } from '../../base/check.ts';

/** Events that only frame others, in the three APIs. */
const frames =
  /^(?:ping|message_start|message_stop|content_block_start|content_block_stop|response\.(?:created|in_progress|completed|.*\.(?:added|done)))$/;

/** What a person would read of an event of a streamed answer: its text; of a call, the event; of what frames them, nothing. */
export function spoken(event: unknown): string | undefined {
  if (!isObject(event)) return undefined;
  const text = textOf(event);
  if (text !== undefined) return text;
  const kind = typeof event['type'] === 'string' ? event['type'] : '';
  if (frames.test(kind) && !JSON.stringify(event).includes('tool_use')) return undefined;
  if (isEmptyChunk(event)) return undefined;
  return `\n${JSON.stringify(event)}\n`;
}

function textOf(event: Readonly<Record<string, unknown>>): string | undefined {
  const { delta, choices } = event;
  if (event['type'] === 'response.output_text.delta' && typeof delta === 'string') return delta; // Responses
  if (isObject(delta) && typeof delta['text'] === 'string') return delta['text']; // Messages
  if (!Array.isArray(choices) || choices.length !== 1) return undefined;
  const [choice] = choices as readonly unknown[];
  const own = isObject(choice) ? choice['delta'] : undefined;
  const content = isObject(own) && own['tool_calls'] === undefined ? own['content'] : undefined;
  return typeof content === 'string' ? content : undefined; // Chat Completions
}

function isEmptyChunk({ choices, usage }: Readonly<Record<string, unknown>>): boolean {
  if (!Array.isArray(choices)) return false;
  const says = (choices as readonly unknown[]).some(
    (choice) => isObject(choice) && isObject(choice['delta']) && Object.keys(choice['delta']).length > 0,
  );
  return !says && (choices.length > 0 || isObject(usage));
}
