import { isObject } from '../../base/check.ts';
import { rewriteJson } from '../../http/json.ts';
import { type Body, textOf } from './body.ts';

/**
 * Whether a JSON text says nothing but what was read of it, which `written` is written from. SECURITY: of a key that stands twice only
 * the last was looked at; in what is written as it is read none does.
 */
export function isUnchanged(text: string, written: string): boolean {
  return text === written || rewriteJson(text, () => undefined, { uniqueKeys: true }).ok;
}

/** Whether its answer is to be JSON: then it must stay so behind the masks. */
export function wantsJson(body: Body | undefined): boolean {
  const text = body?.['text'];
  const output = body?.['output_config'];
  const formats = [
    body?.['response_format'],
    body?.['output_format'],
    isObject(text) ? text['format'] : undefined,
    isObject(output) ? output['format'] : undefined,
  ];
  return formats.some((each) => isObject(each) && textOf(each['type']).startsWith('json'));
}

/** A JSON object; undefined for anything else. */
export function parsedOf(text: string): Body | undefined {
  try {
    const parsed = JSON.parse(text) as unknown;
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Characters of the pieces that an event brings. */
export function textLength(event: Body): number {
  let length = 0;
  const walk = (value: unknown, depth: number): void => {
    if (typeof value === 'string') length += value.length;
    else if (depth < 4 && typeof value === 'object' && value !== null)
      for (const each of Object.values(value)) walk(each, depth + 1);
  };
  walk(event['delta'], 0);
  if (Array.isArray(event['choices']))
    for (const choice of event['choices']) if (isObject(choice)) walk([choice['delta'], choice['text']], 0);
  return length;
}
