-- expect: write; a write is prepared
PREPARE p AS DELETE FROM audit
-- expect: execute; a call is prepared
PREPARE p AS SELECT app.innocent()
-- expect: write; a write through WITH in a prepared statement
PREPARE p AS WITH x AS (DELETE FROM audit RETURNING 1) SELECT * FROM x
-- expect: define; a table from something prepared
CREATE TABLE x AS EXECUTE p
-- expect: execute; a cursor over a call
DECLARE c CURSOR FOR SELECT app.innocent()
-- expect: write; a cursor that locks
DECLARE c CURSOR FOR SELECT * FROM customers FOR UPDATE
-- expect: administer; two-phase commit leaves the session
PREPARE TRANSACTION 'x'
-- expect: administer; what another session prepared
COMMIT PREPARED 'x'
