-- expect: write; EXPLAIN ANALYZE runs it
EXPLAIN ANALYZE DELETE FROM audit
-- expect: write; with brackets
EXPLAIN (ANALYZE) DELETE FROM audit
-- expect: write; with a value
EXPLAIN (COSTS off, ANALYZE true) DELETE FROM audit
-- expect: write; with 1
EXPLAIN (ANALYZE 1) DELETE FROM audit
-- expect: write; with on
EXPLAIN (ANALYZE on) DELETE FROM audit
-- expect: write; with a quoted value
EXPLAIN (ANALYZE 'TRUE') DELETE FROM audit
-- expect: write; the last one counts
EXPLAIN (ANALYZE off, ANALYZE on) DELETE FROM audit
-- expect: write; with the option quoted
EXPLAIN ("analyze") DELETE FROM audit
-- expect: write; the British spelling
EXPLAIN ANALYSE DELETE FROM audit
-- expect: define; of what makes a table
EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1
-- expect: execute; of a call
EXPLAIN ANALYZE SELECT app.innocent()
-- expect: execute; without ANALYZE, but the planner calls functions to estimate
EXPLAIN SELECT * FROM customers WHERE name = app.shout('x')
-- expect: unknown; of something prepared elsewhere
EXPLAIN ANALYZE EXECUTE p
