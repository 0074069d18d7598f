-- expect: execute; an operator of a user, by schema
SELECT 1 OPERATOR(app.===) 2
-- expect: execute; an operator of a user whose name is an everyday one
SELECT 1 OPERATOR(app.=) 2
-- expect: execute; an operator of a user, by path
SELECT 'a' @@@ 'b'
-- expect: execute; a prefix operator
SELECT !!! 1
-- expect: execute; with ANY
SELECT 1 OPERATOR(app.===) ANY (ARRAY[1])
-- expect: execute; with ALL and a query
SELECT 1 OPERATOR(app.===) ALL (SELECT 1)
-- expect: execute; of rows
SELECT (1, 2) OPERATOR(app.===) (1, 2)
-- expect: execute; of rows with a query
SELECT (1, 2) OPERATOR(app.===) (SELECT 1, 2)
-- expect: execute; in ORDER BY … USING
SELECT name FROM customers ORDER BY name USING OPERATOR(public.@@@)
-- expect: execute; a domain whose check is a function
SELECT 'x'::app.handle
-- expect: execute; the same by CAST
SELECT CAST('x' AS app.handle)
-- expect: execute; the same by a call
SELECT app.handle('x')
-- expect: execute; the same by a literal's type
SELECT app.handle 'x'
-- expect: execute; the same for a list
SELECT '{x}'::app.handle[]
-- expect: execute; the same for a function's columns
SELECT * FROM json_to_record('{}') AS t(a app.handle)
-- expect: execute; the same for XMLTABLE
SELECT * FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS b app.handle)
-- expect: execute; the same for JSON
SELECT JSON_VALUE('{}', '$.a' RETURNING app.handle)
-- expect: execute; the same for JSON_TABLE
SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a app.handle PATH '$.a'))
-- expect: execute; the same for a prepared statement
PREPARE p (app.handle) AS SELECT $1
-- expect: execute; the same for XMLSERIALIZE
SELECT XMLSERIALIZE(CONTENT '<a/>' AS app.handle)
-- expect: execute; a type given as text
SELECT pg_input_is_valid('x', 'app.handle')
-- expect: execute; a type given as a number
SELECT array_in('{x}', 'app.handle'::regtype, -1)
-- expect: execute; assigning to a column of that type
UPDATE profiles SET handle = 'x'
