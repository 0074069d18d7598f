import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { root, temporaryFolder } from './harness/place.ts';

// The client scenarios of the conformance suite: its servers see a client, directly, or the gateway as their client.

const suite = join(root, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const client = join(root, 'test/e2e/clients/mcp-conformance-client.ts');

/** `both`: every check passes directly and through the gateway. Else why not. */
type Leg = readonly [scenario: string, revision: string | undefined, how: 'both' | { readonly why: string }];

const both = 'both';
const modern = [
  'tools_call',
  'request-metadata',
  'sep-2322-client-request-state',
  'http-standard-headers',
  'http-custom-headers',
  'http-invalid-tool-headers',
  'json-schema-ref-no-deref',
  'json-schema-2020-12-preservation',
  'auth/metadata-default',
  'auth/metadata-var1',
  'auth/metadata-var2',
  'auth/metadata-var3',
  'auth/basic-cimd',
  'auth/pre-registration',
  'auth/scope-from-www-authenticate',
  'auth/scope-from-scopes-supported',
  'auth/scope-omitted-when-undefined',
  'auth/scope-step-up',
  'auth/scope-retry-limit',
  'auth/token-endpoint-auth-basic',
  'auth/token-endpoint-auth-post',
  'auth/token-endpoint-auth-none',
  'auth/resource-mismatch',
  'auth/offline-access-scope',
  'auth/offline-access-not-supported',
  'auth/iss-supported',
  'auth/iss-not-advertised',
  'auth/iss-supported-missing',
  'auth/iss-wrong-issuer',
  'auth/iss-unexpected',
  'auth/iss-normalized',
  'auth/metadata-issuer-mismatch',
];
const earlier = [
  'initialize',
  'tools_call',
  'sse-retry',
  'elicitation-sep1034-client-defaults',
  'json-schema-2020-12-preservation',
];
const legs: readonly Leg[] = [
  ...modern.map((scenario): Leg => [scenario, '2026-07-28', both]),
  ...earlier.map((scenario): Leg => [scenario, '2025-11-25', both]),
  ['auth/client-credentials-jwt', undefined, both],
  ['auth/client-credentials-basic', undefined, both],
  [
    'auth/authorization-server-migration',
    '2026-07-28',
    { why: 'The gateway believes the configured issuer alone: a server that names another one gets nothing' },
  ],
  [
    'auth/enterprise-managed-authorization',
    undefined,
    { why: 'The gateway exchanges no identity assertions' },
  ],
  ['auth/dpop', undefined, { why: 'The gateway has no DPoP' }],
  ['auth/dpop-nonce', undefined, { why: 'The gateway has no DPoP' }],
  [
    'auth/wif-jwt-bearer',
    undefined,
    { why: 'The gateway has no workload identity federation towards servers' },
  ],
];

describe('the client scenarios of the conformance suite', { concurrency: 2 }, () => {
  const folder = temporaryFolder('mcp-conformance-clients');
  after(() => folder[Symbol.dispose]());
  for (const [scenario, revision, how] of legs) {
    const name = `${scenario}, ${revision ?? 'an extension'}`;
    test(how === both ? name : `${name}: not through (${how.why})`, async () => {
      const through = await run(scenario, revision, true);
      if (how === both) {
        const direct = await run(scenario, revision, false);
        assert.match(direct, allPassed, direct.slice(-2_000));
        assert.match(through, allPassed, through.slice(-2_000));
      } else assert.doesNotMatch(through, allPassed, 'it passes by now: put it among the others');
    });
  }

  async function run(scenario: string, revision: string | undefined, through: boolean): Promise<string> {
    const { THROUGH: _, ...env } = process.env;
    const args = ['client', '--command', `${process.execPath} ${client}`, '--scenario', scenario];
    const version = revision === undefined ? [] : ['--spec-version', revision];
    const child = spawn(
      process.execPath,
      [suite, ...args, '--timeout', '180000', '-o', folder.path, ...version],
      { stdio: ['ignore', 'pipe', 'pipe'], env: through ? { ...env, THROUGH: '1' } : env },
    );
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (text += String(chunk)));
    await once(child, 'close');
    return text;
  }
});

const allPassed = /Passed: ([1-9]\d*)\/\1, 0 failed/;
