import type { Absent, Told } from './absent.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { SessionEffect, Statement } from '../../sql/analysis.ts';
import type { Asking, AskingParts } from './asking.ts';
import * as encode from './encode.ts';
import type { Part } from './flow.ts';
import { limitedRefused, type RefusedWith, unsettled, usesNames } from './refusal.ts';
import type { Renewing } from './renewing.ts';
import type { Run } from './run.ts';
import { unsettles } from './run-of.ts';
import type { Sending, SendingParts } from './sending.ts';
import type { Reading } from './understanding.ts';

export interface ApartParts extends AskingParts, SendingParts {
  readonly metrics: Metrics;
  readonly calm: () => Promise<void> | undefined;
  readonly saying: AskingParts['saying'];
}

interface Around {
  readonly absent: Absent;
  readonly asking: Asking;
  readonly sending: Sending;
  readonly renewing: Renewing;
  readonly drain: () => Promise<void>;
  readonly refuse: (why: RefusedWith, part: Part) => Promise<void>;
  readonly refuseTold: (told: Told, text: string, part: Part) => Promise<void>;
  readonly refuseUnread: (reading: NotUnderstood, part: Part) => Promise<void>;
}

type NotUnderstood = Extract<Reading, { kind: 'not-understood' }>;
type Understood = Extract<Reading, { kind: 'understood' }>;

/**
 * Whether the statements of a text must be judged one at a time: a later one uses names that an earlier one may change,
 * and what they will mean can be asked only when that one has run.
 */
export function mustGoApart(statements: readonly Statement[], pathTouched: boolean): boolean {
  const changes = statements.findIndex((statement) =>
    unsettles({ action: statement.action, statement }, pathTouched),
  );
  const uses = changes >= 0 && statements.slice(changes + 1).some(usesNames);
  // What is not there now, or is named by EXECUTE or FETCH, would refuse the whole text, also what stands before it.
  if (!uses && !statements.some(({ missing, effect }) => missing !== undefined || named.has(effect.kind)))
    return false;
  // The client's data would stand between statements; and what PREPARE TRANSACTION makes of a text is nobody's wish.
  return !statements.some(
    ({ effect }) => effect.kind === 'copy-in' || (effect.kind === 'transaction' && effect.what === 'prepare'),
  );
}

const named: ReadonlySet<SessionEffect['kind']> = new Set(['execute', 'fetch']);

/**
 * The statements of one text, each read, judged and sent when the one before it has been answered.
 *
 * For the client it is one Query (PostgreSQL 18 docs, 54.2.2.1): what stands outside of a transaction block of its own is
 * one transaction, which is committed with the last statement and gone with the first error; behind an error nothing runs;
 * ReadyForQuery comes once. The server would do that by an implicit block, so the gateway begins and ends a real one in its
 * place. In it the client's BEGIN, COMMIT and the like do what they do in an implicit one (source, xact.c): BEGIN makes it
 * the client's; COMMIT and ROLLBACK end it, and then say that there was none; savepoints are errors.
 *
 * SECURITY: what is sent is a text of its own, which was read as exactly one statement with the names of that moment.
 */
export class Apart {
  readonly #parts: ApartParts;
  readonly #around: Around;

  constructor(parts: ApartParts, around: Around) {
    this.#parts = parts;
    this.#around = around;
  }

  async run(text: string, statements: readonly Statement[]): Promise<void> {
    const whole: Whole = { text, ours: false, behind: 0 };
    for (const [at, { action }] of statements.entries()) {
      const from = text.indexOf(action.text, whole.behind);
      whole.behind = from + action.text.length;
      const goesOn = await this.#one(whole, { text: action.text, from, rest: statements.slice(at + 1) });
      if (!goesOn) return;
    }
    if (whole.ours) await this.#block('COMMIT', { ends: true, last: true });
  }

