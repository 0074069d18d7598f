// Ways to turn one value into another, as PostgreSQL has them: a table, long on purpose.

/** Text made of a text. `@` is what it is made of. */
export const texts: readonly string[] = `
  upper(@)
  initcap(@)
  reverse(@)
  substr(@, 2)
  substr(@, 1, 7)
  substring(@ from 3 for 8)
  substring(@ from '[a-z0-9]+')
  left(@, 6)
  right(@, -1)
  overlay(@ placing '' from 1 for 1)
  translate(@, '-', '')
  replace(@, '-', ' ')
  regexp_replace(@, '(.)(.)', '\\2\\1', 'g')
  array_to_string(regexp_match(@, '(.*)'), '')
  array_to_string(string_to_array(@, NULL), '')
  array_to_string(string_to_array(@, NULL), ' ')
  split_part(@, '@', 1)
  repeat(@, 2)
  lpad(@, 30, '*')
  rpad(@, 9)
  btrim(@, 'x')
  concat(@, 'x', 1)
  concat_ws('-', 'a', @)
  format('%s', @)
  format('%I %L', @, @)
  format('%1$s%1$s', @)
  quote_literal(@)
  quote_ident(@)
  quote_nullable(@)
  encode(convert_to(@, 'UTF8'), 'base64')
  encode(convert_to(@, 'UTF8'), 'hex')
  encode(convert_to(@, 'UTF8'), 'escape')
  encode(convert_to('x' || @, 'UTF8'), 'base64')
  encode(reverse(@)::bytea, 'hex')
  convert_from(convert_to(@, 'UTF8'), 'UTF8')
  (@::bytea)::text
  (@)::varchar(40)
  (@)::char(40)
  (@)::name
  (@ COLLATE "C")
  (@ || '')
  ('' || @)
  coalesce(@, 'none')
  nullif(@, '')
  greatest(@, '')
  least(@, 'zzzzzzz')
  CASE WHEN @ IS NULL THEN 'n' ELSE @ END
  CASE @ WHEN 'x' THEN 'y' ELSE @ END
  (ARRAY[@, 'x'])[1]
  (ARRAY[@])::text
  (ROW(@, 1))::text
  row_to_json(ROW(@))::text
  to_json(@)::text
  to_jsonb(@) #>> '{}'
  json_build_object('k', @)::text
  jsonb_build_object('k', @) ->> 'k'
  json_build_array(@, 1)::text
  jsonb_build_array(@) ->> 0
  jsonb_object(ARRAY['k', @])::text
  json_object('{a}', ARRAY[@])::text
  jsonb_set('{"a": 1}', '{a}', to_jsonb(@))::text
  jsonb_pretty(to_jsonb(ARRAY[@]))
  jsonb_path_query_first(jsonb_build_object('k', @), '$.k') #>> '{}'
  (SELECT string_agg(value, '') FROM jsonb_each_text(jsonb_build_object('k', @)))
  (SELECT jsonb_object_keys(jsonb_build_object(coalesce(@, 'none'), 1)) LIMIT 1)
  xmlforest(@ AS a)::text
  xmlelement(name a, xmlattributes(@ AS b))::text
  xmlconcat(xmlelement(name a, @))::text
  xmlserialize(content xmlelement(name a, @) AS text)
  (xpath('/a/text()', xmlelement(name a, @)))[1]::text
  to_tsvector('simple', @)::text
  strip(to_tsvector('simple', @))::text
  plainto_tsquery('simple', @)::text
  ts_headline('simple', @, plainto_tsquery('simple', 'x'))
  chr(ascii(@)) || substr(@, 2)
  (SELECT string_agg(chr(ascii(substr(@, i, 1))), '') FROM generate_series(1, 20) i)
  (SELECT string_agg(substr(@, i, 1), '' ORDER BY i DESC) FROM generate_series(1, 20) i)
  (SELECT string_agg(to_hex(ascii(substr(@, i, 1))), '') FROM generate_series(1, 12) i)
  (SELECT string_agg(c, '') FROM regexp_split_to_table(@, '') c)
  (SELECT x FROM (VALUES (@)) v(x))
  (SELECT max(x) FROM unnest(ARRAY[@]) x)
  (WITH w AS (SELECT @ AS x) SELECT x FROM w)
  (SELECT @ UNION ALL SELECT 'x' LIMIT 1)
  textcat(@, 'x')
  substr(md5(@), 1, 4) || @
  set_bit(@::bytea, 0, 0)::text
  substr(@::bytea, 1, 9)::text
  normalize(@)
  unistr(@)
  to_ascii(@, 'LATIN1')
  @::app.word
  same_sql(@)
  same_plain(@)
  twice(@)
  app.add(@, 'x')
  loudly(@)
  loudly(@) || @
  jsonb_typeof(to_jsonb(@)) || @
  array_to_string(array_fill(@, ARRAY[2]), ',')
  array_to_string(array_replace(ARRAY['x'], 'x', @), ',')
  (string_to_array(@, '-'))[1] || (string_to_array(@, '-'))[2]
  (parse_ident('a.' || quote_ident(@)))[2]
  hstore_like(@)
`
  .split('\n')
  .map((each) => each.trim())
  .filter((each) => each !== '' && !each.startsWith('hstore_like'));

