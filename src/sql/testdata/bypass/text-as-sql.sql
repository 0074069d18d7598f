-- expect: execute; a query as text
SELECT query_to_xml('select ssn from customers', true, true, '')
-- expect: execute; its schema
SELECT query_to_xmlschema('select ssn from customers', true, true, '')
-- expect: execute; a table by name
SELECT table_to_xml('customers', true, true, '')
-- expect: execute; a cursor by name
SELECT cursor_to_xml('c', 10, true, true, '')
-- expect: execute; a schema
SELECT schema_to_xml('public', true, true, '')
-- expect: execute; the database
SELECT database_to_xml(true, true, '')
-- expect: execute; statistics of texts
SELECT * FROM ts_stat('select to_tsvector(ssn) from customers')
-- expect: execute; rewriting by a query
SELECT ts_rewrite('a'::tsquery, 'select ''a''::tsquery, ssn::tsquery from customers')
-- expect: execute; deep inside
SELECT length(query_to_xml('select 1', true, true, '')::text) + 1
-- expect: execute; a row by its place in any table
SELECT currtid2('customers', '(0,1)')
-- expect: execute; rewriting by a query, behind a parameter that does not count
SELECT ts_rewrite($1, 'a'::tsquery, 'select ''a''::tsquery, ssn::tsquery from customers')
