-- One column of each type, for comparing what comes through the gateway with what comes directly. Nothing in it is
-- tagged, and nothing looks like a card or a social security number.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (value > 0);
CREATE TABLE kinds (
  id int PRIMARY KEY, yes bool, i2 int2, i8 int8, f4 float4, f8 float8, n numeric, n5 numeric(20,5), t text,
  v varchar(20), c char(8), name name, raw bytea, d date, tm time, tz timetz, ts timestamp, tstz timestamptz,
  span interval, id7 uuid, j json, jb jsonb, ip inet, net cidr, mac macaddr, mac8 macaddr8, bits bit(5),
  vbits varbit, ints int[], texts text[], grid numeric[][], r int4range, tr tstzrange, mr int4multirange, pt point,
  bx box, pg polygon, ci circle, ln line, seg lseg, pa path, cash money, tsv tsvector, tsq tsquery, feel mood,
  two pair, twos pair[], pos positive, o oid, rc regclass, lsn pg_lsn, jp jsonpath);
INSERT INTO kinds VALUES
  (1, true, -32768, 9223372036854775807, 1.5, 3.141592653589793, 12345678901234567890.0987654321, 42.5, 'plain text',
   'varying', 'padded', 'a_name', '\x00ff10', '2024-02-29', '23:59:59.999999', '12:00:00+05:30', '2024-02-29 12:34:56.789',
   '2024-02-29 12:34:56.789+02', '1 year 2 mons 3 days 04:05:06.789', '0190a5f0-7c1b-7e2d-8f3a-123456789abc',
   '{"a": [1, 2, {"b": null}], "u": "\u00e9"}', '{"k": "v", "n": 1.50, "deep": {"x": [true, false]}}', '192.0.2.1/24',
   '198.51.100.0/24', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10110', B'101', '{1,2,NULL,4}',
   '{"a","b,c","d\"e",NULL,"nul"}', '{{1.5,2.25},{3,4}}', '[1,10)', '["2024-01-01 00:00:00+00","2024-06-01 00:00:00+00")',
   '{[1,3),[5,9)}', '(1.5,-2)', '((1,1),(0,0))', '((0,0),(1,1),(1,0))', '<(0,0),2.5>', '{1,-1,0}', '[(0,0),(1,1)]',
   '[(0,0),(1,1),(2,0)]', '12.34', 'fat:2 cat:3A sat', 'fat & (cat | !rat)', 'happy', '(7,"seven, with comma")',
   '{"(1,one)","(2,)"}', 9, 4294967295, 'pg_class', '16/B374D848', '$.a[*] ? (@.b > 1)'),
  (2, false, 0, 0, 'NaN', '-Infinity', 'NaN', 0, '', '', '', '', '', 'infinity', '00:00', '00:00+00', '-infinity',
   'epoch', '-1 days', '00000000-0000-0000-0000-000000000000', 'null', '[]', '::1', '2001:db8::/32', '00:00:00:00:00:00',
   '00:00:00:00:00:00:00:00', B'00000', '', '{}', '{}', '{}', 'empty', 'empty', '{}', '(0,0)', '((0,0),(0,0))', '((0,0))',
   '<(0,0),0>', '{1,0,0}', '[(0,0),(0,0)]', '((0,0))', '0', '', '', 'sad', '(,)', '{}', 1, 0, '-', '0/0', '$'),
  (3, NULL, 32767, -9223372036854775808, 1e38, 5e-324, -0.000000000000000000001, -99999999999999.99999,
   E'quote\'s, "double", \\ back, tab\t, newline\n, ünïcödé ✓ 😀', 'ß', 'é', 'n', '\xdeadbeef', '0001-01-01 BC', '24:00',
   '23:59:59.999999-12', '9999-12-31 23:59:59.999999', '1900-01-01 00:00:00+00', '178000000 years', NULL, '"text"', '"text"',
   '10.1.2.3', '10.0.0.0/8', NULL, NULL, NULL, NULL, '[2:4]={7,8,9}', '{{a,b},{c,d}}', NULL, '(,5]', '(,)', NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, '-92233720368547758.08', NULL, NULL, 'ok', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE scratch (id int PRIMARY KEY, word text, amount numeric, at timestamptz, tags text[], doc jsonb);
ANALYZE kinds;
