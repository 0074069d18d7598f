import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { realWorld } from '../src/base/time.ts';
import type { Identity } from '../src/core/identity.ts';
import type { Session } from '../src/core/session.ts';
import { gate } from '../src/gate/gate.ts';
import { opaEngines } from '../src/opa/index.ts';
import { identity, kinds as plainKinds, question } from '../src/policy/fake.ts';
import { type LoadedPolicy, loadPolicy } from '../src/policy/load.ts';
import { policyText } from '../src/policy/opa/bundle.ts';
import { bundleDigest } from '../src/policy/opa/pins.ts';
import { problemLine } from '../src/policy/problem.ts';

// A policy of OPA as a layer, from the files of a policy to what the gate lets pass.

const kinds = Object.assign(new Map(plainKinds), { opa: opaEngines(realWorld) });
const testdata = join(import.meta.dirname, '..', 'src', 'policy', 'opa', 'testdata');
const text = (name: string): string =>
  policyText(`opa/${name}.tar.gz`, readFileSync(join(testdata, `${name}.tar.gz`)));

const allowAll = `apiVersion: sallyport/v1
module: m
rules:
  - { id: all, effect: allow, match: { resource: { kind: postgres } } }
`;

interface Layer {
  readonly role?: string;
  readonly opa: string;
  readonly more?: ReadonlyMap<string, string>;
}

function files({ role = 'restrict', opa, more = new Map() }: Layer): ReadonlyMap<string, string> {
  return new Map([
    [
      'policy.yaml',
      `apiVersion: sallyport/v1
layers:
  - { name: main, role: grant, use: [{ module: m }] }
  - name: rego
    role: ${role}
    opa: { ${opa} }
`,
    ],
    ['modules/m.policy.yaml', allowAll],
    ...more,
  ]);
}

function withBundle(
  name: string,
  {
    role,
    entrypoint,
    extra = ', timeout: 5s',
  }: { readonly role?: string; readonly entrypoint: string; readonly extra?: string },
): ReadonlyMap<string, string> {
  return files({
    ...(role === undefined ? {} : { role }),
    opa: `bundle: opa/${name}.tar.gz, entrypoint: ${entrypoint}${extra}`,
    more: new Map([[`opa/${name}.tar.gz`, text(name)]]),
  });
}

function loaded(given: ReadonlyMap<string, string>): LoadedPolicy {
  const made = loadPolicy(given, kinds);
  assert.ok(made.ok, made.ok ? '' : made.error.map(problemLine).join('\n'));
  return made.value;
}

function problems(given: ReadonlyMap<string, string>): readonly string[] {
  const made = loadPolicy(given, kinds);
  return made.ok ? [] : made.error.map(problemLine);
}

const analyst = identity('ana', ['analysts']);
const agent: Identity = identity('bot', ['analysts'], { kind: 'agent' });

