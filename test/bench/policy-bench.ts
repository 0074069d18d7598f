import { readFileSync } from 'node:fs';
import { celEnv, type CelInput, parse, plan } from '@bufbuild/cel';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import { loadPolicy as loadWasm } from '@open-policy-agent/opa-wasm';
import { instant, realWorld } from '../../src/base/time.ts';
import type { Action } from '../../src/core/action.ts';
import type { Subject } from '../../src/core/identity.ts';
import type { Question } from '../../src/core/ports.ts';
import type { ResourceName, Session, SessionId } from '../../src/core/session.ts';
import { gate } from '../../src/gate/gate.ts';
import { detectors } from '../../src/mask/index.ts';
import { kindsOf } from '../../src/policy/kinds.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { openBundle } from '../../src/policy/opa/bundle.ts';
import { protocols } from '../../src/protocols/index.ts';
import { type Bench, inTurn, progress, Runs, shown, table } from './report.ts';

// The same fifty rules in each syntax: 8 deny, 42 allow, each a conjunction of a kind, a verb, an environment, a group and
// what a condition asks. Each contender answers the same three requests in turn.

const kinds = kindsOf(protocols, detectors);
const verbs = ['sql.select', 'sql.insert', 'sql.update', 'sql.delete', 'sql.copy'];

interface Sketch {
  readonly at: number;
  readonly effect: 'allow' | 'deny';
  readonly verb: string;
  readonly env: string;
  readonly group: string;
  readonly object: string;
}

function sketches(count: number): readonly Sketch[] {
  return Array.from({ length: count }, (_, at) => ({
    at,
    effect: at % 6 === 5 ? ('deny' as const) : ('allow' as const),
    verb: verbs[at % verbs.length] ?? '',
    env: at % 3 === 0 ? 'staging' : 'prod',
    group: `group-${at % 10}`,
    object: `public.t${at % 25}`,
  }));
}

function filesOf(rules: readonly Sketch[], distinct: boolean): ReadonlyMap<string, string> {
  const texts = rules.map(
    ({ at, effect, verb, env, group, object }) => `  - id: rule-${at}
    effect: ${effect}
    match: { resource: { kind: postgres, env: [${env}] }, identity: { groups: [${group}] }, action: [${verb}] }
    when: has(identity.mfa) && identity.mfa && action.objects.exists(o, o.name == "${object}${distinct ? at : ''}")
    why: Rule ${at} says so.
    fix: Ask the owner of rule ${at}.
`,
  );
  return new Map([
    [
      'policy.yaml',
      'apiVersion: sallyport/v1\nlayers:\n  - { name: main, role: grant, use: [{ module: m }] }\n',
    ],
    ['schema.yaml', 'apiVersion: sallyport/v1\nidentity: { mfa: boolean }\n'],
    [
      'modules/m.policy.yaml',
      `apiVersion: sallyport/v1\nmodule: m\nowner: team:x\nrules:\n${texts.join('')}`,
    ],
  ]);
}

function loadedOf(rules: readonly Sketch[]) {
  const loaded = loadPolicy(filesOf(rules, false), kinds);
  if (!loaded.ok) throw new Error(loaded.error.map(({ message }) => message).join('\n'));
  return loaded.value;
}

const attributes = {
  byKey: false,
  condition: 'none',
  functions: [],
  settings: [],
  copy: 'none',
  explain: false,
  temporary: false,
  locks: false,
};

interface Request {
  readonly groups: readonly string[];
  readonly verb: string;
  readonly env: string;
  readonly objects: readonly string[];
}

const requests: readonly Request[] = [
  { groups: ['group-1', 'group-6'], verb: 'sql.insert', env: 'prod', objects: ['public.t1'] }, // allowed
  { groups: ['nobody'], verb: 'sql.select', env: 'prod', objects: ['public.t2'] }, // no rule
  { groups: ['group-5', 'group-1'], verb: 'sql.select', env: 'prod', objects: ['public.t5'] }, // denied
];

