import { err, ok, type Result } from '../base/result.ts';

/** One part of a multipart body. The slices are views of the body. */
export interface Part {
  readonly fields: readonly (readonly [name: string, value: string])[]; // names in lower case
  readonly name?: string; // of a form's field
  readonly filename?: string;
  /** As declared, or `text/plain`, which is what it is without a word (RFC 2046, 5.1; RFC 7578, 4.4). */
  readonly contentType: string;
  readonly head: Uint8Array; // without the empty line behind it
  readonly content: Uint8Array;
}

export interface Multipart {
  readonly form: boolean;
  readonly boundary: string;
  readonly parts: readonly Part[];
}

const mostParts = 1_000;
const longestHead = 16_384;

/**
 * Reads a multipart body (RFC 2046, 5.1; RFC 7578) as every reader must: what some of them would cut, name or decode in
 * another way is an error. So a preamble, an epilogue, a boundary that stands anywhere but in a delimiter, lines that end
 * otherwise than with CRLF, folded or unknown header fields, encoded names, and a name for two things.
 */
export function readMultipart(contentType: string, body: Uint8Array): Result<Multipart, string> {
  const declared = parameters(contentType);
  if (declared === undefined) return err('The parameters of a multipart type cannot be read');
  const { value: type, of } = declared;
  const boundary = of.get('boundary');
  if (boundary === undefined || !/^[0-9A-Za-z'()+_,./:=?-]{1,70}$/.test(boundary))
    return err('A multipart body needs a boundary of 1 to 70 plain characters');
  for (const name of of.keys()) if (!known.has(name)) return err('A multipart type has an unknown parameter');
  if ((of.get('charset') ?? 'utf-8').toLowerCase() !== 'utf-8') return err('A multipart body is UTF-8');
  const form = type === 'multipart/form-data';
  const cut = cutParts(Buffer.from(body.buffer, body.byteOffset, body.length), boundary);
  if (!cut.ok) return cut;
  const parts: Part[] = [];
  for (const bytes of cut.value) {
    const part = readPart(bytes, form);
    if (!part.ok) return part;
    parts.push(part.value);
  }
  const twice = form ? ambiguous(parts) : undefined;
  return twice === undefined ? ok({ form, boundary, parts }) : err(twice);
}

/** `type`, `start` and `start-info` belong to multipart/related (RFC 2387). */
const known: ReadonlySet<string> = new Set(['boundary', 'charset', 'type', 'start', 'start-info']);

function cutParts(body: Buffer, boundary: string): Result<readonly Buffer[], string> {
  const mark = Buffer.from(`--${boundary}`, 'latin1');
  if (!body.subarray(0, mark.length).equals(mark)) return err('A multipart body begins with its boundary');
  const found: Buffer[] = [];
  let at = mark.length;
  for (;;) {
    if (body[at] === dash && body[at + 1] === dash) {
      const rest = body.length - at - 2;
      const ends = rest === 0 || (rest === 2 && body.indexOf(lineEnd, at + 2) === at + 2);
      if (!ends) return err('Something stands behind the end of a multipart body');
      return found.length === 0 ? err('A multipart body has no part') : ok(found);
    }
    if (body.indexOf(lineEnd, at) !== at) return err('A boundary is not followed by a line end');
    at += 2;
    const next = body.indexOf(mark, at);
    if (next < 0) return err('The end of a multipart body is missing');
    if (next - 2 < at || body.indexOf(lineEnd, next - 2) !== next - 2)
      return err('A boundary stands elsewhere than at the beginning of a line');
    if (found.length >= mostParts) return err(`More than ${mostParts} parts`);
    found.push(body.subarray(at, next - 2));
    at = next + mark.length;
  }
}

const dash = 0x2d;
const lineEnd: Buffer = Buffer.from('\r\n');
const headEnd: Buffer = Buffer.from('\r\n\r\n');

function readPart(bytes: Buffer, form: boolean): Result<Part, string> {
  // A part without a head begins with the empty line.
  const empty = bytes.indexOf(lineEnd) === 0;
  const end = empty ? 0 : bytes.indexOf(headEnd);
  if (end < 0) return err('A part has no empty line behind its head');
  if (end > longestHead) return err('The head of a part is too long');
  const head = bytes.subarray(0, end);
  const content = bytes.subarray(end + (empty ? 2 : 4));
  const fields = readHead(head);
  if (!fields.ok) return fields;
  const one = (wanted: string): string | undefined => fields.value.find(([name]) => name === wanted)?.[1];
  const coding = one('content-transfer-encoding');
  if (coding !== undefined && !/^(?:7bit|8bit|binary)$/i.test(coding))
    return err('A part is encoded: send it as it is');
  const length = one('content-length');
  if (length !== undefined && length !== String(content.length)) return err('The length of a part is wrong');
  const contentType = one('content-type') ?? 'text/plain';
  if (form && /^\s*multipart\b/i.test(contentType)) return err('A form stands in a form');
  const disposition = one('content-disposition');
  const about = disposition === undefined ? undefined : parameters(disposition);
  if (disposition !== undefined && about === undefined) return err('A Content-Disposition cannot be read');
  const name = about?.of.get('name');
  const filename = about?.of.get('filename');
  if (form) {
    const strange = [...(about?.of.keys() ?? [])].some((each) => each !== 'name' && each !== 'filename');
    if (about?.value !== 'form-data' || name === undefined || name === '' || strange)
      return err('A part of a form has a Content-Disposition with a name, and nothing else but a filename');
    // Browsers write quotes and line ends so; a reader that decodes more, or trims, would see another name.
    if (/%(?!22|0[AaDd])[0-9A-Fa-f]{2}/.test(name) || name.trim() !== name)
      return err('The name of a field could be read as another');
    const text = Buffer.from(content).toString('latin1').toLowerCase();
    if (name === '_charset_' && text !== 'utf-8') return err('A form is UTF-8');
  }
  return ok({
    fields: fields.value,
    contentType,
    head,
    content,
    ...(name === undefined ? {} : { name }),
    ...(filename === undefined ? {} : { filename }),
  });
}

/** What a part may say of itself; each once. */
const ofParts: ReadonlySet<string> = new Set([
  'content-disposition',
  'content-type',
  'content-transfer-encoding',
  'content-length',
  'content-id',
  'content-description',
  'content-language',
  'mime-version',
]);

function readHead(head: Buffer): Result<Part['fields'], string> {
  if (head.length === 0) return ok([]);
  const text = decode(head);
  if (text === undefined) return err('The head of a part is not UTF-8');
  const fields: (readonly [string, string])[] = [];
  const seen = new Set<string>();
  for (const line of text.split('\r\n')) {
    // oxlint-disable-next-line no-control-regex
    const read = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\u0000-\u0008\u000a-\u001f\u007f]*)$/.exec(line);
    if (read === null) return err('A line of the head of a part cannot be read, or is folded');
    const name = (read[1] ?? '').toLowerCase();
    if (!ofParts.has(name)) return err('A part has a header field that is not understood');
    if (seen.has(name)) return err('A part has one header field twice');
    seen.add(name);
    fields.push([name, (read[2] ?? '').trimEnd()]);
  }
  return ok(fields);
}

