import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import type { Resource, ResourceName } from '../core/session.ts';
import { blamed, isShallow } from './blame.ts';
import { isRecord, type ReadDocument } from './documents.ts';
import { type Finding, type Piece, verdicts } from './finding.ts';
import { type Circumstances, judgeAction, speaksOf } from './judge.ts';
import { readCode } from './knex.ts';
import { readManifests } from './kubernetes.ts';
import { type Migration, migrationsIn } from './migrations.ts';
import { joinEvents, readPulumi } from './pulumi.ts';
import { placesIn } from './places.ts';
import { readSarif } from './sarif.ts';
import { loadSql, readSql, type SqlText } from './sql.ts';
import { Model } from './sql-model.ts';
import { readTerraform } from './terraform.ts';

/** What a scan can look at; `--only` chooses among them. */
export const scanned = ['sql', 'kubernetes', 'terraform', 'pulumi', 'sarif'] as const;
export type Scanned = (typeof scanned)[number];

export interface ScanParts extends Circumstances {
  /** The database that migrations are for. */
  readonly database: Resource;
  /** What is said of every other resource: the tags of `--tags`. */
  readonly tags: readonly string[];
  /** Files and folders; `-` is not read. */
  readonly paths: readonly string[];
  readonly only: ReadonlySet<Scanned>;
  /** Judges the way back too: `*.down.sql`, `U1__*.sql`, `down()`. */
  readonly down: boolean;
  /** SQL that makes what is there before the first migration; it is not judged. */
  readonly schema?: string;
}

export interface ScanReport {
  readonly findings: readonly Finding[];
  readonly sources: ReadonlyMap<string, string>; // file -> text, of all files with findings
  readonly counts: {
    readonly files: number;
    readonly statements: number;
    readonly resources: number;
    readonly results: number; // of other scanners
  };
  /** Names that migrations use and none of them makes: taken for plain tables, enums, functions that can do anything. */
  readonly assumed: readonly string[];
  readonly notes: readonly string[];
  readonly policy: { readonly digest: string; readonly commit?: string };
}

interface State {
  readonly parts: ScanParts;
  readonly findings: Finding[];
  readonly sources: Map<string, string>;
  readonly assumed: Set<string>;
  readonly notes: string[];
  readonly unjudged: Map<string, { readonly piece: Piece; count: number }>;
  files: number;
  statements: number;
  resources: number;
  results: number;
}

/**
 * Judges what a repository would do once it ships, by the policy that decides at run time.
 *
 * @throws what the file system throws for a path that cannot be read.
 */
export async function scan(parts: ScanParts): Promise<ScanReport> {
  const state: State = {
    parts,
    findings: [],
    sources: new Map(),
    assumed: new Set(),
    notes: [],
    unjudged: new Map(),
    files: 0,
    statements: 0,
    resources: 0,
    results: 0,
  };
  const given = new Set<string>();
  const paths: string[] = [];
  for (const path of parts.paths) {
    const clean = path.replaceAll('\\', '/').replace(/(?<=.)\/+$/, '');
    if ((await stat(clean)).isDirectory()) paths.push(...(await walk(clean)));
    else {
      paths.push(clean);
      given.add(clean);
    }
  }
  const unique = [...new Set(paths)];
  const taken = parts.only.has('sql') ? await scanMigrations(state, unique) : new Set<string>();
  for (const path of unique) {
    if (taken.has(path) || path.endsWith('.sql')) continue;
    const known = await scanDocument(state, path, given.has(path));
    if (!known && given.has(path)) {
      add(state, { file: path, line: 1, col: 1 }, 'It is nothing that a scan understands');
    }
  }
  for (const [kind, { piece, count }] of state.unjudged) {
    state.findings.push({
      ...piece,
      rule: 'NO_ALLOW_RULE',
      verdict: 'refused',
      message: `No allow or deny rule of the policy names the kind ${kind}, so ${count} of them cannot be judged`,
      why: 'What no rule allows is denied; here nobody has written any',
      fix: `Write rules with match: { resource: { kind: ${kind} } }, or leave them out with --only`,
      tool: 'sallyport',
    });
  }
  const shallow = state.findings.length > 0 && (await isShallow());
  if (shallow) {
    state.notes.push(
      'The clone is shallow: a commit is named only where its line was brought by one that was fetched (`fetch-depth: 0` fetches all)',
    );
  }
  const { commit } = parts.policy.id;
  return {
    findings: inOrder(await blamed(state.findings, { shallow })),
    sources: state.sources,
    counts: {
      files: state.files,
      statements: state.statements,
      resources: state.resources,
      results: state.results,
    },
    assumed: [...state.assumed].sort(),
    notes: state.notes,
    policy: { digest: parts.policy.id.digest, ...(commit === undefined ? {} : { commit }) },
  };
}

