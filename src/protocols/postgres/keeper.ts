import { Fault, messageOf } from '../../base/errors.ts';
import type { World } from '../../base/time.ts';
import type { Log } from '../../core/ports.ts';
import { type Catalogue, catalogue } from '../../sql/catalogue.ts';
import type { Node } from '../../sql/tree.ts';
import { catalogueWatch, readCatalogue } from './catalogue.ts';

export interface KeeperParts {
  /** Opens the gateway's own connection to the database. */
  readonly connect: () => Promise<OwnConnection>;
  /** The one statement of a view's text, parsed; undefined when it cannot be. */
  readonly parse: (text: string) => Promise<Node | undefined>;
  readonly world: World;
  readonly log: Log;
  readonly resource: string;
  /** How long a snapshot is trusted without asking the server whether anything changed. */
  readonly trustMs: number;
}

export interface OwnConnection {
  readonly query: (sql: string) => Promise<readonly (readonly (string | null)[])[]>;
  readonly close: () => void;
}

const looksApart = 10;
/** One that took longer counts as this: nobody waits for minutes. */
const longestLookMs = 100;

/**
 * Keeps the catalogue of one database: read by the gateway's own connection, asked every few seconds whether it has
 * changed, and asked at once when a session has changed something or met a name it does not know.
 */
export class Keeper implements AsyncDisposable {
  readonly #parts: KeeperParts;
  #connection: OwnConnection | undefined;
  #version: (() => Promise<string>) | undefined;
  #current: Catalogue | undefined;
  #checkedAt = 0;
  #stale = true;
  #reading: Promise<Catalogue> | undefined;
  /** How long the last look took. */
  #tookMs = 0;
  /** The look that begins soon. */
  #later: Promise<Catalogue> | undefined;
  #wake: () => void = () => undefined;
  #over = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** The catalogue, checked within the trusted time; a promise when it must be checked or read first. */
  current(): Catalogue | Promise<Catalogue> {
    const known = this.#current;
    if (known !== undefined && !this.#stale && this.#age() < this.#parts.trustMs) return known;
    return this.#check();
  }

  /** Something was changed through this gateway: the next who asks waits for a new look. */
  invalidate(): void {
    this.#stale = true;
  }

  /**
   * A name was met that is not there: looks again. Whoever asks again and again waits for the next look, so that looks take
   * a tenth of the server's time at most.
   */
  lookAgain(): Catalogue | Promise<Catalogue> {
    const early = looksApart * this.#tookMs - this.#age();
    if (early > 0) return (this.#later ??= this.#lookLater(early));
    this.#stale = true;
    return this.current();
  }

  async #lookLater(ms: number): Promise<Catalogue> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    using _timer = this.#parts.world.after(ms, resolve);
    await promise;
    this.#later = undefined;
    if (this.#over) throw new Fault('catalogue', 'The catalogue is read no more');
    this.#stale = true;
    return this.current();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    this.#wake();
    await this.#reading?.catch(() => undefined);
    this.#drop();
  }

  #age(): number {
    return this.#parts.world.now() - this.#checkedAt;
  }

  #check(): Promise<Catalogue> {
    // INVARIANT: one look at a time; whoever asks meanwhile waits for the one that started after the change it knows of.
    const running = this.#reading;
    if (running !== undefined) {
      if (!this.#stale) return running;
      return running.then(
        () => this.current(),
        () => this.current(),
      );
    }
    this.#stale = false;
    this.#reading = this.#look().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #look(): Promise<Catalogue> {
    const started = this.#parts.world.now();
    try {
      const connection = this.#connection ?? (await this.#open());
      const version = await (this.#version ?? catalogueWatch(connection.query))();
      if (this.#current?.data.version !== version) {
        this.#current = catalogue(await readCatalogue(connection.query, this.#parts.parse));
        this.#parts.log('debug', 'catalogue.read', {
          resource: this.#parts.resource,
          relations: this.#current.data.relations.length,
          tookMs: this.#parts.world.now() - started,
        });
      }
      this.#checkedAt = started;
      this.#tookMs = Math.min(longestLookMs, this.#parts.world.now() - started);
      return this.#current;
    } catch (thrown) {
      this.#stale = true;
      this.#drop();
      this.#parts.log('warn', 'catalogue.failed', { resource: this.#parts.resource, why: messageOf(thrown) });
      throw thrown instanceof Fault
        ? thrown
        : new Fault('catalogue', 'The catalogue could not be read', { cause: thrown });
    }
  }

  async #open(): Promise<OwnConnection> {
    this.#connection = await this.#parts.connect();
    this.#version = catalogueWatch(this.#connection.query);
    return this.#connection;
  }

  #drop(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#version = undefined;
  }
}
