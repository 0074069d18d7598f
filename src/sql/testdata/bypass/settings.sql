-- expect: unknown; the lexer's rules
SET standard_conforming_strings = off
-- expect: unknown; only for the transaction
SET LOCAL standard_conforming_strings TO 'off'
-- expect: unknown; spelt in capitals
SET STANDARD_CONFORMING_STRINGS TO 0
-- expect: unknown; quoted
SET "Standard_Conforming_Strings" = off
-- expect: unknown; back to what a role may have set
RESET standard_conforming_strings
-- expect: unknown; by DEFAULT
SET standard_conforming_strings TO DEFAULT
-- expect: unknown; by function
SELECT set_config('standard_conforming_strings', 'off', false)
-- expect: unknown; by function, in capitals
SELECT pg_catalog.set_config('Standard_Conforming_Strings', 'off', false)
-- expect: unknown; by function, computed
SELECT set_config('standard_' || 'conforming_strings', 'off', false)
-- expect: unknown; by function, from a table
SELECT set_config(name, note, false) FROM audit JOIN customers USING (id)
-- expect: unknown; by function, named arguments
SELECT set_config(setting_name => 'role', new_value => 'x', is_local => false)
-- expect: unknown; by function, in FROM
SELECT * FROM set_config('backslash_quote', 'on', false)
-- expect: unknown; an encoding in which 0x5C is part of a letter
SET client_encoding = 'SJIS'
-- expect: unknown; the same by NAMES
SET NAMES 'BIG5'
-- expect: unknown; the same by function
SELECT set_config('client_encoding', 'GBK', false)
-- expect: unknown; COPY in another encoding
COPY customers TO STDOUT (ENCODING 'UHC')
-- expect: unknown; the path moves inside a cursor that runs later
DECLARE c CURSOR FOR SELECT set_config('search_path', 'app', false)
-- expect: unknown; the path moves inside a prepared statement
PREPARE p AS SELECT set_config('search_path', 'app', false)
-- expect: unknown; the path moves inside COPY
COPY (SELECT set_config('search_path', 'app', false)) TO STDOUT
-- expect: administer; another role
SET ROLE postgres
-- expect: administer; another role, by its setting
SET role = 'postgres'
-- expect: administer; back to the role of the connection
RESET ROLE
-- expect: administer; another user
SET SESSION AUTHORIZATION postgres
-- expect: administer; another user, by function
SELECT set_config('session_authorization', 'postgres', false)
-- expect: administer; row security
SET row_security = off
-- expect: administer; triggers and foreign keys switched off
SET session_replication_role = replica
-- expect: administer; the server's log
SET log_statement = 'none'
-- expect: administer; a library
SET local_preload_libraries = 'x'
-- expect: administer; a library, by LOAD
LOAD 'x'
-- expect: administer; a setting that policies of the database may read
SET app.user_id = '1'
-- expect: administer; settings by the view with a rule
UPDATE pg_settings SET setting = 'off' WHERE name = 'row_security'
-- expect: unknown; the setting is that of a row
SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'standard_conforming_strings'
-- expect: unknown; a WHERE calls it before it compares
SELECT 1 FROM pg_settings WHERE name = 'work_mem' AND set_config(name, 'off', false) IS NULL
-- expect: unknown; of any row
SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'work_mem' OR name = 'standard_conforming_strings'
-- expect: unknown; another name than the row's
SELECT set_config(name, 'off', false) FROM (SELECT 'standard_conforming_strings' AS name) s
-- expect: unknown; a row inside the row
SELECT (SELECT set_config(name, 'off', false) FROM (VALUES ('standard_conforming_strings')) s(name)) FROM pg_settings WHERE name = 'work_mem'
-- expect: unknown; a table by that name
WITH pg_settings AS (SELECT 'standard_conforming_strings' AS name) SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'work_mem'
-- expect: unknown; two tables
SELECT set_config(name, 'off', false) FROM pg_settings, generate_series(1, 2) WHERE name = 'work_mem'
-- expect: unknown; not equal
SELECT set_config(name, 'off', false) FROM pg_settings WHERE name <> 'work_mem'
-- expect: administer; one that is not harmless
SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'row_security'
-- expect: unknown; a value that a parameter brings can be any text
SELECT set_config('standard_conforming_strings', $1, false)
-- expect: unknown; names move to where a parameter says
SELECT set_config('search_path', $1, false)
-- expect: unknown; a text that is kept
SELECT set_config('application_name', $1, false)
-- expect: unknown; the parameter says which setting
SELECT set_config($1, 'off', false)