function inOrder(findings: readonly Finding[]): readonly Finding[] {
  const rank = ({ verdict }: Finding): number => verdicts.indexOf(verdict);
  return [...findings].sort(
    (a, b) =>
      (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
      a.line - b.line ||
      a.col - b.col ||
      rank(a) - rank(b),
  );
}

const mostFiles = 50_000;
const mostBytes = 67_108_864;
const extensions = /\.(?:sql|ya?ml|json|sarif|jsonl|js|cjs|mjs|ts|cts|mts)$/;

/** Flyway's migrations in code. */
const ofFlyway = /^(?:[VU]\d[\d._]*|R)__.*\.(?:java|kt|groovy)$/;

async function walk(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of (await readdir(folder, { withFileTypes: true })).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = folder === '.' ? entry.name : join(folder, entry.name).replaceAll('\\', '/');
    if (entry.isDirectory()) found.push(...(await walk(path)));
    else if (entry.isFile() && (extensions.test(entry.name) || ofFlyway.test(entry.name))) found.push(path);
    if (found.length > mostFiles) throw new Error(`More than ${mostFiles} files below ${folder}`);
  }
  return found;
}

/** Undefined where it is no text that can be judged; then it is a finding. */
async function textOfFile(state: State, path: string): Promise<string | undefined> {
  const { size } = await stat(path);
  if (size > mostBytes) {
    add(state, { file: path, line: 1, col: 1 }, `It is larger than ${mostBytes} bytes`);
    return undefined;
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
    state.sources.set(path, text);
    return text;
  } catch {
    add(state, { file: path, line: 1, col: 1 }, 'It is not UTF-8');
    return undefined;
  }
}

/** Fail closed: what cannot be read is found, as the gateway refuses what it does not understand. */
function add(state: State, piece: Piece, why: string): void {
  state.findings.push({
    ...piece,
    rule: 'NOT_UNDERSTOOD',
    verdict: 'refused',
    message: 'Not understood, so it cannot be judged before it runs',
    why,
    fix: 'Write it so that it can be read, or leave it out of the scan and look at it yourself',
    tool: 'sallyport',
  });
}

async function scanMigrations(state: State, paths: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = migrationsIn(paths);
  if (rows.length === 0) return new Set();
  await loadSql();
  let back = 0;
  for (const row of rows) {
    const model = new Model();
    if (state.parts.schema !== undefined) {
      readSql({ file: 'schema', text: state.parts.schema, line: 1, col: 1 }, model);
      model.setSearchPath(['public']); // pg_dump empties it
    }
    for (const migration of row) {
      if (migration.down && !state.parts.down) back += 1;
      else back += await scanMigration(state, migration, model);
    }
  }
  if (back > 0) state.notes.push(`${back} on the way back were left out; --down judges them too`);
  return new Set(rows.flat().map(({ file }) => file));
}

/** Gives how many ways back were left out. */
async function scanMigration(
  state: State,
  { file, language, down }: Migration,
  model: Model,
): Promise<number> {
  const text = await textOfFile(state, file);
  if (text === undefined) return 0;
  state.files += 1;
  if (language === 'sql') {
    // What only the way back makes must not be there for what comes after.
    scanSql(state, { file, text, line: 1, col: 1 }, down ? new Model() : model);
    return 0;
  }
  const code = readCode(file, text);
  for (const each of code.up) scanSql(state, each, model);
  for (const { piece, why, down: inDown } of code.unread) {
    if (!inDown || state.parts.down) add(state, piece, why);
  }
  if (state.parts.down) for (const each of code.down) scanSql(state, each, new Model());
  return state.parts.down || code.down.length === 0 ? 0 : 1;
}

