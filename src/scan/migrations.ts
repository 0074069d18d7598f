/** One file of a row of migrations, and where it stands in it. */
export interface Migration {
  readonly file: string;
  readonly tool: Tool;
  readonly language: 'sql' | 'code';
  /** Brought in when going back, not when going forward. */
  readonly down: boolean;
}

export type Tool = 'flyway' | 'golang-migrate' | 'prisma' | 'drizzle' | 'knex' | 'sql';

interface Layout {
  readonly tool: Tool;
  readonly language: Migration['language'];
  readonly matches: (path: string, all: ReadonlySet<string>) => boolean;
  readonly down?: (path: string) => boolean;
  /** Repeatable ones come after all versions. */
  readonly order: (path: string) => readonly (string | number)[];
}

function base(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function folder(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
}

/** `1.10.2` after `1.9`: numbers by their value. */
function version(text: string): readonly number[] {
  return text.split(/[._]/).map(Number);
}

// A table: how each tool names its files. The first that fits names the tool.
const layouts: readonly Layout[] = [
  {
    tool: 'flyway',
    language: 'sql',
    matches: (path) => /^(?:[VU]\d[\d._]*__|R__).*\.sql$/.test(base(path)),
    down: (path) => base(path).startsWith('U'),
    order: (path) => {
      const found = /^[VU]([\d._]*\d)__/.exec(base(path))?.[1];
      return found === undefined ? [1, base(path)] : [0, ...version(found)];
    },
  },
  {
    tool: 'golang-migrate',
    language: 'sql',
    matches: (path) => /^\d+_.*\.(?:up|down)\.sql$/.test(base(path)),
    down: (path) => path.endsWith('.down.sql'),
    order: (path) => [Number.parseInt(base(path), 10), base(path)],
  },
  {
    tool: 'prisma',
    language: 'sql',
    matches: (path) => base(path) === 'migration.sql',
    order: (path) => [base(folder(path))],
  },
  {
    tool: 'drizzle',
    language: 'sql',
    matches: (path, all) =>
      /^\d{4,}_.*\.sql$/.test(base(path)) &&
      all.has(`${folder(path)}/meta/_journal.json`.replace(/^\.\//, '')),
    order: (path) => [base(path)],
  },
  {
    tool: 'knex',
    language: 'code',
    matches: (path) =>
      /^\d[^/]*\.(?:js|cjs|mjs|ts|cts|mts)$/.test(base(path)) &&
      (/^\d{8,}/.test(base(path)) || base(folder(path)) === 'migrations') &&
      !/\.(?:d|test|spec)\.[cm]?ts$|\.(?:test|spec)\.[cm]?js$/.test(path),
    order: (path) => [base(path)],
  },
  {
    tool: 'sql',
    language: 'sql',
    matches: (path) => path.endsWith('.sql'),
    down: (path) => /[._-]down\.sql$/.test(path),
    order: (path) => [base(path)],
  },
];

/**
 * The migrations among these paths (with `/`), one row for each folder (for Prisma, each folder of folders), in the
 * order in which their tool would run them.
 */
export function migrationsIn(paths: readonly string[]): readonly (readonly Migration[])[] {
  const all = new Set(paths);
  const rows = new Map<
    string,
    { readonly migration: Migration; readonly order: readonly (string | number)[] }[]
  >();
  for (const path of paths) {
    const layout = layouts.find((each) => each.matches(path, all));
    if (layout === undefined) continue;
    const { tool, language } = layout;
    const row = tool === 'prisma' ? folder(folder(path)) : folder(path);
    const migration = { file: path, tool, language, down: layout.down?.(path) === true };
    rows.set(row, [...(rows.get(row) ?? []), { migration, order: layout.order(path) }]);
  }
  return [...rows.values()].map((row) =>
    row.sort((a, b) => compare(a.order, b.order)).map(({ migration }) => migration),
  );
}

function compare(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [left = -1, right = -1] = [a[at], b[at]];
    if (left === right) continue;
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    return String(left) < String(right) ? -1 : 1;
  }
  return 0;
}