function questionOf({ groups, verb, env, objects }: Request): Question {
  const action: Action = {
    verb,
    access: 'read',
    targets: objects.map((name) => ({ kind: 'table', name, access: 'read' })),
    columns: [],
    attributes,
    text: '',
    notes: [],
  };
  return {
    identity: {
      kind: 'human',
      subject: 'ana' as Subject,
      groups,
      attributes: { mfa: true },
      proof: { kind: 'token', tokenId: 't', expiresAt: instant(8e15) },
    },
    resource: { name: 'shop' as ResourceName, kind: 'postgres', tags: [`env/${env}`], settings: undefined },
    action,
    session: { id: 's' as SessionId, startedAt: instant(0) },
    at: instant(0),
  };
}

type Ask = (at: number) => boolean;

function ours(rules: readonly Sketch[]): Ask {
  const policy = loadedOf(rules);
  const questions = requests.map(questionOf);
  return (at) =>
    policy.decide(questions[at % questions.length] ?? questionOf(requests[0] as Request)).kind === 'allow';
}

/** A statement that was judged before, through the gate itself: what a session pays for it. */
function cached(rules: readonly Sketch[]): Ask {
  const policy = loadedOf(rules);
  const question = questionOf(requests[0] as Request);
  const session: Session = {
    id: 's' as SessionId,
    identity: question.identity,
    resource: question.resource,
    startedAt: instant(0),
    peer: '',
  };
  const quiet = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
  const own = gate(
    {
      policy: () => policy,
      ledger: { append: async () => undefined },
      world: realWorld,
      metrics: quiet,
    },
    session,
  );
  const wire = own.guard({
    read: async () => undefined,
    write: () => undefined,
    destroy: () => undefined,
    closed: Promise.resolve(),
  } as unknown as Parameters<typeof own.guard>[0]);
  const nothing = new Uint8Array();
  return () => {
    const verdict = own.prepare(question.action);
    if (!('kind' in verdict) || verdict.kind !== 'permit') return false;
    void wire.send([verdict], nothing); // gives the permit back
    return true;
  };
}

/** CEL's evaluator, asking each rule in full. */
function plainCel(rules: readonly Sketch[]): Ask {
  const env = celEnv();
  const planned = rules.map(({ effect, verb, env: where, group, object }) => ({
    effect,
    ask: plan(
      env,
      parse(
        `resource.kind == "postgres" && action.verb == "${verb}" && resource.env == "${where}" && "${group}" in identity.groups && identity.mfa && action.objects.exists(o, o.name == "${object}")`,
      ).expr,
    ),
  }));
  const inputs = requests.map(({ groups, verb, env: where, objects }): Record<string, CelInput> => ({
    resource: { kind: 'postgres', env: where },
    action: { verb, objects: objects.map((name) => ({ name })) },
    identity: { groups: [...groups], mfa: true },
  }));
  return (at) => {
    const input = inputs[at % inputs.length] ?? {};
    const yes = planned.filter(({ ask }) => ask(input) === true).map(({ effect }) => effect);
    return yes.includes('allow') && !yes.includes('deny');
  };
}

function cedarWasm(rules: readonly Sketch[]): Ask {
  const texts = rules.map(
    ({ effect, verb, env, group, object }) =>
      `${effect === 'allow' ? 'permit' : 'forbid'}(principal, action == Action::"${verb}", resource) when { resource.kind == "postgres" && resource.env == "${env}" && principal.groups.contains("${group}") && principal.mfa && context.objects.contains("${object}") };`,
  );
  const parsed = cedar.preparsePolicySet('rules', { staticPolicies: texts.join('\n') });
  if (parsed.type !== 'success') throw new Error(JSON.stringify(parsed));
  const calls = requests.map(({ groups, verb, env, objects }) => ({
    principal: { type: 'User', id: 'ana' },
    action: { type: 'Action', id: verb },
    resource: { type: 'Resource', id: 'shop' },
    context: { objects: [...objects] },
    entities: [
      { uid: { type: 'User', id: 'ana' }, attrs: { groups: [...groups], mfa: true }, parents: [] },
      { uid: { type: 'Resource', id: 'shop' }, attrs: { kind: 'postgres', env }, parents: [] },
    ],
    preparsedPolicySetId: 'rules',
    validateRequest: false,
  }));
  return (at) => {
    const call = calls[at % calls.length];
    if (call === undefined) return false;
    const answer = cedar.statefulIsAuthorized(call);
    return answer.type === 'success' && answer.response.decision === 'allow';
  };
}

