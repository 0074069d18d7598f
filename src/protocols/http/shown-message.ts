import type { DocumentMask } from '../../carriers/http/masks.ts';
import { jsonIn } from '../../http/json-in.ts';

/**
 * A message of a resource on a WebSocket: as JSON where it is, with JSON in it by its paths, else as text. Undefined where values are
 * known by their paths (`isTagged`) and JSON cannot be read.
 */
export function shownMessage(
  bytes: Uint8Array,
  mask: DocumentMask,
  isTagged: boolean,
): Uint8Array | undefined {
  if (!mask.needed) return bytes;
  const text = Buffer.from(bytes).toString('utf8');
  const json = shownJson(text, mask);
  if (json === undefined && isTagged && broken.test(text)) return undefined;
  const shown = json ?? shownIn(text, mask, isTagged);
  if (shown === undefined) return undefined;
  return shown === text ? bytes : Buffer.from(shown);
}

/** The number of an event (Socket.IO: `42/chat,7[…]`). */
const lead = /^\d{1,6}(?:-)?(?:\/[^,{[]{0,200},)?\d{0,10}(?=[[{])/;
/** It begins as an object, or a list of texts or objects, of JSON does. */
const broken = new RegExp(`^(?:${lead.source.slice(1)}|\\s*)(?:\\{\\s*["}]|\\[[\\s[]*["{])`);

/**
 * JSON by itself, behind the number of an event, or one value after another, each with an end of its own (SignalR: U+001E, others
 * a line end); undefined where it is none of these.
 */
function shownJson(text: string, mask: DocumentMask): string | undefined {
  const number = lead.exec(text)?.[0] ?? '';
  const rest = text.slice(number.length);
  if (!/^\s*[[{"]/.test(rest)) return undefined;
  const whole = mask.json(rest);
  if (whole.ok) return mask.text(number) + whole.value;
  let shown = mask.text(number);
  // oxlint-disable-next-line no-control-regex
  for (const piece of rest.split(/([\n\u001e])/)) {
    const one = piece.trim() === '' || piece === '\u001e' ? undefined : mask.json(piece);
    if (one?.ok === false) return undefined;
    shown += one?.value ?? piece;
  }
  return shown;
}

/** A text with JSON somewhere in it (a frame of STOMP, `a["…"]` of SockJS): that by its paths, and what stands around it as text. */
function shownIn(text: string, mask: DocumentMask, isTagged: boolean): string | undefined {
  let out = '';
  let at = 0;
  for (const { start, end, known } of jsonIn(text)) {
    if (!known && !isTagged) break; // without tags it is a text like every other
    const shown = known ? mask.json(text.slice(start, end)) : undefined;
    if (shown?.ok !== true) return undefined;
    out += mask.text(text.slice(at, start)) + shown.value;
    at = end;
  }
  return out + mask.text(text.slice(at));
}
