-- One statement a line; each must come back through the gateway as it does directly, in every mode of every driver.
SELECT * FROM kinds ORDER BY id
SELECT id, t, v, c, name, raw FROM kinds ORDER BY id
SELECT k.id, k.t AS alias, o.status, o.total FROM kinds k LEFT JOIN orders o ON o.id = k.id ORDER BY k.id
SELECT id, customer_id, status, total, created_at FROM orders WHERE id <= 50 ORDER BY id
SELECT status, count(*), sum(total), avg(total), min(created_at), max(created_at) FROM orders GROUP BY status ORDER BY status
SELECT o.id, p.amount, p.method, p.paid_at FROM orders o JOIN payments p ON p.order_id = o.id WHERE o.id BETWEEN 10 AND 40 ORDER BY o.id, p.id
SELECT id, name, city, created_at FROM customers WHERE id <= 20 ORDER BY id
WITH recent AS (SELECT id, total FROM orders WHERE id < 30) SELECT r.id, r.total * 2 AS twice, rank() OVER (ORDER BY r.total DESC, r.id) FROM recent r ORDER BY 1
SELECT array_agg(id ORDER BY id), string_agg(status, ',' ORDER BY id), jsonb_agg(total ORDER BY id), json_build_object('n', count(*)) FROM orders WHERE id < 12
SELECT g, g * 1.5 AS n, chr(64 + g) AS letter, g % 2 = 0 AS even, NULL::int AS none, make_date(2024, g, 1) FROM generate_series(1, 12) g
SELECT 1 AS one, 'two' AS two, 3.5 AS three, true AS four, NULL AS five, DATE '2024-02-29' AS six, ARRAY[1,2,3] AS seven, '{"a":1}'::jsonb AS eight
SELECT jb -> 'deep' AS deep, jb ->> 'k' AS k, j -> 'a' -> 0 AS first, jb @> '{"k":"v"}' AS has FROM kinds ORDER BY id
SELECT unnest(ints) AS i FROM kinds WHERE id = 1
SELECT lower(t), upper(t), length(t), md5(t), t || '!' AS more, coalesce(t, 'none') FROM kinds ORDER BY id
SELECT d + 1 AS next, tstz AT TIME ZONE 'UTC' AS utc, extract(epoch FROM span)::numeric AS secs, date_trunc('month', ts) FROM kinds WHERE id = 1
SELECT two, twos, (two).a, row(1, 'x', NULL) AS anon FROM kinds ORDER BY id
SELECT id FROM kinds WHERE false
SELECT FROM kinds
VALUES (1, 'a'), (2, NULL)
SELECT 'a' AS x UNION ALL SELECT 'b' ORDER BY 1
SELECT t AS "odd name", id AS "Ünï" FROM kinds ORDER BY id DESC LIMIT 2 OFFSET 1
SELECT exists(SELECT 1 FROM orders WHERE status = 'paid'), (SELECT max(id) FROM payments), id IN (1, 3) AS odd FROM kinds ORDER BY id
SELECT repeat('wide ', 20000) AS wide, n FROM kinds WHERE id < 3 ORDER BY id
SELECT s.n, s.word FROM (SELECT id AS n, feel::text AS word FROM kinds) s ORDER BY 1
SELECT k.*, pg_typeof(k.n)::text FROM kinds k WHERE id = 1
SHOW server_version_num
