import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Secret } from '../base/secret.ts';
import { realWorld } from '../base/time.ts';
import type { Channel, HookAnswer, Review } from '../core/review.ts';
import type { Press as Button } from './card.ts';
import { button } from './click.ts';
import { conformance, type Clicks, type Press, type Stand } from './conformance.ts';
import {
  partsFake,
  person,
  slackFake,
  slackHeaders,
  type SlackView,
  until,
  waiting,
  type PartsFake,
} from './fake.ts';
import { openPlaces } from './places.ts';
import { slackChannel } from './slack.ts';
import { slackBlocks } from './slack-card.ts';

const signingSecret = 'hunter2-signing';

type Fake = Awaited<ReturnType<typeof slackFake>>;

function payload(
  review: Review,
  vote: Button,
  at: { readonly card: string; readonly over: Press; readonly time: string },
): unknown {
  const { over } = at;
  const user = over.member === 'guest' ? 'U0GUEST' : 'U0LEAD';
  const team = over.member === 'elsewhere' ? 'T0OTHER' : 'T0HOME';
  return {
    type: 'block_actions',
    user: { id: user, username: 'lead', name: 'lead', team_id: team },
    api_app_id: 'A0APP',
    team: { id: team, domain: 'home' },
    container: {
      type: 'message',
      message_ts: over.card ?? at.card,
      channel_id: 'C0ROOM',
      is_ephemeral: false,
    },
    channel: { id: 'C0ROOM', name: 'reviews' },
    message: { type: 'message', ts: over.card ?? at.card, blocks: [] },
    trigger_id: `trigger.${at.time}`,
    response_url: 'http://127.0.0.1:1/never-called',
    actions: [
      {
        type: 'button',
        block_id: 'answers',
        action_id: vote,
        value: over.button ?? button(review, vote),
        action_ts: at.time,
      },
    ],
  };
}

let pressed = 0;

