import { limits } from '../../core/limits.ts';
import type { Schema } from './route.ts';

// The shapes of the API's answers, as components of its OpenAPI document. A table: longer than other files.

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const time: Schema = { type: 'string', format: 'date-time' };
const texts: Schema = { type: 'array', items: text };

export function ref(name: SchemaName): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

/** An object with exactly these properties; the names after `?` may be absent. */
function shape(properties: Readonly<Record<string, Schema>>): Schema {
  const plain = Object.entries(properties).map(([name, schema]) => [name.replace(/\?$/, ''), schema]);
  return {
    type: 'object',
    properties: Object.fromEntries(plain) as Schema,
    required: Object.keys(properties).filter((name) => !name.endsWith('?')),
    additionalProperties: false,
  };
}

const decided: Schema = { type: 'string', enum: ['allow', 'deny', 'review'] };
const access: Schema = {
  type: 'string',
  enum: ['read', 'write', 'define', 'administer', 'execute', 'unknown'],
};

const summary: Readonly<Record<string, Schema>> = {
  id: text,
  identity: ref('Actor'),
  resource: text,
  kind: text,
  startedAt: time,
  'endedAt?': time,
  state: { type: 'string', enum: ['open', 'closed', 'lost'] },
  'why?': { type: 'string', description: 'how it ended' },
  peer: text,
  'run?': text,
  'client?': text,
  decisions: count,
  allowed: count,
  denied: count,
  reviewed: count,
};

export type SchemaName =
  | 'Actor'
  | 'Me'
  | 'Resource'
  | 'Denial'
  | 'Problem'
  | 'Target'
  | 'ColumnUse'
  | 'Rule'
  | 'Outcome'
  | 'SessionSummary'
  | 'FoundEntry'
  | 'Decision'
  | 'Session'
  | 'Explanation'
  | 'ExplainedIdentity'
  | 'Question'
  | 'Review'
  | 'ReviewAnswer'
  | 'CatalogueEntry'
  | 'AccessRequest'
  | 'AccessWanted'
  | 'AccessAnswer'
  | 'TicketResult'
  | 'ReviewFigures'
  | 'Nothing'
  | 'Killed'
  | 'Hold'
  | 'NewHold'
  | 'Reason'
  | 'Removed'
  | 'NewErasure'
  | 'Erasure'
  | 'KeyRotated'
  | 'RunNamed'
  | 'RunKilled'
  | 'PolicyStatus'
  | 'ProposedTag'
  | 'Bundle'
  | 'Tokens'
  | 'RevealedTokens'
  | 'Health'
  | 'Readiness';

