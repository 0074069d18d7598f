import { evidenceParts, frameworks } from './controls.ts';
import type { Kinds } from './kinds.ts';
import { enforcements } from './rule.ts';
import { entryFields } from './test-entry.ts';
import { accesses, identityKinds, type IdentityAttributes } from './words.ts';

/** A JSON Schema (draft 2020-12), as plain data. */
export type JsonSchema = { readonly [key: string]: unknown };

/** The files of a policy, each with the name of its schema. */
export const schemaFiles: Readonly<Record<string, string>> = {
  'policy.yaml': 'policy',
  'schema.yaml': 'schema',
  'exemptions.yaml': 'exemptions',
  'policy.lock': 'lock',
  'modules/*.policy.yaml': 'module',
  'tests/*.test.yaml': 'tests',
  'controls/*.yaml': 'controls',
};

/**
 * Schemas for editors, by name: they complete keys, verbs and kinds, and say what a key means. They are wider than the
 * engine where JSON Schema cannot say it (types of conditions, ids that must exist), and narrower where a param stands for
 * a word of a fixed set: `check` has the last word.
 */
export function jsonSchemas(
  kinds: Kinds,
  identity: IdentityAttributes,
): Readonly<Record<string, JsonSchema>> {
  return {
    policy: file('How a policy is put together', ['layers'], {
      layers: listOf(layer),
      thresholds: closed({}, { ruleCoverage: percent, conditionCoverage: percent, mutationScore: percent }),
      clear: {
        type: 'array',
        items: closed({ tag: text, groups: texts }, { why: text }),
        description: 'Who may see a tag in clear: check finds everybody else who can',
      },
      record: { ...oneOf(['meta', 'statements', 'full']), description: 'What is recorded at least' },
    }),
    schema: file('What columns hold, and what is known of identities', [], {
      identity: { type: 'object', additionalProperties: oneOf(['string', 'number', 'boolean']) },
      tags: { type: 'object', additionalProperties: { type: 'object', additionalProperties: texts } },
    }),
    exemptions: file('Rules that do not hold for some, for a while', ['exemptions'], {
      exemptions: { type: 'array', items: exemption },
    }),
    lock: file('Pins every module', ['modules'], {
      modules: { type: 'object', additionalProperties: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } },
      bundles: { type: 'object', additionalProperties: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' } },
    }),
    module: file('Rules', ['module', 'rules'], {
      module: { ...name, description: 'As in the name of the file' },
      about: text,
      owner: text,
      params: { type: 'object', additionalProperties: param },
      rules: listOf(rule(kinds)),
    }),
    tests: file('Questions, and how a policy must answer them', ['cases'], {
      fixtures: closed(
        {},
        {
          identities: mapOf(person(identity)),
          resources: mapOf(closed({ kind: oneOf([...kinds.keys()]) }, { tags: texts })),
        },
      ),
      cases: listOf(testCase(kinds)),
    }),
    controls: file(
      'Which rules, tests and entries speak for each control',
      ['framework', 'title', 'controls'],
      {
        framework: oneOf(frameworks),
        title: { ...text, description: 'Name and edition of the framework' },
        controls: { type: 'array', items: control },
      },
    ),
  };
}

const text: JsonSchema = { type: 'string', minLength: 1 };
const texts: JsonSchema = { anyOf: [text, { type: 'array', items: text, minItems: 1 }] };
const anyTexts: JsonSchema = { anyOf: [text, { type: 'array', items: text }] };
const name: JsonSchema = { type: 'string', pattern: '^[a-z0-9][a-z0-9-]*$' };
const percent: JsonSchema = { type: 'integer', minimum: 0, maximum: 100 };
/** `{{params.rows}}` may stand where a number does. */
const fromParam: JsonSchema = { type: 'string', pattern: '^\\{\\{\\s*params\\.[A-Za-z0-9]+\\s*\\}\\}$' };
const count: JsonSchema = { anyOf: [{ type: 'integer', minimum: 1 }, fromParam] };
const keep: JsonSchema = { anyOf: [{ type: 'integer', minimum: 0, maximum: 64 }, fromParam] };

function oneOf(values: readonly string[]): JsonSchema {
  return { enum: values };
}

/** One of these, several of them, or params that stand for them. */
function someOf(values: readonly string[]): JsonSchema {
  const one = { anyOf: [oneOf(values), fromParam] };
  return { anyOf: [one, { type: 'array', items: one, minItems: 1 }] };
}

function listOf(items: JsonSchema): JsonSchema {
  return { type: 'array', items, minItems: 1 };
}

function mapOf(items: JsonSchema): JsonSchema {
  return { type: 'object', additionalProperties: items };
}

/** A mapping with these keys and no others. */
function closed(
  required: Readonly<Record<string, JsonSchema>>,
  optional: Readonly<Record<string, JsonSchema>>,
): JsonSchema {
  return {
    type: 'object',
    required: Object.keys(required),
    properties: { ...required, ...optional },
    additionalProperties: false,
  };
}

