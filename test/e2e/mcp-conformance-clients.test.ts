import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  assertTable,
  better,
  listed,
  oneOf,
  passes,
  runSuite,
  said,
  type Seen,
  tableOf,
} from './harness/conformance.ts';
import { root, temporaryFolder } from './harness/place.ts';

// The client scenarios of the conformance suite: its servers see a client, directly, or the gateway as their client.

const client = join(root, 'test/e2e/clients/mcp-conformance-client.ts');

/** Each in its revisions from the newest on; those before the first here are run only where no later one has the scenario. */
const revisions = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', 'extension'];

const skills = 'skills are refused; these ask what a host does with them';
const notes: Readonly<Record<string, string>> = {
  'auth/authorization-server-migration':
    'the gateway believes the configured issuer alone: a server that names another one gets nothing. The client of the test registers once',
  'auth/enterprise-managed-authorization':
    'not done: the gateway has no identity tokens of people that it could exchange',
  'auth/2025-03-26-oauth-metadata-backcompat': 'signing in as in 2025-03-26, speaking a later revision',
  'auth/2025-03-26-oauth-endpoint-fallback': 'the same',
  'elicitation-sep1034-client-defaults': 'with `allow: [elicitation]`',
  'auth/dpop': '`dpop: true`',
  'auth/dpop-nonce': '`dpop: true`',
  'auth/wif-jwt-bearer': '`grant: jwt_bearer`',
  'sep-2640-client-no-prefetch': skills,
  'sep-2640-client-verify-digest': skills,
  'sep-2640-client-verify-size': skills,
  'sep-2640-client-verify-frontmatter': skills,
};

const why =
  'not run: the gateway is no authorization server; clients show its tokens, or those of the issuers that it trusts';

const legs = [...(await listed('client'))].flatMap(([scenario, all]) =>
  revisions
    .filter((each) => all.includes(each))
    .slice(0, 2)
    .map((revision) => ({ scenario, revision })),
);

const rows = new Map<string, readonly [direct: Seen, through: Seen]>();

describe('the client scenarios of the conformance suite', { concurrency: 2 }, () => {
  const folder = temporaryFolder('mcp-conformance-clients');
  after(() => folder[Symbol.dispose]());
  for (const { scenario, revision } of legs) {
    test(`${scenario}, ${revision}: what passes directly passes through the gateway`, async () => {
      let [direct, through] = [await run(scenario, revision, false), await run(scenario, revision, true)];
      let [one, other] = [oneOf(direct), oneOf(through)];
      const known = tableOf('client scenarios').find(
        (row) => row[0] === `\`${scenario}\`` && row[1] === revision,
      );
      if (said(one) !== known?.[2] || said(other) !== known[3]) {
        [direct, through] = [await run(scenario, revision, false), await run(scenario, revision, true)];
        [one, other] = [better(one, oneOf(direct)), better(other, oneOf(through))];
      }
      rows.set(`${scenario} ${revision}`, [one, other]);
      if (passes(one)) assert.ok(passes(other), through.slice(-4_000));
      assert.ok(other.failed <= one.failed, through.slice(-4_000));
      if (notes[scenario] === undefined) assert.ok(passes(one), direct.slice(-4_000));
    });
  }

  async function run(scenario: string, revision: string, through: boolean): Promise<string> {
    const { THROUGH: _, ...env } = process.env;
    const args = ['client', '--command', `${process.execPath} ${client}`, '--scenario', scenario];
    const version = revision === 'extension' ? [] : ['--spec-version', revision];
    // Every run loads the same program: what Node makes of its files is kept for the next one.
    const cached = { ...env, NODE_COMPILE_CACHE: join(folder.path, 'compiled') };
    return runSuite(
      [...args, '--timeout', '180000', '-o', folder.path, ...version],
      through ? { ...cached, THROUGH: '1' } : cached,
    );
  }
});

test('the page says what was seen, of every scenario that the suite lists', () => {
  const table = legs.map(({ scenario, revision }) => {
    const both = rows.get(`${scenario} ${revision}`);
    assert.ok(both !== undefined, `${scenario}, ${revision} has not been run`);
    return [`\`${scenario}\``, revision, said(both[0]), said(both[1]), notes[scenario] ?? ''];
  });
  assertTable('client scenarios', ['scenario', 'revision', 'directly', 'through', ''], table);
});

test('the scenarios of authorization servers have their place on the page', async () => {
  const all = [...(await listed('authorization')).keys()];
  assertTable(
    'authorization scenarios',
    ['scenario', ''],
    all.map((scenario) => [`\`${scenario}\``, why]),
  );
});
