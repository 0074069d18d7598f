import type { Permit, Verdict } from '../../core/decision.ts';
import type { Recorder } from '../../core/ports.ts';
import type { Gate, Stated } from '../../core/protocol.ts';
import type { MissingNames, Statement } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import type { Probe } from './flow.ts';
import type { Meaning } from './meaning.ts';
import { refusedBy, type RefusedWith } from './refusal.ts';
import type { Run } from './run.ts';

export interface AbsentParts {
  readonly meaning: Meaning;
  readonly gate: Gate;
  readonly recorder: Recorder;
  readonly saying: { readonly stated: Stated | undefined };
}

/** How a statement is refused that names what is not there. */
export interface Told {
  readonly why: RefusedWith;
  /** The server is asked for its own words first. */
  readonly probe?: Probe;
}

/**
 * What names are there at all, read as any client could: who may see all of these in clear learns nothing from being told
 * that a name is not among them.
 */
const names = `SELECT n.nspname, c.relname, a.attname, p.proname, t.typname, o.oprname
  FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c, pg_catalog.pg_attribute a, pg_catalog.pg_proc p,
    pg_catalog.pg_type t, pg_catalog.pg_operator o`;

/**
 * Statements that name what is not there (docs/decisions/013). They are not understood, and never run. What their client is
 * told depends on the policy alone:
 * - what it could not do if the names were there, is denied as if they were;
 * - who may read the names of the whole catalogue is told by PostgreSQL's own error which one is missing;
 * - everybody else is refused as for anything that is not understood.
 */
export class Absent {
  readonly #parts: AbsentParts;

  constructor(parts: AbsentParts) {
    this.#parts = parts;
  }

  /** Undefined where the statement is to be asked about as any other. */
  async told(statement: Statement, text: string, catalogue: Catalogue): Promise<Told | undefined> {
    const { gate } = this.#parts;
    const { missing } = statement;
    if (missing === undefined || (!missing.whenPrepared && missing.said === undefined)) return undefined;
    // What a rule allows although it is not understood goes its way.
    if (gate.foresee?.(statement.action) !== 'deny') return undefined;
    const would = await gate.prepare(missing.action, text);
    if (would.kind === 'refusal') return this.#refused(would, text);
    const mayKnow = await this.#mayKnowNames();
    const permit = mayKnow ? await this.#written(statement, missing, would, text) : undefined;
    if (permit !== would) gate.done(would, { kind: 'unsent' });
    if (permit === undefined) return undefined;
    if (permit.kind === 'refusal') return this.#refused(permit, text);
    return this.#toldUnder(permit, statement, missing, catalogue);
  }

  // oxlint-disable-next-line max-params
  #toldUnder(permit: Permit, statement: Statement, missing: MissingNames, catalogue: Catalogue): Told {
    const { gate } = this.#parts;
    const { said } = missing;
    if (missing.whenPrepared) {
      const { outputs } = statement;
      return { why: again, probe: { run: { ...never, permit, outputs, catalogue }, prepared: false } };
    }
    gate.done(permit, {
      kind: 'error',
      code: said?.sqlstate ?? '',
      rows: 0,
      bytes: 0,
      masked: 0,
      withheld: 0,
    });
    return { why: said ?? again };
  }

  /**
   * Has it written down: as permitted, to end with the server's error. Where people would have to approve it first, nobody is
   * asked for what cannot run: it is written down as refused, and prepared under the permit for that.
   */
  // oxlint-disable-next-line max-params
  async #written(
    statement: Statement,
    missing: MissingNames,
    would: Permit,
    text: string,
  ): Promise<Verdict | undefined> {
    const { gate, saying } = this.#parts;
    const { stated } = saying;
    const more = stated === undefined ? {} : { stated };
    if (would.duties.approve.length > 0) {
      const refused = await gate.ask({ action: statement.action, text });
      if (refused.kind === 'refusal') {
        this.#record(text, refused.denial.decisionId);
        return would;
      }
      gate.done(refused, { kind: 'unsent' });
      return undefined;
    }
    const verdict = await gate.ask({ action: missing.action, text, ...more });
    if (verdict.kind === 'permit') {
      await verdict.written;
      this.#record(text, verdict.id);
    }
    return verdict;
  }

  #refused({ denial }: Extract<Verdict, { kind: 'refusal' }>, text: string): Told {
    this.#record(text, denial.decisionId);
    const facts = { id: denial.decisionId, decision: 'deny', why: denial.why };
    void this.#parts.recorder.frame('decision', Buffer.from(JSON.stringify(facts)));
    return { why: refusedBy(denial) };
  }

  #record(text: string, id: string): void {
    void this.#parts.recorder.frame('statement', Buffer.from(JSON.stringify({ id, text })));
  }

  async #mayKnowNames(): Promise<boolean> {
    const { gate, meaning } = this.#parts;
    const reading = await meaning.read(names);
    const statement = reading?.kind === 'understood' ? reading.analysis.statements[0] : undefined;
    if (statement === undefined || gate.foresee?.(statement.action) !== 'allow') return false;
    const permit = await gate.prepare(statement.action);
    if (permit.kind === 'refusal') return false;
    gate.done(permit, { kind: 'unsent' });
    const { outputs } = statement;
    return (
      permit.duties.onlyColumns === undefined &&
      permit.duties.approve.length === 0 &&
      outputs.kind === 'columns' &&
      outputs.columns.every(
        ({ lineage }) =>
          lineage.kind === 'clean' ||
          (lineage.kind === 'column' && permit.operatorOf(lineage.column) === undefined),
      )
    );
  }
}

/** What is only prepared does nothing. */
const never: Omit<Run, 'permit' | 'outputs' | 'catalogue'> = {
  changes: [],
  copyIn: false,
  unsettles: false,
  takesBack: false,
  defines: false,
  rows: 0,
  bytes: 0,
  masked: 0,
  withheld: 0,
  cut: false,
  released: false,
};

const again: RefusedWith = {
  sqlstate: '40001',
  message: 'What this statement names was not there when it was read, and is there now',
  hint: 'Send it again',
};
