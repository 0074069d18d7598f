import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { instant, type World } from '../base/time.ts';
import type { Grant } from '../core/access.ts';
import type { Action, Attribute } from '../core/action.ts';
import type { Identity } from '../core/identity.ts';
import type { Session } from '../core/session.ts';
import { filesOf, identity, loaded, question } from '../policy/fake.ts';
import type { LoadedPolicy } from '../policy/load.ts';
import { actorOf } from './actor.ts';
import { Judge } from './judge.ts';
import { Taint } from './taint.ts';

const conditions: readonly string[] = [
  'action.promptBytes > 100.0',
  '!has(action.maxTokens) || action.maxTokens < 10.0',
  "action.model.startsWith('gpt')",
  "action.found.exists(each, each == 'EMAIL_ADDRESS')",
  "'search' in action.tools",
  'size(action.tools) + size(action.found) > 1',
  '(action.stream ? action.turns : action.promptBytes) > 2.0',
  "action.objects.exists(each, each.name == 'b' && each.access == 'read')",
  "action.columns.exists(each, each.use == 'output' && each.column == 'c')",
  'action.opaque',
  "action.verb == 'llm.embed'",
  '(action.stream ? action : action).turns > 2.0',
  'action.promptBytes < 100.0',
  'action.turns > 0.0 || 1.0 / action.turns > 0.0',
  "'private' in session.saw",
  'size(session.saw) == 0',
  "now < timestamp('1970-01-01T01:00:00Z')",
  "has(identity.team) && identity.team == 'red'",
  "resource.name == 'shop'",
  "'untrusted' in resource.tags",
];
const demands: readonly string[] = [
  "{ mask: [{ find: '*', with: redact }] }",
  '{ record: full }',
  '{ readOnly: true }',
  '{ approve: { from: leads } }',
  "{ window: { days: mon-fri, hours: '00:00-00:30', zone: UTC } }",
];
const matches: readonly string[] = [
  'action: [llm.complete]',
  "action: ['llm.*']",
  'access: read',
  'access: [read, write]',
  'identity: { groups: [analysts] }',
  'identity: { subject: ann }',
  'resource: { kind: llm, name: shop }',
];

const rule = fc.record({
  effect: fc.constantFrom('allow', 'allow', 'allow', 'deny', 'require', 'require'),
  enforce: fc.constantFrom('enforce', 'enforce', 'enforce', 'enforce', 'warn', 'off'),
  match: fc.option(fc.constantFrom(...matches)),
  when: fc.uniqueArray(fc.constantFrom(...conditions), { maxLength: 2 }),
  demand: fc.constantFrom(...demands),
  onRequest: fc.boolean(),
});

/** One that can be loaded: whatever is drawn, somebody is allowed something. */
const policy = fc.array(rule, { minLength: 1, maxLength: 5 }).map((rules): LoadedPolicy => {
  const lines = rules.map(({ effect, enforce, match, when, demand, onRequest }, at) => {
    return [
      `- id: r${at}`,
      `  effect: ${effect}`,
      `  match: { ${match ?? 'resource: { kind: llm }'}${match?.startsWith('resource') === false ? ', resource: { kind: llm }' : ''} }`,
      `  enforce: ${enforce}`,
      ...(when.length === 0 ? [] : [`  when: ${JSON.stringify(when.join(' && '))}`]),
      ...(effect === 'require' ? [`  then: ${demand}`] : []),
      ...(effect === 'allow' && onRequest ? ['  onRequest: { approve: { from: leads }, longest: 2h }'] : []),
      '  why: w',
      '  fix: f',
      '  owner: o',
    ].join('\n');
  });
  return loaded(filesOf(lines.join('\n'), { schema: 'identity: { team: string }\n' }));
});

/** What an action of a kind can be, by part; the first of each is what most are. */
const attributes: Readonly<Record<string, readonly (Attribute | undefined)[]>> = {
  model: ['gpt-1', 'claude', undefined, 1],
  stream: [true, false],
  promptBytes: [50, 500, -0, 0, NaN, Infinity, -Infinity, 'five', undefined],
  turns: [1, 7, 0, -0, NaN, undefined],
  maxTokens: [5, 50, NaN, Infinity, -Infinity, 'five', undefined],
  found: [[], ['EMAIL_ADDRESS'], 'EMAIL_ADDRESS', ['search'], undefined],
  tools: [[], ['search'], ['search', 'x'], 'search', undefined],
};
const parts: Readonly<Record<string, readonly unknown[]>> = {
  verb: ['llm.complete', 'llm.embed', 'llm.other'],
  access: ['read', 'write', 'unknown'],
  objects: [[], ['a'], ['b']],
  columns: [[], ['a.c'], ['a.d']],
  opaque: [undefined, true],
};