export const schemas: Readonly<Record<SchemaName, Schema>> = {
  Actor: shape({
    subject: text,
    kind: { type: 'string', enum: ['human', 'workload', 'agent'] },
    groups: texts,
    'actingFor?': ref('Actor'),
  }),
  Me: shape({
    subject: text,
    kind: { type: 'string', enum: ['human', 'workload', 'agent'] },
    groups: texts,
    'actingFor?': ref('Actor'),
    tokenExpiresAt: time,
  }),
  Resource: shape({ id: text, name: text, kind: text, tags: texts, 'address?': text }),
  Denial: shape({
    class: text,
    'rule?': text,
    'at?': { type: 'string', description: 'file:line:col' },
    'policy?': { type: 'string', description: 'digest, or digest@commit' },
    why: text,
    fix: texts,
    retryable: { type: 'boolean' },
    'review?': text,
    decisionId: text,
    'attemptsLeft?': { type: 'integer', description: 'before an incident is made of it' },
  }),
  Problem: shape({
    type: text,
    title: text,
    status: { type: 'integer' },
    detail: text,
    'denial?': ref('Denial'),
    'problems?': list(shape({ path: text, message: text })),
    'code?': { type: 'string', description: 'which of several reasons it is' },
  }),
  Target: shape({ kind: text, name: text, access }),
  ColumnUse: shape({
    object: text,
    column: text,
    use: { type: 'string', enum: ['output', 'filter', 'write'] },
  }),
  Rule: shape({
    id: text,
    effect: { type: 'string', enum: ['allow', 'deny', 'require'] },
    at: { type: 'string', description: 'file:line:col' },
    'why?': text,
    'fix?': text,
    'owner?': text,
  }),
  Outcome: shape({
    kind: { type: 'string', enum: ['ok', 'error', 'cut', 'unsent'] },
    'code?': text,
    'why?': text,
    'rows?': count,
    'bytes?': count,
    'masked?': count,
    'withheld?': count,
  }),
  SessionSummary: shape(summary),
  FoundEntry: shape({
    entry: { ...count, description: 'its number in the ledger' },
    'gateway?': { ...text, description: 'whose ledger, where the index is of several' },
    at: time,
    kind: text,
    'session?': text,
    'identity?': text,
    'resource?': text,
    'run?': text,
    'verb?': text,
    'access?': text,
    'effect?': text,
    'review?': text,
    'risk?': text,
    'text?': { type: 'string', description: 'where the caller may read it and its key exists' },
  }),
  Decision: shape({
    id: text,
    session: text,
    at: time,
    identity: ref('Actor'),
    resource: text,
    decision: decided,
    verb: text,
    access,
    targets: list(ref('Target')),
    columns: list(ref('ColumnUse')),
    rules: list(shape({ id: text, 'at?': { type: 'string', description: 'file:line:col' } })),
    wouldBe: texts,
    duties: texts,
    policy: text,
    'commit?': text,
    'denial?': ref('Denial'),
    'text?': { type: 'string', description: 'absent once the key of its session was destroyed' },
    'cutFrom?': { ...count, description: 'bytes of the whole text, where only its beginning is kept' },
    'outcome?': ref('Outcome'),
    'review?': shape({
      id: text,
      state: { type: 'string', enum: ['open', 'done', 'refused', 'expired', 'withdrawn', 'void', 'unknown'] },
      'why?': text,
      'approvers?': texts,
    }),
    'grants?': { ...texts, description: 'the access requests by whose grants it was allowed' },
    'glass?': shape({ rules: texts, 'reason?': text, 'ticket?': text }),
  }),
  Session: shape({ ...summary, statements: list(ref('Decision')), 'more?': { type: 'boolean' } }),
  Explanation: shape({
    identity: text,
    resource: text,
    policy: text,
    statements: list(
      shape({
        verb: text,
        access,
        targets: list(ref('Target')),
        columns: list(ref('ColumnUse')),
        notes: texts,
        decision: decided,
        'class?': text,
        why: text,
        fix: texts,
        rules: list(ref('Rule')),
        wouldBe: list(ref('Rule')),
        'nearest?': shape({ rule: ref('Rule'), failed: text }),
        masks: list(shape({ object: text, column: text, operator: text })),
        'rowLimit?': count,
        'byteLimit?': count,
        record: { type: 'string', enum: ['meta', 'statements', 'full'] },
        approve: list(shape({ groups: texts, count, withinMs: count })),
        identities: list(ref('ExplainedIdentity')),
      }),
    ),
  }),
  ExplainedIdentity: shape({
    subject: text,
    kind: { type: 'string', enum: ['human', 'workload', 'agent'] },
    rules: list(
      shape({
        rule: ref('Rule'),
        layer: text,
        enforce: { type: 'string', enum: ['enforce', 'soft', 'warn', 'shadow', 'off'] },
        outcome: { type: 'string', enum: ['matched', 'failed', 'no-match', 'exempt'] },
        'exemption?': text,
        tests: list(
          shape({
            source: text,
            at: { type: 'string', description: 'file:line:col' },
            outcome: { type: 'string', enum: ['yes', 'no', 'error'] },
            facts: list(shape({ path: text, 'value?': text })),
          }),
        ),
      }),
    ),
  }),
  Question: shape({
    'as?': { type: 'string', description: 'the subject to ask for; absent: yourself' },
    on: { type: 'string', description: 'the name of a resource' },
    statement: { type: 'string', maxLength: limits.statementBytes.default },
  }),
  Review: shape({
    id: text,
    state: { type: 'string', enum: ['waiting', 'approved', 'denied', 'expired', 'withdrawn', 'used'] },
    phase: {
      type: 'string',
      enum: ['waiting', 'approved', 'running', 'done', 'refused', 'expired', 'withdrawn', 'void', 'unknown'],
    },
    identity: text,
    resource: text,
    statement: { type: 'string', description: 'as it will run; what is not printed stands as \\u{…}' },
    rule: text,
    mayAnswer: { type: 'boolean', description: 'whether you are one of those who are asked' },
    own: { type: 'boolean' },
    askedAt: time,
    expiresAt: time,
    review: { type: 'object', description: 'everything that is known of the request: docs/reviews.md' },
  }),
  Nothing: shape({}),
  Killed: shape({ session: text, by: text }),
  Hold: shape({ id: text, at: time, by: text, 'session?': text, 'identity?': text, 'resource?': text }),
  NewHold: shape({ 'session?': text, 'identity?': text, 'resource?': text, reason: text }),
  Reason: shape({ reason: text }),
  Removed: shape({ id: text }),
  Tokens: shape({
    tokens: { type: 'array', items: text, minItems: 1, maxItems: 1_000 },
    'resource?': { ...text, description: 'where they are said to come from' },
    'column?': { ...text, description: 'of that resource: public.customers.email' },
    'key?': {
      type: 'integer',
      minimum: 0,
      maximum: 9,
      description: 'which key numbers were made with: 0 is the one in use, 1 the one before',
    },
    'reason?': text,
    'ticket?': text,
  }),
  RevealedTokens: shape({
    decision: text,
    values: list(
      shape({
        'value?': text,
        'type?': { ...text, description: 'what detectors find in it; OTHER where that is nothing' },
        'form?': { type: 'string', enum: ['text', 'digits'] },
        'masked?': { type: 'boolean' },
        'error?': { ...text, description: 'in place of a value: it is no token of this gateway' },
      }),
    ),
  }),
  NewErasure: shape({
    'session?': text,
    'identity?': text,
    'resource?': text,
    'expired?': { type: 'boolean', description: 'those whose retention is over' },
    'reason?': text,
    'dryRun?': { type: 'boolean', description: 'only say what would be erased' },
  }),
  Erasure: shape({
    erased: texts,
    held: list(shape({ session: text, holds: texts })),
    open: { ...texts, description: 'sessions that are not over: end them first' },
    dryRun: { type: 'boolean' },
  }),
  KeyRotated: shape({
    from: text,
    to: text,
    index: { ...count, description: 'the entry that lets the second key follow the first' },
  }),
  RunNamed: shape({ run: text }),
  RunKilled: shape({ run: text, by: text, sessions: texts }),
  ReviewFigures: shape({
    days: count,
    asked: count,
    waiting: count,
    approved: count,
    refused: count,
    expired: count,
    withdrawn: count,
    latency: shape({ p50: count, p90: count }),
    expiredShare: { type: 'number', description: 'of all that ended by an answer or for the lack of one' },
    rubberStamps: {
      ...count,
      description: 'approvals within 10 s by somebody who had not been shown the request',
    },
    quick: {
      ...count,
      description: 'approvals given sooner than the text can be read (25 characters a second)',
    },
    unseen: { ...count, description: 'approvals by somebody who had not been shown the request' },
    approvedShare: { type: 'number', description: 'of all that were approved or refused' },
    classes: shape({ granted: count, uses: count }),
    latencies: list(shape({ 'withinMs?': count, count })),
    byReviewer: list(
      shape({
        subject: text,
        approved: count,
        refused: count,
        rubberStamps: count,
        quick: count,
        unseen: count,
        approvedShare: { type: 'number' },
        p50: count,
      }),
    ),
  }),
  TicketResult: shape({
    review: text,
    state: text,
    columns: texts,
    rows: list(list({ type: ['string', 'null'] })),
    'tag?': text,
    'error?': shape({ code: text, message: text, 'detail?': text, 'hint?': text }),
    cut: { type: 'integer', description: 'rows that were answered and not kept' },
  }),
  ReviewAnswer: shape({
    'digest?': {
      type: 'string',
      description: 'of what you have looked at; an answer to something else does not count',
    },
    'reason?': { type: 'string', maxLength: 2_000 },
    'via?': { type: 'string', enum: ['cli', 'console', 'api'] },
    'class?': shape({
      for: { type: 'string', description: 'approve what is alike too, so long: `30m`' },
      count: { type: 'integer', minimum: 2, description: 'so often, this request included' },
    }),
    'alike?': {
      type: 'boolean',
      description:
        'approve each of the same class that waits too; only where the rule lets a class be approved',
    },
  }),
  CatalogueEntry: shape({
    id: { type: 'string', description: "the resource's name" },
    kind: text,
    tags: texts,
    'address?': text,
    verbs: {
      ...texts,
      description: 'what some rule allows you now; objects and conditions are not looked at',
    },
    onRequest: list(
      shape({
        rule: text,
        at: { type: 'string', description: 'file:line:col' },
        'why?': text,
        verbs: texts,
        'access?': texts,
        approve: list(shape({ groups: texts, count })),
        longest: { type: 'string', description: 'such as 2h' },
        'ticket?': { type: 'string', description: 'a pattern that the id of a ticket must match' },
      }),
    ),
    grants: list(shape({ id: text, rule: text, verbs: texts, until: time })),
  }),
  AccessRequest: shape({
    id: text,
    state: {
      type: 'string',
      enum: ['waiting', 'granted', 'denied', 'expired', 'revoked', 'withdrawn', 'void'],
    },
    identity: text,
    resource: text,
    verbs: texts,
    rule: text,
    for: { type: 'string', description: 'such as 1h' },
    'until?': time,
    mayAnswer: { type: 'boolean', description: 'whether you are one of those who are asked' },
    mayRevoke: { type: 'boolean' },
    own: { type: 'boolean' },
    askedAt: time,
    expiresAt: { ...time, description: 'when the request ends if nobody answers' },
    review: { type: 'object', description: 'everything that is known of the request: docs/access.md' },
  }),
  AccessWanted: shape({
    resource: { type: 'string', maxLength: 256 },
    'verbs?': { ...texts, description: 'or patterns of them (`sql.*`); absent: all that the rule gives' },
    'rule?': { type: 'string', description: 'where several rules give it' },
    'for?': {
      type: 'string',
      pattern: '^\\d{1,9}(s|m|h|d)$',
      description: 'such as 1h; 1h, or the longest, when absent',
    },
    reason: { type: 'string', maxLength: 2_000 },
    'ticket?': { type: 'string', maxLength: 200 },
  }),
  AccessAnswer: shape({
    'digest?': { type: 'string', description: 'of what you have looked at' },
    'reason?': { type: 'string', maxLength: 2_000 },
    'via?': { type: 'string', enum: ['cli', 'console', 'api'] },
  }),
  ProposedTag: shape({
    id: text,
    resource: text,
    column: text,
    'tag?': text,
    type: text,
    found: count,
    searched: count,
  }),
  PolicyStatus: shape({
    loaded: { type: 'boolean' },
    'digest?': text,
    'commit?': text,
    'loadedAt?': time,
    problems: texts,
    'source?': shape({ kind: { type: 'string', enum: ['directory', 'git', 'push'] }, about: text }),
    'version?': count,
    'maxAgeSeconds?': { type: 'number' },
    'confirmedAt?': time,
    'lastError?': shape({ at: time, problems: texts }),
    'drift?': shape({
      drifting: { type: 'boolean' },
      'holds?': shape({ 'commit?': text, 'version?': count }),
      'since?': time,
      ageSeconds: { type: 'number' },
    }),
  }),
  Bundle: {
    type: 'object',
    description: 'A DSSE envelope, as `sallyport bundle build` writes it',
    required: ['payloadType', 'payload', 'signatures'],
    properties: {
      payloadType: { type: 'string' },
      payload: { type: 'string', description: 'base64' },
      signatures: { type: 'array', items: { type: 'object' } },
    },
  },
  Health: shape({ ok: { type: 'boolean' } }),
  Readiness: shape({
    ready: { type: 'boolean' },
    parts: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: '`ok`, or what is wrong',
    },
  }),
};