function file(
  title: string,
  required: readonly string[],
  properties: Readonly<Record<string, JsonSchema>>,
): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title,
    type: 'object',
    required: ['apiVersion', ...required],
    properties: { apiVersion: { const: 'sallyport/v1' }, ...properties },
    additionalProperties: false,
  };
}

const layer: JsonSchema = closed(
  {
    name: text,
    role: {
      ...oneOf(['ceiling', 'grant', 'restrict']),
      description: 'ceiling: each must allow; grant: one must allow; restrict: only denies and duties',
    },
  },
  {
    use: listOf(closed({ module: name }, { as: name, with: { type: 'object' }, digest: text })),
    opa: {
      ...closed(
        { entrypoint: text },
        {
          bundle: text,
          digest: text,
          server: text,
          timeout: text,
          kinds: texts,
          enforce: oneOf(['enforce', 'shadow']),
          owner: text,
          strict: { type: 'boolean' },
          poll: text,
          maxAge: text,
        },
      ),
      description: 'A policy of OPA in place of modules: a bundle or a server',
    },
  },
);

const exemption: JsonSchema = closed(
  {
    id: text,
    rule: { ...text, description: '`module/rule`' },
    scope: closed({}, { identity: texts, resource: texts }),
    expires: { ...text, description: 'From this day on (00:00 UTC) the rule holds again' },
    owner: text,
    ticket: text,
    reason: text,
  },
  {},
);

const evidence: JsonSchema = closed(
  {
    what: text,
    where: {
      ...closed({}, Object.fromEntries(evidenceParts.map((part) => [part, texts]))),
      description: 'An entry fits when each part has one of these values',
    },
  },
  {
    expect: { ...oneOf(['some', 'any']), description: 'some: a gap where no entry fits. any: none will do' },
  },
);

const control: JsonSchema = closed(
  {
    id: { ...text, description: 'As the framework names it' },
    name: text,
    how: { ...text, description: 'What these rules contribute, and what they do not' },
    rules: { ...anyTexts, description: 'Each is live and tested: `module/rule`' },
  },
  {
    tests: { ...anyTexts, description: 'Files of tests, or names of cases' },
    evidence: { type: 'array', items: evidence },
  },
);

const param: JsonSchema = closed(
  { type: oneOf(['string', 'group', 'groups', 'strings', 'int', 'bool', 'duration']) },
  { default: {} },
);

function rule(kinds: Kinds): JsonSchema {
  const resource = closed({}, { kind: someOf([...kinds.keys()]), name: texts, tags: texts, env: texts });
  const identity = closed(
    {},
    { kind: someOf(identityKinds), groups: texts, subject: texts, actingFor: texts },
  );
  const match = closed({}, { resource, identity, action: verbs(kinds), access: someOf(accesses) });
  return closed(
    {
      id: name,
      effect: { ...oneOf(['allow', 'deny', 'require']), description: 'require adds duties and never grants' },
      match,
    },
    {
      when: { ...text, description: 'CEL: identity, resource, action, session, now, params' },
      // oxlint-disable-next-line unicorn/no-thenable -- a key of the language, in data that nobody awaits
      then: duties,
      why: { ...text, description: 'What who is refused reads' },
      fix: { ...text, description: 'What who is refused can do instead' },
      owner: text,
      enforce: oneOf(enforcements),
      exemptible: { type: 'boolean' },
      breakGlass: closed({ groups: texts }, { ticket: text }),
      onRequest: {
        ...closed(
          {
            approve: { anyOf: [approval, { type: 'array', items: approval, minItems: 1 }] },
            longest: { ...time, description: 'A grant lasts no longer: `2h`' },
          },
          { ticket: { ...text, description: 'A pattern that the whole id of the ticket must match' } },
        ),
        description: 'In force only for who asked for it and was granted it, for a time',
      },
    },
  );
}

/** Verbs and their families by name; any other pattern with `*`. */
function verbs(kinds: Kinds): JsonSchema {
  const known = [...new Set([...kinds.values()].flatMap((kind) => Object.keys(kind.verbs)))];
  const families = [...new Set(known.map((verb) => `${verb.split('.')[0] ?? ''}.*`))];
  const one = { anyOf: [oneOf([...known, ...families]), { type: 'string', pattern: '\\*' }, fromParam] };
  return { anyOf: [one, { type: 'array', items: one, minItems: 1 }] };
}

const mask: JsonSchema = closed(
  { with: { enum: ['partial', 'noise', 'generalise', 'token', 'hash', 'fake', 'redact', 'null', null] } },
  {
    tag: { ...text, description: 'Columns with this tag: `pii/email`, `pii/*`' },
    find: { ...text, description: 'Values that detectors find: `EMAIL_ADDRESS`, `*`' },
    model: {
      enum: ['required', 'where-possible'],
      description:
        'Of `find`: the model of the configuration (`ner`) is asked too. `required`: what cannot be given to it is not shown',
    },
    keepFirst: keep,
    keepLast: keep,
    keepWidth: { type: 'boolean' },
    percent: { ...count, maximum: 50, description: 'Of `with: noise`: how far numbers and money move' },
    days: { ...count, maximum: 3650, description: 'Of `with: noise`: how far dates and timestamps move' },
    averagesOut: {
      const: 'accepted',
      description: 'Must stand beside `with: noise`: over many values it averages out',
    },
  },
);

