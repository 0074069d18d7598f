import { createHash } from 'node:crypto';
import { contentOf, typeFits } from '../../http/content.ts';
import { type Part, readMultipart } from '../../http/multipart.ts';
import { formNames, lookingLikeJson, namesOf, pathsOf, sniffed, worded } from './said.ts';

export type MeantParts =
  | {
      readonly kind: 'read';
      readonly fields: readonly string[];
      readonly files: readonly string[];
      readonly types: readonly string[];
      /** As a person would read it; parts that cannot be read by their length and digest. */
      readonly text: string;
      /** Each of them could be looked into. */
      readonly whole: boolean;
    }
  | { readonly kind: 'refused'; readonly why: string };

/** What the parts of a multipart body say, each by its own media type. */
export function meaningOfParts(
  contentType: string,
  body: Uint8Array,
  uninspected: readonly string[],
): MeantParts {
  const read = readMultipart(contentType, body);
  if (!read.ok) return { kind: 'refused', why: read.error };
  const fields = new Set<string>();
  const files = new Set<string>();
  const types = new Set<string>();
  const texts: string[] = [];
  let whole = true;
  for (const part of read.value.parts) {
    const { name, filename, contentType: type, head } = part;
    const said = meaningOfPart(part, uninspected);
    if (said.kind === 'refused') return said;
    const own = name === undefined ? undefined : worded(name);
    for (const each of namesOf(name ?? ''))
      if (own !== undefined) (filename === undefined ? fields : files).add(each);
    whole &&= said.whole;
    for (const path of said.paths) fields.add(own === undefined ? path : `${own}.${path}`);
    types.add(plainType(type));
    texts.push(`${Buffer.from(head).toString('utf8')}\n\n${said.text}`);
  }
  return {
    kind: 'read',
    fields: [...fields],
    files: [...files],
    types: [...types],
    text: texts.join('\n\n'),
    whole,
  };
}

function meaningOfPart(
  { content, contentType: type }: Part,
  uninspected: readonly string[],
):
  | {
      readonly kind: 'read';
      readonly paths: readonly string[];
      readonly text: string;
      readonly whole: boolean;
    }
  | { readonly kind: 'refused'; readonly why: string } {
  const kind = contentOf(type);
  const text = kind === 'opaque' || kind === 'multipart' ? undefined : textOf(content);
  if (text === undefined) {
    if (uninspected.some((pattern) => typeFits(pattern, type))) {
      const digest = createHash('sha256').update(content).digest('hex');
      return { kind: 'read', paths: [], text: `(${content.length} bytes, SHA-256 ${digest})`, whole: false };
    }
    return {
      kind: 'refused',
      why: 'A part cannot be looked into, and its type is not among those that may pass so (`uninspected`)',
    };
  }
  if (text === '') return { kind: 'read', paths: [], text, whole: true };
  const lines = kind === 'lines' ? text.split('\n').filter((line) => line.trim() !== '') : [text];
  const paths =
    kind === 'form' ? formNames(text) : kind === 'json' || kind === 'lines' ? pathsOf(lines) : sniffed(text);
  if (paths === undefined)
    return { kind: 'refused', why: kind === 'text' ? lookingLikeJson : 'A part is not what it says' };
  return { kind: 'read', paths, text, whole: true };
}

/** Undefined where it is no text, whatever it says. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function plainType(type: string): string {
  const plain = type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return /^[a-z0-9.+-]{1,60}\/[a-z0-9.+-]{1,60}$/.test(plain) ? plain : '{}';
}