function actionOf(chosen: Readonly<Record<string, unknown>>): Action {
  const { action: made } = question(ann, { kind: 'llm', columns: chosen['columns'] as readonly string[] });
  const { verb, access, objects, opaque } = chosen as unknown as { objects: readonly string[] } & Action;
  const given = Object.keys(attributes).flatMap((name) =>
    chosen[name] === undefined ? [] : [[name, chosen[name]] as const],
  );
  return {
    ...made,
    verb,
    access,
    targets: objects.map((name) => ({ kind: 'model', name, access: 'read' })),
    attributes: Object.fromEntries(given) as Action['attributes'],
    ...(opaque === undefined ? {} : { opaque }),
  };
}

/** Actions that differ from one another in a part or two. */
const actions = fc
  .tuple(
    fc.record(
      mapped((all) => fc.oneof({ weight: 5, arbitrary: fc.constant(all[0]) }, fc.constantFrom(...all))),
    ),
    fc.array(
      fc.record(
        mapped((all) => fc.constantFrom(...all)),
        { requiredKeys: [] },
      ),
      { minLength: 4, maxLength: 4 },
    ),
    fc.array(fc.constantFrom(...Object.keys({ ...attributes, ...parts })), { minLength: 8, maxLength: 8 }),
  )
  .map(([base, others, names]) => [
    actionOf(base),
    ...names.map((name, at) => actionOf({ ...base, [name]: others[at % 4]?.[name] ?? base[name] })),
  ]);

function mapped(
  make: (all: readonly unknown[]) => fc.Arbitrary<unknown>,
): Record<string, fc.Arbitrary<unknown>> {
  return Object.fromEntries(
    Object.entries({ ...attributes, ...parts }).map(([name, all]) => [name, make(all)]),
  );
}

const ann = identity('ann', ['analysts'], { attributes: { team: 'red' } });
const people: readonly Identity[] = [
  ann,
  identity('bob', [], { attributes: { team: 'blue' } }),
  identity('bot', ['analysts'], { kind: 'agent', actingFor: ann }),
];

type Step =
  | { readonly kind: 'judge'; readonly who: number; readonly action: Action }
  | { readonly kind: 'policy'; readonly to: number }
  | { readonly kind: 'saw'; readonly who: number; readonly what: string }
  | { readonly kind: 'later'; readonly ms: number }
  | { readonly kind: 'grant'; readonly rule: number; readonly until: number };

const who = fc.nat(people.length - 1);
const step = (actions: readonly Action[]): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('judge' as const), who, action: fc.constantFrom(...actions) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('policy' as const), to: fc.nat(2) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('saw' as const),
        who,
        what: fc.constantFrom('private', 'untrusted', 'pii/email'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('later' as const),
        ms: fc.constantFrom(600_000, 3_600_000, 86_400_000),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('grant' as const),
        rule: fc.nat(4),
        until: fc.constantFrom(0, 1e9),
      }),
    },
  );

/** Judges of three sessions that live on, in a gateway where everything else changes. */
class Place {
  readonly taint: Taint = new Taint();
  readonly sessions: readonly Session[];
  policy: LoadedPolicy | undefined;
  now = 0;
  grants: readonly Grant[] = [];
  decided = 0;

  constructor() {
    const { resource } = question(ann, { kind: 'llm' });
    this.sessions = people.map((each, at) => ({
      ...question(each).session,
      id: `s${at}` as Session['id'],
      identity: { ...each, proof: { ...each.proof, tokenId: `t${at}` } },
      resource,
      peer: '',
    }));
  }

  judge(session: Session): Judge {
    const world = { now: () => instant(this.now) } as World;
    const metrics = { observe: () => (this.decided += 1) } as unknown as ConstructorParameters<
      typeof Judge
    >[0]['metrics'];
    const access = { of: () => this.grants } as unknown as NonNullable<
      ConstructorParameters<typeof Judge>[0]['access']
    >;
    const parts = { policy: () => this.policy, world, metrics, taint: this.taint, access };
    return new Judge(parts, session, actorOf(session.identity));
  }

