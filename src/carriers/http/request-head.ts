import { Fault } from '../../base/errors.ts';
import type { HttpClientParts, HttpRequest } from './client.ts';

/**
 * The head of the request. SECURITY: a line end in any part of it would be another field, or another request: what could be one
 * is refused, whoever made it.
 */
export function headOf(parts: HttpClientParts, { method, path, fields, body }: HttpRequest): string {
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${parts.authority ?? parts.address}\r\n`;
  let own = true;
  for (const [name, value] of fields) {
    own &&= !ofTheClient.has(name);
    head += `${name}: ${value}\r\n`;
  }
  if (body instanceof Uint8Array) head += `content-length: ${body.length}\r\n`;
  else if (body !== undefined) head += 'transfer-encoding: chunked\r\n';
  const lines = 2 + fields.length + (body === undefined ? 0 : 1);
  if (!own || !wellFormed.test(head) || lineEnds(head) !== lines || !path.startsWith('/'))
    throw new Fault('bug', 'A request that is none');
  return `${head}connection: keep-alive\r\n\r\n`;
}

/** What says where a request ends, and whose it is: said once, here. */
const ofTheClient: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
]);

/** As many as were meant: one more is a field, or a request, that stood inside of a value or a path. */
function lineEnds(head: string): number {
  let count = 0;
  for (let at = head.indexOf('\r\n'); at >= 0; at = head.indexOf('\r\n', at + 2)) count++;
  return count;
}

/** One line of a request, and fields, each with a name, without a control character (RFC 9112, 3 and 5). */
const wellFormed =
  /^[A-Z]{1,20} [\x21-\x7e]+ HTTP\/1\.1\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [\t\x20-\x7e\x80-\xff]*\r\n)*$/;
