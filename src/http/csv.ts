/** How the cells of a column are shown; undefined: as they are. */
export type Column = (cell: string) => string;

/**
 * Shows whole columns of a CSV text (RFC 4180) otherwise, by the names in its first line, wherever the text is cut. The separator is the
 * one that is given or said (`sep=;`), else the one that stands most often in that line. What is not changed stays as it is written. Throws
 * an Error where a line cannot be cut into the columns that were named, or another separator would name one that is shown
 * otherwise, since nobody can say which cell is which then.
 */
export class CsvColumns {
  readonly #columnOf: (name: string) => Column | undefined;
  #rest = '';
  #columns: readonly (Column | undefined)[] | undefined;
  #separator: string | undefined;

  constructor(columnOf: (name: string) => Column | undefined, separator?: string) {
    this.#columnOf = columnOf;
    this.#separator = separator;
  }

  /** Units that are held back, until their line is whole. */
  get held(): number {
    return this.#rest.length;
  }

  push(text: string): string {
    this.#rest += text;
    let out = '';
    let from = 0;
    for (;;) {
      const end = lineEnd(this.#rest, from);
      if (end === undefined) break;
      out += this.#line(this.#rest.slice(from, end));
      from = end;
    }
    this.#rest = this.#rest.slice(from);
    return out;
  }

  end(): string {
    const last = this.#rest === '' ? '' : this.#line(this.#rest);
    this.#rest = '';
    return last;
  }

  #line(whole: string): string {
    const line = whole.replace(/[\r\n]+$/, '');
    const end = whole.slice(line.length);
    if (this.#columns === undefined) {
      this.#head(line.replace(/^\ufeff/, ''));
      return whole;
    }
    if (line === '') return whole;
    const separator = this.#separator ?? ',';
    const cells = cellsOf(line, separator);
    if (cells.length > this.#columns.length) throw new Error('A line has more cells than there are names');
    const shown = cells.map((cell, at) => {
      const column = this.#columns?.[at];
      const value = valueOf(cell);
      return column === undefined || value === '' ? cell : written(column(value), separator);
    });
    return shown.join(separator) + end;
  }

  #head(line: string): void {
    if (line.trim() === '') return;
    const said = /^"?sep=(.)"?$/i.exec(line)?.[1];
    if (said !== undefined) {
      this.#separator ??= said;
      return;
    }
    const given = this.#separator;
    const separator = given ?? separatorOf(line);
    const columns = this.#named(cellsOf(line, separator));
    const others = given === undefined ? [...separators, ...(columns.length > 1 ? [] : rare)] : [];
    const hidden = columns.filter((column) => column !== undefined).length;
    for (const other of others) {
      if (other === separator || !line.includes(other)) continue;
      const read = this.#named(line.split(other)).filter((column) => column !== undefined).length;
      if (read > hidden) throw new Error('Nobody can say what separates the names of the columns');
    }
    this.#separator = separator;
    this.#columns = columns;
  }

  #named(cells: readonly string[]): readonly (Column | undefined)[] {
    return cells.map((cell) => {
      const name = valueOf(cell.trim()).trim();
      return this.#columnOf(name) ?? this.#columnOf(name.replace(/^'(.*)'$/, '$1'));
    });
  }
}

const separators = [',', ';', '\t', '|'];
/** What separates cells where nothing else does. */
const rare = [' ', ':', '^', '~', '\u001f'];

/** Behind the next line end that is not inside quotes. A \r at the very end may be half of \r\n. */
function lineEnd(text: string, from: number): number | undefined {
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (char === '\n') return at + 1;
    else if (char === '\r') {
      if (at + 1 === text.length) return undefined;
      return text[at + 1] === '\n' ? at + 2 : at + 1;
    }
  }
  return undefined;
}

function separatorOf(line: string): string {
  const outside = line.replaceAll(/"[^"]*"/g, '');
  let best = ',';
  for (const each of separators) if (outside.split(each).length > outside.split(best).length) best = each;
  return best;
}

/** The cells as they are written. */
function cellsOf(line: string, separator: string): readonly string[] {
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    let end: number;
    if (line[at] === '"') {
      end = closing(line, at) + 1;
      if (end < line.length && line[end] !== separator) throw new Error('Something stands behind a quote');
    } else {
      const next = line.indexOf(separator, at);
      end = next < 0 ? line.length : next;
      if (line.slice(at, end).includes('"')) throw new Error('A quote stands in the middle of a cell');
    }
    cells.push(line.slice(at, end));
    if (end >= line.length) return cells;
    at = end + 1;
    if (at === line.length) {
      cells.push('');
      return cells;
    }
  }
}

function closing(line: string, from: number): number {
  for (let at = from + 1; at < line.length; at++) {
    if (line[at] !== '"') continue;
    if (line[at + 1] !== '"') return at;
    at++;
  }
  throw new Error('A quote is not closed');
}

function valueOf(cell: string): string {
  return cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
}

function written(value: string, separator: string): string {
  const plain = !value.includes(separator) && !/["\r\n]/.test(value);
  return plain ? value : `"${value.replaceAll('"', '""')}"`;
}
