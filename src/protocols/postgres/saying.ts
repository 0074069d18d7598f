import type { Stated } from '../../core/protocol.ts';
import type { Flow } from './flow.ts';
import type { Run } from './run.ts';

const settings = ['reason', 'ticket', 'break_glass'].map(
  (name) => `pg_catalog.current_setting('sallyport.${name}', true)`,
);

/**
 * What the client says of its requests by `SET sallyport.reason`, `.ticket` and `.break_glass`, or in its first packet. The server keeps these
 * settings, with its own rules for transactions; it is asked again whenever one of them may have changed.
 *
 * SECURITY: while it is not known what they are now, nothing counts as said.
 */
export class Saying {
  readonly #flow: Flow;
  readonly #own: (sql: string) => Promise<readonly (readonly (string | null)[])[]>;
  #touched = false;
  #stale = false;
  #said: Stated | undefined;

  /** `first`: the client said something of them in its first packet. */
  // oxlint-disable-next-line max-params
  constructor(
    flow: Flow,
    own: (sql: string) => Promise<readonly (readonly (string | null)[])[]>,
    first: boolean,
  ) {
    this.#flow = flow;
    this.#own = own;
    this.#touched = first;
    this.#stale = first;
  }

  /** A statement has ended: notes whether it may have changed what was said. */
  ended(run: Run): void {
    if (touches(run)) {
      this.#touched = true;
      this.#stale = true;
    } else if (this.#touched && (run.takesBack || run.permit.action.access !== 'read')) this.#stale = true;
  }

  /** A transaction has ended: what was said in it may be taken back. */
  endedTransaction(): void {
    if (this.#touched) this.#stale = true;
  }

  get stated(): Stated | undefined {
    if (!this.#touched || this.#stale || this.#flow.some(touches)) return undefined;
    return this.#said;
  }

  /** Resolves when it is known again; undefined where it is, or where the server cannot be asked now. */
  settle(): Promise<void> | undefined {
    const { length, heldBack, quiet, status } = this.#flow;
    if (!this.#touched && !this.#flow.some(touches)) return undefined;
    if (length > 0 && !heldBack && this.#flow.some((run) => touches(run) || run.takesBack))
      return this.#flow.drained();
    return this.#stale && quiet && status !== 'E' ? this.#ask() : undefined;
  }

  async #ask(): Promise<void> {
    const [row = []] = await this.#own(`SELECT ${settings.join(', ')}`);
    const [reason, ticket, glass] = row.map((cell) => cell ?? '');
    this.#said = {
      ...(reason === undefined || reason === '' ? {} : { reason: reason.slice(0, 2_000) }),
      ...(ticket === undefined || ticket === '' ? {} : { ticket: ticket.slice(0, 200) }),
      ...(/^(?:on|true|yes|1)$/i.test(glass ?? '') ? { breakGlass: true } : {}),
    };
    this.#stale = false;
  }
}

function touches({ permit: { action } }: Run): boolean {
  const { settings: set } = action.attributes;
  return (
    (action.verb === 'sql.set' && (!Array.isArray(set) || set.length === 0)) || // RESET ALL
    (Array.isArray(set) && set.some((name) => String(name).startsWith('sallyport.')))
  );
}
