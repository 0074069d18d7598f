import type { Shown } from '../core/replay.ts';
import type { Decided, Scene } from './scene.ts';
import { fitted, oneLine, visible, widthOf } from './visible.ts';

export interface TerminalOptions {
  readonly columns: number;
  readonly colour: boolean;
}

const styles = { dim: '2', bold: '1', red: '31', green: '32', yellow: '33', cyan: '36' } as const;
type Style = keyof typeof styles;

/** A cell is cut at this width; the other exports have it whole. */
const widest = 48;

/** Draws scenes as text with \n line ends; each call gives what one scene adds. */
export class TerminalPainter {
  readonly #options: TerminalOptions;
  #names: readonly string[] = [];
  #widths: readonly number[] | undefined;
  #rows = 0;
  /** The last text did not end its line. */
  #open = false;
  #of: string | undefined;
  /** The statement that what is drawn now belongs to. */
  #about: string | undefined;

  constructor(options: TerminalOptions) {
    this.#options = options;
  }

  paint(scene: Scene): string {
    const drawn = this.#draw(scene);
    if (drawn === '') return '';
    const goesOn = scene.kind === 'answer' && scene.shown.kind === 'text' && scene.of === this.#of;
    const before = (this.#open && !goesOn ? '\n' : '') + this.#turnTo(scene);
    this.#of = 'of' in scene ? scene.of : undefined;
    this.#open = !drawn.endsWith('\n');
    return before + drawn;
  }

  /** Answers of several statements at once come mixed: whose one is stands before it. */
  #turnTo(scene: Scene): string {
    if (scene.kind === 'statement' || scene.kind === 'decision') this.#about = scene.id;
    if (!('of' in scene) || scene.of === undefined || scene.of === this.#about) return '';
    this.#about = scene.of;
    return this.#line('dim', `  [to ${oneLine(scene.of)}]`);
  }

  #draw(scene: Scene): string {
    switch (scene.kind) {
      case 'session': {
        const { id, identity, resource, protocol, startedAt, run } = scene.session;
        const of = run === undefined ? '' : `, run ${run}`;
        return (
          this.#line('bold', `session ${id}`) +
          this.#line('dim', `${identity} -> ${resource} (${protocol}), ${startedAt}${of}`)
        );
      }
      case 'statement':
        this.#endTable();
        return `\n${this.#verdict(scene.at, scene.decided)}${lines(scene.text, '  | ')}`;
      case 'decision':
        return this.#decision(scene);
      case 'answer':
        return this.#shown(scene.shown);
      case 'sent':
        return scene.shown.kind === 'text' ? lines(scene.shown.text, '  > ') : this.#shown(scene.shown);
      case 'note':
        return this.#line('yellow', `  ${oneLine(scene.text)}`);
      case 'gap':
        return this.#line(
          'red',
          `  [gap] ${scene.chunk === undefined ? '' : `chunk ${scene.chunk}: `}${oneLine(scene.why)}`,
        );
      case 'end':
        return this.#line('dim', `\n-- ${oneLine(scene.why)}`);
      default:
        return scene satisfies never;
    }
  }

  #verdict(at: number, decided: Decided | undefined): string {
    const time = clock(at);
    if (decided === undefined) return this.#line('dim', time);
    const { decision, verb, access, rules, duties } = decided;
    const named = { allow: 'ALLOWED', deny: 'DENIED', review: 'HELD' }[decision];
    const style: Style = decision === 'allow' ? 'green' : decision === 'deny' ? 'red' : 'yellow';
    const shown = duties.filter((duty) => !duty.startsWith('record:'));
    const more = [verb, `(${access})`, ...rules, ...(shown.length === 0 ? [] : [`[${shown.join(' ')}]`])];
    return `${this.#in('dim', time)}  ${this.#in(style, named)}  ${this.#in('dim', oneLine(more.join(' ')))}\n`;
  }

  #decision({ at, decision, why = '', decided }: Extract<Scene, { kind: 'decision' }>): string {
    if (decision === 'deny') return this.#line('red', `  DENIED ${oneLine(why)}`);
    return decided === undefined
      ? ''
      : `\n${this.#verdict(at, decided)}${this.#line('dim', '  (the policy records no text of this)')}`;
  }

  #shown(shown: Shown): string {
    switch (shown.kind) {
      case 'columns':
        this.#endTable();
        this.#names = shown.names;
        return '';
      case 'rows':
        return this.#table(shown.rows);
      case 'tag': {
        const empty = this.#names.length > 0 && this.#widths === undefined ? this.#table([]) : '';
        const rows = this.#rows;
        const counted = this.#widths === undefined ? '' : ` (${rows} row${rows === 1 ? '' : 's'} shown)`;
        this.#endTable();
        return `${empty}${this.#line('dim', `  ${oneLine(shown.text)}${counted}`)}`;
      }
      case 'error': {
        this.#endTable();
        const { code, message, detail, hint } = shown;
        const more = [
          ...(detail === undefined ? [] : [`  DETAIL  ${oneLine(detail)}`]),
          ...(hint === undefined ? [] : [`  HINT    ${oneLine(hint)}`]),
        ];
        return (
          this.#line('red', `  ERROR ${oneLine(code)}  ${oneLine(message)}`) +
          more.map((each) => this.#line('dim', each)).join('')
        );
      }
      case 'notice':
        return this.#line('yellow', `  NOTICE  ${oneLine(shown.text)}`);
      case 'text':
        return visible(shown.text);
      case 'binary':
        return this.#line('dim', `  [${shown.bytes} bytes that are no text]`);
      default:
        return shown satisfies never;
    }
  }

  #table(rows: readonly (readonly (string | null)[])[]): string {
    const cells = rows.map((row) => row.map((cell) => (cell === null ? '' : oneLine(cell))));
    const drawn: string[] = [];
    if (this.#widths === undefined) {
      const names = this.#names.length > 0 ? this.#names : (rows[0] ?? []).map((_, at) => `column ${at + 1}`);
      this.#widths = this.#fit(
        names.map((name, at) =>
          Math.max(widthOf(oneLine(name)), ...cells.map((row) => widthOf(row[at] ?? ''))),
        ),
      );
      drawn.push(
        this.#in('bold', this.#row(names.map(oneLine))),
        `  ${this.#widths.map((width) => '-'.repeat(width)).join('-+-')}`,
      );
    }
    for (const [at, row] of cells.entries()) {
      const marked = row.map((cell, column) => (rows[at]?.[column] === null ? '\u2205' : cell));
      drawn.push(this.#row(marked));
    }
    this.#rows += rows.length;
    return `${drawn.join('\n')}\n`;
  }

  #row(cells: readonly string[]): string {
    return `  ${cells.map((cell, at) => fitted(cell, this.#widths?.[at] ?? widest)).join(' | ')}`.trimEnd();
  }

  /** As wide as the terminal at most, the widest columns first. */
  #fit(wanted: readonly number[]): readonly number[] {
    const widths = wanted.map((width) => Math.min(width, widest));
    const room = this.#options.columns - 2 - 3 * (widths.length - 1);
    while (widths.reduce((sum, width) => sum + width, 0) > room && Math.max(...widths) > 6)
      widths[widths.indexOf(Math.max(...widths))] = Math.max(...widths) - 1;
    return widths;
  }

  #endTable(): void {
    this.#names = [];
    this.#widths = undefined;
    this.#rows = 0;
  }

  #in(style: Style, text: string): string {
    return this.#options.colour ? `\u001b[${styles[style]}m${text}\u001b[0m` : text;
  }

  #line(style: Style, text: string): string {
    return `${this.#in(style, text)}\n`;
  }
}

function lines(text: string, before: string): string {
  return visible(text.replaceAll('\r\n', '\n'))
    .replace(/\n+$/, '')
    .split('\n')
    .map((line) => `${before}${line}\n`)
    .join('');
}

/** `1:02:03.4` */
function clock(ms: number): string {
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60];
  const seconds = ((ms % 60_000) / 1_000).toFixed(1).padStart(4, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`;
}
