import type { Action } from '../../core/action.ts';
import { modelUseOf } from '../../core/duties.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import type { NoticeAbout } from './notices.ts';
import { hidesAny, strongest } from './plan.ts';
import type { About } from './run.ts';

/** What may be shown of messages that belong to no statement we know: nothing that could be a value. */
export const strict: NoticeAbout = {
  tagged: true,
  unknown: true,
  names: new Set(),
  objects: new Set(),
  finds: [{ entity: '*', operator: { kind: 'redact' } }],
};

/** What errors, notices and notifications during this statement may show. */
function aboutOf({ permit, outputs, catalogue }: About): NoticeAbout {
  const { action, duties } = permit;
  const masks = duties.masks.length > 0;
  // SECURITY: what a constraint refuses is told with its whole row, whatever the statement names.
  const changed = action.targets
    .filter(({ access }) => access !== 'read')
    .map(({ name }) => ({ object: name, column: '*' }));
  const readable = action.access === 'read' || action.access === 'write';
  return {
    // SECURITY: a model reads rows, not what is said of them: where one must, no value is said.
    tagged:
      modelUseOf(duties.finds) === 'required' ||
      (masks && strongest(permit, [...action.columns, ...changed], catalogue) !== undefined),
    unknown:
      masks &&
      (!readable || action.opaque === true || outputs.kind === 'unknown') &&
      hidesAny(permit, catalogue),
    ...namesOf(
      action.text,
      [...action.targets.map(({ name }) => name), ...action.columns.map(({ column }) => column)],
      catalogue,
    ),
    finds: duties.finds,
  };
}

/** What all statements of the open transaction together may show. */
export class TransactionAbout {
  #runs: Map<Action, About> = new Map();
  #older: NoticeAbout | undefined;

  add(about: About): void {
    const { action } = about.permit;
    if (this.#runs.has(action)) return;
    if (this.#runs.size === remembered) {
      for (const each of this.#runs.values()) this.#older = both(aboutOf(each), this.#older);
      // Only how strict it was is kept of it, or a long transaction would grow.
      if (this.#older !== undefined) this.#older = { ...this.#older, names: none, objects: none };
      this.#runs.clear();
    }
    this.#runs.set(action, about);
  }

  /** The transaction is over. */
  clear(): void {
    if (this.#runs.size > 0) this.#runs.clear();
    this.#older = undefined;
  }

  /** What messages during or after this statement may show. */
  with(last: About): NoticeAbout {
    let about = both(aboutOf(last), this.#older);
    for (const each of this.#runs.values()) if (each !== last) about = both(about, aboutOf(each));
    return about;
  }
}

const remembered = 64;
const none: ReadonlySet<string> = new Set();

/** As strict as either; the words are those of the first. */
function both(first: NoticeAbout, second: NoticeAbout | undefined): NoticeAbout {
  if (second === undefined) return first;
  return {
    tagged: first.tagged || second.tagged,
    unknown: first.unknown || second.unknown,
    names: first.names,
    objects: { has: (name) => first.objects.has(name) || second.objects.has(name) },
    finds: [
      ...new Map([...first.finds, ...second.finds].map((find) => [JSON.stringify(find), find])).values(),
    ],
  };
}

/** True where everything may be shown as it is. */
export function showsAll({ tagged, unknown, finds }: NoticeAbout): boolean {
  return !tagged && !unknown && finds.length === 0;
}

/**
 * Names of the statement: what it uses, the words it has written itself, and what the catalogue calls things. Values with
 * anything but letters, digits and `_` are never among the written ones.
 */
function namesOf(
  text: string,
  used: readonly string[],
  catalogue: Catalogue,
): Pick<NoticeAbout, 'names' | 'objects'> {
  const objects = new Set<string>();
  for (const name of used) {
    objects.add(name);
    for (const part of name.split('.')) objects.add(part);
  }
  const words = new Set([...text.matchAll(/[A-Za-z_][A-Za-z0-9_]*/g)].map(([word]) => word));
  const known = catalogueNames(catalogue);
  const isObject = (name: string): boolean => objects.has(name) || known.has(name);
  return { names: { has: (name) => isObject(name) || words.has(name) }, objects: { has: isObject } };
}

/** Types as the server's sentences spell them, where that is not their name (format_type). */
const spelt: readonly string[] = [
  'bigint',
  'bit varying',
  'boolean',
  'character',
  'character varying',
  'double precision',
  'integer',
  'real',
  'smallint',
  'time with time zone',
  'time without time zone',
  'timestamp with time zone',
  'timestamp without time zone',
];

const namesByCatalogue: WeakMap<Catalogue, ReadonlySet<string>> = new WeakMap();

function catalogueNames(catalogue: Catalogue): ReadonlySet<string> {
  const found = namesByCatalogue.get(catalogue);
  if (found !== undefined) return found;
  const { data } = catalogue;
  const made = new Set<string>([...data.schemas, ...spelt]);
  for (const relation of data.relations) {
    made.add(relation.name);
    for (const { name } of relation.columns) made.add(name);
  }
  for (const { name } of [...data.functions, ...data.types]) made.add(name);
  namesByCatalogue.set(catalogue, made);
  return made;
}