const time: JsonSchema = { ...text, description: '`15m`' };
const yes: JsonSchema = { const: true };

const approval: JsonSchema = closed(
  { from: { ...texts, description: 'Any of these groups' } },
  {
    count,
    ttl: time,
    reason: yes,
    hold: time,
    escalate: closed({ to: { ...texts, description: 'These groups can answer too' }, after: time }, {}),
    class: closed({ for: { ...time, description: 'A grant for what is alike lasts no longer' }, count }, {}),
    notRequester: yes,
  },
);

const duties: JsonSchema = closed(
  {},
  {
    mask: listOf(mask),
    unknownLineage: oneOf(['withhold', 'deny']),
    limit: closed(
      {},
      {
        rows: count,
        bytes: count,
        rate: { ...texts, description: '`100/1m`, or several that all hold' },
        concurrency: count,
        session: time,
        idle: time,
      },
    ),
    approve: { anyOf: [approval, { type: 'array', items: approval, minItems: 1 }] },
    predicates: listOf(
      closed(
        { tag: text, allow: oneOf(['equality', 'none']) },
        { otherwise: oneOf(['deny', 'approve']), probes: count },
      ),
    ),
    columns: { ...texts, description: '`public.orders.id`, `public.orders.*`: no other column is answered' },
    readOnly: { const: true },
    justify: { const: true, description: 'The client must say why' },
    ticket: { ...texts, description: 'A pattern that the whole id of the ticket must match' },
    record: {
      anyOf: [
        oneOf(['meta', 'statements', 'full']),
        closed({}, { level: oneOf(['meta', 'statements', 'full']), retention: time }),
      ],
    },
    notify: texts,
    window: closed(
      { zone: { ...text, description: '`Europe/Berlin`' } },
      { days: texts, hours: { ...text, description: '`09:00-17:00`' } },
    ),
  },
);

function person(identity: IdentityAttributes): JsonSchema {
  const facts = Object.fromEntries([...identity].map(([fact, type]) => [fact, { type }]));
  return {
    type: 'object',
    properties: { kind: oneOf(identityKinds), groups: anyTexts, actingFor: text, ...facts },
    additionalProperties: false,
  };
}

function testCase(kinds: Kinds): JsonSchema {
  const known = [...new Set([...kinds.values()].flatMap((kind) => Object.keys(kind.verbs)))];
  const attributes = [...new Set([...kinds.values()].flatMap((kind) => Object.keys(kind.attributes)))];
  const objects = { anyOf: [text, closed({ name: text }, { kind: text, access: oneOf(accesses) })] };
  const columns = { anyOf: [text, closed({ name: text }, { use: oneOf(['output', 'filter', 'write']) })] };
  const some = (items: JsonSchema): JsonSchema => ({ anyOf: [items, { type: 'array', items }] });
  return closed(
    {
      name: text,
      as: texts,
      do: closed(
        { action: someOf(known), on: text },
        {
          access: oneOf(accesses),
          objects: some(objects),
          columns: some(columns),
          attributes: closed({}, Object.fromEntries(attributes.map((each) => [each, {}]))),
          opaque: { type: 'boolean' },
        },
      ),
      expect: expectation,
    },
    {
      at: { ...text, description: '`2026-11-21T10:00:00Z`' },
      saw: { ...texts, description: 'What who asks has seen before: session.saw' },
      granted: { ...texts, description: 'Rules on request that who asks has been granted' },
    },
  );
}

const bound: JsonSchema = { anyOf: [{ type: 'integer', minimum: 1 }, { const: 'none' }] };
const shownAs: JsonSchema = mapOf({
  anyOf: [
    {
      type: 'string',
      pattern:
        '^(none|redact|redact width|token|hash|fake|generalise|null|partial \\d+ \\d+|noise( \\d+%)?( \\d+d)?)$',
    },
    { type: 'null' },
  ],
});

const expectation: JsonSchema = closed(
  { decision: oneOf(['allow', 'deny', 'review']) },
  {
    code: text,
    by: { ...anyTexts, description: 'Exactly these rules' },
    wouldBe: anyTexts,
    why: { ...text, description: 'A part of it' },
    nearest: closed({ rule: text }, { failed: text }),
    mask: shownAs,
    find: shownAs,
    rows: bound,
    bytes: bound,
    record: oneOf(['meta', 'statements', 'full']),
    unknownLineage: oneOf(['withhold', 'deny']),
    approve: anyTexts,
    notify: anyTexts,
    columns: anyTexts,
    rate: anyTexts,
    concurrency: bound,
    session: text,
    idle: text,
    retention: text,
    readOnly: { type: 'boolean' },
    justify: { type: 'boolean' },
    ticket: anyTexts,
    approvals: anyTexts,
    predicates: anyTexts,
    soft: { type: 'boolean' },
    entry: closed({}, Object.fromEntries(entryFields.map((field) => [field, {}]))),
  },
);
