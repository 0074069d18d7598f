import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isObject } from '../base/check.ts';
import { instant } from '../base/time.ts';
import type { Actor, Entry } from '../core/entry.ts';
import { decision, item } from './fake.ts';

// Reads an event against the published schema: testdata/README.md says what it is.

interface Attribute {
  readonly type: string;
  readonly requirement: string;
  readonly object?: true;
  readonly array?: true;
  readonly enum?: readonly string[];
}
interface Shape {
  readonly constraints: Readonly<Record<string, readonly string[]>>;
  readonly attributes: Readonly<Record<string, Attribute>>;
}
interface Schema {
  readonly version: string;
  readonly classes: Readonly<
    Record<string, Shape & { readonly name: string; readonly category_uid: number }>
  >;
  readonly objects: Readonly<Record<string, Shape>>;
  readonly types: Readonly<
    Record<
      string,
      {
        readonly type?: string;
        readonly regex?: string;
        readonly range?: readonly number[];
        readonly max_len?: number;
      }
    >
  >;
}

const schema = JSON.parse(
  readFileSync(new URL('./testdata/ocsf-1.8.0.json', import.meta.url), 'utf8'),
) as Schema;

function problems(event: unknown): string[] {
  if (!isObject(event)) return ['not an object'];
  const shape = schema.classes[String(event['class_uid'])];
  if (shape === undefined) return ['unknown class'];
  const found = shapeProblems(event, shape, shape.name);
  if (event['category_uid'] !== shape.category_uid) found.push('category_uid');
  if (event['type_uid'] !== Number(event['class_uid']) * 100 + Number(event['activity_id']))
    found.push('type_uid');
  const metadata = event['metadata'];
  if (!isObject(metadata) || metadata['version'] !== schema.version) found.push('metadata.version');
  return found;
}

function shapeProblems(raw: Readonly<Record<string, unknown>>, shape: Shape, path: string): string[] {
  const found: string[] = [];
  for (const [name, { requirement }] of Object.entries(shape.attributes)) {
    if (requirement === 'required' && raw[name] === undefined) found.push(`${path}.${name}: missing`);
  }
  for (const [rule, names] of Object.entries(shape.constraints)) {
    const given = names.filter((name) => raw[name] !== undefined).length;
    if (rule === 'at_least_one' ? given < 1 : given !== 1) found.push(`${path}: ${rule} of ${names.join()}`);
  }
  for (const [name, value] of Object.entries(raw)) {
    const attribute = shape.attributes[name];
    if (attribute === undefined) {
      found.push(`${path}.${name}: unknown`);
      continue;
    }
    const values: readonly unknown[] =
      attribute.array === true ? (Array.isArray(value) ? value : [undefined]) : [value];
    for (const each of values) found.push(...valueProblems(each, attribute, `${path}.${name}`));
  }
  return found;
}

function valueProblems(value: unknown, { type, object, enum: allowed }: Attribute, path: string): string[] {
  if (allowed !== undefined && !allowed.includes(String(value))) return [`${path}: not in the enumeration`];
  if (object === true) {
    const shape = schema.objects[type];
    if (!isObject(value) || shape === undefined) return [`${path}: not an object`];
    return Object.keys(shape.attributes).length === 0 ? [] : shapeProblems(value, shape, path);
  }
  const about = schema.types[type] ?? {};
  const base = about.type ?? type;
  const isRight =
    base === 'string_t'
      ? typeof value === 'string'
      : base === 'boolean_t'
        ? typeof value === 'boolean'
        : base === 'json_t' || Number.isSafeInteger(value);
  if (!isRight) return [`${path}: not ${base}`];
  if (about.regex !== undefined && !new RegExp(about.regex, 'u').test(String(value)))
    return [`${path}: not of the form of ${type}`];
  if (about.max_len !== undefined && String(value).length > about.max_len) return [`${path}: too long`];
  return [];
}

const who: Actor = {
  subject: 'agent',
  kind: 'agent',
  groups: ['bots'],
  actingFor: { subject: 'lead', kind: 'human', groups: [] },
};
const at = instant(Date.UTC(2026, 0, 1));
const session = 'ses_1' as Extract<Entry, { kind: 'session.opened' }>['session'];
const id = 'ses_1.1' as Extract<Entry, { kind: 'decision' }>['id'];
const review = { at, session, review: 'rev_1', decision: id, digest: 'd' } as const;

