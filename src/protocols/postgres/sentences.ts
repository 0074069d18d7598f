/**
 * Sentences of the server that may be shown where a masked value is in play: all that is not named here could have been
 * put together from a value (`setseed parameter 749 is out of allowed range`, an XML error that quotes the document).
 * `""` stands for something quoted, `#` for a number, `<type>` for a type's name, `<names>` for what stands in brackets.
 * From PostgreSQL's own messages (source, src/backend; those without a quoted or numeric slot are fixed texts).
 */
const messages: readonly string[] = [
  // 21 cardinality violation, 22 data exception
  'more than one row returned by a subquery used as an expression',
  'ON CONFLICT DO UPDATE command cannot affect row a second time',
  'MERGE command cannot affect row a second time',
  'invalid input syntax for type <type>: ""',
  'invalid input syntax for type <type>',
  'invalid input value for enum <type>: ""',
  'malformed array literal: ""',
  'malformed record literal: ""',
  'malformed range literal: ""',
  '"" is not a valid binary digit',
  '"" is not a valid hexadecimal digit',
  'invalid hexadecimal digit: ""',
  'invalid hexadecimal data: odd number of digits',
  'invalid symbol "" found while decoding base64 sequence',
  'invalid base64 end sequence',
  'invalid Unicode escape',
  'invalid regular expression option: ""',
  'invalid value ""',
  'invalid value "" for ""',
  'unterminated format() type specifier',
  'too few arguments for format()',
  'syntax error in tsquery: ""',
  'invalid XML document',
  'invalid XML content',
  'division by zero',
  'smallint out of range',
  'integer out of range',
  'bigint out of range',
  '<type> out of range',
  'value "" is out of range for type <type>',
  'value overflows numeric format',
  'value out of range: overflow',
  'value out of range: underflow',
  'numeric field overflow',
  'input is out of range',
  'value too long for type <type>(#)',
  'date/time field value out of range: ""',
  'interval field value out of range: ""',
  'time zone "" not recognized',
  'time zone displacement out of range: ""',
  'unit "" not recognized for type <type>',
  'unit "" not supported for type <type>',
  'unrecognized encoding: ""',
  'invalid source encoding name ""',
  'invalid destination encoding name ""',
  'null character not permitted',
  'negative substring length not allowed',
  'field position must not be zero',
  'step size cannot equal zero',
  'LIMIT must not be negative',
  'OFFSET must not be negative',
  'cannot take logarithm of zero',
  'cannot take logarithm of a negative number',
  'cannot take square root of a negative number',
  'zero raised to a negative power is undefined',
  'a negative number raised to a non-integer power yields a complex result',
  'array subscript out of range',
  'array must have even number of elements',
  'range lower bound must be less than or equal to range upper bound',
  'null value not allowed for object key',
  'JSON object does not contain key ""',
  'cannot extract elements from a scalar',
  'cannot extract elements from an object',
  'cannot get array length of a scalar',
  'cannot deconstruct a scalar',
  // 23 integrity constraint violation, 44 check option
  'duplicate key value violates unique constraint ""',
  'conflicting key value violates exclusion constraint ""',
  'null value in column "" of relation "" violates not-null constraint',
  'new row for relation "" violates check constraint ""',
  'insert or update on table "" violates foreign key constraint ""',
  'update or delete on table "" violates foreign key constraint "" on table ""',
  'update or delete on table "" violates RESTRICT setting of foreign key constraint "" on table ""',
  'value for domain <type> violates check constraint ""',
  'domain <type> does not allow null values',
  'no partition of relation "" found for row',
  'new row for relation "" violates partition constraint',
  'new row violates row-level security policy for table ""',
  'new row violates check option for view ""',
  'could not create unique index ""',
  'column "" of relation "" contains null values',
  'check constraint "" of relation "" is violated by some row',
  // 42 and others: names of objects, found or not
  'relation "" does not exist',
  'relation "" already exists',
  'relation "" already exists, skipping',
  'relation "" does not exist, skipping',
  'table "" does not exist',
  'table "" does not exist, skipping',
  'column "" does not exist',
  'column "" of relation "" does not exist',
  'column "" of relation "" already exists',
  'column "" of relation "" already exists, skipping',
  'schema "" does not exist',
  'schema "" already exists',
  'schema "" already exists, skipping',
  'type "" does not exist',
  'type "" already exists',
  'role "" does not exist',
  'role "" already exists',
  'function "" does not exist',
  'index "" does not exist',
  'constraint "" of relation "" does not exist',
  'constraint "" for relation "" already exists',
  'permission denied for schema <name>',
  'permission denied for table <name>',
  'permission denied for view <name>',
  'permission denied for sequence <name>',
  'permission denied for function <name>',
  'must be owner of table <name>',
  'must be owner of view <name>',
  'cannot insert a non-DEFAULT value into column ""',
  'cannot change materialized view ""',
  'unrecognized configuration parameter ""',
  'cross-database references are not implemented: ""',
  'invalid name syntax',
  'string is not a valid identifier: ""',
  'currval of sequence "" is not yet defined in this session',
  'nextval: reached maximum value of sequence "" (#)',
  'setval: value # is out of bounds for sequence "" (#)',
  'cached plan must not change result type',
];

