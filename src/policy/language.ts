import { functions, type Overload } from './functions.ts';
import { type JsonSchema, jsonSchemas, schemaFiles } from './json-schema.ts';
import type { Kinds } from './kinds.ts';
import { problemCodes } from './problem.ts';
import { type ObjectType, show, type Type } from './types.ts';
import { wordsFor } from './words.ts';

/** The reference of the language in Markdown, made of the tables that the engine itself reads. */
export function languagePage(kinds: Kinds): string {
  return `${[
    '# Language reference',
    '',
    'Made of the engine: `SALLYPORT_WRITE_DOCS=1 node --test src/cli/language.test.ts` writes it, and a test fails when it is',
    'not current. [policy.md](policy.md) explains what this lists; [tutorial.md](tutorial.md) begins with nothing.',
    '',
    '## Files',
    '',
    'Each begins with `apiVersion: sallyport/v1`. `[]` is one item of a list, `*` a key of your own; a bold key must be there.',
    '',
    ...fileLines(kinds),
    '## Words of conditions',
    '',
    'In `when:`, whatever the kind. An attribute that may be absent is guarded: `has(identity.mfa) && identity.mfa`.',
    '',
    ...wordLines(kinds),
    '## Kinds, their verbs and attributes',
    '',
    'A rule knows an attribute where every kind that its `match` meets has it.',
    '',
    ...kindLines(kinds),
    '## Functions',
    '',
    ...functionLines(),
    '## What detectors find',
    '',
    'For `mask: [{ find: … }]`; `*` is all of them.',
    '',
    `${(kinds.entities ?? []).map((name) => `\`${name}\``).join(', ')}.`,
    '',
    '## Findings',
    '',
    '| code | what |',
    '| --- | --- |',
    ...Object.entries(problemCodes).map(
      ([code, what]) => `| [${code}](findings/${code}.md) | ${cell(what)} |`,
    ),
  ].join('\n')}\n`;
}

function fileLines(kinds: Kinds): readonly string[] {
  const schemas = jsonSchemas(kinds, new Map());
  return Object.entries(schemaFiles).flatMap(([path, name]) => {
    const schema = schemas[name] ?? {};
    const about = schema['description'] ?? schema['title'];
    return [
      `### \`${path}\``,
      '',
      ...(typeof about === 'string' ? [`${about}.`, ''] : []),
      '| key | value | |',
      '| --- | --- | --- |',
      ...keyLines(schema, '', 0).filter((line) => !line.startsWith('| **`apiVersion`')),
      '',
    ];
  });
}

const deepest = 6;

function keyLines(schema: JsonSchema, path: string, depth: number): readonly string[] {
  if (depth > deepest) return [];
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const own = Object.entries(schemaMap(schema['properties'])).flatMap(([key, value]) => {
    const at = `${path}${path === '' ? '' : '.'}${key}`;
    return rowsOf(value, at, required.includes(key), depth);
  });
  const others = schema['additionalProperties'];
  const any = isSchema(others) ? rowsOf(others, `${path}${path === '' ? '' : '.'}*`, false, depth) : [];
  return [...own, ...any];
}

// oxlint-disable-next-line max-params
function rowsOf(value: JsonSchema, at: string, required: boolean, depth: number): readonly string[] {
  const name = required ? `**\`${at}\`**` : `\`${at}\``;
  const about = value['description'];
  const row = `| ${name} | ${cell(valueOf(value))} | ${typeof about === 'string' ? cell(about) : ''} |`;
  const inner = value['items'];
  const choices = [value['anyOf'], value['oneOf']].find((each) => Array.isArray(each)) ?? [];
  const below = new Set([
    ...keyLines(value, at, depth + 1),
    ...(isSchema(inner) ? keyLines(inner, `${at}[]`, depth + 1) : []),
    ...(choices as readonly unknown[]).filter(isSchema).flatMap((each) => {
      const items = each['items'];
      return [
        ...keyLines(each, at, depth + 1),
        ...(isSchema(items) ? keyLines(items, `${at}[]`, depth + 1) : []),
      ];
    }),
  ]);
  return [row, ...below];
}