async function stand(
  way: 'http' | 'socket',
  parts: PartsFake = partsFake(),
): Promise<Stand & { readonly fake: Fake }> {
  const fake = await slackFake();
  fake.members.set('U0LEAD', { team: 'T0HOME' });
  const channel = slackChannel(
    {
      app: 'A0APP',
      workspaces: ['T0HOME'],
      channel: 'C0ROOM',
      botToken: new Secret('xoxb-bot'),
      apiUrl: `${fake.http.url}/api/`,
      ...(way === 'http'
        ? { signingSecret: new Secret(signingSecret) }
        : { appToken: new Secret('xapp-app') }),
    },
    parts,
  );
  if (way === 'socket') await until(() => fake.sockets.size > 0);
  const working = (): number => parts.counted.length;
  const clicks: Clicks = {
    account: 'T0HOME/U0LEAD',
    offers: (review, vote) =>
      [...fake.messages.values()].some(({ blocks }) => blocks.includes(button(review, vote))),
    press: async (review, vote, over = {}) => {
      const card = parts.places.find('slack', review.id)?.place.split('/')[1] ?? '';
      const body = `payload=${encodeURIComponent(JSON.stringify(payload(review, vote, { card, over, time: `17.${++pressed}` })))}`;
      const before = working();
      const whispers = fake.whispers.length;
      if (way === 'http') {
        const hook = channel.hook;
        assert.ok(hook !== undefined);
        const at = over.signature === 'stale' ? Date.now() - 301_000 : Date.now();
        const headers: Record<string, string> =
          over.signature === 'none'
            ? {}
            : { ...slackHeaders(over.signature === 'forged' ? 'guessed' : signingSecret, body, at) };
        for (let time = 0; time < (over.twice === true ? 2 : 1); time++) {
          const answer: HookAnswer = await hook({ header: (name) => headers[name], body: Buffer.from(body) });
          const isGood: boolean = over.signature === undefined && time === 0;
          assert.equal(answer.status, isGood ? 200 : time === 1 ? 409 : 401);
        }
      } else {
        if (over.signature !== undefined) {
          parts.metrics.count('channel_answers_total', { channel: 'slack', result: 'not over a socket' });
          return; // the socket itself is Slack's
        }
        const envelope = `env-${pressed}`;
        for (let time = 0; time < (over.twice === true ? 2 : 1); time++) {
          fake.push(envelope, payload(review, vote, { card, over, time: `17.${pressed}` }));
        }
        await until(
          () =>
            fake.acknowledged.filter((each) => each === envelope).length === (over.twice === true ? 2 : 1),
        );
      }
      if (over.reason !== undefined) {
        const view = await until(() => fake.views.shift());
        await submit(channel.hook, fake, view, { way, text: over.reason });
      }
      if (over.signature === undefined) {
        await until(() => working() > before && fake.whispers.length > whispers);
        // What the channel writes comes after the answer: the card is put right before the next line is read.
        await quiet(fake);
      }
    },
  };
  return {
    channel,
    parts,
    fake,
    clicks,
    shown: () => [...fake.messages.values()].map(({ text, blocks }) => `${text} ${blocks}`),
    fail: (how) => {
      if (how === 'busy')
        fake.http.next.push({ status: 429, headers: { 'retry-after': '1' }, body: { ok: false } });
      else fake.http.next.push({ body: { ok: false, error: 'channel_not_found' } });
    },
    heal: () => fake.http.next.splice(0),
    [Symbol.asyncDispose]: async () => {
      await channel[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
}

/** Waits until nothing has come for many turns of the event loop, however long each of them takes. */
async function quiet(fake: Fake): Promise<void> {
  for (let turns = 0, seen = -1; turns < 30; turns++) {
    if (seen !== fake.http.requests.length) turns = 0;
    seen = fake.http.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Sends the form as Slack does when somebody has pressed its button. */
async function submit(
  hook: Channel['hook'],
  fake: Fake,
  view: SlackView,
  {
    way = 'http',
    text = 'Because',
    user = 'U0LEAD',
    metadata = view.private_metadata,
    secret = signingSecret,
  }: Submit,
): Promise<HookAnswer | undefined> {
  pressed += 1;
  const form = {
    type: 'view_submission',
    api_app_id: 'A0APP',
    team: { id: 'T0HOME', domain: 'home' },
    user: { id: user, username: 'lead', team_id: 'T0HOME' },
    trigger_id: `trigger.${pressed}`,
    view: {
      id: `V${pressed}`,
      type: 'modal',
      callback_id: 'reason',
      private_metadata: metadata,
      state: { values: { reason: { text: { type: 'plain_text_input', value: text } } } },
    },
  };
  if (way === 'socket') {
    fake.push(`view-${pressed}`, form);
    return undefined;
  }
  const body = `payload=${encodeURIComponent(JSON.stringify(form))}`;
  const headers: Record<string, string> = { ...slackHeaders(secret, body, Date.now()) };
  return hook?.({ header: (name) => headers[name], body: Buffer.from(body) });
}

interface Submit {
  readonly way?: 'http' | 'socket';
  readonly text?: string;
  readonly user?: string;
  readonly metadata?: string;
  readonly secret?: string;
}

const reasoned = { needs: [{ groups: ['leads'], count: 1, withinMs: 600_000, reason: true as const }] };

const forms: readonly (readonly [string, (view: SlackView) => Submit])[] = [
  ['of somebody else', () => ({ user: 'U0OTHER' })],
  ['whose signature is forged', () => ({ secret: 'guessed' })],
  [
    'that was changed to another review',
    ({ private_metadata: sealed }) => ({ metadata: sealed.replace(/rev_a/, 'rev_b') }),
  ],
  [
    'without a seal',
    ({ private_metadata: sealed }) => ({ metadata: `${'0'.repeat(64)}.${sealed.slice(65)}` }),
  ],
  ['that is empty', () => ({ metadata: '' })],
];

for (const [what, how] of forms) {
  test(`slackChannel(): a form ${what} changes nothing`, async () => {
    await using here = await stand('http');
    const { parts, channel, fake } = here;
    fake.members.set('U0OTHER', { team: 'T0HOME' });
    for (const user of ['U0LEAD', 'U0OTHER'])
      parts.desk.links.set(`slack T0HOME/${user}`, person(user, ['leads']));
    const review = waiting(reasoned);
    parts.desk.reviews.set(review.id, review);
    await channel.tell(review);
    const card = parts.places.find('slack', review.id)?.place.split('/')[1] ?? '';
    const body = `payload=${encodeURIComponent(JSON.stringify(payload(review, 'approve', { card, over: {}, time: `18.${++pressed}` })))}`;
    const headers: Record<string, string> = { ...slackHeaders(signingSecret, body, Date.now()) };
    await channel.hook?.({ header: (name) => headers[name], body: Buffer.from(body) });
    const view = await until(() => fake.views.shift());
    assert.deepEqual(parts.desk.answers, []);
    await submit(channel.hook, fake, view, how(view));
    await quiet(fake);
    assert.deepEqual(parts.desk.answers, []);
    await submit(channel.hook, fake, view, {});
    await until(() => parts.desk.answers.length === 1);
    await submit(channel.hook, fake, view, {});
    await quiet(fake);
    assert.equal(parts.desk.answers.length, 1, 'the same form twice counts once');
  });
}

describe('slack over HTTP', () => conformance('slack over HTTP', 'writes', () => stand('http')));
describe('slack over a socket', () => conformance('slack over a socket', 'writes', () => stand('socket')));

test('slackChannel() refuses guests, bots, strangers and deactivated members at the click', async () => {
  for (const flag of ['is_restricted', 'is_bot', 'is_stranger', 'deleted'] as const) {
    await using here = await stand('http');
    const { parts, clicks, channel, fake } = here;
    const review = waiting();
    parts.desk.reviews.set(review.id, review);
    await channel.tell(review);
    fake.members.set('U0LEAD', { team: 'T0HOME', [flag]: true });
    await clicks?.press(review, 'approve');
    assert.deepEqual(parts.desk.answers, [], flag);
  }
});

test('slackChannel() takes only requests that are signed over these very bytes', async () => {
  await using here = await stand('http');
  const body = 'payload=%7B%7D';
  const headers: Readonly<Record<string, string>> = slackHeaders(signingSecret, body, Date.now());
  const answer = await here.channel.hook?.({
    header: (name) => headers[name],
    body: Buffer.from(`${body}&a=b`),
  });
  assert.equal(answer?.status, 401);
});

test('slackChannel() changes the card of before a restart', async () => {
  const places = openPlaces(':memory:', realWorld);
  await using first = await stand('http', partsFake(realWorld, places));
  const review = waiting();
  await first.channel.tell(review);
  const [ts] = [...first.fake.messages.keys()];
  assert.equal(places.find('slack', review.id)?.place, `C0ROOM/${ts}`);
  await using second = await stand('http', partsFake(realWorld, places));
  second.fake.messages.set(ts ?? '', { text: '', blocks: '' });
  await second.channel.tell({ ...review, state: 'withdrawn' });
  assert.match(second.fake.messages.get(ts ?? '')?.blocks ?? '', /Withdrawn/);
});

test('slackChannel() opens its socket again when it is lost', async () => {
  await using here = await stand('socket');
  const [socket] = here.fake.sockets;
  socket?.terminate();
  await until(() => here.fake.sockets.size === 0);
  await until(() => here.fake.sockets.size > 0);
});

test('slackBlocks() lets no text become markup', () => {
  const hostile = '<!channel> <https://evil.example|Approve> *bold* `code` :warning: & \u202Etxet\r\u200B';
  const review = waiting({
    text: hostile,
    why: hostile,
    identity: { subject: hostile, kind: 'agent', groups: [] },
    resource: { name: hostile, kind: hostile, tags: [hostile] },
    values: [hostile],
    stated: { reason: hostile },
    targets: [{ kind: 'table', name: hostile, access: 'write' }],
  });
  const blocks = slackBlocks(review, 'https://gate.example/reviews/1', { freshSignIn: true });
  const texts: { type?: unknown; text?: unknown; emoji?: unknown }[] = [];
  JSON.stringify(blocks, (_key, value: unknown) => {
    if (typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string')
      texts.push(value);
    return value;
  });
  assert.ok(texts.length > 10);
  for (const { type, text, emoji } of texts) {
    assert.equal(type, 'plain_text');
    assert.equal(emoji, false);
    assert.doesNotMatch(String(text), /[<>]|&(?!amp;|lt;|gt;)|[\u202E\u200B\r]/);
    assert.ok(String(text).length <= 3_000);
  }
  assert.ok(blocks.length <= 50);
});

test('slackBlocks() stays inside the limits of Block Kit, however long the texts are', () => {
  const long = '<&>'.repeat(10_000);
  const review = waiting({
    text: long,
    why: long,
    within: long,
    values: Array.from({ length: 500 }, () => long),
    settings: { search_path: long },
    targets: Array.from({ length: 500 }, () => ({ kind: 'table', name: long, access: 'write' as const })),
  });
  const blocks = slackBlocks(review, 'https://gate.example/reviews/1', { freshSignIn: true });
  assert.ok(blocks.length <= 50);
  for (const block of blocks)
    if (block.type === 'section') assert.ok((block.text?.text.length ?? 0) <= 3_000);
  assert.ok(JSON.stringify(blocks).includes('[cut: this is not all of it]'));
  assert.ok(!JSON.stringify(blocks).includes(button(review, 'approve')));
});
