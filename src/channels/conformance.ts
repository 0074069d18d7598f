/**
 * What every channel must do, whatever its service. A channel's test gives a stand with its fake; these cases are the
 * same for all.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../base/errors.ts';
import type { Channel, Review } from '../core/review.ts';
import type { Press as Button } from './card.ts';
import { person, waiting, type PartsFake } from './fake.ts';

/** One channel with its fake service. */
export interface Stand extends AsyncDisposable {
  readonly channel: Channel;
  readonly parts: PartsFake;
  /** What people see now, one text for each card or message, as the service got it. */
  readonly shown: () => readonly string[];
  /** The next requests fail in this way. */
  readonly fail: (how: 'down' | 'busy') => void;
  /** The service works again. */
  readonly heal: () => void;
  readonly clicks?: Clicks;
}

/** For channels with buttons. */
export interface Clicks {
  readonly account: string; // of the person who presses
  /** Presses a button of the card of this review, and waits until the channel has worked on it. */
  readonly press: (review: Review, vote: Button, over?: Press) => Promise<void>;
  /** Whether the card offers this answer. */
  readonly offers: (review: Review, vote: Button) => boolean;
}

export interface Press {
  readonly signature?: 'forged' | 'stale' | 'none';
  readonly twice?: true; // the very same request again
  readonly card?: string; // another message than ours
  readonly button?: string; // what the button says
  readonly member?: 'guest' | 'elsewhere';
  readonly reason?: string; // what is typed where the card, or the form that it opens, has room for it
}

/** `writes`: cards are changed in place; `sends`: each change is a message of its own. */
export function conformance(name: string, form: 'writes' | 'sends', open: () => Promise<Stand>): void {
  const limits = { timeout: 300_000 };

  test(`${name} tells a review, and its end`, limits, async () => {
    await using stand = await open();
    const review = waiting();
    await stand.channel.tell(review);
    assert.equal(stand.shown().length, 1);
    assert.ok(stand.shown()[0]?.includes(review.id));
    await stand.channel.tell({ ...review, state: 'expired' });
    assert.equal(stand.shown().length, form === 'writes' ? 1 : 2);
    assert.match(stand.shown().at(-1) ?? '', /Nobody answered|expired/);
  });

  test(
    `${name} tells of broken glass, although nobody was asked, and takes no answer to it`,
    limits,
    async () => {
      await using stand = await open();
      const review = waiting();
      await stand.channel.tell({ ...review, state: 'done', kind: 'break-glass', needs: [] });
      assert.equal(stand.shown().length, 1);
      assert.match(stand.shown()[0] ?? '', /[Gg]lass|break-glass/);
      const other: Review = { ...review, id: `${review.id}x` as Review['id'], state: 'done' };
      await stand.channel.tell(other);
      assert.equal(stand.shown().length, form === 'writes' || name === 'email' ? 1 : 2);
    },
  );

  if (form === 'writes') {
    test(`${name} keeps to one card, and never shows an older state`, limits, async () => {
      await using stand = await open();
      const review = waiting();
      await Promise.all([
        stand.channel.tell(review),
        stand.channel.tell(review),
        stand.channel.tell({ ...review, state: 'withdrawn' }),
      ]);
      const after = stand.shown();
      assert.equal(after.length, 1);
      assert.match(after[0] ?? '', /Withdrawn/);
      await stand.channel.tell(review);
      await stand.channel.tell({ ...review, state: 'approved' });
      assert.deepEqual(stand.shown(), after);
    });
  }

  test(`${name} rejects with a Fault while its service is down, and tells afterwards`, limits, async () => {
    await using stand = await open();
    const review = waiting();
    stand.fail('down');
    await assert.rejects(
      stand.channel.tell(review),
      (thrown) => thrown instanceof Fault && !thrown.message.includes('cancelled'),
    );
    assert.equal(stand.shown().length, 0);
    stand.heal();
    await stand.channel.tell(review);
    assert.equal(stand.shown().length, 1);
  });

  test(`${name} waits when its service is busy`, limits, async () => {
    await using stand = await open();
    stand.fail('busy');
    const told = stand.channel.tell(waiting());
    await told;
    assert.equal(stand.shown().length, 1);
  });

  test(`${name} logs no statement and no secret`, limits, async () => {
    await using stand = await open();
    stand.fail('down');
    await stand.channel.tell(waiting({ text: 'SELECT canary_9281' })).catch(() => undefined);
    assert.doesNotMatch(stand.parts.logged.join('\n'), /canary_9281|whsec_|our-token|xoxb|hunter2/);
  });

  if (form === 'writes') clickCases(name, open, limits);
}

