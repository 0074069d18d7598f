import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ScriptedModel, scriptedModel } from './clients/agents-model.ts';
import { type Configured, startConfigured } from './harness/gateway.ts';
import { installPackages } from './harness/packages.ts';
import { freePorts, root, temporaryFolder } from './harness/place.ts';

// Two agents as people install them, without the internet: their model and their tools are reached through the gateway, with
// one token and one run, and neither the model nor the agent sees what is masked.

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers: [{ name: agents, role: grant, use: [{ module: agents }] }]
record: full
`,
  'modules/agents.policy.yaml': `
apiVersion: sallyport/v1
module: agents
about: What agents may do.
owner: team:platform
rules:
  - id: use
    effect: allow
    match: { resource: { kind: [llm, mcp] } }
    why: Everybody may use models and tools.
    fix: Ask.
  - id: own-record
    effect: allow
    match: { resource: { kind: sallyport } }
    when: action.own
    why: Everyone may see what was written about themselves.
    fix: Ask.
  - id: masks
    effect: require
    match: { resource: { kind: mcp } }
    then: { mask: [{ find: EMAIL_ADDRESS, with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
};

const secret = 'ann.other@shop.example';
const agents = join(root, 'test/agents');

describe('real agents through the gateway, offline', () => {
  const folder = temporaryFolder('agents');
  let model: ScriptedModel;
  let gateway: Configured;
  let first = 0;
  let token = '';

  before(async () => {
    installPackages(agents);
    writeFileSync(join(folder.path, 'note.txt'), `Write to ${secret} about order 7`);
    model = await scriptedModel('files__read_text_file', { path: join(folder.path, 'note.txt') });
    first = await freePorts(3);
    gateway = await startConfigured({
      api: first,
      policy,
      text: `
listen: { api: 127.0.0.1:${first}, llm: 127.0.0.1:${first + 1}, mcp: 127.0.0.1:${first + 2} }
policy: ./policy
identities:
  - { subject: analyst, kind: human, groups: [] }
  - { subject: agent, kind: agent, groups: [], actingFor: analyst }
resources:
  - { name: model, kind: llm, url: 'http://127.0.0.1:${model.port}', credentials: { bearer: provider-key } }
  - name: tools
    kind: mcp
    servers:
      files: { command: [${process.execPath}, ${root}/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js, ${folder.path}] }
`,
    });
    token = await gateway.token('agent');
  });

  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await model[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  const saw = async (run: string): Promise<void> => {
    const shown = await fetch(`${gateway.api}/api/v1/sessions?limit=50`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const sessions = (await shown.json()) as readonly { readonly kind: string; readonly run?: string }[];
    const kinds = new Set(sessions.filter((each) => each.run === run).map(({ kind }) => kind));
    assert.deepEqual([...kinds].sort(), ['llm', 'mcp'], 'one loop is one run, whatever it speaks');
    assert.ok(model.asked.length > 1);
    for (const body of model.asked) {
      assert.ok(!body.includes(secret), 'the model saw what is masked');
      assert.ok(!body.includes(token), 'the model saw the token');
    }
  };

  test('Claude Code reads a file with a tool, and sees it masked', async () => {
    const config = join(folder.path, 'mcp.json');
    const server = {
      type: 'http',
      url: `http://127.0.0.1:${first + 2}/tools`,
      headers: { Authorization: `Bearer ${token}`, 'Sallyport-Run': 'claude-1' },
    };
    writeFileSync(config, JSON.stringify({ mcpServers: { gw: server } }));
    const said = await run(join(agents, 'node_modules/.bin/claude'), {
      args: [
        '-p',
        'Read the note.',
        '--mcp-config',
        config,
        '--strict-mcp-config',
        '--allowedTools',
        'mcp__gw',
        '--model',
        'claude-sonnet-4-5',
      ],
      home: join(folder.path, 'claude'),
      env: {
        ANTHROPIC_BASE_URL: `http://127.0.0.1:${first + 1}/model`,
        ANTHROPIC_API_KEY: token,
        ANTHROPIC_CUSTOM_HEADERS: 'Sallyport-Run: claude-1',
        ENABLE_TOOL_SEARCH: 'false',
        MCP_TIMEOUT: '300000',
        MCP_TOOL_TIMEOUT: '300000',
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      },
    });
    assert.match(said, /It said: .*Write to \[EMAIL_ADDRESS\] about order 7/);
    await saw('claude-1');
  });

  test('Codex reads a file with a tool, and sees it masked', async () => {
    const home = join(folder.path, 'codex');
    mkdirSync(home);
    writeFileSync(
      join(home, 'config.toml'),
      `
model = "demo-1"
model_provider = "gw"
approval_policy = "never"
[model_providers.gw]
name = "gw"
base_url = "http://127.0.0.1:${first + 1}/model/v1"
wire_api = "responses"
env_key = "GATEWAY_TOKEN"
http_headers = { "Sallyport-Run" = "codex-1" }
[mcp_servers.gw]
url = "http://127.0.0.1:${first + 2}/tools"
bearer_token_env_var = "GATEWAY_TOKEN"
http_headers = { "Sallyport-Run" = "codex-1" }
default_tools_approval_mode = "approve"
startup_timeout_sec = 300
tool_timeout_sec = 300
`,
    );
    const said = await run(process.execPath, {
      args: [
        join(agents, 'node_modules/.bin/codex'),
        'exec',
        '--skip-git-repo-check',
        '--sandbox',
        'read-only',
        'Read the note.',
      ],
      home,
      env: { CODEX_HOME: home, GATEWAY_TOKEN: token },
    });
    assert.match(said, /It said: .*Write to \[EMAIL_ADDRESS\] about order 7/);
    await saw('codex-1');
  });
});

function run(
  command: string,
  how: {
    readonly args: readonly string[];
    readonly home: string;
    readonly env: Readonly<Record<string, string>>;
  },
): Promise<string> {
  mkdirSync(how.home, { recursive: true });
  const child = spawn(command, how.args, {
    cwd: how.home,
    env: { PATH: process.env['PATH'] ?? '', HOME: how.home, NO_PROXY: '127.0.0.1', ...how.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const late = setTimeout(() => child.kill('SIGKILL'), 400_000);
  return new Promise((resolve) => {
    child.once('close', () => {
      clearTimeout(late);
      resolve(text);
    });
  });
}