/** One of each kind: a kind that is missing does not compile. */
const examples: { readonly [K in Entry['kind']]: Extract<Entry, { kind: K }> } = {
  'gateway.started': { kind: 'gateway.started', at, version: '0.1.0', policy: 'abc' },
  'gateway.stopped': { kind: 'gateway.stopped', at, why: 'SIGTERM' },
  'policy.loaded': { kind: 'policy.loaded', at, digest: 'abc', commit: 'def' },
  'policy.refused': { kind: 'policy.refused', at, problems: ['a.yaml:1:1'] },
  'key.rotated': {
    kind: 'key.rotated',
    at,
    from: 'gateway+00000000+AA==',
    to: 'gateway+11111111+AB==',
    signature: 'AA==',
    proof: 'AA==',
  },
  'sign-in.refused': {
    kind: 'sign-in.refused',
    at,
    resource: 'shop',
    peer: '192.0.2.1:5',
    why: 'expired',
    subject: 'dba',
  },
  'sign-in.accepted': {
    kind: 'sign-in.accepted',
    at,
    visit: 'vis_1',
    identity: who,
    way: 'token',
    origin: 'https://gate.example',
    until: at,
    peer: '192.0.2.1:5',
  },
  'sign-in.ended': { kind: 'sign-in.ended', at, visit: 'vis_1', identity: who, why: 'signed out' },
  'tool.pin': {
    kind: 'tool.pin',
    at,
    resource: 'tools',
    state: 'changed',
    tools: [{ name: 'get', digest: 'ab', was: 'cd' }],
  },
  incident: {
    kind: 'incident',
    at,
    session,
    identity: who,
    resource: 'shop',
    what: 'breaker',
    decision: id,
    verb: 'sql.delete',
    targets: [],
    denials: 5,
  },
  'session.opened': {
    kind: 'session.opened',
    at,
    session,
    identity: who,
    resource: { name: 'shop', kind: 'postgres', tags: [] },
    peer: '192.0.2.1:5',
  },
  'session.closed': { kind: 'session.closed', at, session, why: 'client left', decisions: 1, chunks: 1 },
  decision: decision(3) as Extract<Entry, { kind: 'decision' }>,
  outcomes: { kind: 'outcomes', at, session, outcomes: [{ id, outcome: { kind: 'unsent' } }] },
  'recording.chunk': { kind: 'recording.chunk', at, session, chunk: 0, digest: 'd', bytes: 1, frames: 1 },
  'recording.gap': { kind: 'recording.gap', at, session, chunk: 3, bytes: 100, why: 'ENOSPC' },
  'hold.added': { kind: 'hold.added', at, hold: 'h', by: who, scope: { session }, reason: 'r' },
  'hold.removed': { kind: 'hold.removed', at, hold: 'h', by: who, reason: 'r' },
  'record.erased': { kind: 'record.erased', at, sessions: [session], rule: 'order', by: who, why: 'w' },
  'record.read': { kind: 'record.read', at, identity: who, verb: 'record.read', of: session, allowed: false },
  'break-glass': {
    kind: 'break-glass',
    at,
    session,
    decision: id,
    identity: who,
    resource: 'shop',
    verb: 'sql.delete',
    access: 'write',
    rules: [],
    policy: 'abc',
    stated: { reason: 'an outage', ticket: 'INC-1' },
  },
  'review.asked': {
    ...review,
    kind: 'review.asked',
    how: 'live',
    identity: who,
    resource: 'shop',
    verb: 'sql.delete',
    risk: { score: 1, level: 'low', reasons: [] } as never,
    needs: [],
    expiresAt: at,
    policy: 'abc',
  },
  'review.answered': {
    ...review,
    kind: 'review.answered',
    by: who,
    vote: 'approve',
    via: 'slack',
    counted: true,
    reason: 'canary',
    proof: { account: 'canary' },
  },
  'review.used': { ...review, kind: 'review.used', approvers: ['lead'], policy: 'abc' },
  'class.granted': {
    ...review,
    kind: 'class.granted',
    class: 'c',
    until: at,
    count: 5,
    approvers: ['lead'],
    policy: 'abc',
  },
  'class.revoked': { ...review, kind: 'class.revoked', by: who, used: 2 },
  'access.granted': {
    ...review,
    kind: 'access.granted',
    identity: who,
    resource: 'shop',
    verbs: ['sql.select'],
    rule: 'm/r' as never,
    ruleDigest: 'abc',
    until: at,
    approvers: ['lead'],
    policy: 'abc',
  },
  'review.escalated': { at, session, review: 'rev_1', decision: id, kind: 'review.escalated', to: ['leads'] },
  'review.ended': { ...review, kind: 'review.ended', state: 'done', why: 'ran' },
};

for (const [kind, entry] of Object.entries(examples)) {
  test(`itemOf() makes of ${kind} an event that the schema of OCSF takes`, () => {
    const made = item({ index: 7, entry, seal: 'opened' }, { format: 'ocsf' });
    assert.deepEqual(problems(made.event), []);
    assert.doesNotMatch(made.json, /canary|192\.0\.2\.1/);
    const { metadata } = made.event as { metadata: Record<string, unknown> };
    assert.equal(metadata['uid'], 'gate-1/7');
  });
}

test('itemOf() makes events that the schema takes of any verb, access and decision', () => {
  for (const verb of ['sql.select', 'http.request', 'mcp.call', 'llm.complete', 'ssh.exec']) {
    for (const access of ['read', 'write', 'define', 'administer', 'execute', 'unknown'] as const) {
      for (const decided of ['allow', 'deny', 'review'] as const) {
        const entry: Entry = { ...examples.decision, verb, access, decision: decided };
        const { event } = item(
          { index: 1, entry, seal: 'opened' },
          { format: 'ocsf', personal: true, texts: 'masked' },
        );
        assert.deepEqual(problems(event), []);
      }
    }
  }
});

test('the validator sees what is wrong', () => {
  const { event } = item({ index: 1, entry: decision(0), seal: 'opened' }, { format: 'ocsf' });
  for (const wrong of [
    { ...event, type_uid: 1 },
    { ...event, actor: undefined },
    { ...event, surprise: 1 },
    { ...event, severity_id: 42 },
    { ...event, database: undefined },
    { ...event, src_endpoint: { ip: 'not an address' } },
  ]) {
    assert.notDeepEqual(problems(wrong), []);
  }
});
