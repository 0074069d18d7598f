-- expect: administer; a rule
CREATE RULE r AS ON SELECT TO audit DO INSTEAD DELETE FROM customers
-- expect: execute; a trigger that calls later
CREATE TRIGGER t AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION app.innocent()
-- expect: administer; an event trigger
CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION app.at_event()
-- expect: administer; a function with its owner's rights
CREATE FUNCTION f() RETURNS void SECURITY DEFINER LANGUAGE sql AS 'DELETE FROM customers'
-- expect: administer; a function gets its owner's rights
ALTER FUNCTION app.innocent() SECURITY DEFINER
-- expect: administer; code in the server's own process
CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc', 'system'
-- expect: administer; an untrusted language
CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'import os'
-- expect: administer; the language before the rest
CREATE FUNCTION f() RETURNS int AS 'libc' LANGUAGE "C"
-- expect: administer; a cast that everybody's statements use
CREATE CAST (int AS text) WITH FUNCTION app.shout(text) AS IMPLICIT
-- expect: define; an operator for everybody
CREATE OPERATOR public.= (leftarg = int, rightarg = int, function = app.eq)
-- expect: administer; a policy that calls
CREATE POLICY p ON customers USING (true)
-- expect: administer; row security switched off
ALTER TABLE app.secrets DISABLE ROW LEVEL SECURITY
-- expect: administer; triggers switched off
ALTER TABLE triggered DISABLE TRIGGER ALL
-- expect: administer; another owner
ALTER TABLE audit OWNER TO me
-- expect: administer; rights
GRANT ALL ON customers TO PUBLIC
-- expect: administer; a role
ALTER ROLE me SUPERUSER
-- expect: administer; the setting of a role
ALTER ROLE me SET standard_conforming_strings = off
-- expect: administer; the setting of a database
ALTER DATABASE shop SET search_path = evil
-- expect: administer; the setting of the server
ALTER SYSTEM SET archive_command = 'rm'
-- expect: administer; a publication
CREATE PUBLICATION p FOR ALL TABLES
-- expect: administer; an extension
CREATE EXTENSION dblink
-- expect: administer; a foreign server
CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw
