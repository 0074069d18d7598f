import { array, boolean, object, optional, string, type Check } from '../../base/check.ts';
import type { Place } from '../../core/decision.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { readDuties, type RuleDuties } from '../duties.ts';
import { problemLine, Problems } from '../problem.ts';
import type { Located } from '../yaml.ts';

/** What a result of OPA says. */
export interface OpaAnswer {
  readonly allow?: boolean;
  readonly deny: readonly string[];
  readonly reasons: readonly string[];
  readonly duties?: RuleDuties;
}

// A policy may say much, but not without end: reasons reach clients and the ledger.
const mostReasons = 32;
const longest = 1_024;
const mostChars = 1_048_576;

const reasons = array(string({ max: longest }));

const shape: Check<{
  readonly allow?: boolean;
  readonly deny?: readonly string[];
  readonly reasons?: readonly string[];
  readonly require?: unknown;
}> = object({
  allow: optional(boolean),
  deny: optional(reasons),
  reasons: optional(reasons),
  require: optional((raw: unknown) => ok(raw)),
});

/** `true`, `false`, or `{ allow?, deny?, reasons?, require? }`; anything else is no answer. */
export function readAnswer(
  value: unknown,
  at: Place,
  entities: readonly string[] | undefined,
): Result<OpaAnswer, string> {
  if (typeof value === 'boolean') return ok({ allow: value, deny: [], reasons: [] });
  if (value === undefined) return err('It has no result: the rule is undefined for this input');
  const read = shape(value, 'result');
  if (!read.ok) {
    // SECURITY: only paths, since values of the result may be values of the request.
    return err(
      `The result has another shape: ${read.error
        .map(({ path }) => path)
        .slice(0, 4)
        .join(', ')}`,
    );
  }
  const { allow, deny = [], reasons: said = [], require: wanted } = read.value;
  if (allow === undefined && read.value.deny === undefined && wanted === undefined)
    return err('The result says neither allow, deny nor require');
  if (deny.length > mostReasons || said.length > mostReasons) return err('The result gives too many reasons');
  const answer = { deny, reasons: said, ...(allow === undefined ? {} : { allow }) };
  if (wanted === undefined) return ok(answer);
  const node = locate(wanted, at, 0);
  if (node === undefined) return err('`require` of the result is no mapping of duties');
  const problems = new Problems();
  if (node.kind === 'map' && node.entries.length === 0) return ok(answer);
  const duties = readDuties(node, entities, problems);
  if (duties?.window !== undefined || duties?.onlyColumns !== undefined || duties?.predicates !== undefined)
    return err('`require` of the result may not hold window, columns or predicates: write a rule for them');
  if (duties === undefined)
    return err(
      `\`require\` of the result is wrong: ${problems.list
        .map((each) => problemLine(each))
        .slice(0, 2)
        .join('; ')}`,
    );
  return ok({ ...answer, duties });
}

/** A result as text, if it is short enough to be one. */
export function parseResult(text: string): Result<unknown, string> {
  if (text.length > mostChars) return err(`The result has more than ${mostChars} characters`);
  try {
    return ok(JSON.parse(text));
  } catch {
    return err('The result is no JSON');
  }
}

/** JSON as YAML that stands at one place, so that one reader reads the duties of both. */
function locate(value: unknown, at: Place, depth: number): Located | undefined {
  if (depth > 16) return undefined;
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return { kind: 'scalar', value, at };
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => locate(item, at, depth + 1));
    const found = items.filter((item) => item !== undefined);
    return found.length === items.length ? { kind: 'list', items: found, at } : undefined;
  }
  if (typeof value !== 'object') return undefined;
  const entries = [];
  for (const [key, each] of Object.entries(value)) {
    const read = locate(each, at, depth + 1);
    if (read === undefined) return undefined;
    entries.push({ key, keyAt: at, value: read });
  }
  return { kind: 'map', entries, at };
}