function scanSql(state: State, source: SqlText, model: Model): void {
  for (const each of readSql(source, model)) {
    state.statements += 1;
    if (each.kind === 'unreadable') {
      add(state, each.piece, each.why);
      continue;
    }
    for (const name of each.assumed) state.assumed.add(name);
    state.findings.push(...judgeAction(state.parts, state.parts.database, each.action, each.piece));
  }
}

/** Whether it was something. */
async function scanDocument(state: State, path: string, given: boolean): Promise<boolean> {
  if (ofFlyway.test(path.slice(path.lastIndexOf('/') + 1)) && state.parts.only.has('sql')) {
    add(
      state,
      { file: path, line: 1, col: 1 },
      'What a migration in code does can be told only by running it',
    );
    return true;
  }
  const isJson = /\.(?:json|sarif|jsonl)$/.test(path);
  if (!isJson && !/\.ya?ml$/.test(path)) return false;
  const text = await textOfFile(state, path);
  if (text === undefined) return true;
  const read = isJson ? readJson(path, text, given) : readManifests(path, text);
  if (read === undefined) return false;
  const { only } = state.parts;
  const isBroken = read.actions.length + read.findings.length === 0 && read.unread.length > 0;
  if (!isBroken && !only.has(read.kind === 'scanner' ? 'sarif' : read.kind)) return true;
  state.files += 1;
  judgeDocument(state, read);
  return true;
}

/** Members by which a JSON text that is broken is still known for one that would have been judged. */
const telling = /"(?:resource_changes|planned_values|resourcePreEvent|apiVersion|runs|urn)"\s*:/;

function readJson(path: string, text: string, given: boolean): ReadDocument | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text) as unknown;
  } catch (thrown) {
    json = joinEvents(text);
    if (json === undefined && (given || path.endsWith('.sarif') || telling.test(text))) {
      const piece = { file: path, ...brokenAt(text, thrown) };
      const why = 'It is not JSON: it ends too early, or something in it is no JSON';
      return { kind: 'scanner', actions: [], findings: [], unread: [{ piece, why }] };
    }
  }
  return (
    readTerraform(path, text, json) ??
    readPulumi(path, text, json) ??
    readSarif(path, json) ??
    (isRecord(json) ? readManifests(path, text) : undefined)
  );
}

/** Where V8 says that a text stops being JSON; the end where it says nothing. */
function brokenAt(text: string, thrown: unknown): { readonly line: number; readonly col: number } {
  const said = /position (\d+)/.exec(messageOf(thrown))?.[1];
  return placesIn(text)(said === undefined ? text.length : Number(said));
}

function judgeDocument(state: State, { kind, actions, findings, unread }: ReadDocument): void {
  const { policy, tags } = state.parts;
  state.findings.push(...findings);
  for (const { piece, why } of unread) add(state, piece, why);
  const judged = speaksOf(policy, kind);
  const resource: Resource = { name: kind as ResourceName, kind, tags, settings: undefined };
  for (const { piece, action, own } of actions) {
    if (own === undefined) state.resources += 1;
    else state.results += 1;
    if (judged) {
      const found = judgeAction(state.parts, resource, action, piece);
      state.findings.push(...found.map((each) => joined(each, own)));
      // What the policy accepts is still said.
      if (found.length === 0 && own !== undefined) state.findings.push({ ...own, verdict: 'noted' });
    } else if (own !== undefined) state.findings.push(own);
    else {
      const before = state.unjudged.get(kind);
      if (before === undefined) state.unjudged.set(kind, { piece, count: 1 });
      else before.count += 1;
    }
  }
}

/** What our rule says of another scanner's finding, with that one's own words. */
function joined(finding: Finding, own: Finding | undefined): Finding {
  if (own === undefined) return finding;
  return { ...finding, message: `${own.rule}: ${own.message}`, tool: own.tool };
}