/** Values of other types made of a text: their binary forms differ. */
export const others: readonly string[] = `
  ARRAY[@, @]
  ARRAY[ARRAY[@]]
  ROW(@, 1)
  ROW(ROW(@))
  to_json(@)
  to_jsonb(ARRAY[@])
  json_build_object(@, 1)
  xmlelement(name a, @)
  convert_to(@, 'UTF8')
  @::bytea
  to_tsvector('simple', @)
  @::name
  @::"char"
  string_to_array(@, 'z')
  regexp_matches(@, '.*')
  (@::bytea)::bytea || 'x'
  ascii(@)
  unnest(ARRAY[@])
  regexp_split_to_table(@, 'z')
  jsonb_each(jsonb_build_object('k', @))
  json_each_text(json_build_object('k', @))
  array_agg(@) OVER ()
  first_value(@) OVER (ORDER BY 1)
  lag(@) OVER ()
  max(@) OVER ()
  string_agg(@, ',') OVER ()
`
  .split('\n')
  .map((each) => each.trim())
  .filter((each) => each !== '');

export const aggregates: readonly string[] = `
  max(@)
  min(@)
  string_agg(@, ',')
  string_agg(DISTINCT @, ',' ORDER BY @)
  array_agg(@)
  array_agg(ARRAY[@])
  json_agg(@)
  jsonb_agg(@)
  json_object_agg(coalesce(@, 'none'), 1)
  jsonb_object_agg(coalesce(@, 'none'), @)
  xmlagg(xmlelement(name a, @))
  mode() WITHIN GROUP (ORDER BY @)
  percentile_disc(0.5) WITHIN GROUP (ORDER BY @)
  string_agg(@::bytea, '')
  max(@) FILTER (WHERE true)
  app.glue(@)
  app.longest(@)
  (array_agg(@ ORDER BY @))[1]
`
  .split('\n')
  .map((each) => each.trim())
  .filter((each) => each !== '');

