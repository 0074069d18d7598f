/**
 * asciicast v3 (docs.asciinema.org/manual/asciicast/v3): a header line, then one event a line, `[interval, code, data]`;
 * the interval is in seconds since the event before.
 */
import type { Scene } from './scene.ts';
import { TerminalPainter } from './terminal.ts';

const columns = 132;
const rows = 40;

/** The lines of an asciicast; give it all scenes, then `end`. */
export class Asciicast {
  readonly #painter: TerminalPainter = new TerminalPainter({ columns, colour: true });
  #last = 0;
  #begun = false;

  line(scene: Scene): string {
    const head = this.#begun ? '' : this.#head(scene);
    this.#begun = true;
    const drawn = this.#painter.paint(scene);
    return drawn === '' ? head : head + this.#event(scene.at, 'o', drawn.replaceAll('\n', '\r\n'));
  }

  end(): string {
    return `${this.#begun ? '' : this.#head(undefined)}${JSON.stringify([0, 'x', '0'])}\n`;
  }

  #head(scene: Scene | undefined): string {
    const session = scene?.kind === 'session' ? scene.session : undefined;
    return `${JSON.stringify({
      version: 3,
      term: { cols: columns, rows },
      ...(session === undefined
        ? {}
        : {
            timestamp: Math.floor(Date.parse(session.startedAt) / 1_000),
            // A player shows no longer pause than this; the intervals themselves are as they were.
            idle_time_limit: 2,
            title: `${session.identity} -> ${session.resource} (session ${session.id})`,
          }),
    })}\n`;
  }

  #event(at: number, code: 'o' | 'x', data: string): string {
    const interval = Math.max(0, at - this.#last);
    this.#last = Math.max(this.#last, at);
    return `${JSON.stringify([interval / 1_000, code, data])}\n`;
  }
}
