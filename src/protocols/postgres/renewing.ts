import type { Statement } from '../../sql/analysis.ts';
import type { Catalogue } from '../../sql/catalogue.ts';
import type { Flow } from './flow.ts';
import type { Meaning } from './meaning.ts';
import type { Names, Prepared } from './names.ts';
import { callsCode, codeDiffers, insideOf } from './wanted.ts';

export interface RenewingParts {
  readonly flow: Flow;
  readonly names: Names;
  readonly meaning: Meaning;
}

/** Prepared statements outlive what they were read with: before they are used they are read again where that changed. */
export class Renewing {
  readonly #parts: RenewingParts;

  constructor(parts: RenewingParts) {
    this.#parts = parts;
  }

  /** The prepared statement as the server would plan it now: read again where the catalogue or the path has changed. */
  fresh(name: string, prepared: Prepared): Prepared | Promise<Prepared | undefined> {
    const now = this.#parts.meaning.epoch();
    if (now !== undefined && now === prepared.epoch && !this.#parts.flow.some((run) => run.unsettles))
      return prepared;
    return this.freshen(name, prepared);
  }

  /** The epoch of something read with this catalogue; none when a newer one has come since. */
  epochOf(catalogue: Catalogue): object | undefined {
    const now = this.#parts.meaning.epoch();
    return now?.catalogue === catalogue ? now : undefined;
  }

  async freshen(name: string, prepared: Prepared): Promise<Prepared | undefined> {
    const reading = await this.#parts.meaning.read(prepared.text);
    if (reading === undefined || reading.kind === 'not-understood') return undefined;
    const statement = prepared.inside
      ? insideOf(reading.analysis.statements)
      : reading.analysis.statements[0];
    const { fields } = prepared;
    const now: Prepared = {
      ...prepared,
      statement,
      catalogue: reading.catalogue,
      epoch: this.epochOf(reading.catalogue),
      ...(fields === undefined ? {} : { fields }),
    };
    this.#parts.names.renew(name, prepared, now);
    return now;
  }

  /**
   * SECURITY: an open portal or cursor was planned long ago, but the functions in it run as they are now. Gives whether
   * one of them has another body than when it was read; undefined where that cannot be told.
   */
  replaced({ statement, text, catalogue }: Prepared): boolean | Promise<boolean | undefined> {
    if (statement === undefined || !callsCode(statement)) return false;
    const now = this.#parts.meaning.now();
    if (now instanceof Promise) return now.then((known) => codeDiffers(catalogue, known));
    if (now !== undefined) return codeDiffers(catalogue, now);
    return Promise.resolve(this.#parts.meaning.read(text)).then((reading) =>
      reading?.kind === 'understood' ? codeDiffers(catalogue, reading.catalogue) : undefined,
    );
  }

  /** Reads again what EXECUTE names, where that has become old; false where it cannot be read now. */
  renewed(statements: readonly Statement[]): Promise<boolean> | undefined {
    for (const { effect } of statements) {
      if (effect.kind !== 'execute') continue;
      const found = this.#parts.names.statement(effect.name);
      const fresh = found === undefined ? undefined : this.fresh(effect.name, found);
      // One that the server has not confirmed yet cannot be renewed; it is refused then.
      if (fresh instanceof Promise) {
        return fresh.then((now) => now !== undefined && this.#parts.names.statement(effect.name) === now);
      }
    }
    return undefined;
  }
}
