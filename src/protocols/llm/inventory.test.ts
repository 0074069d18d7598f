import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type Declaration, parseSync, type TSType, type TSTypeName } from 'oxc-parser';
import { documentMask } from '../../carriers/http/masks.ts';
import { noDuties, type Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { showAnswer } from './answer.ts';
import { chatStream } from './chat-stream.ts';
import { messagesStream } from './messages-stream.ts';
import { Placeholders } from './placeholders.ts';
import type { Body } from './body.ts';
import type { Api } from './request.ts';
import { responsesStream } from './responses-stream.ts';
import { Shown } from './shown.ts';
import type { AnswerStream, StreamParts } from './stream.ts';
import { Thoughts } from './thoughts.ts';

// The providers' own SDKs say what an answer can hold: every place for a text in their types gets a value that must be
// masked, and none may come out. A new version of an SDK with a new place is tested by being installed.

const modules = join(import.meta.dirname, '../../../node_modules');
const deepest = 12;
const often = 2;

interface File {
  readonly path: string;
  readonly declared: ReadonlyMap<string, Declaration>;
  readonly imports: ReadonlyMap<string, { readonly path: string; readonly name: string }>;
}

const files = new Map<string, File>();

function fileAt(path: string): File {
  const known = files.get(path);
  if (known !== undefined) return known;
  const declared = new Map<string, Declaration>();
  const imports = new Map<string, { path: string; name: string }>();
  const note = (statement: unknown, under: string): void => {
    const raw = statement as { type: string; declaration?: unknown };
    const node = (raw.type === 'ExportNamedDeclaration' ? raw.declaration : raw) as Declaration | null;
    if (node?.type === 'TSInterfaceDeclaration' || node?.type === 'TSTypeAliasDeclaration')
      declared.set(under + node.id.name, node);
    if (node?.type === 'TSModuleDeclaration' && node.id.type === 'Identifier' && node.body !== null)
      for (const each of node.body.body) note(each, `${under}${node.id.name}.`);
  };
  const { program, errors } = parseSync(path, readFileSync(path, 'utf8'));
  assert.deepEqual(errors, []);
  for (const statement of program.body) {
    if (statement.type !== 'ImportDeclaration') {
      note(statement, '');
      continue;
    }
    const from = statement.source.value.replace(/\.js$/, '.d.ts');
    for (const each of statement.specifiers) {
      const name =
        each.type === 'ImportSpecifier' && each.imported.type === 'Identifier' ? each.imported.name : '';
      imports.set(each.local.name, { path: join(dirname(path), from), name });
    }
  }
  const made = { path, declared, imports };
  files.set(path, made);
  return made;
}

interface At {
  readonly file: File;
  readonly scope: string; // `A.B.`
  readonly depth: number;
}

function nameOf(node: TSTypeName): string {
  if (node.type === 'Identifier') return node.name;
  return node.type === 'TSQualifiedName' ? `${nameOf(node.left)}.${node.right.name}` : '?';
}

/** Values of a type that, together, have every alternative in them; `text` makes the texts. */
class Samples {
  readonly #text: () => string;
  readonly #seen: Map<string, { readonly times: number; readonly samples: readonly unknown[] }> = new Map();

  constructor(text: () => string) {
    this.#text = text;
  }

  of(path: string, name: string): readonly unknown[] {
    return this.#named(name, { file: fileAt(join(modules, path)), scope: '', depth: 0 });
  }

  #named(name: string, at: At): readonly unknown[] {
    const scopes = at.scope.split('.').filter((each) => each !== '');
    for (let length = scopes.length; length >= 0; length--) {
      const under = scopes
        .slice(0, length)
        .map((each) => `${each}.`)
        .join('');
      const node = at.file.declared.get(under + name);
      if (node === undefined) continue;
      const inside = { ...at, scope: `${under}${name}.`, depth: at.depth + 1 };
      const key = `${at.file.path} ${under}${name}`;
      const known = this.#seen.get(key);
      if (known !== undefined && known.times >= often) return known.samples;
      // What stands in many places is the same there.
      const kept = (all: readonly unknown[]): readonly unknown[] => {
        this.#seen.set(key, { times: (known?.times ?? 0) + 1, samples: all.slice(0, 1) });
        return all;
      };
      if (node.type === 'TSTypeAliasDeclaration') return kept(this.#type(node.typeAnnotation, inside));
      if (node.type !== 'TSInterfaceDeclaration') continue;
      const parents = node.extends.map(({ expression }) =>
        this.#named(expression.type === 'Identifier' ? expression.name : '?', { ...inside, scope: under }),
      );
      return kept(joined([...parents, this.#members(node.body.body, inside)]));
    }
    const [first = '', ...rest] = name.split('.');
    const imported = at.file.imports.get(first);
    if (imported === undefined) throw new Error(`No type ${name} in ${at.file.path}`);
    const wanted = [imported.name, ...rest].filter((each) => each !== '').join('.');
    return this.#named(wanted, { file: fileAt(imported.path), scope: '', depth: at.depth });
  }

  #members(members: readonly unknown[], at: At): readonly unknown[] {
    const fields: [string, readonly unknown[]][] = [];
    for (const raw of members) {
      const member = raw as {
        type: string;
        key?: { name?: string; value?: string };
        typeAnnotation?: { typeAnnotation: TSType };
      };
      if (member.typeAnnotation === undefined) continue;
      const key =
        member.type === 'TSIndexSignature' ? 'any_key' : (member.key?.name ?? member.key?.value ?? '');
      const values = this.#type(member.typeAnnotation.typeAnnotation, at);
      if (values.length > 0) fields.push([key, values]);
    }
    const most = Math.max(1, ...fields.map(([, values]) => values.length));
    return Array.from({ length: most }, (_, index) =>
      Object.fromEntries(fields.map(([key, values]) => [key, values[index % values.length]])),
    );
  }

  #type(node: TSType, at: At): readonly unknown[] {
    if (at.depth > deepest) return [];
    switch (node.type) {
      case 'TSStringKeyword':
      case 'TSUnknownKeyword':
      case 'TSAnyKeyword':
        return [this.#text()];
      case 'TSNumberKeyword':
        return [1];
      case 'TSBooleanKeyword':
        return [true];
      case 'TSLiteralType':
        return node.literal.type === 'Literal' ? [node.literal.value] : [];
      case 'TSUnionType':
        return onlyOneWord(node.types.flatMap((each) => this.#type(each, at)));
      case 'TSIntersectionType':
        return joined(node.types.map((each) => this.#type(each, at)));
      case 'TSParenthesizedType':
        return this.#type(node.typeAnnotation, at);
      case 'TSArrayType':
        return [this.#type(node.elementType, at)];
      case 'TSTypeLiteral':
        return this.#members(node.members, at);
      case 'TSTypeReference': {
        const name = nameOf(node.typeName);
        const [inner] = node.typeArguments?.params ?? [];
        if ((name === 'Array' || name === 'ReadonlyArray') && inner !== undefined)
          return [this.#type(inner, at)];
        if (name === 'Record') return [{ any_key: this.#text(), [this.#text()]: 1 }];
        return this.#named(name, at);
      }
      default:
        return [];
    }
  }
}

/** Words that a field may hold are alike: of models alone there are eighty. */
function onlyOneWord(all: readonly unknown[]): readonly unknown[] {
  const isWord = (each: unknown): boolean => typeof each === 'string' && !/\d{5}|@/.test(each);
  const first = all.find(isWord);
  return all.filter((each) => !isWord(each) || each === first);
}

/** Objects that have the fields of one of each list. */
function joined(lists: readonly (readonly unknown[])[]): readonly unknown[] {
  const most = Math.max(0, ...lists.map((list) => list.length));
  return Array.from(
    { length: most },
    (_, index) =>
      Object.assign(
        {},
        ...lists.filter((list) => list.length > 0).map((list) => list[index % list.length]),
      ) as unknown,
  );
}

const chat = 'openai/resources/chat/completions/completions.d.ts';
const older = 'openai/resources/completions.d.ts';
const responses = 'openai/resources/responses/responses.d.ts';
const messages = '@anthropic-ai/sdk/resources/messages/messages.d.ts';
const beta = '@anthropic-ai/sdk/resources/beta/messages/messages.d.ts';

type Make = (parts: StreamParts) => AnswerStream;
const streams: readonly (readonly [string, string, Make])[] = [
  [chat, 'ChatCompletionChunk', chatStream],
  [older, 'Completion', chatStream],
  [responses, 'ResponseStreamEvent', responsesStream],
  [messages, 'RawMessageStreamEvent', messagesStream],
  [beta, 'BetaRawMessageStreamEvent', messagesStream],
];
const wholes: readonly (readonly [string, string, Api])[] = [
  [chat, 'ChatCompletion', 'chat'],
  [older, 'Completion', 'completions'],
  [responses, 'Response', 'responses'],
  [messages, 'Message', 'messages'],
  [beta, 'BetaMessage', 'messages'],
  ['openai/resources/embeddings.d.ts', 'CreateEmbeddingResponse', 'embeddings'],
  ['openai/resources/models.d.ts', 'Model', 'models'],
  ['@anthropic-ai/sdk/resources/models.d.ts', 'ModelInfo', 'models'],
  ['@anthropic-ai/sdk/resources/shared.d.ts', 'ErrorResponse', 'messages'],
  [messages, 'MessageTokensCount', 'count'],
];

function parts(finds: readonly string[]): StreamParts {
  const duties = {
    ...noDuties,
    finds: finds.map((entity) => ({ entity, operator: { kind: 'redact' as const } })),
  };
  const permit = { duties, operatorOf: () => undefined } as unknown as Permit; // the real gate is not needed here
  const key = maskKey(Buffer.alloc(32, 7));
  const mask = documentMask(permit, 'answer', key);
  const shown = new Shown({ permit, key, mask, placeholders: new Placeholders() });
  return {
    shown,
    judge: () => Promise.resolve(undefined),
    thoughts: new Thoughts(),
    signal: new AbortController().signal,
  };
}

function bodies(samples: readonly unknown[]): readonly Body[] {
  return samples.map((each) => structuredClone(each) as Body); // interfaces give objects
}

/** The events one after another, and each alone. */
async function streamed(
  samples: readonly unknown[],
  make: Make,
  finds: readonly string[],
): Promise<readonly Body[]> {
  const out: Body[] = [];
  for (const each of [...samples.map((one) => [one]), samples]) {
    const stream = make(parts(finds));
    for (const event of bodies(each)) out.push(...(await stream.event(event)));
    out.push(...(await stream.end('whole')));
  }
  return out;
}

async function shownWhole(
  samples: readonly unknown[],
  api: Api,
  finds: readonly string[],
): Promise<readonly Body[]> {
  return Promise.all(bodies(samples).map((each) => showAnswer(api, each, parts(finds))));
}

/** Keys of the places at which one of these texts stands. */
function keysWith(value: unknown, wanted: (text: string) => boolean, key: string = ''): readonly string[] {
  if (typeof value === 'string') return wanted(value) ? [key] : [];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((each) => keysWith(each, wanted, key));
  return Object.entries(value).flatMap(([name, each]) => [
    ...(wanted(name) ? ['(key)'] : []),
    ...keysWith(each, wanted, name),
  ]);
}

function counted(): () => string {
  let count = 0;
  return () => `x${++count}.lee@example.com`;
}

const address = /x\d+\.lee@example\.com/g;

/** Pieces of calls that nobody asked for are left out always: here all events come once, and not in their order. */
const ofCalls = new Set([
  'delta',
  'item_id',
  'code',
  'arguments',
  'name',
  'partial_image_b64',
  'input',
  'partial_json',
]);

for (const [path, name, make] of streams) {
  test(`stream of ${name}: no text of its types comes out unmasked`, async () => {
    const samples = new Samples(counted()).of(path, name);
    assert.ok((JSON.stringify(samples).match(address) ?? []).length >= 5, 'the types were not read');
    const out = await streamed(samples, make, ['EMAIL_ADDRESS']);
    assert.deepEqual(
      keysWith(out, (text) => text.includes('@example')),
      [],
    );
  });

  test(`stream of ${name}: without masks nothing is lost`, async () => {
    const samples = new Samples(counted()).of(path, name);
    const given = new Set(JSON.stringify(samples).match(address));
    const out = new Set(JSON.stringify(await streamed(samples, make, [])).match(address));
    const lost = [...given].filter((each) => !out.has(each));
    const keys = new Set(keysWith(samples, (text) => lost.includes(text)));
    assert.deepEqual(
      [...keys].filter((key) => !ofCalls.has(key)),
      [],
    );
  });
}

for (const [path, name, api] of wholes) {
  test(`${name}: no text of its types comes out unmasked, and without masks none is lost`, async () => {
    const samples = new Samples(counted()).of(path, name);
    const out = await shownWhole(samples, api, ['EMAIL_ADDRESS']);
    assert.deepEqual(
      keysWith(out, (text) => text.includes('@example')),
      [],
    );
    const same = await shownWhole(samples, api, []);
    assert.deepEqual(same, samples);
  });
}

/** What clients need as it is, under these names: ids, words of the protocol, names of tools, and what is sealed or not text. */
const asGiven = new Set([
  'call_id', 'created_at', 'data', 'encrypted_content', 'id', 'item_id', 'model', 'name', 'namespace', 'owned_by', 'previous_response_id',
  'prompt_cache_key', 'result', 'safety_identifier', 'signature', 'stop_reason',
  'system_fingerprint', 'tool_use_id',
]); // prettier-ignore

test('what looks like a word of the protocol passes under these names only', async () => {
  const card = '4111111111111111';
  const passed = new Set<string>();
  for (const [path, name, make] of streams)
    for (const key of keysWith(
      await streamed(new Samples(() => card).of(path, name), make, ['CREDIT_CARD']),
      (text) => text.includes(card),
    ))
      passed.add(key);
  for (const [path, name, api] of wholes)
    for (const key of keysWith(
      await shownWhole(new Samples(() => card).of(path, name), api, ['CREDIT_CARD']),
      (text) => text.includes(card),
    ))
      passed.add(key);
  assert.deepEqual([...passed].filter((key) => !asGiven.has(key)).toSorted(), []);
});
