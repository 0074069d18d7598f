import { never } from '../../src/base/result.ts';
import type { Access, Target } from '../../src/core/action.ts';
import type { Statement } from '../../src/sql/analysis.ts';
import type { Generated } from './generate.ts';
import type { Measured } from './measure.ts';

export type Verdict =
  /** Access that a policy refuses or holds: what the statement does need not be told. `why`: the access. */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'equal' }
  /** More writes were told than the server did (often because no row matched). */
  | { readonly kind: 'over' }
  /** SECURITY: the server did what was not told. */
  | { readonly kind: 'under'; readonly what: readonly string[] };

/** What the analysis said of one text. */
export type Told =
  | { readonly kind: 'unread' } // the parser does not take it: refused
  | { readonly kind: 'read'; readonly statements: readonly Statement[] };

/** Facts of the scratch database that the comparison needs. */
export interface Surroundings {
  /** sequence -> the table whose column it belongs to */
  readonly owners: ReadonlyMap<string, string>;
  /** The relations a statement on this one also means: itself and its ancestors. */
  readonly familyOf: (relation: string) => readonly string[];
}

const heldBack: ReadonlySet<Access> = new Set<Access>(['define', 'administer', 'execute', 'unknown']);

export function compare(
  generated: Generated,
  told: Told,
  measured: Extract<Measured, { kind: 'ran' }>,
  around: Surroundings,
): Verdict {
  if (told.kind === 'unread') return { kind: 'refused', why: 'unread' };
  const meant = asSession(told.statements);
  if (meant.blind) return { kind: 'refused', why: 'names change inside the text' };
  const accesses = [...meant.accesses, ...meant.targets.map((each) => each.access)];
  const held = accesses.find((each) => heldBack.has(each));
  if (held !== undefined) return { kind: 'refused', why: held };

  const written = new Set(meant.targets.filter((each) => each.access === 'write').map((each) => each.name));
  const all = new Set(meant.targets.map((each) => each.name));
  const reads = written.size === 0 && !accesses.includes('write');
  const settings =
    meant.settings ||
    meant.targets.some((each) => each.kind === 'setting') ||
    meant.verbs.has('sql.transaction');
  const objects = meant.targets.some((each) => each.kind === 'large-object' && each.access === 'write');
  const under = [
    ...[...measured.changed].filter((each) => !named(written, each)).map((each) => `writes ${each}`),
    ...[...measured.catalogues]
      // Who owns a large object stands in pg_shdepend.
      .filter((each) => !(/^pg_catalog\.pg_(?:largeobject|shdepend)/.test(each) && objects))
      // A new file for a table that is written anyway.
      .filter((each) => !(each === 'pg_catalog.pg_class' && measured.emptied.size > 0))
      .map((each) => `changes ${each}`),
    ...[...measured.sequences]
      .filter((each) => !named(written, each) && !named(written, around.owners.get(each) ?? '-'))
      .map((each) => `moves ${each}`),
    ...[...measured.settings].filter(() => !settings).map((each) => `sets ${each}`),
    ...[...measured.functions]
      .filter((each) => ![...all].some((name) => name.startsWith(`${each}(`)))
      .map((each) => `runs ${each}`),
    // What referential checks read besides is not the statement's.
    ...(reads ? [...measured.read] : [])
      .filter((each) => !around.familyOf(each).some((name) => named(all, name)))
      .map((each) => `reads ${each}`),
    ...(generated.effect && reads && !settings ? ['has an effect'] : []),
  ];
  if (under.length > 0) return { kind: 'under', what: under };
  const over = [...written].some((each) => ![...measured.changed].some((name) => same(name, each)));
  return { kind: over ? 'over' : 'equal' };
}

/** Canonical names are quoted where they need it; the server's own are bare. */
function named(names: ReadonlySet<string>, bare: string): boolean {
  return names.has(bare) || names.has('*') || [...names].some((each) => same(bare, each));
}

function same(bare: string, canonical: string): boolean {
  return bare === canonical.replaceAll('"', '');
}

interface Meant {
  readonly accesses: readonly Access[];
  readonly targets: readonly Target[];
  readonly settings: boolean;
  readonly verbs: ReadonlySet<string>;
  /** A statement changes what the names of a later one mean: the text cannot be judged in one go. */
  readonly blind: boolean;
}

/** The statements as a session runs them: prepared ones and cursors count where they are used. */
function asSession(statements: readonly Statement[]): Meant {
  const prepared = new Map<string, Statement>();
  const cursors = new Map<string, Statement>();
  const accesses: Access[] = [];
  const targets: Target[] = [];
  const verbs = new Set<string>();
  let settings = false;
  let blind = false;
  const use = (statement: Statement | undefined): void => {
    if (statement === undefined) accesses.push('unknown');
    else {
      accesses.push(statement.action.access);
      verbs.add(statement.action.verb);
      targets.push(...statement.action.targets);
    }
  };
  for (const [at, statement] of statements.entries()) {
    const last = at === statements.length - 1;
    const { effect } = statement;
    use(statement);
    switch (effect.kind) {
      case 'prepare':
        prepared.set(effect.name, effect.statement);
        break;
      case 'execute':
        use(prepared.get(effect.name));
        break;
      case 'declare':
        cursors.set(effect.name, effect.statement);
        break;
      case 'fetch':
        use(cursors.get(effect.name));
        break;
      case 'search-path':
        settings = true;
        blind ||= !last;
        break;
      case 'schema':
        blind ||= !last;
        break;
      case 'none':
      case 'close':
      case 'deallocate':
      case 'discard':
      case 'transaction':
      case 'copy-in':
      case 'copy-out':
        break;
      default:
        never(effect);
    }
  }
  return { accesses, targets, settings, verbs, blind };
}