  grantOf(rule: number, until: number): void {
    const { ref, onRequest } = this.policy?.ruling.rules[rule] ?? {};
    if (ref === undefined || onRequest === undefined) return;
    const about = { rule: ref.id, ruleDigest: onRequest.digest, resource: 'shop', chain: ['ann'] };
    const verbs = ['llm.complete', 'llm.embed'];
    this.grants = [{ id: 'g1' as Grant['id'], ...about, verbs, until: instant(until) }];
  }
}

test('Judge: what was decided before is what would be decided now, whatever has changed in between', () => {
  let asked = 0;
  let decided = 0;
  const run = fc.record({
    policies: fc.tuple(policy, policy, policy),
    steps: actions.chain((all) => fc.array(step(all), { minLength: 20, maxLength: 80 })),
  });
  fc.assert(
    fc.property(run, ({ policies, steps }) => {
      const place = new Place();
      [place.policy] = policies;
      const lasting = place.sessions.map((session) => place.judge(session));
      for (const each of steps) {
        if (each.kind === 'policy') place.policy = policies[each.to];
        else if (each.kind === 'later') place.now += each.ms;
        else if (each.kind === 'grant') place.grantOf(each.rule, each.until);
        else {
          const session = place.sessions[each.who];
          assert.ok(session !== undefined);
          if (each.kind === 'saw') {
            place.taint.add(session, [each.what]);
            continue;
          }
          // Another object, as each request has its own.
          const own = { ...each.action };
          const before = place.decided;
          const kept = lasting[each.who]?.judge(own);
          decided += place.decided - before;
          asked += 1;
          const fresh = place.judge(session).judge({ ...each.action });
          assert.deepEqual(kept?.decision, fresh.decision);
          assert.deepEqual(kept?.entry, fresh.entry);
        }
      }
    }),
    { numRuns: 120 },
  );
  assert.ok(decided < asked, 'Nothing was ever shared');
});

test('Judge: what is remembered of long actions has a bound', () => {
  const place = new Place();
  place.policy = loaded(
    filesOf('- { id: ask, effect: allow, match: { resource: { kind: llm } }, why: w, fix: f }'),
  );
  const [session] = place.sessions;
  assert.ok(session !== undefined);
  const judge = place.judge(session);
  const long = (name: string): Action => ({
    ...question(ann, { kind: 'llm', verb: 'llm.complete' }).action,
    targets: [{ kind: 'model', name: name.repeat(20_000), access: 'read' }],
  });
  for (const name of ['a', 'b', 'c', 'd', 'a']) assert.equal(judge.judge(long(name)).decision.kind, 'allow');
  assert.equal(place.decided, 5, 'the first was let go');
  judge.judge(long('a'));
  assert.equal(place.decided, 5);
});

test('Judge: actions that differ in what no rule reads are decided once, in others each by itself', () => {
  const place = new Place();
  place.policy = loaded(
    filesOf(`
- { id: ask, effect: allow, match: { resource: { kind: llm } }, why: w, fix: f }
- { id: short, effect: deny, match: { resource: { kind: llm } }, when: 'action.turns > 10.0', why: w, fix: f }
`),
  );
  const [session] = place.sessions;
  assert.ok(session !== undefined);
  const judge = place.judge(session);
  const prompt = (attributes: Action['attributes']): Action => ({
    ...question(ann, { kind: 'llm', verb: 'llm.complete' }).action,
    attributes,
  });
  const first = judge.judge(prompt({ turns: 1, promptBytes: 10 }));
  const second = judge.judge(prompt({ turns: 1, promptBytes: 20 }));
  assert.equal(first.decision, second.decision);
  assert.deepEqual(second.entry.attributes, { turns: 1, promptBytes: 20 }, 'each is written down as it is');
  assert.equal(place.decided, 1);
  assert.equal(judge.judge(prompt({ turns: 11, promptBytes: 20 })).decision.kind, 'deny');
  assert.equal(judge.judge(prompt({ turns: 11, promptBytes: 20 })).decision.kind, 'deny');
  assert.equal(place.decided, 3, 'what is denied is not kept');
});
