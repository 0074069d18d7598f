export type Pick = <T>(items: readonly T[]) => T;

/** A secret spelled letter by letter with letters that come from no table: only a condition brings them together. */
export function spelled(text: (depth: number) => string, pick: Pick): readonly string[] {
  const secret = text(1);
  const letter = pick([`substr(${secret}, i, 1)`, `left(right(${secret}, -i + 1), 1)`]);
  const [given, made] = pick([
    ['chr(g)', 'generate_series(32, 127) AS g'],
    ['chr(g.n)', '(SELECT n + 31 FROM generate_series(1, 96) n) AS g(n)'],
    ['c', `regexp_split_to_table('-0123456789@.abcdefghijklmnopqrstuvwxyz', '') AS c`],
    ['c', `(SELECT chr(x) AS c FROM generate_series(32, 127) x) AS q`],
    [
      'k',
      `jsonb_object_keys('{"a":1,"b":1,"c":1,"g":1,"z":1,"v":1,"x":1,"q":1,"k":1,"7":1,"4":1,"2":1}') AS k`,
    ],
    ['q.c', `generate_series(32, 127) AS g, LATERAL (SELECT chr(g) AS c) q`],
  ]);
  const key = given === 'q.c' ? pick(['q.c', 'chr(g)']) : given;
  const test = pick([
    `${key} = ${letter}`,
    `${letter} IN (${key}, 'none')`,
    `ascii(${letter}) = ascii(${key})`,
    `ascii(${letter}) BETWEEN ascii(${key}) AND ascii(${key})`,
    `ascii(${letter}) - ascii(${key}) = 0`,
    `position(${key} IN ${letter}) > 0`,
    `starts_with(${letter}, ${key})`,
    `NOT (${key} <> ${letter})`,
    `${letter} LIKE ${key}`,
    `(${key} = ${letter} AND true) OR false`,
    `${key} IS NOT DISTINCT FROM ${letter}`,
    `CASE WHEN ${key} = ${letter} THEN true END`,
    `${key} = ANY (ARRAY[${letter}])`,
    `${key} || 'x' = ${letter} || 'x'`,
  ]);
  const all = `string_agg(${given}, '' ORDER BY i)`;
  const numbers = 'generate_series(1, 12) AS i';
  return pick<readonly string[]>([
    [`SELECT ${all} FROM ${numbers}, ${made}, people p WHERE p.id = 1 AND ${test}`],
    [`SELECT ${all} FROM people p, ${numbers}, ${made} WHERE p.id = 1 AND (${test})`],
    [`SELECT ${all} FROM people p JOIN ${numbers} ON p.id = 1, ${made} WHERE ${test} GROUP BY p.id`],
    [
      `SELECT ${all} FROM ${numbers}, ${made} WHERE EXISTS (SELECT 1 FROM people p WHERE p.id = 2 AND ${test})`,
    ],
    [
      `SELECT ${all} FROM ${numbers}, ${made} WHERE ${key} IN (SELECT ${letter} FROM people p WHERE p.id = 2)`,
    ],
    [`SELECT ${all} FROM ${numbers}, ${made} WHERE ${key} = (SELECT ${letter} FROM people p WHERE p.id = 2)`],
    [
      `WITH w AS (SELECT ${given} AS a, i FROM ${numbers}, ${made}, people p WHERE p.id = 1 AND ${test}) SELECT string_agg(a, '' ORDER BY i) FROM w`,
    ],
    [
      `SELECT (SELECT string_agg(a, '') FROM (SELECT ${given} AS a FROM ${numbers}, ${made}, people p WHERE p.id = 1 AND ${test} ORDER BY i) x)`,
    ],
    // Picked by what sorts, parts or marks a row.
    [
      `SELECT string_agg(c, '' ORDER BY i) FROM (SELECT ${given} AS c, i, ${key} = ${letter} AS ok FROM ${numbers}, ${made}, people p WHERE p.id = 1) q WHERE ${pick(['ok', 'ok IS TRUE', 'NOT (NOT ok)'])}`,
    ],
    [
      `SELECT string_agg(c, '' ORDER BY i) FROM (SELECT DISTINCT ON (i) i, ${given} AS c FROM ${numbers}, ${made}, people p WHERE p.id = 1 ORDER BY i, ${key} = ${letter} DESC) q`,
    ],
    [
      `SELECT string_agg(c, '' ORDER BY i) FROM ${numbers}, LATERAL (SELECT ${given} AS c FROM ${made}, people p WHERE p.id = 1 ORDER BY ${key} = ${letter} DESC LIMIT 1) q`,
    ],
    [
      `SELECT string_agg(c, '' ORDER BY i) FROM (SELECT i, ${given} AS c, rank() OVER (PARTITION BY i ORDER BY (${key} = ${letter}) DESC) AS n FROM ${numbers}, ${made}, people p WHERE p.id = 1) q WHERE n = 1`,
    ],
    [
      `SELECT string_agg(z.s, '' ORDER BY i) FROM ${numbers}, LATERAL (SELECT ${letter} AS s FROM people p WHERE p.id = 1) l JOIN (SELECT ${given} AS s FROM ${made}) z USING (s)`,
    ],
    [
      `SELECT o.item, x.a FROM orders o, LATERAL (SELECT ${all} AS a FROM ${numbers}, ${made}, people p WHERE p.id = o.person AND ${test}) x`,
    ],
    [
      `INSERT INTO hoard (id, what) SELECT 90, ${all} FROM ${numbers}, ${made}, people p WHERE p.id = 1 AND ${test}`,
      'SELECT what FROM hoard',
    ],
  ]);
}
