import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import OpenAI from 'openai';
import { serveSampleModel } from '../../src/server/sample-model.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { freePorts, temporaryFolder } from './harness/place.ts';
import { until } from './harness/wait.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: models, role: grant, use: [{ module: models }] }
record: meta
`,
  'modules/models.policy.yaml': `
apiVersion: sallyport/v1
module: models
owner: team:platform
rules:
  - { id: ask, effect: allow, match: { resource: { kind: llm } } }
`,
};

test('a budget holds over a stop and over a gateway that is killed', async () => {
  await using model = await serveSampleModel(0);
  using home = temporaryFolder('budgets');
  const first = await freePorts(2);
  const start = (): Promise<Configured> =>
    startConfigured({
      api: first,
      policy,
      options: { home: home.path },
      text: `
listen: { api: 127.0.0.1:${first}, llm: 127.0.0.1:${first + 1} }
policy: ./policy
identities: [{ subject: ann, kind: human, groups: [] }, { subject: bob, kind: human, groups: [] }]
resources:
  - { name: model, kind: llm, url: 'http://127.0.0.1:${model.port}', budgets: [{ requests: 3, every: 30d }] }
`,
    });
  const tokens: Record<string, string> = {};
  const ask = async (as: string): Promise<number> => {
    const client = new OpenAI({ baseURL: `http://127.0.0.1:${first + 1}/model/v1`, apiKey: tokens[as] });
    try {
      await client.chat.completions.create({ model: 'demo-1', messages: [{ role: 'user', content: 'x' }] });
      return 200;
    } catch (thrown) {
      return thrown instanceof OpenAI.APIError ? (thrown.status ?? 0) : 0;
    }
  };
  const said: (readonly number[])[] = [];
  {
    await using gateway = await start();
    for (const subject of ['ann', 'bob']) tokens[subject] = await gateway.token(subject);
    said.push([await ask('ann'), await ask('ann')]);
  }
  const folder = join(home.path, 'kept', 'llm');
  const [file = ''] = readdirSync(folder);
  assert.equal(statSync(join(folder, file)).mode & 0o777, 0o600);
  assert.match(readFileSync(join(folder, file), 'utf8'), /"requests":2/);
  {
    await using gateway = await start();
    said.push([await ask('ann'), await ask('ann'), await ask('bob')]);
    const kept = (): string => readFileSync(join(folder, file), 'utf8');
    await until(() => kept().includes('"requests":3') && kept().includes('"requests":1'), kept);
    await gateway.stop('SIGKILL');
  }
  {
    await using _gateway = await start();
    said.push([await ask('ann'), await ask('bob'), await ask('bob'), await ask('bob')]);
  }
  assert.deepEqual(said, [
    [200, 200],
    [200, 429, 200],
    [429, 200, 200, 429],
  ]);
});