for (const kind of ['wasm', 'plan']) {
  const name = `gate-${kind}`;

  test(`${kind}: what OPA says is joined with the rules, by the role of its layer`, () => {
    const restrict = loaded(withBundle(name, { entrypoint: 'gate/decision', role: 'ceiling' }));
    const read = restrict.decide(question(analyst));
    assert.equal(read.kind, 'allow', read.why);
    assert.equal(read.duties.rowLimit, 100);
    assert.equal(read.cacheable, true);

    const write = restrict.decide(
      question(agent, { access: 'write', on: ['public.payments'], tags: ['state/frozen'] }),
    );
    assert.equal(write.kind, 'deny');
    assert.equal(write.code, 'RULE');
    assert.equal(
      write.why,
      'OPA gate/decision in the layer rego: agents may not touch payments; shop is frozen',
    );
    assert.deepEqual(
      write.because.map(({ id, at }) => [id, at.file, at.line]),
      [['rego/gate/decision', 'policy.yaml', 6]],
    );

    const other = restrict.decide(question(identity('eve')));
    assert.deepEqual(
      [other.kind, other.why],
      ['deny', 'OPA gate/decision in the layer rego: only analysts read here'],
    );
  });

  test(`${kind}: one that acts for another is judged as both`, () => {
    const policy = loaded(withBundle(name, { entrypoint: 'gate/decision' }));
    const acting = identity('ana', ['analysts']);
    assert.equal(
      policy.decide(question({ ...acting, actingFor: agent }, { on: ['public.payments'] })).kind,
      'deny',
    );
    assert.equal(
      policy.decide(question({ ...acting, actingFor: analyst }, { on: ['public.payments'] })).kind,
      'allow',
    );
  });

  test(`${kind}: a plain boolean, and a grant`, () => {
    const policy = loaded(withBundle(name, { entrypoint: 'gate/allow', role: 'grant' }));
    assert.deepEqual(
      policy.decide(question(analyst)).because.map(({ id }) => id),
      ['m/all', 'rego/gate/allow'],
    );
    // Another grant still grants: a grant layer that is silent takes nothing.
    assert.equal(policy.decide(question(identity('eve'))).kind, 'allow');
  });

  test(`${kind}: what is undefined, or has another shape, denies`, () => {
    for (const [entrypoint, why] of [
      ['gate/undefined_here', 'undefined for this input'],
      ['gate/wrong_shape', 'another shape: result.allow'],
    ] as const) {
      const policy = loaded(withBundle(name, { entrypoint, role: 'grant' }));
      const decision = policy.decide(question(analyst));
      assert.deepEqual([decision.kind, decision.code, decision.cacheable], ['deny', 'POLICY_ERROR', false]);
      const [first] = policy.explain?.(question(analyst))[0]?.rules ?? [];
      assert.equal(first?.outcome, 'failed');
      assert.ok(first.rule.why?.includes(why), first.rule.why);
    }
  });

  test(`${kind}: what does not end denies`, () => {
    const policy = loaded(
      withBundle(name, { entrypoint: 'gate/slow', role: 'grant', extra: ', timeout: 30ms' }),
    );
    assert.equal(policy.decide(question(analyst)).code, 'POLICY_ERROR');
  });

  test(`${kind}: in shadow it is only seen`, () => {
    const policy = loaded(
      withBundle(name, { entrypoint: 'gate/undefined_here', extra: ', enforce: shadow' }),
    );
    const decision = policy.decide(question(analyst));
    assert.deepEqual(
      [decision.kind, decision.wouldBe.map(({ id }) => id)],
      ['allow', ['rego/gate/undefined_here']],
    );
  });

  test(`${kind}: a clock is never remembered`, () => {
    const decision = loaded(
      withBundle(`clock-${kind}`, { entrypoint: 'clock/decision', role: 'ceiling' }),
    ).decide({ ...question(analyst), at: realWorld.now() });
    assert.deepEqual([decision.kind, decision.cacheable], ['allow', false]);
  });

  test(`${kind}: what cannot work is refused when it is loaded, with its place`, () => {
    const [missing = ''] = problems(withBundle(name, { entrypoint: 'gate/nothing' }));
    assert.match(missing, /^policy\.yaml:6:\d+ SP-L120 .*no entrypoint gate\/nothing/);
    const [unsupported = ''] = problems(withBundle(`lookup-${kind}`, { entrypoint: 'lookup/decision' }));
    assert.match(unsupported, /SP-L120 .*not supported here: http\.send/);
  });
}

