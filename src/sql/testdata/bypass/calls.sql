-- expect: execute; a block of code
DO $$ BEGIN EXECUTE 'DEL' || 'ETE FROM customers'; END $$
-- expect: execute; a block of code after its language
DO LANGUAGE plpgsql 'BEGIN NULL; END'
-- expect: execute; a procedure
CALL app.purge()
-- expect: execute; a function
SELECT app.innocent()
-- expect: execute; a function in FROM
SELECT * FROM app.innocent()
-- expect: execute; a function in a join
SELECT * FROM customers c JOIN LATERAL app.shout(c.name) s ON true
-- expect: execute; a function in ROWS FROM
SELECT * FROM ROWS FROM (app.innocent(), generate_series(1, 2)) x
-- expect: execute; in WHERE
SELECT 1 FROM customers WHERE app.allowed(name)
-- expect: execute; in ORDER BY
SELECT name FROM customers ORDER BY app.shout(name)
-- expect: execute; in GROUP BY
SELECT count(*) FROM customers GROUP BY app.shout(name)
-- expect: execute; in HAVING
SELECT count(*) FROM customers HAVING app.allowed('x')
-- expect: execute; in LIMIT
SELECT 1 LIMIT app.eq(1, 1)::int
-- expect: execute; in OFFSET
SELECT 1 OFFSET app.eq(1, 1)::int
-- expect: execute; in DISTINCT ON
SELECT DISTINCT ON (app.shout(name)) name FROM customers
-- expect: execute; in VALUES
VALUES (app.innocent())
-- expect: execute; in CASE
SELECT CASE WHEN true THEN app.innocent() END
-- expect: execute; in an aggregate's argument
SELECT count(app.shout(name)) FROM customers
-- expect: execute; in an aggregate's ORDER BY
SELECT array_agg(name ORDER BY app.shout(name)) FROM customers
-- expect: execute; in FILTER
SELECT count(*) FILTER (WHERE app.allowed(name)) FROM customers
-- expect: execute; in WITHIN GROUP
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY app.eq(id, 1)::int) FROM customers
-- expect: execute; in a window
SELECT sum(id) OVER (PARTITION BY app.shout(name)) FROM customers
-- expect: execute; in a window's frame
SELECT sum(id) OVER (ORDER BY id ROWS app.eq(1, 1)::int PRECEDING) FROM customers
-- expect: execute; in a named window
SELECT sum(id) OVER w FROM customers WINDOW w AS (ORDER BY app.shout(name))
-- expect: execute; in RETURNING
INSERT INTO audit VALUES (1) RETURNING app.innocent()
-- expect: execute; in ON CONFLICT … WHERE
INSERT INTO audit VALUES (1) ON CONFLICT (id) DO UPDATE SET note = 'x' WHERE app.allowed('x')
-- expect: execute; in the arbiter of ON CONFLICT
INSERT INTO audit VALUES (1) ON CONFLICT ((app.shout(note))) DO NOTHING
-- expect: execute; in SET of several columns
UPDATE audit SET (id, note) = (SELECT 1, app.shout('x'))
-- expect: execute; in USING of DELETE
DELETE FROM audit USING (SELECT app.innocent()) x
-- expect: execute; in a MERGE condition
MERGE INTO audit a USING customers c ON a.id = c.id WHEN MATCHED AND app.allowed('x') THEN DELETE
-- expect: execute; in a MERGE's values
MERGE INTO audit a USING customers c ON a.id = c.id WHEN NOT MATCHED THEN INSERT VALUES (1, app.shout('x'))
-- expect: execute; in an array
SELECT ARRAY[app.innocent()]
-- expect: execute; in an array's index
SELECT (ARRAY[1])[app.eq(1, 1)::int]
-- expect: execute; in a row
SELECT ROW(app.innocent())
-- expect: execute; in a sub-select
SELECT (SELECT app.innocent())
-- expect: execute; in EXISTS
SELECT EXISTS (SELECT app.innocent())
-- expect: execute; in XMLTABLE
SELECT * FROM XMLTABLE('/a' PASSING (app.shout('<a/>')::xml) COLUMNS b text)
-- expect: execute; in XMLTABLE's DEFAULT
SELECT * FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS b text DEFAULT app.shout('x'))
-- expect: execute; in JSON_TABLE
SELECT * FROM JSON_TABLE(app.shout('{}')::jsonb, '$' COLUMNS (a int PATH '$.a'))
-- expect: execute; in JSON_TABLE's PASSING
SELECT * FROM JSON_TABLE('{}', '$' PASSING app.shout('x') AS x COLUMNS (a int PATH '$.a'))
-- expect: execute; in JSON_VALUE's DEFAULT
SELECT JSON_VALUE('{}', '$.a' DEFAULT app.shout('x') ON EMPTY)
-- expect: execute; in JSON_OBJECT
SELECT JSON_OBJECT('a': app.innocent())
-- expect: execute; in JSON_ARRAY of a query
SELECT JSON_ARRAY(SELECT app.innocent())
-- expect: execute; in XMLELEMENT's attributes
SELECT XMLELEMENT(NAME a, XMLATTRIBUTES(app.shout('x') AS b))
-- expect: execute; as a table sampling method
SELECT * FROM customers TABLESAMPLE app.sample (10)
-- expect: execute; in a table sample's argument
SELECT * FROM customers TABLESAMPLE SYSTEM (app.eq(1, 1)::int)
-- expect: execute; in REPEATABLE
SELECT * FROM customers TABLESAMPLE SYSTEM (10) REPEATABLE (app.eq(1, 1)::int)
-- expect: execute; in a CTE's CYCLE mark
WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n FROM t) CYCLE n SET c TO app.handle 'x' DEFAULT app.handle 'y' USING p SELECT * FROM t
-- expect: execute; in EXECUTE's parameters
EXECUTE p(app.innocent())
-- expect: execute; in CALL's arguments
CALL public.purge(app.eq(1, 1)::int)
-- expect: execute; in COPY … WHERE
COPY audit FROM STDIN WHERE app.allowed(note)
-- expect: execute; a row's column that is a function
SELECT c.full_name FROM customers c
-- expect: execute; a column of a value that is a function
SELECT (c).full_name FROM customers c
-- expect: execute; with the schema of the row
SELECT public.customers.full_name FROM public.customers
-- expect: execute; an aggregate of a user
SELECT sum_evil(id) FROM customers
-- expect: execute; an optional argument left out
SELECT optional(1)
-- expect: execute; many arguments
SELECT many('a', 'b', 'c')
-- expect: execute; VARIADIC
SELECT many(VARIADIC ARRAY['a'])
-- expect: execute; named arguments
SELECT optional(a => 1, b => 'x')
-- expect: execute; an immutable function is a program all the same
SELECT immutable_evil('x')
-- expect: execute; the schema quoted
SELECT "app"."innocent"()
-- expect: execute; the database named
SELECT shop.app.innocent()
-- expect: unknown; a function that does not exist yet
SELECT app.later()
-- expect: execute; a view that calls one
SELECT * FROM loud
-- expect: execute; an extension that runs text
SELECT crosstab('select ssn from customers')
-- expect: execute; an extension that reaches other servers
SELECT * FROM dblink('x', 'select 1') AS t(a int)
