import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../base/secret.ts';
import { channelSettings } from './settings.ts';

const key = new Secret(`whsec_${Buffer.alloc(32).toString('base64')}`);
const slack = {
  app: 'A012ABC',
  workspaces: ['T012ABC'],
  channel: 'C012ABC',
  botToken: new Secret('xoxb'),
  signingSecret: new Secret('s'),
};
const email = {
  from: 'a@example.com',
  to: ['b@example.com'],
  host: 'mail.example',
  port: 587,
  tls: 'starttls',
};
const teams = {
  app: '11111111-1111-1111-1111-111111111111',
  password: new Secret('x'),
  tenants: ['22222222-2222-2222-2222-222222222222'],
  conversation: '19:a@thread.tacv2',
  serviceUrl: 'https://smba.trafficmanager.net/emea/',
};

test('channelSettings takes every channel', () => {
  const read = channelSettings(
    { slack, teams, email, webhooks: [{ url: 'https://hooks.example/a', secret: key }] },
    'channels',
  );
  assert.ok(read.ok, JSON.stringify(read));
});

const wrong: readonly (readonly [path: string, settings: unknown])[] = [
  ['channels.slack', { slack: { ...slack, signingSecret: undefined } }],
  ['channels.slack.botToken', { slack: { ...slack, botToken: 'xoxb-in-the-file' } }],
  ['channels.slack.workspaces', { slack: { ...slack, workspaces: [] } }],
  ['channels.slack.apiUrl', { slack: { ...slack, apiUrl: 'http://slack.example/api/' } }],
  ['channels.slak', { slak: slack }],
  ['channels.teams.tenants', { teams: { ...teams, tenants: [] } }],
  ['channels.teams.serviceUrl', { teams: { ...teams, serviceUrl: 'http://smba.example/' } }],
  ['channels.webhooks[0].url', { webhooks: [{ url: 'http://hooks.example/', secret: key }] }],
  ['channels.webhooks[0].url', { webhooks: [{ url: 'https://user:pass@hooks.example/', secret: key }] }],
  [
    'channels.webhooks[0].secret',
    { webhooks: [{ url: 'https://hooks.example/', secret: new Secret('short') }] },
  ],
  ['channels.email.tls', { email: { ...email, tls: 'none' } }],
  ['channels.email.to[0]', { email: { ...email, to: ['a@b.example, c@d.example'] } }],
  ['channels.email', { email: { ...email, user: 'u' } }],
];

for (const [path, settings] of wrong) {
  test(`channelSettings finds what is wrong at ${path}`, () => {
    const read = channelSettings(settings, 'channels');
    assert.deepEqual(read.ok ? [] : read.error.map((problem) => problem.path), [path]);
  });
}