test('a bundle that is missing, cut short, unused, or not what is pinned is refused', () => {
  const whole = withBundle('gate-wasm', { entrypoint: 'gate/decision' });
  const path = 'opa/gate-wasm.tar.gz';
  const bytes = text('gate-wasm');
  const changed = (more: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
    new Map([...whole, ...Object.entries(more)]);
  const gone = new Map(whole);
  gone.delete(path);
  assert.match(problems(gone)[0] ?? '', /There is no opa\/gate-wasm\.tar\.gz/);
  assert.match(problems(changed({ [path]: bytes.slice(0, 40_000) }))[0] ?? '', /SP-L120 .*cut short/);
  assert.match(problems(changed({ 'opa/other.tar.gz': bytes }))[0] ?? '', /SP-L102 No layer uses the bundle/);
  const lock = (digest: string): string =>
    `apiVersion: sallyport/v1\nmodules:\n  m: sha256:c8\nbundles:\n  ${path}: ${digest}\n`;
  const about = (given: readonly string[]): readonly string[] =>
    given.filter((line) => line.includes('bundle'));
  assert.match(
    about(problems(changed({ 'policy.lock': lock('sha256:00') })))[0] ?? '',
    /policy\.lock:5:\d+ SP-L103/,
  );
  assert.deepEqual(about(problems(changed({ 'policy.lock': lock(bundleDigest(bytes)) }))), []);
  const pinned = withBundle('gate-wasm', {
    entrypoint: 'gate/decision',
    extra: `, timeout: 5s, digest: ${bundleDigest(bytes)}`,
  });
  assert.deepEqual(problems(pinned), []);
  const other = withBundle('gate-wasm', { entrypoint: 'gate/decision', extra: ', digest: sha256:00' });
  assert.match(problems(other)[0] ?? '', /SP-L103/);
});

test('a layer of OPA that says something wrong is refused', () => {
  for (const [opa, why] of [
    ['entrypoint: gate/decision', /either a bundle or a server/],
    ['server: "http://opa.example", entrypoint: a/b', /https/],
    ['server: "https://u:p@opa.example", entrypoint: a/b', /without credentials/],
    ['server: "https://opa.example", entrypoint: a/b, digest: x', /Only a bundle has a digest/],
    ['server: "https://opa.example", entrypoint: a/b, timeout: 1h', /from 1ms to 5s/],
    ['server: "https://opa.example", entrypoint: ../b', /entrypoint is a path/],
    ['server: "https://opa.example", entrypoint: a/b, kinds: [sallyport]', /not by a server/],
    ['server: "https://opa.example", entrypoint: a/b, kinds: [postgers]', /no resource kind/],
    ['bundle: ../gate.tar.gz, entrypoint: a/b', /opa\/<name>\.tar\.gz/],
    ['bundel: opa/a.tar.gz, entrypoint: a/b', /did you mean `bundle`/],
  ] as const)
    assert.match(problems(files({ opa }))[0] ?? '', why);
  assert.match(
    problems(
      files({ role: 'grant', opa: 'server: "https://opa.example", entrypoint: a/b, enforce: shadow' }),
    )[0] ?? '',
    /in shadow/,
  );
});

const quiet = { count: () => undefined, gauge: () => undefined, observe: () => undefined };

function gateOf(policy: LoadedPolicy, who: Identity): ReturnType<typeof gate> {
  const { resource, session } = question(who);
  const own: Session = { id: session.id, identity: who, resource, startedAt: session.startedAt, peer: '' };
  return gate(
    { policy: () => policy, ledger: { append: async () => undefined }, world: realWorld, metrics: quiet },
    own,
  );
}

test('the gate asks a server for each action, blocks nobody, and refuses when it has no answer', async () => {
  let answer: string | undefined = '{"result":{"allow":true}}';
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume();
    asked += 1;
    if (answer !== undefined) response.end(answer);
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const policy = loaded(
    files({
      role: 'ceiling',
      opa: `server: "http://127.0.0.1:${port}", entrypoint: gate/decision, timeout: 5s`,
    }),
  );
  const own = gateOf(policy, analyst);
  const { action } = question(analyst);
  const kindOf = async (): Promise<string> => {
    const verdict = await own.ask({ action });
    return verdict.kind === 'refusal' ? verdict.denial.class : verdict.kind;
  };
  assert.deepEqual([await kindOf(), await kindOf(), asked], ['permit', 'permit', 2]);
  answer = '{"result":{"allow":false}}';
  assert.equal(await kindOf(), 'RULE');
  answer = '{"result":{"allow":"yes"}}';
  assert.equal(await kindOf(), 'POLICY_ERROR');
  answer = undefined;
  assert.equal(await kindOf(), 'POLICY_ERROR');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  assert.equal(await kindOf(), 'POLICY_ERROR');
  await own.close();
  // Where no gateway runs nobody is asked.
  assert.equal(policy.decide(question(analyst)).code, 'POLICY_ERROR');
});

test('the gate remembers what a bundle said of the same action', async () => {
  const own = gateOf(
    loaded(withBundle('gate-wasm', { entrypoint: 'gate/decision', role: 'ceiling', extra: ', timeout: 5s' })),
    analyst,
  );
  const { action } = question(analyst);
  const first = own.ask({ action });
  assert.ok(first instanceof Promise);
  assert.equal((await first).kind, 'permit');
  assert.equal(own.ask({ action }) instanceof Promise, false);
  await own.close();
});
