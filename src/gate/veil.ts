import { undoEncoding } from '../http/encoded.ts';
import { rewriteJson, type Leaf } from '../http/json.ts';
import { scan } from '../mask/index.ts';

/** Whether what lies at this path of the message has a tag. */
type Tagged = (path: string) => boolean;

/** `METHOD target`, and a body behind an empty line. */
const request = /^([A-Z]{3,20}) ([^\s?]*)(\?\S*)?(?:\n\n([^]*))?$/;
/** `tool({…})` */
const call = /^([A-Za-z0-9_./:-]{1,200})\((\{[^]*\})\)$/;

/**
 * A message that has no columns (a request, a prompt, a call) as those may see it who could not see all of it: what has a
 * tag and what detectors find stands as `***`, so do all values of a query. Undefined where that cannot be told apart.
 */
export function veiledMessage(text: string, tagged: Tagged): string | undefined {
  if (/^\s*[[{]/.test(text)) return veiledJson(text, tagged);
  const called = call.exec(text);
  if (called !== null) {
    const given = veiledJson(called[2] ?? '', tagged);
    return given === undefined || hides(called[1] ?? '') ? undefined : `${called[1] ?? ''}(${given})`;
  }
  const asked = request.exec(text);
  if (asked === null) return undefined;
  const [, method = '', path = '', query = '', body = ''] = asked;
  const shown = body === '' ? '' : veiledJson(body, tagged);
  if (shown === undefined) return undefined;
  const steps = path.split('/').map((step) => (plainStep.test(step) && !hides(step) ? step : hidden));
  return `${method} ${steps.join('/')}${query === '' ? '' : `?${hidden}`}${shown === '' ? '' : `\n\n${shown}`}`;
}

/** The types of what detectors find in any of these texts, sorted. */
export function foundIn(texts: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const text of texts) for (const { type } of scan(text)) found.add(type);
  return [...found].sort();
}

const hidden = '***';
const plainStep = /^[A-Za-z0-9_.~-]{0,64}$/;
/** Longer runs without a blank can be anything in another coding. */
const coded = /[A-Za-z0-9+/_=-]{24,}/;

function veiledJson(text: string, tagged: Tagged): string | undefined {
  const made = rewriteJson(text, (leaf) => show(leaf, tagged), { uniqueKeys: true });
  return made.ok ? made.value : undefined;
}

function show({ kind, path, key, value }: Leaf, tagged: Tagged): string | null | undefined {
  if (kind === 'key') return hides(value) ? hidden : undefined;
  if (kind === 'null') return undefined;
  const secret =
    heads(path).some(tagged) || (kind !== 'boolean' && (hides(value) || hides(`${key}: ${value}`)));
  if (!secret) return undefined;
  return kind === 'string' ? hidden : null;
}

function hides(value: string): boolean {
  return (
    /^\s*[[{]/.test(value) || coded.test(value) || undoEncoding(value) !== undefined || scan(value).length > 0
  );
}

/** `a`, `a.b`, `a.b[]` of the last: a tag on an object or array is one on everything in it. */
function heads(path: string): readonly string[] {
  const found = [...path.matchAll(/\.|\[\]/g)].map(({ index }) => path.slice(0, index));
  return [...new Set([...found.filter((head) => head !== ''), path])];
}