  /** False where the text is over: an error was told, or there is nobody to tell. */
  async #one(whole: Whole, stands: Stands): Promise<boolean> {
    const { flow } = this.#parts;
    const given = await this.#permitted(whole, stands);
    if (given === undefined) return false;
    const { run, effect } = given;
    const what = effect.kind === 'transaction' ? effect : undefined;
    const ready = what === undefined ? await this.#begin(whole) : await this.#leave(whole, what);
    if (!ready) {
      this.#unsent(run);
      return false;
    }
    const begins = whole.ours && what?.what === 'begin';
    const part = partOf(whole, stands, begins);
    const turn = { kind: 'query', runs: [run], at: 0, part } as const;
    await this.#around.sending.sendApart(encode.query(stands.text), run.permit, turn);
    await flow.drained();
    if (begins && !part.failed) whole.ours = false;
    return this.#wentOn(whole, part);
  }

  /** What may be sent next, under a permit of its own; otherwise it is refused in its place. */
  async #permitted(
    whole: Whole,
    stands: Stands,
  ): Promise<{ readonly run: Run; readonly effect: SessionEffect } | undefined> {
    const { flow, meaning, saying, calm } = this.#parts;
    const { absent, asking, renewing, drain, refuse, refuseTold, refuseUnread } = this.#around;
    const refused = (why: RefusedWith): Promise<undefined> =>
      this.#refused(whole, stands, (part) => refuse(why, part));
    await drain();
    await calm();
    await saying.settle();
    if (flow.over || flow.skipping) return undefined;
    const reading = flow.quiet ? await meaning.read(stands.text) : undefined;
    if (reading?.kind === 'not-understood')
      return this.#refused(whole, stands, (part) => refuseUnread(reading, part));
    const statement = reading === undefined ? undefined : onlyOf(reading);
    if (reading === undefined || statement === undefined) return refused(unsettled);
    if ((await renewing.renewed([statement])) === false) return refused(unsettled);
    const told = await absent.told(statement, stands.text, reading.catalogue);
    if (told !== undefined)
      return this.#refused(whole, stands, (part) => refuseTold(told, stands.text, part));
    const sent = { source: stands.text, text: stands.text };
    const wanted = asking.wanted(statement, sent, reading.catalogue);
    const asked = await asking.ask(wanted, stands.text, 0, whole.text);
    if (asked.kind === 'refused') return refused(asked.why);
    const limited = limitedRefused(asked.run, stands.rest);
    if (limited === undefined && !flow.over) return { run: asked.run, effect: statement.effect };
    this.#unsent(asked.run);
    return limited === undefined ? undefined : refused(limited);
  }

  /** Has it refused in its place by `say`, which ends the text. */
  async #refused(whole: Whole, stands: Stands, say: (part: Part) => Promise<void>): Promise<undefined> {
    const part = partOf(whole, stands, false);
    await say(part);
    await this.#parts.flow.drained();
    await this.#wentOn(whole, part);
  }

  async #wentOn(whole: Whole, part: Part): Promise<boolean> {
    if (this.#parts.flow.over) return false;
    if (!part.failed) return true;
    if (whole.ours) await this.#block('ROLLBACK', { ends: true, last: true });
    return false;
  }

  /** Outside of a transaction the server would begin an implicit one. */
  async #begin(whole: Whole): Promise<boolean> {
    if (this.#parts.flow.status !== 'I') return true;
    whole.ours = await this.#block('BEGIN', { ends: false, last: false });
    return whole.ours;
  }

  /** What the client's own BEGIN, COMMIT or SAVEPOINT finds: no block but its own. */
  async #leave(whole: Whole, { what, chain }: TransactionEffect): Promise<boolean> {
    if (!whole.ours || what === 'begin') return true;
    whole.ours = false;
    // Anything else is an error in an implicit block, and takes with it what was done there.
    const commits = what === 'commit' && chain !== true;
    return this.#block(commits ? 'COMMIT' : 'ROLLBACK', { ends: true, last: false });
  }

  /** Says it for the client, which sees no more of it than an error. */
  async #block(
    says: 'BEGIN' | 'COMMIT' | 'ROLLBACK',
    how: { readonly ends: boolean; readonly last: boolean },
  ): Promise<boolean> {
    const { flow } = this.#parts;
    const turn = { kind: 'block' as const, ...how, failed: false };
    await this.#around.sending.say(encode.query(says), turn);
    await flow.drained();
    return !turn.failed && !flow.over;
  }

  #unsent(run: Run): void {
    for (const change of run.changes) this.#parts.names.drop(change);
    this.#parts.gate.done(run.permit, { kind: 'unsent' });
  }
}

type TransactionEffect = Extract<SessionEffect, { kind: 'transaction' }>;

/** How far a text has come. */
interface Whole {
  readonly text: string;
  /** The transaction that is open is one that the gateway began. */
  ours: boolean;
  /** Where the last statement ends. */
  behind: number;
}

/** One statement of it. */
interface Stands {
  readonly text: string;
  readonly from: number;
  /** Those behind it, as they were read at first. */
  readonly rest: readonly Statement[];
}

function partOf(whole: Whole, { from, rest }: Stands, begins: boolean): Part {
  const { ours, text } = whole;
  return {
    more: rest.length > 0,
    ours,
    begins,
    from: () => Array.from(text.slice(0, from)).length,
    failed: false,
  };
}

function onlyOf({ analysis }: Understood): Statement | undefined {
  return analysis.statements.length === 1 ? analysis.statements[0] : undefined;
}