function clickCases(name: string, open: () => Promise<Stand>, limits: { readonly timeout: number }): void {
  /** A stand with one review told, and the lead's account linked. */
  async function ready(
    over: Partial<Review> = {},
  ): Promise<{ stand: Stand; clicks: Clicks; review: Review }> {
    const stand = await open();
    const { clicks } = stand;
    assert.ok(clicks !== undefined);
    stand.parts.desk.links.set(`${stand.channel.name} ${clicks.account}`, person('lead', ['leads']));
    const review = waiting(over);
    stand.parts.desk.reviews.set(review.id, review);
    await stand.channel.tell(review);
    return { stand, clicks, review };
  }

  test(`${name} brings a click to the desk, and shows what came of it`, limits, async () => {
    const { stand, clicks, review } = await ready();
    await using _ = stand;
    await clicks.press(review, 'approve');
    const [answer, ...others] = stand.parts.desk.answers;
    assert.equal(others.length, 0);
    assert.equal(answer?.by.subject, 'lead');
    assert.equal(answer.vote, 'approve');
    assert.equal(answer.digest, review.digest);
    assert.equal(answer.via, stand.channel.name);
    assert.equal(answer.signedInAt, 0);
    assert.equal(answer.proof?.['account'], clicks.account);
    assert.match(stand.shown()[0] ?? '', /lead: approve/);
    assert.equal(clicks.offers(review, 'approve'), false);
  });

  // A forged, replayed, stale or forwarded click changes nothing.
  const nothing: readonly (readonly [what: string, press: Press, over?: Partial<Review>])[] = [
    ['with a forged signature', { signature: 'forged' }],
    ['without a signature', { signature: 'none' }],
    ['with a stale timestamp', { signature: 'stale' }],
    ['on a card that we did not write', { card: '1600000000.000001' }],
    ['by a member of another organisation', { member: 'elsewhere' }],
    ['with a button of another digest', { button: 'digest' }],
    ['with a button of another review', { button: 'review' }],
    ['with a button that is not ours', { button: 'approve.everything' }],
    ['on a card of high risk', {}, { risk: { score: 90, level: 'high', reasons: [] } }],
    ['on a card that shows only a part', {}, { text: `SELECT 1${' '.repeat(20_000)}; DROP TABLE orders` }],
    [
      'on a card that shows only a part of many lines',
      {},
      { text: `SELECT 1${'\n'.repeat(5_000)}; DROP TABLE orders` },
    ],
  ];
  for (const [what, press, over] of nothing) {
    test(`${name}: a click ${what} changes nothing`, limits, async () => {
      const { stand, clicks, review } = await ready(over);
      await using _ = stand;
      const before = stand.shown();
      const other = waiting();
      stand.parts.desk.reviews.set(other.id, other);
      const said =
        press.button === 'digest'
          ? { button: `approve.${review.id}.${'f'.repeat(64)}` }
          : press.button === 'review'
            ? { button: `approve.${other.id}.${other.digest}` }
            : {};
      await clicks.press(review, 'approve', { ...press, ...said });
      assert.deepEqual(stand.parts.desk.answers, []);
      assert.deepEqual(stand.shown(), before);
      assert.ok(
        stand.parts.counted.some((each) => each.startsWith('channel_answers_total')),
        'it is counted',
      );
    });
  }

  test(`${name}: a request that comes twice counts once`, limits, async () => {
    const { stand, clicks, review } = await ready();
    await using _ = stand;
    await clicks.press(review, 'approve', { twice: true });
    assert.equal(stand.parts.desk.answers.length, 1);
  });

  test(
    `${name}: who is not linked, no more in the directory or in no group cannot answer`,
    limits,
    async () => {
      const { stand, clicks, review } = await ready();
      await using _ = stand;
      const key = `${stand.channel.name} ${clicks.account}`;
      stand.parts.desk.links.delete(key); // unlinked, or deactivated in the directory
      await clicks.press(review, 'approve');
      stand.parts.desk.links.set(key, person('guest', ['support'])); // out of the group since the card was written
      await clicks.press(review, 'approve');
      assert.deepEqual(stand.parts.desk.answers, []);
      stand.parts.desk.links.set(key, person('lead', ['leads']));
      await clicks.press(review, 'refuse');
      assert.equal(stand.parts.desk.answers.length, 1);
    },
  );

  test(
    `${name}: a card of high risk, of a part, or of what is masked has a link and no approval`,
    limits,
    async () => {
      for (const over of [
        { risk: { score: 90, level: 'critical', reasons: [] } as const },
        { text: 'x'.repeat(30_000) },
        { hidden: 'constants' as const },
        { hidden: 'text' as const, text: '***' },
        { values: ['1', '***'] },
      ]) {
        const { stand, clicks, review } = await ready(over);
        await using _ = stand;
        assert.equal(clicks.offers(review, 'approve'), false);
        assert.ok(stand.shown()[0]?.includes(`https://gate.example/reviews/${review.id}`));
      }
    },
  );

  test(
    `${name}: the class is approved by a button of its own, with what the rule allows`,
    limits,
    async () => {
      const classTerms = { forMs: 1_800_000, count: 5 };
      const { stand, clicks, review } = await ready({ classTerms });
      await using _ = stand;
      assert.match(stand.shown()[0] ?? '', /Approve 5 alike, 30 min/);
      assert.ok(clicks.offers(review, 'class'));
      await clicks.press(review, 'class');
      assert.deepEqual(stand.parts.desk.answers[0]?.class, classTerms);
    },
  );

  test(
    `${name}: no class where the rule lets none be granted, whatever the button says`,
    limits,
    async () => {
      const { stand, clicks, review } = await ready();
      await using _ = stand;
      assert.equal(clicks.offers(review, 'class'), false);
      await clicks.press(review, 'class');
      assert.deepEqual(stand.parts.desk.answers, []);
    },
  );

  test(`${name}: where a reason is needed, an approval without one counts nothing`, limits, async () => {
    const needs = [{ groups: ['leads'], count: 1, withinMs: 600_000, reason: true as const }];
    const { stand, clicks, review } = await ready({ needs });
    await using _ = stand;
    await clicks.press(review, 'approve', { reason: ' \n ' });
    assert.deepEqual(stand.parts.desk.answers, []);
    await clicks.press(review, 'approve', { reason: 'Checked with the owner' });
    assert.deepEqual(
      stand.parts.desk.answers.map(({ reason }) => reason),
      ['Checked with the owner'],
    );
  });

  test(`${name}: changes of what is alike change the card; an equal one writes nothing`, limits, async () => {
    const { stand, review } = await ready();
    await using _ = stand;
    await Promise.all(
      Array.from({ length: 50 }, (_each, at) => stand.channel.tell({ ...review, alike: at + 1 })),
    );
    assert.equal(stand.shown().length, 1);
    assert.match(stand.shown()[0] ?? '', /50 other requests wait/);
    await stand.channel.tell({ ...review, alike: 50, escalated: ['directors'] });
    assert.match(stand.shown()[0] ?? '', /directors/);
  });

  test(`${name}: for updates the columns are shown`, limits, async () => {
    const columns = [{ object: 'public.orders', column: 'total', use: 'write' as const }];
    const { stand } = await ready({ columns });
    await using _ = stand;
    assert.match(stand.shown()[0] ?? '', /public\.orders\.total/);
  });

  test(`${name}: a click on a review that is over changes nothing`, limits, async () => {
    const { stand, clicks, review } = await ready();
    await using _ = stand;
    stand.parts.desk.reviews.set(review.id, { ...review, state: 'withdrawn' });
    await clicks.press(review, 'approve');
    assert.deepEqual(stand.parts.desk.answers, []);
    assert.match(stand.shown()[0] ?? '', /Withdrawn/); // the stale card is put right
  });
}
