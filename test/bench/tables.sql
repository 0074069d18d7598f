-- Ten columns of the usual types. Of `people` three columns are tagged and masked; in one of a hundred notes of either
-- there is something for the detectors to find.
CREATE TABLE people AS
SELECT n::bigint AS id,
       'Person ' || chr(65 + n % 26) || ' ' || chr(65 + n / 26 % 26) || 'son' AS name,
       'person' || n || '@example.com' AS email,
       '+1 212 555 0' || lpad((n % 1000)::text, 3, '0') AS phone,
       lpad((n % 899 + 1)::text, 3, '0') || '-' || lpad((n % 99 + 1)::text, 2, '0') || '-' || lpad((n % 9999 + 1)::text, 4, '0') AS ssn,
       (ARRAY['Lagos', 'London', 'Athens', 'Bogotá', 'Oslo'])[n % 5 + 1] AS city,
       (ARRAY['open', 'paid', 'sent', 'cancelled'])[n % 4 + 1] AS status,
       (n % 100000)::numeric / 100 AS total,
       CASE WHEN n % 100 = 0 THEN 'Write to other' || n || '@example.org' ELSE 'Called twice, will call again next week' END AS note,
       timestamptz '2026-01-01' + n * interval '1 minute' AS created_at
FROM generate_series(1, :rows) n;

CREATE TABLE things AS
SELECT id, name, 'label ' || city AS label, 'kind ' || status AS kind, 'shelf ' || city AS shelf, city, status, total, note,
       created_at
FROM people;

ANALYZE;