const details: readonly string[] = [
  'Key <names>=(#) already exists.',
  'Key <names>=(#) is not present in table "".',
  'Key <names>=(#) is still referenced from table "".',
  'Key <names>=(#) is referenced from table "".',
  'Key <names>=(#) conflicts with existing key <names>=(#).',
  'Key <names>=(#) conflicts with existing key (#)=(#).',
  'Key <names>=(#) is duplicated.',
  'Failing row contains (#).',
  'Partition key of the failing row contains (#).',
  'Token "" is invalid.',
  'The input string ended unexpectedly.',
  'Unexpected end of input.',
  'Array value must start with "" or dimension information.',
  'A field with precision #, scale # must round to an absolute value less than #^#.',
];

const types: ReadonlySet<string> = new Set(
  (
    'smallint,integer,bigint,numeric,real,double precision,money,boolean,"char",character,character varying,text,name,' +
    'bytea,date,time,time without time zone,time with time zone,timestamp,timestamp without time zone,' +
    'timestamp with time zone,interval,uuid,json,jsonb,jsonpath,xml,bit,bit varying,inet,cidr,macaddr,macaddr8,oid,xid,' +
    'xid8,cid,tid,pg_lsn,pg_snapshot,point,line,lseg,box,path,polygon,circle,tsquery,tsvector'
  ).split(','),
);

const slots: Readonly<Record<string, string>> = {
  '""': '"[^"]*"',
  '#': String.raw`(?:\*\*\*|\d+)`,
  '<type>': String.raw`([a-z"][\w" .]{0,62})(?:\[\])?`,
  '<names>': String.raw`\([^()]*\)`,
  '<name>': String.raw`([^\s"]{1,126})`,
};

function patternOf(sentences: readonly string[]): RegExp {
  const each = sentences.map((sentence) =>
    sentence
      .split(/(""|#|<type>|<names>|<name>)/)
      .map((part) => slots[part] ?? part.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`))
      .join(''),
  );
  return new RegExp(`^(?:${each.join('|')})$`);
}

const patterns: Readonly<Record<'message' | 'detail', RegExp>> = {
  message: patternOf(messages),
  detail: patternOf(details),
};

/**
 * Whether a sentence, its quoted and bracketed values taken out, says nothing but what the server always says: then it
 * may be shown. `isName` says which unquoted words are names of types and objects.
 */
export function isFixed(
  kind: 'message' | 'detail',
  sentence: string,
  isName: (word: string) => boolean,
): boolean {
  const found = patterns[kind].exec(sentence);
  if (found === null) return false;
  return found.slice(1).every((word) => word === undefined || types.has(word) || isName(word));
}
