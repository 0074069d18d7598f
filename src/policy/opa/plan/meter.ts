/** What one evaluation may still do, in steps: it ends the same way for the same question, on any machine. */
export class Meter {
  left: number;

  constructor(steps: number) {
    this.left = steps;
  }

  /** @throws {Halt} when nothing is left. */
  spend(steps: number): void {
    this.left -= steps;
    // Whatever is no number (NaN) ends it, too.
    if (!(this.left >= 0)) throw new Halt('The policy took more steps than it may');
  }
}

/** The evaluation ends without an answer. The message holds no value. */
export class Halt extends Error {
  override readonly name = 'Halt';
}

/** A builtin has no answer for what it was given: undefined, or, where the layer is strict, the end. No value in it. */
export class Wrong extends Error {
  override readonly name = 'Wrong';
}
