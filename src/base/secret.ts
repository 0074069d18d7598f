/** A value that must not be seen: prints as `***` wherever a log, a template or an inspector meets it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. `reason` says at the call what it is needed for; grep for `.reveal(` to audit. */
  reveal(_reason: string): string {
    return this.#value;
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }
}

// Node's inspector asks for this well-known symbol; a private field is not printed in any case, the name would be.
Object.defineProperty(Secret.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: () => '***' });