/** What fails because of the value, and says so. */
export const failing: readonly string[] = `
  (@)::int
  (@)::int8
  (@)::numeric
  (@)::float8
  (@)::date
  (@)::timestamptz
  (@)::interval
  (@)::uuid
  (@)::inet
  (@)::macaddr
  (@)::bool
  (@)::json
  (@)::jsonb
  (@)::xml
  (@)::point
  (@)::bit(4)
  (@)::oid
  (@)::regclass
  (@)::regtype
  (@)::regproc
  (@)::regrole
  (@)::regnamespace
  (@)::regconfig
  (@)::int[]
  (@)::text[]
  (@)::int4range
  (@)::tsquery
  (@)::tsvector
  (@)::jsonpath
  (@)::pg_lsn
  (@)::app.mood
  (@)::app.address
  (@)::people
  (@)::money
  (repeat(@, 20))::app.word
  to_number(@, 'X')
  to_date(@, 'YYYY-MM-DD')
  to_timestamp(@, 'HH24:MI')
  decode(@, 'hex')
  decode(@, 'base64')
  encode('x', @)
  convert_from('x', @)
  convert_to('x', @)
  'x' ~ ('[' || @)
  regexp_replace('x', '(' || @, '')
  'x' LIKE (@ || '\\')
  similar_escape(@, @)
  to_char(1, @)
  format('%' || @)
  date_trunc(@, now())
  extract(year from (@)::date)
  date_part(@, now())
  now() AT TIME ZONE @
  timezone(@, now())
  make_interval(days => (@)::int)
  nextval(@)
  currval(@)
  has_table_privilege(@, 'SELECT')
  has_table_privilege('people', @)
  pg_has_role(@, 'USAGE')
  set_config(@, 'x', false)
  current_setting(@)
  set_config('DateStyle', @, false)
  set_config('search_path', @, false)
  set_config('work_mem', @, true)
  xpath(@, '<a/>')
  xmlparse(document @)
  xmlpi(name php, @ || '?>')
  query_to_xml(@, true, true, '')
  jsonb_path_query('{}', (@)::jsonpath)
  to_regclass(@)
  pg_get_viewdef(@)
  array_position(ARRAY[1], (@)::int)
  substr(@, -1, -5)
  repeat(@, 1000000000)
  chr(-ascii(@))
  lpad(@, 2000000000)
  1 / (length(@) - length(@))
  pg_input_error_info(@, 'int')::text
  fails(@)
  asserts(@)
  websearch_to_tsquery(@, 'x')
  unistr('\\' || @)
  normalize('x', NFC) || (@)::int
  jsonb_set('[]', ARRAY[@], '1')
  ('{}'::jsonb) - (@)::int
  ('[]'::jsonb) #- ARRAY[@]
  (jsonb_build_array(1) #> ARRAY[@])::int
  get_bit((@)::bytea, 1000)
  width_bucket((@)::float8, 0, 1, 0)
  gen_random_bytes((@)::int)
  crypt('x', @)
  digest('x', @)
`
  .split('\n')
  .map((each) => each.trim())
  .filter((each) => each !== '');

/** Columns of people that hold text, and others with the type they have. */
export const columns: readonly string[] = [
  'p.ssn',
  'p.ssn',
  'p.ssn',
  'p.email',
  'p.card',
  'p.loud',
  "array_to_string(p.cards, '')",
  'p.cards[1]',
  'p.pay::text',
  'p.pin::text',
  '(p.home).street',
  'p.home::text',
  "p.doc ->> 'k'",
  "p.doc #>> '{n,1,in}'",
  'p.doc::text',
  'p.page::text',
  "encode(p.secret, 'escape')",
  'p::text',
  'row_to_json(p)::text',
  "to_jsonb(p) ->> 'ssn'",
  'p.*::text',
  '(p).ssn',
];

/** Values as they stand, of every type that a tagged column has. */
export const plain: readonly string[] = [
  ...'p.ssn p.email p.card p.cards p.pay p.pin p.home p.doc p.page p.secret p.loud p.born p'.split(' '),
  'p.*',
  '(p).*',
  'p.cards[1:1]',
  'p.pay + 0',
  'p.pay * 1',
  '-p.pay',
  'p.pin + 0',
  'p.pin::numeric',
  'p.pin::bit(64)',
  'to_hex(p.pin)',
  "to_char(p.pin, '999999999999')",
  'p.pin::float8',
  'p.pin::money',
  'numrange(p.pay, p.pay + 1)',
  'int8range(p.pin, p.pin + 1)',
  'int8multirange(int8range(p.pin, p.pin + 1))',
  'daterange(p.born, p.born + 1)',
  'ARRAY[p.pin, 1]',
  'ARRAY[p.home]',
  'ARRAY[p]',
  'ROW(p.pin, p.pay)',
  'sum(p.pin) OVER (ORDER BY p.id ROWS CURRENT ROW)',
  'max(p.pay) OVER ()',
  "p.doc -> 'k'",
  "p.doc #> '{n}'",
  "p.doc || '{}'",
  "jsonb_path_query(p.doc, '$.k')",
  "jsonb_path_query_array(p.doc, '$.**')",
  'jsonb_each(p.doc)',
  'jsonb_strip_nulls(p.doc)',
  "p.doc @? '$.k'",
  "xpath('//text()', p.page)",
  'to_jsonb(p)',
  "jsonb_populate_record(NULL::hoard, jsonb_build_object('what', p.ssn))",
  'row_to_json(p)',
  'hashtext(p.ssn)',
  'p.secret || p.secret',
  "convert_from(p.secret, 'UTF8')",
  'get_byte(p.secret, 0)',
  'unnest(p.cards)',
  'array_append(p.cards, p.ssn)',
];