// policy/rules.rego, built with `opa build -t wasm -e bench/allow`: the same fifty rules.
const bundle = openBundle(readFileSync(new URL('policy/rules-wasm.tar.gz', import.meta.url), 'base64'));
if (!bundle.ok || bundle.value.wasm === undefined) throw new Error('policy/rules-wasm.tar.gz is no bundle');
const module = await loadWasm(bundle.value.wasm);

function opaWasm(): Ask {
  const inputs = requests.map(({ groups, verb, env, objects }) => ({
    resource: { kind: 'postgres', env },
    action: { verb, objects },
    identity: { groups, mfa: true },
  }));
  return (at) => {
    const answer: unknown = module.evaluate(inputs[at % inputs.length]);
    return Array.isArray(answer) && (answer[0] as { result?: unknown } | undefined)?.result === true;
  };
}

interface Contender {
  readonly name: string;
  readonly make: (rules: readonly Sketch[]) => Ask;
  readonly calls: number;
}

const contenders: readonly Contender[] = [
  { name: 'Sallyport, uncached, with its explanation', make: ours, calls: 20_000 },
  { name: 'Sallyport, judged before, through the gate', make: cached, calls: 200_000 },
  { name: '@bufbuild/cel, every rule', make: plainCel, calls: 1_000 },
  { name: 'opa-wasm', make: opaWasm, calls: 1_000 },
  { name: 'cedar-wasm, parsed before', make: cedarWasm, calls: 300 },
];

/** Microseconds a decision, and milliseconds to load a thousand rules. */
export const policy: Bench = async ({ quick, rounds = quick ? 5 : 15 }) => {
  const rules = sketches(50);
  const asks = contenders.map(({ make, ...rest }) => ({ ...rest, ask: make(rules) }));
  const agreed = asks.filter(({ name }) => !name.includes('judged before'));
  for (const at of requests.keys()) {
    const answers = new Set(agreed.map(({ ask }) => ask(at)));
    if (answers.size !== 1) throw new Error(`The engines do not agree about request ${at}`);
  }
  const runs = new Runs();
  for (const { ask, calls } of asks) for (let at = 0; at < calls; at++) ask(at); // warm
  for (let round = 0; round < rounds; round++) {
    for (const { name, ask, calls } of inTurn(asks, round)) {
      const started = performance.now();
      for (let at = 0; at < calls; at++) ask(at);
      const us = ((performance.now() - started) * 1_000) / calls;
      runs.add({ case: 'decide', contender: name, round, figures: { us } });
    }
    progress(`round ${round + 1} of ${rounds}`);
  }
  const loads = [
    ['1,000 rules, 125 conditions', filesOf(sketches(1_000), false)],
    ['1,000 rules, as many conditions', filesOf(sketches(1_000), true)],
  ] as const;
  for (let round = 0; round < Math.max(5, Math.ceil(rounds / 2)); round++) {
    for (const [name, files] of loads) {
      const started = performance.now();
      if (!loadPolicy(files, kinds).ok) throw new Error('The large policy does not load');
      runs.add({ case: 'load', contender: name, round, figures: { ms: performance.now() - started } });
    }
  }
  const decided = asks.map(({ name }) => [
    name,
    shown(runs.figure('us', { case: 'decide', contender: name }), ' µs'),
  ]);
  const read = loads.map(([name]) => [
    name,
    shown(runs.figure('ms', { case: 'load', contender: name }), ' ms'),
  ]);
  return {
    settings: { rules: 50, requests: requests.length, rounds },
    runs: runs.all,
    facts: {},
    tables: `${table(['one decision of 50 rules', 'median'], decided)}\n\n${table(['read, checked and compiled', 'median'], read)}`,
  };
};
