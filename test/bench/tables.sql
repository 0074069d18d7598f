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

-- Nothing in it is anybody's. No row has the words of another, and most values of the other columns are new ones, too.
CREATE TABLE orders AS
SELECT n::bigint AS id,
       'ORD-' || (20000000 + n::bigint * 7919 % 9000000) AS number,
       'SKU-' || (1000 + n::bigint * 31 % 9000) || '-' || chr(65 + n % 4) AS sku,
       (ARRAY['open', 'paid', 'shipped', 'returned', 'cancelled'])[n % 5 + 1] AS status,
       md5(n::text)::uuid AS reference,
       md5('batch ' || n)::uuid::text AS batch,
       (n::bigint * 17 % 1000000)::numeric / 100 AS amount,
       (ARRAY['EUR', 'USD', 'GBP'])[n % 3 + 1] AS currency,
       timestamptz '2026-01-01' + n * interval '1 minute' AS created_at,
       (SELECT string_agg(words[1 + abs(hashint4(n * 8 + use)::bigint) % 62], ' ')
        FROM generate_series(1, 4 + n % 4) AS use) AS remark
FROM generate_series(1, :rows) n,
     (SELECT string_to_array('boxes leave at the door please ring back package returned broken left side customer says colour'
        || ' blue green order late wants refund wait until tomorrow evening size large small paper printed label missing'
        || ' ask driver stairs second floor gate open closed behind house pallet stacked twice heavy light empty bottle'
        || ' glass invoice copy sent again loading ramp keep dry upper shelf quick', ' ') AS words) AS lists;

ANALYZE;
