import { readCatalogue } from '../../src/protocols/postgres/catalogue.ts';
import { analyse } from '../../src/sql/analyse.ts';
import type { Scope } from '../../src/sql/analysis.ts';
import { catalogue, type Catalogue } from '../../src/sql/catalogue.ts';
import { load, parse } from '../../src/sql/parse.ts';
import { type PostgresServer } from '../e2e/harness/postgres.ts';
import { parseOne, textQuery } from '../e2e/harness/query.ts';
import { RawClient } from '../e2e/harness/raw.ts';
import { builtinCalls } from './builtins.ts';
import { compare, type Surroundings, type Told, type Verdict } from './compare.ts';
import { type Generated, statements } from './generate.ts';
import { type Measured, say, scale } from './measure.ts';
import { outsideScale } from './outside.ts';
import { schemaFor, type Temper } from './schema.ts';

export interface Report {
  readonly statements: number;
  readonly forms: number;
  /** The server did not take them: nothing to compare. */
  readonly failed: number;
  readonly equal: number;
  readonly over: number;
  readonly refused: number;
  readonly under: readonly Under[];
  /** Told as held back though the server changed nothing, by form and access. */
  readonly heldReads: ReadonlyMap<string, number>;
  readonly failedForms: ReadonlyMap<string, number>;
  /** Forms of which the server took none. */
  readonly never: readonly string[];
}

export interface Under {
  readonly form: string;
  readonly text: string;
  readonly what: readonly string[];
}

const database = 'oracle';
// Nobody connects to it, so that it can be copied.
const template = 'oracle_template';
const searchPath = 'app, public';
const limits = { statementBytes: 1_000_000, statementDepth: 500, statementsPerQuery: 1_000 };

/** Puts the trapped database onto a server. Once per server. */
export async function prepareServer(server: PostgresServer, temper: Temper): Promise<void> {
  const owner = await server.connect();
  await owner.query(`CREATE DATABASE ${database}`);
  const inside = await server.connect({ database });
  await inside.query(schemaFor(server.version, temper));
  await inside.end();
  await owner.query(`CREATE DATABASE ${template} TEMPLATE ${database}`);
  await owner.end();
}

/** Settings a server needs to be weighed on. */
export const serverSettings: Readonly<Record<string, string>> = {
  track_functions: 'all',
  max_locks_per_transaction: '512',
  autovacuum: 'off',
  max_prepared_transactions: '2',
  log_min_messages: 'panic',
  jit: 'off',
};

/** Judges texts; stands in for the analysis where a test wants to see that the oracle notices. */
export type Judge = (text: string, known: Catalogue, scope: Scope) => Told;

export interface OracleOptions {
  readonly count: number;
  readonly seed: number;
  readonly temper: Temper;
  readonly user?: string;
  readonly judge?: Judge;
}

/** Draws statements from the grammar and compares. */
export async function oracle(server: PostgresServer, options: OracleOptions): Promise<Report> {
  const source = statements(server.version, options.temper, options.seed);
  const drawn = function* (): Generator<Generated> {
    for (let at = 0; at < options.count; at++) yield source.next().value;
  };
  return weighAll(server, drawn(), options);
}

/** Calls every function that came with the server. */
export async function oracleOfBuiltins(server: PostgresServer): Promise<Report> {
  const client = await server.connect({ database });
  const calls = await builtinCalls(textQuery(client));
  await client.end();
  const texts = calls.map((text): Generated => ({
    form: /"(.*)"/.exec(text)?.[1] ?? '',
    text,
    where: 'inside',
    effect: false,
  }));
  return weighAll(server, texts, {});
}

async function weighAll(
  server: PostgresServer,
  texts: Iterable<Generated>,
  { user = 'postgres', judge = tell }: { readonly user?: string; readonly judge?: Judge },
): Promise<Report> {
  await load();
  const client = await RawClient.connect({ port: server.port, user, database });
  const known = await read(client);
  const around = await surroundings(client);
  const scope: Scope = { searchPath: ['pg_catalog', 'app', 'public'] };
  await using inside = await scale(client, searchPath);
  await using outside = await outsideScale(server.port, template, searchPath);
  const tally = new Tally();
  for (const generated of texts) {
    const told = judge(generated.text, known, scope);
    const measured = await (generated.where === 'inside' ? inside : outside).weigh(generated.text);
    tally.add(
      generated,
      measured,
      measured.kind === 'ran' ? compare(generated, told, measured, around) : undefined,
    );
  }
  return tally.report();
}

