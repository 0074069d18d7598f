import { Fault } from '../../base/errors.ts';
import { Lru } from '../../base/lru.ts';
import type { World } from '../../base/time.ts';
import type { Action } from '../../core/action.ts';
import type { LimitName, Limits } from '../../core/limits.ts';
import type { Metrics } from '../../core/metrics.ts';
import { analyse } from '../../sql/analyse.ts';
import type { Analysis, Scope, Statement } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import type { Parsed } from '../../sql/parse.ts';
import { templateOf } from '../../sql/template.ts';
import { plainAttributes } from '../../sql/verbs.ts';

/** A text of SQL, read. What cannot be read is an action of access `unknown`, which no rule of ours may allow. */
export type Reading =
  | { readonly kind: 'understood'; readonly analysis: Analysis; readonly catalogue: Catalogue }
  | {
      readonly kind: 'not-understood';
      readonly action: Action;
      readonly sqlstate: string;
      readonly message: string; // the parser's own words
      readonly position?: number; // 1-based, in characters
    };

export interface UnderstandingParts {
  readonly parse: (text: string) => Promise<Parsed>;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly world: World;
  readonly resource: string;
}

/**
 * Reads statements for all sessions of one resource; readings are cached by text, catalogue and search path.
 * INVARIANT: a cached reading is only given for the catalogue version and search path it was made for, and for its very
 * text or one with the same template (sql/template.ts): then its action's text is that of the first of them.
 */
export class Understanding {
  readonly #parts: UnderstandingParts;
  readonly #cache: Lru<string, Reading>;
  readonly #reading: Map<string, Promise<Reading>> = new Map();
  readonly #scopes: WeakMap<Scope, string> = new WeakMap();

  constructor(parts: UnderstandingParts) {
    this.#parts = parts;
    // What an analysis holds is not known; it grows with the text. 2 KiB and eight times the text was measured as typical.
    this.#cache = new Lru(parts.limits.analysesCachedBytes, (key) => 2_048 + key.length * 8);
  }

  /** Gives the reading itself where it is cached. Never rejects: what fails is not understood. */
  read(text: string, catalogue: Catalogue, scope: Scope): Reading | Promise<Reading> {
    const where = `${catalogue.data.version}\0${this.#scopeKey(scope)}\0`;
    const key = where + text;
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const template = templateOf(text);
    if (template === undefined) return this.#readOnce(key, text, catalogue, scope);
    const alike = where + template;
    return this.#cache.get(alike) ?? this.#readOnce(alike, text, catalogue, scope);
  }

  /** Many sessions that ask the same for the first time at once wait for one reading: the parser has a deadline. */
  async #readOnce(key: string, text: string, catalogue: Catalogue, scope: Scope): Promise<Reading> {
    const running = this.#reading.get(key);
    if (running !== undefined) {
      const read = await running;
      // Why a text is not understood is said of that very text.
      return read.kind === 'understood' ? read : this.#readNew(key, text, catalogue, scope);
    }
    const reading = this.#readNew(key, text, catalogue, scope);
    this.#reading.set(key, reading);
    try {
      return await reading;
    } finally {
      this.#reading.delete(key);
    }
  }

  async #readNew(key: string, text: string, catalogue: Catalogue, scope: Scope): Promise<Reading> {
    const started = performance.now();
    let reading: Reading;
    try {
      const parsed = await this.#parts.parse(text);
      this.#countLimit(parsed);
      reading = interpret(parsed, text, catalogue, scope);
    } catch (thrown) {
      // A parser that crashed or missed its deadline, or an analysis that failed: this statement is refused.
      if (thrown instanceof Fault) this.#parts.metrics.count('limits_total', { limit: 'parseMs' });
      const message = thrown instanceof Fault ? thrown.message : 'The statement could not be analysed';
      return { kind: 'not-understood', action: unreadable(text, message), sqlstate: '54001', message };
    }
    this.#parts.metrics.observe('parse_seconds', (performance.now() - started) / 1_000);
    // Why a text is not understood is said of that very text.
    if (reading.kind === 'understood' || key.endsWith(text)) this.#cache.set(key, reading);
    this.#parts.metrics.gauge('analyses_cached', this.#cache.size, { resource: this.#parts.resource });
    return reading;
  }

  #countLimit(parsed: Parsed): void {
    const limit = parsed.ok ? undefined : limitOf[parsed.code];
    if (limit !== undefined) this.#parts.metrics.count('limits_total', { limit });
  }

  #scopeKey(scope: Scope): string {
    const known = this.#scopes.get(scope);
    if (known !== undefined) return known;
    const made = scope.searchPath.join('\u0001');
    this.#scopes.set(scope, made);
    return made;
  }
}

const limitOf: Partial<Record<Extract<Parsed, { ok: false }>['code'], LimitName>> = {
  'too-large': 'statementBytes',
  'too-deep': 'statementDepth',
  'too-many': 'statementsPerQuery',
};

const sqlstates: Readonly<Record<Extract<Parsed, { ok: false }>['code'], string>> = {
  syntax: '42601', // syntax_error
  nul: '22021', // character_not_in_repertoire
  'bad-encoding': '22021',
  'too-large': '54000', // program_limit_exceeded
  'too-deep': '54001', // statement_too_complex
  'too-many': '54000',
};

function interpret(parsed: Parsed, text: string, catalogue: Catalogue, scope: Scope): Reading {
  if (!parsed.ok) {
    return {
      kind: 'not-understood',
      action: unreadable(text, parsed.code),
      sqlstate: sqlstates[parsed.code],
      message: parsed.message,
      ...(parsed.position === undefined ? {} : { position: parsed.position }),
    };
  }
  const analysis = analyse(parsed.statements, catalogue, scope);
  return { kind: 'understood', analysis: { statements: analysis.statements.map(withOpacity) }, catalogue };
}

/** The action of a text that could not be read. */
export function unreadable(text: string, why: string): Action {
  return {
    verb: 'sql.unknown',
    access: 'unknown',
    targets: [{ kind: 'statement', name: '*', access: 'unknown' }],
    columns: [],
    attributes: plainAttributes,
    text,
    notes: [`not readable: ${why}`],
  };
}

function withOpacity(statement: Statement): Statement {
  const { outputs } = statement;
  const opaque =
    outputs.kind === 'unknown' ||
    (outputs.kind === 'columns' && outputs.columns.some(({ lineage }) => lineage.kind === 'unknown'));
  return opaque ? { ...statement, action: { ...statement.action, opaque: true } } : statement;
}