function valueOf(schema: JsonSchema): string {
  const { type, enum: values, const: only, items, anyOf, oneOf } = schema;
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(values)) return values.map((each) => (each === null ? 'null' : String(each))).join(', ');
  const choices = Array.isArray(anyOf) ? anyOf : oneOf;
  if (Array.isArray(choices)) return [...new Set(choices.filter(isSchema).map(valueOf))].join(' or ');
  if (type === 'array') return `list of ${isSchema(items) ? valueOf(items) : 'values'}`;
  if (type === 'object') return 'mapping';
  const { minimum, maximum } = schema;
  const to = typeof maximum === 'number' ? ` to ${maximum}` : ' or more';
  const range = typeof minimum === 'number' ? `, ${minimum}${to}` : '';
  if (typeof type !== 'string') return `value${range}`;
  return `${typeNames[type] ?? type}${range}`;
}

const typeNames: Readonly<Record<string, string>> = { string: 'text', boolean: 'true or false' };

function schemaMap(value: unknown): Readonly<Record<string, JsonSchema>> {
  return isSchema(value) ? (value as Readonly<Record<string, JsonSchema>>) : {};
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wordLines(kinds: Kinds): readonly string[] {
  const words = wordsFor([...kinds.keys()], kinds, new Map());
  const lines = ['| word | type | |', '| --- | --- | --- |'];
  const seen = new Set<string>();
  const walk = (path: string, type: Type, note: string): void => {
    const inner = type.kind === 'list' ? type.of : type;
    lines.push(`| \`${path}\` | ${cell(typeText(type))} | ${note} |`);
    if (inner.kind !== 'object' || seen.has(inner.name)) return;
    seen.add(inner.name);
    for (const [key, field] of (inner satisfies ObjectType).fields) {
      const notes = [
        ...(field.optional === true ? ['may be absent'] : []),
        ...(field.fleeting === true ? ['the decision is not remembered'] : []),
      ];
      walk(`${path}${type.kind === 'list' ? '[]' : ''}.${key}`, field.type, notes.join('; '));
    }
  };
  for (const [name, type] of words) walk(name, type, '');
  lines.push(
    '| `identity.*` | as declared | facts that `identity:` of schema.yaml declares; may be absent |',
  );
  lines.push('| `params.*` | as declared | params of the module |', '');
  return lines;
}

function typeText(type: Type): string {
  if (type.kind === 'string' && type.values !== undefined && type.values.length <= 8)
    return type.values.join(', ');
  return show(type);
}

function kindLines(kinds: Kinds): readonly string[] {
  return [...kinds]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, { verbs, attributes }]) => [
      `### \`${name}\``,
      '',
      '| verb | |',
      '| --- | --- |',
      ...Object.entries(verbs).map(([verb, about]) => `| \`${verb}\` | ${cell(about)} |`),
      '',
      `Attributes of \`action\`: ${
        Object.entries(attributes)
          .map(([attribute, type]) => `\`${attribute}\` (${type === 'strings' ? 'list of texts' : type})`)
          .join(', ') || 'none'
      }.`,
      '',
    ]);
}

function functionLines(): readonly string[] {
  const named = Object.entries(functions).filter(([name]) => /^[a-zA-Z]/.test(name));
  return [
    'Operators are those of [CEL](https://cel.dev): `&& || ! == != < <= > >= + - * / % in ?: []`, and the macros `has`, `all`,',
    '`exists`, `exists_one`, `map`, `filter`. What overflows, divides by zero or has another type is an error, and an error in a deny',
    'or require rule is a deny. `matches` takes a literal RE2 pattern, which is linear in the text.',
    '',
    '| function | ways to call it |',
    '| --- | --- |',
    ...named.map(
      ([name, overloads]) =>
        `| \`${name}\` | ${cell(overloads.map((each) => callOf(name, each)).join(', '))} |`,
    ),
    '',
  ];
}

function callOf(name: string, { on, args, gives }: Overload): string {
  const receiver = on === undefined ? '' : `${show(on)}.`;
  return `\`${receiver}${name}(${args.map(show).join(', ')})\` → ${show(gives)}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