/** `value; name=token; name="quoted"`, names in lower case; undefined where it is not, or could be read in two ways. */
function parameters(
  text: string,
): { readonly value: string; readonly of: ReadonlyMap<string, string> } | undefined {
  const read = /^[ \t]*([!#$&^_.+/0-9A-Za-z-]+)[ \t]*/.exec(text);
  if (read === null) return undefined;
  const of = new Map<string, string>();
  // Backslashes are escapes to some, and part of a name to others; `name*` is another encoding (RFC 5987).
  const each = /;[ \t]*([a-z-]+)=(?:"([^"\\\r\n]*)"|([^\s;"\\,]+))[ \t]*/gy;
  each.lastIndex = read[0].length;
  const lower = text.slice(0, read[0].length) + loweredNames(text.slice(read[0].length));
  while (each.lastIndex < lower.length) {
    const found = each.exec(lower);
    if (found === null) return undefined;
    const [, name = '', quoted, token] = found;
    if (of.has(name)) return undefined;
    of.set(name, quoted ?? token ?? '');
  }
  return { value: (read[1] ?? '').toLowerCase(), of };
}

/** Names of parameters are case-insensitive, their values are not. */
function loweredNames(text: string): string {
  return text.replace(
    /(;[ \t]*)([A-Za-z-]+)(=(?:"[^"]*"|[^\s;"]+)?)/g,
    (_all, lead: string, name: string, rest: string) => lead + name.toLowerCase() + rest,
  );
}

/** Which of two values counts, and whether it is a file: readers differ. Several files of one name are one list (RFC 7578, 4.3). */
function ambiguous(parts: readonly Part[]): string | undefined {
  const seen = new Map<string, boolean>();
  for (const { name = '', filename } of parts) {
    const file = filename !== undefined;
    const before = seen.get(name);
    if (before !== undefined && !(before && file) && !(name.endsWith('[]') && before === file))
      return 'A form has one name for two things';
    seen.set(name, file);
  }
  return undefined;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The body again, with what became of its parts. The boundary must not stand in any of them: undefined where it does. */
export function writeMultipart(
  boundary: string,
  parts: readonly { readonly head: Uint8Array; readonly content: Uint8Array }[],
): Uint8Array | undefined {
  const mark = `--${boundary}`;
  const out: Uint8Array[] = [];
  for (const { head, content } of parts) {
    const piece = Buffer.concat([head, head.length === 0 ? lineEnd : headEnd, content]);
    if (piece.includes(mark)) return undefined;
    out.push(Buffer.from(`${mark}\r\n`), piece, lineEnd);
  }
  out.push(Buffer.from(`${mark}--\r\n`));
  return Buffer.concat(out);
}
