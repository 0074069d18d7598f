import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { Secret } from '../base/secret.ts';
import type { HookAnswer, Review } from '../core/review.ts';
import type { Press as Button } from './card.ts';
import { button, looking } from './click.ts';
import { conformance, type Press, type Stand } from './conformance.ts';
import { connectorFake, partsFake, person, waiting } from './fake.ts';
import { teamsCard } from './teams-card.ts';
import { teamsChannel } from './teams.ts';

const app = '11111111-1111-1111-1111-111111111111';
const tenant = '22222222-2222-2222-2222-222222222222';
const lead = '33333333-3333-3333-3333-333333333333';
const room = '19:room@thread.tacv2';
const service = 'https://smba.example/emea/';

type Fake = Awaited<ReturnType<typeof connectorFake>>;
type Ask = (review: Review, vote: Button | 'refresh', over?: Press & Over) => Promise<HookAnswer>;

interface Over {
  readonly token?: Parameters<Fake['token']>[1];
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly activity?: Readonly<Record<string, unknown>>;
  readonly authorization?: string;
}

let made = 0;

async function stand(
  endorsements?: readonly string[],
): Promise<Stand & { readonly fake: Fake; readonly ask: Ask }> {
  const fake = await connectorFake(endorsements);
  const parts = partsFake();
  const channel = teamsChannel(
    {
      app,
      password: new Secret('hunter2'),
      tenants: [tenant],
      conversation: room,
      serviceUrl: `${fake.http.url}/`,
      tokenUrl: `${fake.http.url}/token`,
      metadataUrl: `${fake.http.url}/metadata`,
    },
    parts,
  );
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const ask: Ask = async (review, vote, over = {}) => {
    const now = Math.floor(Date.now() / 1_000) - (over.signature === 'stale' ? 7_200 : 0);
    const claims = {
      iss: 'https://api.botframework.com',
      aud: app,
      iat: now,
      nbf: now,
      exp: now + 3_600,
      serviceurl: service,
    };
    const token = await fake.token(
      { ...claims, ...over.claims },
      { ...over.token, ...(over.signature === 'forged' ? { key: other } : {}) },
    );
    const place = parts.places.find('teams', review.id)?.place ?? '';
    const theirs = over.member === 'elsewhere' ? '44444444-4444-4444-4444-444444444444' : tenant;
    const data = {
      button: over.button ?? (vote === 'refresh' ? looking(review) : button(review, vote)),
      ...(over.reason === undefined ? {} : { reason: over.reason }),
    };
    const body = JSON.stringify({
      type: 'invoke',
      name: 'adaptiveCard/action',
      id: `f:${++made}`,
      channelId: 'msteams',
      serviceUrl: service,
      from: { id: '29:1', name: 'Lead', aadObjectId: lead },
      conversation: { id: `${room};messageid=1`, conversationType: 'channel', tenantId: theirs },
      channelData: { tenant: { id: theirs } },
      replyToId: over.card ?? place.slice(place.lastIndexOf('/') + 1),
      value: {
        action: { type: 'Action.Execute', verb: vote, data },
        trigger: 'manual',
      },
      ...over.activity,
    });
    const authorization = over.signature === 'none' ? undefined : (over.authorization ?? `Bearer ${token}`);
    const hook = channel.hook;
    assert.ok(hook !== undefined);
    const request = {
      header: (name: string) => (name === 'authorization' ? authorization : undefined),
      body: Buffer.from(body),
    };
    const first = await hook(request);
    if (over.twice === true) assert.equal((await hook(request)).status, 409);
    return first;
  };
  return {
    channel,
    parts,
    fake,
    ask,
    shown: () => [...fake.activities.values()].map((activity) => JSON.stringify(activity)),
    fail: (how) => {
      const reply = how === 'busy' ? { status: 429, headers: { 'retry-after': '0' } } : { status: 403 };
      if (how === 'busy') fake.http.next.push(reply);
      else fake.http.next.push({ body: { access_token: 'our-token', expires_in: 3_600 } }, reply);
    },
    heal: () => fake.http.next.splice(0),
    clicks: {
      account: `${tenant}/${lead}`,
      offers: (review, vote) =>
        [...fake.activities.values()].some((each) => JSON.stringify(each).includes(button(review, vote))),
      press: async (review, vote, over) => void (await ask(review, vote, over)),
    },
    [Symbol.asyncDispose]: async () => {
      await channel[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
}

describe('teams', () => conformance('teams', 'writes', () => stand()));

const refused: readonly (readonly [string, number, Over])[] = [
  ['another issuer', 401, { claims: { iss: 'https://sts.windows.net/x/' } }],
  ['another audience', 401, { claims: { aud: tenant } }],
  ['another service', 401, { claims: { serviceurl: 'https://evil.example/' } }],
  ['no service', 401, { claims: { serviceurl: undefined } }],
  ['no expiry', 401, { claims: { exp: undefined } }],
  ['a key that is not published', 401, { token: { kid: 'k2' } }],
  ['an algorithm that is not RS256', 401, { token: { alg: 'PS256' } }],
  ['no bearer', 401, { authorization: 'Basic abc' }],
  [
    'a token without signature',
    401,
    { authorization: `Bearer ${Buffer.from('{"alg":"none","kid":"k1"}').toString('base64url')}.e30.` },
  ],
  [
    'tenants that differ',
    403,
    { activity: { channelData: { tenant: { id: '44444444-4444-4444-4444-444444444444' } } } },
  ],
];

for (const [what, status, over] of refused) {
  test(`teamsChannel() refuses ${what}`, async () => {
    await using here = await stand();
    const review = waiting();
    here.parts.desk.reviews.set(review.id, review);
    await here.channel.tell(review);
    assert.equal((await here.ask(review, 'approve', over)).status, status);
    assert.deepEqual(here.parts.desk.answers, []);
  });
}

test('teamsChannel() refuses a key that may not sign for Teams', async () => {
  await using here = await stand(['webchat']);
  const review = waiting();
  await here.channel.tell(review);
  assert.equal((await here.ask(review, 'approve')).status, 401);
});

test('teamsChannel() leaves other activities alone', async () => {
  await using here = await stand();
  const answer = await here.ask(waiting(), 'approve', { activity: { type: 'message' } });
  assert.deepEqual([answer.status, answer.text], [200, '{}']);
});

async function told(here: Awaited<ReturnType<typeof stand>>, over: Partial<Review> = {}): Promise<Review> {
  const review = waiting(over);
  here.parts.desk.links.set(`teams ${tenant}/${lead}`, person('lead', ['leads']));
  here.parts.desk.reviews.set(review.id, review);
  await here.channel.tell(review);
  return review;
}

test('teamsChannel() takes an Action.Submit of clients without Action.Execute, once', async () => {
  await using here = await stand();
  const review = await told(here);
  const activity = {
    type: 'message',
    name: undefined,
    value: { button: button(review, 'approve') },
    id: 'f:submit',
  };
  assert.equal((await here.ask(review, 'approve', { activity, member: 'elsewhere' })).status, 403);
  await here.ask(review, 'approve', { activity, card: '1:forwarded' });
  assert.deepEqual(here.parts.desk.answers, []);
  const second = { ...activity, id: 'f:submit-2' };
  assert.equal((await here.ask(review, 'approve', { activity: second, twice: true })).status, 200);
  assert.equal(here.parts.desk.answers.length, 1);
  assert.match(here.shown()[0] ?? '', /lead: approve/);
});

test('teamsChannel() shows who looks at an old card what became of it, and counts nothing by that', async () => {
  await using here = await stand();
  const review = await told(here);
  here.parts.desk.reviews.set(review.id, { ...review, state: 'withdrawn' });
  const answer = await here.ask(review, 'refresh');
  assert.match(answer.text, /Withdrawn/);
  assert.deepEqual(here.parts.desk.answers, []);
  const elsewhere = await here.ask(review, 'refresh', { card: '1:forwarded' });
  assert.doesNotMatch(elsewhere.text, /Withdrawn|DELETE/);
});

test('teamsChannel() takes no verb that its button does not say', async () => {
  await using here = await stand();
  const review = await told(here, { classTerms: { forMs: 60_000, count: 2 } });
  await here.ask(review, 'approve', { button: button(review, 'class') });
  await here.ask(review, 'refuse', { button: button(review, 'approve') });
  assert.deepEqual(here.parts.desk.answers, []);
});

test('teamsCard() is an Adaptive Card 1.4 in which no text becomes markup', () => {
  const hostile = '[Approve](https://evil.example) **b** {{DATE(2026-01-01)}} <at>all</at> \u202Etxet';
  const card = teamsCard(
    waiting({ text: hostile, why: hostile, resource: { name: hostile, kind: 'postgres', tags: [] } }),
    'https://gate.example/r',
    { freshSignIn: true },
  );
  assert.equal(card.version, '1.4');
  assert.deepEqual(
    card.actions.map((action) => action['type']),
    ['Action.Execute', 'Action.Execute', 'Action.OpenUrl'],
  );
  for (const block of card.body) {
    if (block['type'] === 'TextBlock') assert.equal(block['text'], 'Review: an action waits');
    else assert.equal(block['type'], 'RichTextBlock');
  }
  assert.doesNotMatch(JSON.stringify(card), /\{\{|\u202E/);
});

test('teamsCard() stays under the size of a message', () => {
  const long = '\u{1F600}"\\'.repeat(20_000);
  const review = waiting({
    text: long,
    why: long,
    within: long,
    values: [long],
    settings: { search_path: long },
    stated: { reason: long, ticket: long },
  });
  assert.ok(
    Buffer.byteLength(JSON.stringify(teamsCard(review, 'https://gate.example/r', { freshSignIn: true }))) <
      28_000,
  );
});
