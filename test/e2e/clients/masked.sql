-- One statement a line, for an analyst: no way of asking may show a tagged value. The first is compared cell by cell.
SELECT id, name, email, phone, ssn, card, city FROM customers WHERE id <= 50 ORDER BY id
SELECT * FROM customers WHERE id <= 50 ORDER BY id
SELECT c FROM customers c WHERE id <= 50 ORDER BY id
SELECT to_jsonb(c) AS doc FROM customers c WHERE id <= 50
SELECT array_agg(ssn ORDER BY id) AS all, json_agg(card), array_agg(email), json_agg(phone) FROM customers WHERE id <= 50
SELECT upper(email) AS e, ssn || '' AS s, substr(card, 1) AS c, coalesce(phone, '') AS p FROM customers WHERE id <= 50
SELECT ssn::varchar(40) AS s, card::name AS c, convert_to(ssn, 'UTF8') AS raw FROM customers WHERE id <= 50
SELECT x.s AS t FROM (SELECT ssn AS s FROM customers WHERE id <= 50) x
WITH c AS (SELECT id, card FROM customers WHERE id <= 50) SELECT o.id, c.card FROM c LEFT JOIN orders o ON o.id = c.id
SELECT (SELECT ssn FROM customers i WHERE i.id = o.id) AS s FROM customers o WHERE id <= 50
SELECT CASE WHEN id > 0 THEN card END AS c, ROW(ssn, id) AS r, ARRAY[phone, email] AS a FROM customers WHERE id <= 50
SELECT ssn FROM customers WHERE id <= 50 UNION ALL SELECT status FROM orders WHERE id <= 50
