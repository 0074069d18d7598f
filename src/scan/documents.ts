import type { Action, Attribute } from '../core/action.ts';
import type { Finding, Piece } from './finding.ts';

/** What one document that is no SQL holds. */
export interface ReadDocument {
  /** The kind of resource that rules know it as. */
  readonly kind: 'kubernetes' | 'terraform' | 'pulumi' | 'scanner';
  readonly actions: readonly DocumentAction[];
  /** Findings that others made: joined as they are. */
  readonly findings: readonly Finding[];
  readonly unread: readonly { readonly piece: Piece; readonly why: string }[];
}

export interface DocumentAction {
  readonly piece: Piece;
  readonly action: Action;
  /** What the other scanner itself says of it; stands where the policy has no rule for such findings. */
  readonly own?: Finding;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The way to a value: keys of objects, indexes of lists. */
export type Keys = readonly (string | number)[];

/** What stands there in another document of the same shape; what `stops` on the way stands for all below it. */
export function under(document: unknown, keys: Keys, stops: (value: unknown) => boolean): unknown {
  let here = document;
  for (const key of keys) {
    if (stops(here)) return here;
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Readonly<Record<string, unknown>>)[key];
  }
  return here;
}

const mostValues = 2_000;
const longest = 500;

/**
 * The plain values of a document as `path=value`; lists by their index. `hidden` leaves out what stands under these keys,
 * with all below it: a secret stands in no action. Undefined when there are more than an action may have.
 */
export function valuesOf(
  document: unknown,
  hidden: (keys: Keys) => boolean = () => false,
): readonly string[] | undefined {
  const found: string[] = [];
  const keys: (string | number)[] = [];
  const below = (key: string | number, value: unknown, path: string): void => {
    keys.push(key);
    visit(value, path);
    keys.pop();
  };
  const visit = (value: unknown, path: string): void => {
    if (found.length > mostValues || hidden(keys)) return;
    if (Array.isArray(value)) {
      for (const [at, each] of (value as readonly unknown[]).entries()) below(at, each, `${path}[${at}]`);
    } else if (isRecord(value)) {
      for (const [key, each] of Object.entries(value)) below(key, each, path === '' ? key : `${path}.${key}`);
    } else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      const text = String(value);
      found.push(`${path}=${text.length > longest ? `${text.slice(0, longest)}…` : text}`);
    }
  };
  visit(document, '');
  return found.length > mostValues ? undefined : found;
}

/** The paths under which a document of marks says true, as `valuesOf` writes them. */
export function marked(marks: unknown): readonly string[] {
  return (valuesOf(marks) ?? []).flatMap((each) => (each.endsWith('=true') ? [each.slice(0, -5)] : []));
}

export interface Planned {
  readonly verb: string;
  readonly access: Action['access'];
  readonly kind: string; // of the target
  readonly name: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly note?: string;
}

export function plannedAction({ verb, access, kind, name, attributes, note }: Planned): Action {
  return {
    verb,
    access,
    targets: [{ kind, name, access }],
    columns: [],
    attributes,
    text: `${verb} ${name}`,
    notes: note === undefined ? [] : [note],
  };
}
