\pset pager off
\timing off
\set ON_ERROR_ROLLBACK off
\d
\dt+ kinds
\d orders
\d+ payments
\d customers
\di
\ds
\dn
\dT
\dT+ mood
\dD
\df
\dv
\l shop
\x on
SELECT * FROM kinds ORDER BY id;
\x off
SELECT max(id) AS top, count(*) AS number FROM orders \gset
\echo :top :number
SELECT id, total FROM orders WHERE id = :top;
SELECT 1 AS a, 'x' AS b \gdesc
SELECT 'SELECT ' || id || ' AS made' FROM kinds ORDER BY id \gexec
SELECT status, extract(year FROM created_at) AS year, count(*) FROM orders GROUP BY 1, 2 ORDER BY 1, 2 \crosstabview
SELECT id, t FROM kinds ORDER BY id \g (format=csv)
\set FETCH_COUNT 500
SELECT * FROM orders ORDER BY id;
\unset FETCH_COUNT
BEGIN;
\copy scratch (id, word, amount) FROM pstdin
1	one	1.5
2	two	2.5
3	\N	\N
\.
\copy scratch (id, word) FROM PROGRAM 'seq 10 2000 | sed "s/.*/&,word &/"' (FORMAT csv)
\copy (SELECT * FROM scratch ORDER BY id) TO STDOUT (FORMAT csv, HEADER)
\copy scratch TO PROGRAM 'sort | cksum'
SELECT count(*) FROM scratch;
SAVEPOINT s;
SELECT 1 / 0;
ROLLBACK TO s;
SELECT count(*) FROM scratch;
ROLLBACK;
SELECT nothing FROM orders;
SELECT 'after' AS after;
SHOW transaction_isolation;
EXPLAIN (COSTS OFF) SELECT * FROM orders WHERE id = 1;
