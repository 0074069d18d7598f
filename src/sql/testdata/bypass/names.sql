-- expect: write; the name of a CTE holds only where the CTE does
SELECT * FROM (WITH audit AS (SELECT 1) SELECT 1) x; DELETE FROM audit
-- expect: execute; a CTE does not stand for a name with a schema
WITH customers AS (SELECT 1) DELETE FROM public.customers
-- expect: unknown; a relation that does not exist here
SELECT * FROM nowhere
-- expect: unknown; a relation of another database
SELECT * FROM other.public.customers
-- expect: unknown; a temporary relation that is not there
DELETE FROM pg_temp.customers
-- expect: administer; the server's own by its bare name
SELECT * FROM pg_authid
-- expect: define; everything in a schema
DROP SCHEMA public CASCADE
-- expect: define; everything that depends
DROP TABLE audit CASCADE
-- expect: administer; everything that somebody owns
DROP OWNED BY CURRENT_USER
-- expect: define; a table takes the place of another
ALTER TABLE audit RENAME TO customers2
-- expect: define; a table moves to another schema
ALTER TABLE audit SET SCHEMA app
