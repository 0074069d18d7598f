-- expect: execute; a trigger
INSERT INTO triggered VALUES (1, 'x')
-- expect: execute; a trigger on a table that a foreign key cleans
DELETE FROM orders WHERE id = 1
-- expect: execute; a check on a table that a foreign key empties
DELETE FROM customers WHERE id = 1
-- expect: execute; a key is changed and others follow
UPDATE customers SET id = 2 WHERE id = 1
-- expect: unknown; a rule puts something else in its place
UPDATE ruled SET note = 'x'
-- expect: execute; row security calls a function
SELECT count(*) FROM app.secrets
-- expect: execute; COPY runs triggers
COPY triggered FROM STDIN
-- expect: execute; MERGE runs triggers
MERGE INTO triggered t USING audit a ON t.id = a.id WHEN MATCHED THEN UPDATE SET note = 'x'
-- expect: execute; ON CONFLICT runs the trigger of UPDATE
INSERT INTO triggered VALUES (1) ON CONFLICT (id) DO UPDATE SET note = 'x'
-- expect: execute; filling a view that calls
REFRESH MATERIALIZED VIEW loud_copy
-- expect: execute; rewriting a table
ALTER TABLE triggered ALTER note TYPE varchar
-- expect: execute; with an expression
ALTER TABLE audit ALTER note TYPE text USING (app.innocent()::text)
-- expect: execute; an index over a function
CREATE INDEX ON customers (app.shout(name))
-- expect: execute; the condition of an index
CREATE INDEX ON customers (id) WHERE app.allowed(name)
-- expect: execute; the bounds of a partition
ALTER TABLE events ATTACH PARTITION audit FOR VALUES FROM (app.shout('a')) TO ('b')
-- expect: execute; the bounds of a new partition
CREATE TABLE e PARTITION OF events FOR VALUES IN (app.shout('a'))
-- expect: execute; a default of a new column
ALTER TABLE audit ADD COLUMN c text DEFAULT app.shout('x')
-- expect: execute; a check of a new column
ALTER TABLE audit ADD COLUMN c text CHECK (app.allowed(c))
-- expect: unknown; a view that nobody could read
SELECT * FROM unread
