import { generator } from './schema.ts';

type Kind = 'text' | 'int' | 'date' | 'json' | 'list' | 'bytes' | 'xml' | 'row';
interface Column {
  readonly name: string;
  readonly kind: Kind;
  /** Of a row: the columns of its type. */
  readonly fields?: readonly Column[];
}
interface Source {
  readonly alias: string;
  readonly columns: readonly Column[];
  /** It can stand whole in an expression. */
  readonly row: boolean;
  /** What its columns are called in its type, whatever the alias calls them. */
  readonly stored?: readonly Column[];
}
interface Query {
  readonly sql: string;
  readonly columns: readonly Column[];
}
interface Scope {
  readonly sources: readonly Source[];
  readonly outer: readonly Source[];
  readonly ctes: readonly (readonly [string, readonly Column[]])[];
  readonly depth: number;
}

function columnsOf(text: string): readonly Column[] {
  return text.split(' ').map((each) => {
    const [name = '', kind = 'text'] = each.split(':');
    return { name, kind: kind as Kind };
  });
}

const people = columnsOf(
  'id:int name ssn email card cards:list born:date pay:int pin:int doc:json page:xml nick secret:bytes loud',
);
const tables: readonly (readonly [string, readonly Column[]])[] = [
  ['people', people],
  ['people', people],
  ['orders', columnsOf('id:int person:int item note total:int')],
  ['guess', columnsOf('ssn name id:int')],
  ['mother', columnsOf('id:int tale')],
  ['daughter', columnsOf('id:int tale own')],
  ['parts', columnsOf('id:int what')],
  ['parts_low', columnsOf('id:int what')],
  ['app.people', columnsOf('id:int ssn other')],
  ['vp', columnsOf('id:int national_id name')],
  ['vv', columnsOf('both_of nid n:int')],
  ['star', columnsOf('id:int name ssn email card cards:list item')],
  ['mp', columnsOf('m_ssn m_email id:int')],
  ['merged', columnsOf('ssn name gname')],
  ['united', columnsOf('u')],
  ['deep', columnsOf('id:int ssn n:int')],
];

const stored: ReadonlySet<string> = new Set([
  'people',
  'orders',
  'guess',
  'mother',
  'daughter',
  'parts',
  'mp',
]);

