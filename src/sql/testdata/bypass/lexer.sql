-- expect: write; a backslash does not escape in a standard string, so the string ends and a DELETE follows
SELECT 'a\'; DELETE FROM audit; --'
-- expect: write; in an E string the backslash does escape, and the string ends later
UPDATE audit SET note=E'O\'Brien'; DELETE FROM audit
-- expect: write; a string that goes on after a line break; the second quote ends it
SELECT 'a'
'b; DELETE'; DELETE FROM audit
-- expect: write; a bracket inside dollar quotes
WITH x AS (SELECT $$a)b$$) DELETE FROM audit
-- expect: write; dollar quotes with a tag that looks like the end
SELECT $a$ $b$ $a$; DELETE FROM audit; --$b$
-- expect: write; a form feed is white space
DELETEFROM audit
-- expect: write; comments nest: the statement stands after the outer end
/* /* */ SELECT 1; */ DELETE FROM audit
-- expect: write; a comment instead of white space
DELETE/**/FROM/* */audit
-- expect: write; a line comment ends at a carriage return
SELECT 1; -- xDELETE FROM audit
-- expect: write; no white space at all
DELETE FROM"audit"WHERE"id"=1
-- expect: write; letters of the name as code points
DELETE FROM public.U&"\0061udit"
-- expect: write; another escape character for code points
DELETE FROM U&"!0061udit" UESCAPE '!'
-- expect: write; capitals fold
DELETE FROM AUDIT
-- expect: write; a quoted name is the same table
DELETE FROM "public"."audit"
-- expect: write; the keyword is the name of a CTE
WITH delete AS (SELECT 1) DELETE FROM audit
-- expect: write; the write stands behind many statements
SELECT 1; SELECT 2; SELECT 3; DELETE FROM audit; SELECT 4
-- expect: write; a transaction is ended in the middle of a text
DELETE FROM audit; COMMIT; SELECT 1/0
-- expect: write; a DELETE behind empty statements
;;;DELETE FROM audit;;
