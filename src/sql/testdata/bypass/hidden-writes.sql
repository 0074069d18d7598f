-- expect: write; a write in WITH
WITH x AS (DELETE FROM audit RETURNING *) SELECT * FROM x
-- expect: write; a write in WITH whose name is the table's
WITH audit AS (DELETE FROM audit RETURNING *) SELECT * FROM audit
-- expect: write; a write in a WITH within a WITH's neighbour
WITH a AS (SELECT 1), b AS (INSERT INTO audit SELECT * FROM a RETURNING id) SELECT 1
-- expect: write; WITH gives the name of the table, the target is the table all the same
WITH audit AS (SELECT 1) DELETE FROM audit
-- expect: write; MERGE deletes
MERGE INTO audit a USING customers c ON a.id = c.id WHEN MATCHED THEN DELETE
-- expect: write; MERGE in WITH
WITH m AS (MERGE INTO audit a USING customers c ON a.id = c.id WHEN MATCHED THEN DELETE RETURNING a.id) SELECT * FROM m
-- expect: define; SELECT makes a table
SELECT * INTO copied FROM customers
-- expect: define; TABLE with INTO by CREATE TABLE AS
CREATE TABLE copied AS TABLE customers
-- expect: write; a read that locks
SELECT * FROM customers FOR UPDATE
-- expect: write; a lock within a sub-select
SELECT * FROM (SELECT * FROM customers FOR SHARE) x
-- expect: write; a read that moves a sequence
SELECT nextval('orders_id_seq')
-- expect: write; a sequence moved in a default place
INSERT INTO audit (id) VALUES (nextval('orders_id_seq'))
-- expect: write; a view that can be written through
UPDATE customer_names SET name = 'x'
-- expect: execute; a view of a view, with what hangs on its table
DELETE FROM customer_first
-- expect: write; ON CONFLICT updates
INSERT INTO orders (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET status = 'x'
-- expect: write; COPY of a statement that writes
COPY (DELETE FROM audit RETURNING *) TO STDOUT
-- expect: write; COPY in
COPY audit FROM STDIN
-- expect: write; a partition instead of its table
DELETE FROM events_2024
-- expect: write; a large object
SELECT lo_from_bytea(0, 'x')
-- expect: write; a message to other sessions
SELECT pg_notify('c', 'x')
-- expect: write; a message to other sessions by statement
NOTIFY c, 'x'
-- expect: write; a lock whose number carries a value
SELECT pg_advisory_lock(ascii(ssn)) FROM customers
