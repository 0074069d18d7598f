/** How a body can be looked into, by its media type. */
export type Content = 'json' | 'lines' | 'events' | 'form' | 'text' | 'multipart' | 'opaque';

/** Reads a Content-Type (RFC 9110, 8.3). A charset other than UTF-8 makes it opaque: its bytes would be read as something else. */
export function contentOf(header: string | undefined): Content {
  if (header === undefined) return 'opaque';
  // Whatever stands behind it: its own reader is strict, and readers that are not go by the first word.
  if (/^\s*multipart\b/i.test(header)) return 'multipart';
  const [type = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  // Whoever reads it may take any of them, however it is written.
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split(/=(.*)/s, 2).map((part) => part.trim());
    if (name === 'charset' && !plainCharsets.has(value.replaceAll('"', ''))) return 'opaque';
  }
  if (lines.has(type)) return 'lines';
  if (/^(?:application|text)\/(?:x-)?json$/.test(type) || type.endsWith('+json')) return 'json';
  if (type === 'text/event-stream') return 'events';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  if (type.startsWith('text/') || texts.has(type) || type.endsWith('+xml') || type.endsWith('+yaml'))
    return 'text';
  return 'opaque';
}

/** Whether it names something that can be read, in a way that cannot: a reader that forgives more would read it. */
export function saysReadable(header: string | undefined): boolean {
  return /^\s*text\b|(?:^|[\s,/+])(?:json|x-www-form-urlencoded|xml|yaml|graphql|javascript|csv)\b/i.test(
    header ?? '',
  );
}

const plainCharsets: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii']);
const lines: ReadonlySet<string> = new Set([
  'application/x-ndjson',
  'application/jsonl',
  'application/json-lines',
  'application/x-jsonlines',
  'application/stream+json',
  'application/json-seq',
]);
const texts: ReadonlySet<string> = new Set([
  'application/xml',
  'application/javascript',
  'application/yaml',
  'application/x-yaml',
  'application/vnd.yaml',
  'application/graphql',
  'application/toml',
  'application/csv',
  'application/x-csv',
]);

/**
 * What separates the cells of a table, which has the names of its columns in its first line: `tab` or, where the type does not say it,
 * `any`; undefined of what is no table.
 */
export function tableOf(header: string | undefined): 'tab' | 'any' | undefined {
  const type = header?.split(';', 1)[0]?.trim() ?? '';
  if (/^text\/tab-separated-values$/i.test(type)) return 'tab';
  return /^(?:text|application)\/(?:(?:x-)?csv|(?:x-)?comma-separated-values)$/i.test(type)
    ? 'any'
    : undefined;
}

/** Whether it is YAML, which has values by name. */
export function isYaml(header: string | undefined): boolean {
  return /^[^;]*[/+.-]ya?ml\s*(?:;|$)/i.test(header ?? '');
}

/** Whether it is a program of a page, which may have values by name in it. */
export function isScript(header: string | undefined): boolean {
  return /^[^;]*(?:javascript|ecmascript)/i.test(header ?? '');
}

/** Whether characters of a text may be written as references (`&#64;`). */
export function isMarkup(header: string | undefined): boolean {
  return /^[^;]*(?:html|xml)/i.test(header ?? '');
}

/** Whether a media type fits a pattern such as `image/*`. */
export function typeFits(pattern: string, header: string | undefined): boolean {
  const type = header?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return pattern.endsWith('/*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
}