function tell(text: string, known: Catalogue, scope: Scope): Told {
  const parsed = parse(text, limits);
  if (!parsed.ok) return { kind: 'unread' };
  return { kind: 'read', statements: analyse(parsed.statements, known, scope).statements };
}

async function read(client: RawClient): Promise<Catalogue> {
  const data = await readCatalogue(async (sql) => {
    const { rows, error } = await say(client, sql);
    if (error !== undefined) throw new Error(`The catalogue query failed: ${error}`);
    return rows;
  }, parseOne);
  return catalogue(data);
}

async function surroundings(client: RawClient): Promise<Surroundings> {
  const owned = await say(
    client,
    `SELECT s.relnamespace::regnamespace || '.' || s.relname, t.relnamespace::regnamespace || '.' || t.relname
     FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_class t ON t.oid = d.refobjid
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')`,
  );
  const inherits = await say(
    client,
    `SELECT c.relnamespace::regnamespace || '.' || c.relname, p.relnamespace::regnamespace || '.' || p.relname
     FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent`,
  );
  const parents = new Map(inherits.rows.map((row) => [row[0] ?? '', row[1] ?? '']));
  const familyOf = (relation: string): readonly string[] => {
    const parent = parents.get(relation);
    return parent === undefined ? [relation] : [relation, ...familyOf(parent)];
  };
  return { owners: new Map(owned.rows.map((row) => [row[0] ?? '', row[1] ?? ''])), familyOf };
}

class Tally {
  #statements = 0;
  #failed = 0;
  readonly #verdicts = { refused: 0, equal: 0, over: 0, under: 0 };
  readonly #forms = new Set<string>();
  readonly #taken = new Set<string>();
  readonly #under: Under[] = [];
  readonly #held = new Map<string, number>();
  readonly #failedForms = new Map<string, number>();

  add(generated: Generated, measured: Measured, verdict: Verdict | undefined): void {
    this.#statements++;
    this.#forms.add(generated.form);
    if (measured.kind === 'refused' || verdict === undefined) {
      this.#failed++;
      if (measured.kind === 'refused') more(this.#failedForms, `${generated.form} ${measured.code}`);
      return;
    }
    this.#taken.add(generated.form);
    this.#verdicts[verdict.kind]++;
    if (verdict.kind === 'under') {
      this.#under.push({ form: generated.form, text: generated.text, what: verdict.what });
    }
    const { changed, catalogues, sequences, settings, functions } = measured;
    const harmless =
      [changed, catalogues, sequences, settings, functions].every((each) => each.size === 0) &&
      !generated.effect;
    if (verdict.kind === 'refused' && harmless) more(this.#held, `${generated.form}: ${verdict.why}`);
  }

  report(): Report {
    const { refused, equal, over } = this.#verdicts;
    return {
      statements: this.#statements,
      forms: this.#forms.size,
      failed: this.#failed,
      equal,
      over,
      refused,
      under: this.#under,
      heldReads: this.#held,
      failedForms: this.#failedForms,
      never: [...this.#forms].filter((each) => !this.#taken.has(each)),
    };
  }
}

function more(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The counts in a few lines, with the first texts that were under-reported. */
export function summary(report: Report): string {
  const { statements, forms, failed, equal, over, refused, under } = report;
  const held = [...report.heldReads.values()].reduce((sum, each) => sum + each, 0);
  const lines = under
    .slice(0, 40)
    .map((each) => `  ${each.form}: ${each.what.join(', ')}\n    ${each.text.replaceAll('\n', ' ')}`);
  return [
    `${statements} statements in ${forms} forms: ${equal} equal, ${over} over-reported, ${refused} held back ` +
      `(${held} of them changed nothing), ${under.length} under-reported, ${failed} not taken by the server`,
    ...lines,
  ].join('\n');
}