/** Queries of many shapes over the schema of schema.ts; the same for the same seed. Some are refused by the server. */
export function queries(seed: number, major: number): () => string {
  const next = generator(seed);
  let names = 0;

  const below = (limit: number): number => Math.floor(next() * limit);
  const chance = (of: number): boolean => next() < of;
  const pick = <T>(items: readonly T[]): T => {
    const item = items[below(items.length)];
    if (item === undefined) throw new RangeError('Nothing to pick from');
    return item;
  };
  const fresh = (letter: string): string => `${letter}${++names}`;
  const oneOf = (...makers: readonly (() => string)[]): string => pick(makers)();

  // ------------------------------------------------------------------------------------------ expressions

  function columnOf(scope: Scope, kind: Kind): string | undefined {
    const sources = chance(0.2) ? [...scope.sources, ...scope.outer] : scope.sources;
    const found = sources.flatMap((source) =>
      source.columns.filter((each) => each.kind === kind).map((each) => [source, each] as const),
    );
    if (found.length === 0) return undefined;
    const [source, column] = pick(found);
    if (source.row && chance(0.1)) return `(${source.alias}).${column.name}`;
    return chance(0.1) ? column.name : `${source.alias}.${column.name}`;
  }

  /** A field of a column that holds rows. */
  function fieldOf(scope: Scope): string | undefined {
    const found = scope.sources.flatMap((source) =>
      source.columns.flatMap((column) =>
        (column.fields ?? [])
          .filter((each) => each.kind === 'text')
          .map((each) => `(${source.alias}.${column.name}).${each.name}`),
      ),
    );
    return found.length === 0 ? undefined : pick(found);
  }

  function rowOf(scope: Scope): string | undefined {
    const rows = scope.sources.filter((each) => each.row);
    return rows.length === 0 ? undefined : pick(rows).alias;
  }

  function deeper(scope: Scope): Scope {
    return { ...scope, depth: scope.depth - 1 };
  }

  function text(scope: Scope): string {
    const field = chance(0.5) ? fieldOf(scope) : undefined;
    if (field !== undefined) return field;
    const column = columnOf(scope, 'text');
    if (scope.depth <= 0 || chance(0.3)) return column ?? `'k${below(9)}'`;
    const down = deeper(scope);
    const t = (): string => text(down);
    const row = rowOf(scope);
    return oneOf(
      () => `upper(${t()})`,
      () => `reverse(${t()})`,
      () => `substr(${t()}, ${1 + below(3)}, 8)`,
      () => `left(${t()}, 7)`,
      () => `(${t()} || ${t()})`,
      () => `coalesce(${t()}, ${t()})`,
      () => `nullif(${t()}, 'x')`,
      () => `encode(convert_to(${t()}, 'UTF8'), '${pick(['hex', 'base64', 'escape'])}')`,
      () => `(${t()})::varchar(60)`,
      () => `(${t()} COLLATE "C")`,
      () => `replace(${t()}, 'zz', ${t()})`,
      () => `concat(${t()}, ${int(down)})`,
      () => `format('%s-%s', ${t()}, ${t()})`,
      () => `CASE WHEN ${condition(down)} THEN ${t()} ELSE ${t()} END`,
      () => `CASE ${int(down)} WHEN 1 THEN ${t()} END`,
      () => `greatest(${t()}, ${t()})`,
      () => `array_to_string(ARRAY[${t()}, ${t()}], ',')`,
      () => `array_to_string(${list(down)}, '+')`,
      () => `(${list(down)})[1]`,
      () => `jsonb_build_object('k', ${t()})::text`,
      () => `to_json(${t()})::text`,
      () => `(${json(down)} ->> 'k')`,
      () => `(${json(down)} #>> '{n,1,in}')`,
      () => `ROW(${t()}, ${int(down)})::text`,
      () => (row === undefined ? t() : `${row}::text`),
      () => (row === undefined ? t() : `row_to_json(${row})::text`),
      () => (row === undefined ? t() : `(to_jsonb(${row}) ->> 'ssn')`),
      () => `xmlserialize(content xmlelement(name a, ${t()}) as text)`,
      () => `xmlserialize(content ${columnOf(scope, 'xml') ?? "'<a/>'::xml"} as text)`,
      () => `encode(${columnOf(scope, 'bytes') ?? "'x'::bytea"}, 'base64')`,
      () => `to_char(${columnOf(scope, 'date') ?? 'now()'}, 'YYYY')`,
      () => `(${int(down)})::text`,
      () => `regexp_replace(${t()}, '^(..)', '\\1')`,
      () => `split_part(${t()}, '-', 1)`,
      () => `trim(${t()})`,
      () => `overlay(${t()} placing 'Q' from 1)`,
      () => `convert_from(decode(encode(convert_to(${t()}, 'UTF8'), 'hex'), 'hex'), 'UTF8')`,
      () => `to_tsvector('simple', ${t()})::text`,
      () => `(SELECT ${text({ ...down, outer: [...scope.outer, ...scope.sources] })} LIMIT 1)`,
      () => `(${oneColumn(down, scope)})`,
      () => `array_to_string(ARRAY(${oneColumn(down, scope)}), '|')`,
      () => (major >= 17 ? `json_value(${json(down)}, '$.k')` : t()),
      () => (major >= 16 ? `json_object('a': ${t()})::text` : t()),
    );
  }

  function int(scope: Scope): string {
    const column = columnOf(scope, 'int');
    if (scope.depth <= 0 || chance(0.5)) return column ?? String(below(5));
    const down = deeper(scope);
    return oneOf(
      () => `length(${text(down)})`,
      () => `ascii(${text(down)})`,
      () => `(${int(down)} + 1)`,
      () => `coalesce(${int(down)}, 0)`,
      () => `array_length(${list(down)}, 1)`,
      () => `CASE WHEN ${condition(down)} THEN ${int(down)} END`,
      () => `abs(${int(down)})::numeric::int8`,
    );
  }

  function list(scope: Scope): string {
    const column = columnOf(scope, 'list');
    if (column !== undefined && chance(0.6)) return column;
    return oneOf(
      () => `ARRAY[${text(deeper(scope))}]`,
      () => `string_to_array(${text(deeper(scope))}, 'q')`,
      () => `array_append(ARRAY['z'], ${text(deeper(scope))}::text)`,
    );
  }

  function json(scope: Scope): string {
    const column = columnOf(scope, 'json');
    if (column !== undefined && chance(0.7)) return column;
    return `jsonb_build_object('k', ${text(deeper(scope))}, 'n', '[1,{"in":"x"}]'::jsonb)`;
  }

  function condition(scope: Scope): string {
    const down = deeper(scope);
    return oneOf(
      () => `${text(down)} IS NOT NULL`,
      () => `${int(down)} > 0`,
      () => `${text(down)} LIKE '%b%'`,
      () => `${text(down)} = ${text(down)}`,
      () => `${int(down)} BETWEEN 0 AND 999999999`,
      () => `${int(down)} IN (1, 2, 3)`,
      () => `EXISTS (${oneColumn(down, scope)})`,
      () => `${text(down)} IN (${oneColumn(down, scope)})`,
      () => `NOT (${int(down)} = 77)`,
      () => 'true',
    );
  }

  function oneColumn(down: Scope, around: Scope): string {
    const inner: Scope = { ...down, outer: [...around.outer, ...around.sources], sources: [] };
    const from = fromItem(inner);
    const scope = { ...inner, sources: from.sources };
    return `SELECT ${text(deeper(scope))} FROM ${from.sql} ORDER BY 1 LIMIT 1`;
  }

  // ------------------------------------------------------------------------------------------ FROM

  interface Made {
    readonly sql: string;
    readonly sources: readonly Source[];
  }

  function fromItem(scope: Scope): Made {
    const makers: (() => Made)[] = [() => table(scope), () => table(scope), () => table(scope)];
    if (scope.depth > 0) {
      makers.push(
        () => derived(scope, false),
        () => joined(scope),
        () => joined(scope),
        () => called(scope),
      );
    }
    return pick(makers)();
  }

  function table(scope: Scope): Made {
    const [name, columns] = pick([...tables, ...scope.ctes, ...scope.ctes]);
    const alias = fresh('t');
    // Names of other columns, so that a mistake shows.
    const swapped = chance(0.5) && new Set(columns.slice(0, 2).map((each) => each.name)).size === 2;
    const renames = chance(0.2)
      ? columns.slice(0, 2).map((each, at, both) => ({
          name: swapped ? (both[1 - at]?.name ?? fresh('r')) : fresh('r'),
          kind: each.kind,
          fields: each.fields ?? [],
        }))
      : [];
    const list = renames.length === 0 ? '' : `(${renames.map((each) => each.name).join(', ')})`;
    const sample = chance(0.05) && stored.has(name) ? ' TABLESAMPLE SYSTEM (100)' : '';
    const renamed = [...renames, ...columns.slice(renames.length)];
    // Columns beyond the listed ones exist (people.home): a whole row has them too.
    return {
      sql: `${name} AS ${alias}${list}${sample}`,
      sources: [{ alias, columns: renamed, row: true, stored: columns }],
    };
  }

  function derived(scope: Scope, lateral: boolean): Made {
    const alias = fresh('d');
    const outer = lateral ? [...scope.outer, ...scope.sources] : scope.outer;
    const query = select({ ...deeper(scope), sources: [], outer });
    const names = chance(0.3)
      ? query.columns.map((each) => ({ name: fresh('n'), kind: each.kind, fields: each.fields ?? [] }))
      : query.columns;
    const list =
      names === query.columns || names.length === 0 ? '' : `(${names.map((each) => each.name).join(', ')})`;
    const sql = `${lateral ? 'LATERAL ' : ''}(${query.sql}) AS ${alias}${list}`;
    return { sql, sources: [{ alias, columns: names, row: true }] };
  }

  function joined(scope: Scope): Made {
    const left = fromItem(deeper(scope));
    const right = chance(0.2)
      ? derived({ ...deeper(scope), sources: left.sources }, true)
      : fromItem(deeper(scope));
    const sources = [...left.sources, ...right.sources];
    const shared = left.sources
      .flatMap((each) => each.columns)
      .filter((each) =>
        right.sources.some((other) => other.columns.some((column) => column.name === each.name)),
      );
    const type = pick(['JOIN', 'LEFT JOIN', 'JOIN', 'FULL JOIN', 'RIGHT JOIN']);
    if (shared.length > 0 && chance(0.4)) {
      const using = chance(0.2) && major >= 14 ? ` AS ${fresh('u')}` : '';
      return { sql: `${left.sql} ${type} ${right.sql} USING (${pick(shared).name})${using}`, sources };
    }
    if (chance(0.1)) return { sql: `${left.sql} NATURAL ${type} ${right.sql}`, sources };
    if (chance(0.1)) return { sql: `(${left.sql} CROSS JOIN ${right.sql})`, sources };
    const on = condition({ ...deeper(scope), sources, depth: 0 });
    const plain = type === 'FULL JOIN' ? 'JOIN' : type;
    return { sql: `${left.sql} ${plain} ${right.sql} ON ${on}`, sources };
  }

  function listedItems(scope: Scope): Made {
    const left = fromItem(deeper(scope));
    const right = chance(0.5)
      ? derived({ ...deeper(scope), sources: left.sources }, true)
      : fromItem(deeper(scope));
    return { sql: `${left.sql}, ${right.sql}`, sources: [...left.sources, ...right.sources] };
  }

  function called(scope: Scope): Made {
    const base = table(scope);
    const inner = { ...deeper(scope), sources: base.sources };
    const alias = fresh('f');
    const beside = (sql: string, columns: readonly Column[]): Made => ({
      sql: `(${base.sql} CROSS JOIN ${sql})`,
      sources: [...base.sources, { alias, columns, row: false }],
    });
    const nested = `LATERAL (VALUES (${text(inner)}, ${int(inner)}), ('v', 1)) AS ${alias}(a, b)`;
    return pick([
      () => beside(`unnest(${list(inner)}) AS ${alias}`, [{ name: alias, kind: 'text' }]),
      () => beside(`unnest(${list(inner)}) WITH ORDINALITY AS ${alias}(x, y)`, columnsOf('x y:int')),
      () => beside(`unnest(${list(inner)}, ARRAY[1]) AS ${alias}(x, y)`, columnsOf('x y:int')),
      () => beside(`jsonb_each_text(${json(inner)}) AS ${alias}`, columnsOf('key value')),
      () => beside(`generate_series(1, 2) AS ${alias}`, [{ name: alias, kind: 'int' }]),
      () =>
        beside(
          `ROWS FROM (generate_series(1, 2), regexp_split_to_table(${text(inner)}, 'b')) AS ${alias}(x, y)`,
          columnsOf('x:int y'),
        ),
      () => beside(`jsonb_to_record(${json(inner)}) AS ${alias}(k text, n jsonb)`, columnsOf('k n:json')),
      () =>
        beside(
          `XMLTABLE('/a' PASSING xmlelement(name a, ${text(inner)}) COLUMNS x text PATH '.', o FOR ORDINALITY) AS ${alias}`,
          columnsOf('x o:int'),
        ),
      () => beside(nested, columnsOf('a b:int')),
      () =>
        major >= 17
          ? beside(
              `JSON_TABLE(${json(inner)}, '$' COLUMNS (NESTED PATH '$.n[*]' COLUMNS (i text PATH '$.in'), k text PATH '$.k')) AS ${alias}`,
              columnsOf('k i'),
            )
          : beside(nested, columnsOf('a b:int')),
    ])();
  }

  // ------------------------------------------------------------------------------------------ SELECT

  function targets(scope: Scope): { readonly sql: string; readonly columns: readonly Column[] } {
    const parts: string[] = [];
    const columns: Column[] = [];
    for (let count = 1 + below(4); count > 0; count--) {
      const name = fresh('c');
      const kind = pick<Kind>(['text', 'text', 'text', 'int', 'list', 'json']);
      const source = scope.sources.length === 0 ? undefined : pick(scope.sources);
      if (source?.row === true && chance(0.08)) {
        parts.push(chance(0.5) ? `${source.alias}.*` : `(${source.alias}).*`);
      } else if (chance(0.1) && source?.row === true) {
        parts.push(`${source.alias} AS ${name}`);
        const fields = source.stored ?? source.columns;
        columns.push({ name, kind: 'row', fields });
      } else if (chance(0.06)) {
        parts.push(text(scope));
      } else {
        const value = { text, int, list, json }[kind as 'text' | 'int' | 'list' | 'json'](scope);
        parts.push(`${value} AS ${name}`);
        columns.push({ name, kind });
      }
    }
    return { sql: parts.join(', '), columns };
  }

  function grouped(scope: Scope): { readonly sql: string; readonly columns: readonly Column[] } {
    const inner = deeper(scope);
    const [key, a, b, c] = [fresh('c'), fresh('c'), fresh('c'), fresh('c')];
    const aggregate = (): string =>
      oneOf(
        () => `string_agg(${text(inner)}, ',' ORDER BY ${text(inner)})`,
        () => `max(${text(inner)})`,
        () => `min(${text(inner)}) FILTER (WHERE ${condition(inner)})`,
        () => `array_to_string(array_agg(${text(inner)}), '/')`,
        () => `json_agg(${rowOf(scope) ?? text(inner)})::text`,
        () => `mode() WITHIN GROUP (ORDER BY ${text(inner)})`,
        () => `jsonb_object_agg(coalesce(${text(inner)}, 'k'), ${text(inner)})::text`,
        () => `app.longest(${text(inner)})`,
        () => `app.glue(${text(inner)})`,
      );
    const by = text({ ...inner, depth: 0 });
    const sql = `${by} AS ${key}, ${aggregate()} AS ${a}, ${aggregate()} AS ${b}, count(*) AS ${c}`;
    return { sql, columns: [...columnsOf(`${key} ${a} ${b} ${c}:int`)] };
  }

  function windowed(scope: Scope): { readonly sql: string; readonly columns: readonly Column[] } {
    const inner = deeper(scope);
    const [a, b] = [fresh('c'), fresh('c')];
    const over = `OVER (PARTITION BY ${int(inner)} ORDER BY ${text(inner)})`;
    const call = pick(['first_value', 'lag', 'max', 'last_value', 'lead']);
    return {
      sql: `${call}(${text(inner)}) ${over} AS ${a}, rank() ${over} AS ${b}`,
      columns: columnsOf(`${a} ${b}:int`),
    };
  }

  function plain(scope: Scope): Query {
    const from = chance(0.15) ? listedItems(scope) : fromItem(scope);
    const inside: Scope = { ...scope, sources: from.sources };
    const where = chance(0.3) ? ` WHERE ${condition(deeper(inside))}` : '';
    const limit = ' LIMIT 40';
    if (chance(0.1))
      return { sql: `SELECT * FROM ${from.sql}${where}${limit}`, columns: unambiguous(from.sources) };
    if (chance(0.15)) {
      const made = grouped(inside);
      return { sql: `SELECT ${made.sql} FROM ${from.sql}${where} GROUP BY 1${limit}`, columns: made.columns };
    }
    const made = chance(0.15) ? windowed(inside) : targets(inside);
    const distinct = chance(0.1) && !/doc|json|xml|\*/.test(made.sql) ? 'DISTINCT ' : '';
    return { sql: `SELECT ${distinct}${made.sql} FROM ${from.sql}${where}${limit}`, columns: made.columns };
  }

  function unambiguous(sources: readonly Source[]): readonly Column[] {
    const all = sources.flatMap((each) => each.columns);
    return all.filter((each) => all.filter((other) => other.name === each.name).length === 1);
  }

  function united(scope: Scope): Query {
    const inner = deeper(scope);
    const [name, number] = [fresh('c'), fresh('c')];
    const branch = (first: boolean): string => {
      const from = fromItem(inner);
      const inside: Scope = { ...inner, sources: from.sources };
      const names = first ? [` AS ${name}`, ` AS ${number}`] : ['', ''];
      return `SELECT ${text(inside)}${names[0]}, ${int(inside)}::numeric${names[1]} FROM ${from.sql}`;
    };
    const op = pick(['UNION', 'UNION ALL', 'UNION ALL', 'EXCEPT', 'INTERSECT']);
    return {
      sql: `${branch(true)} ${op} ${branch(false)} ORDER BY 1 LIMIT 40`,
      columns: columnsOf(`${name} ${number}:int`),
    };
  }

  function withCte(scope: Scope): Query {
    const name = fresh('w');
    const query = select({ ...deeper(scope), sources: [] });
    const how = pick(['', ' MATERIALIZED', ' NOT MATERIALIZED']);
    const main = select({ ...deeper(scope), ctes: [...scope.ctes, [name, query.columns]] });
    return { sql: `WITH ${name} AS${how} (${query.sql}) ${arm(main.sql)}`, columns: main.columns };
  }

  function recursive(scope: Scope): Query {
    const [name, main] = [fresh('w'), fresh('w')];
    const start = table({ ...scope, ctes: [] });
    const inside: Scope = { ...scope, sources: start.sources, depth: 1 };
    const again = table({ ...scope, ctes: [] });
    const step: Scope = {
      ...scope,
      sources: [...again.sources, { alias: name, columns: columnsOf('n:int s z'), row: false }],
      depth: 1,
    };
    const first = `SELECT 1, (${text(inside)})::text, (${text(inside)})::text FROM ${start.sql}`;
    const then = `SELECT ${name}.n + 1, (${text(step)})::text, ${name}.s FROM ${name}, ${again.sql} WHERE ${name}.n < 3`;
    const cte = [main, columnsOf('n:int s z')] as const;
    const query = chance(0.6)
      ? { sql: `SELECT upper(s) AS s, z FROM ${main}`, columns: columnsOf('s z') }
      : select({ ...deeper(scope), ctes: [...scope.ctes, cte] });
    return {
      sql: `WITH RECURSIVE ${name}(n, s, z) AS (${first} UNION ALL (${then} LIMIT 3)), ${main} AS (SELECT * FROM ${name} LIMIT 30) ${arm(query.sql)}`,
      columns: query.columns,
    };
  }

  // Two WITH clauses cannot follow each other.
  function arm(sql: string): string {
    return sql.startsWith('WITH') ? `SELECT * FROM (${sql}) AS ${fresh('q')}` : sql;
  }

  function select(scope: Scope): Query {
    if (scope.depth <= 0 || chance(0.7)) return plain(scope);
    return pick([() => united(scope), () => withCte(scope), () => recursive(scope), () => plain(scope)])();
  }

  function writing(): string {
    const base: Scope = { sources: [], outer: [], ctes: [], depth: 2 };
    const from = fromItem({ ...base, depth: 0 });
    const inside: Scope = { ...base, sources: from.sources, depth: 1 };
    const target: Source = { alias: 'orders', columns: columnsOf('id:int item note'), row: true };
    const both: Scope = { ...inside, sources: [...from.sources, target] };
    return oneOf(
      () =>
        `INSERT INTO notes (body) SELECT ${text(inside)} FROM ${from.sql} LIMIT 2 RETURNING body, upper(body), notes.*`,
      () =>
        `UPDATE orders SET note = ${text(both)} FROM ${from.sql} RETURNING orders.note, orders.*, ${text(both)}`,
      () =>
        `UPDATE orders SET (item, note) = (SELECT ${text(inside)}, 'x' FROM ${from.sql} LIMIT 1) RETURNING *`,
      () => `DELETE FROM orders USING ${from.sql} RETURNING ${text(both)}, orders`,
      () =>
        `WITH i AS (INSERT INTO notes (body) SELECT ${text(inside)} FROM ${from.sql} LIMIT 2 RETURNING body) SELECT reverse(body), i FROM i`,
      () =>
        major >= 18
          ? `UPDATE orders SET note = ${text(both)} FROM ${from.sql} RETURNING old.note, new.note, new`
          : 'TABLE orders',
      () =>
        major >= 17
          ? `MERGE INTO orders USING (SELECT 1 AS one, ${text(inside)} AS src FROM ${from.sql} LIMIT 1) s ON orders.id = s.one WHEN MATCHED THEN UPDATE SET note = s.src RETURNING merge_action(), *`
          : 'TABLE guess',
    );
  }

  return () => {
    names = 0;
    if (chance(0.08)) return writing();
    return select({ sources: [], outer: [], ctes: [], depth: 3 }).sql;
  };
}
