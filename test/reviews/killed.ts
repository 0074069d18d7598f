/** A gateway's heart that kills itself at the given step: `node killed.ts FOLDER STEP live|ticket|run|class`. Prints its steps when it lives. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { Secret } from '../../src/base/secret.ts';
import { realWorld } from '../../src/base/time.ts';
import type { Ledger } from '../../src/core/ports.ts';
import type { ReviewStore } from '../../src/reviews/index.ts';
import { openLedger } from '../../src/stores/ledger.ts';
import { openReviews } from '../../src/stores/reviews.ts';
import { answeredOrHeld, deletes, house, noMetrics, settle } from './house.ts';

const [folder = '', at = '0', mode = 'live'] = process.argv.slice(2);
const steps: string[] = [];

function step(name: string): void {
  steps.push(name);
  if (steps.length === Number(at)) process.kill(process.pid, 'SIGKILL');
}

function around<T>(name: string, act: () => T): T {
  step(`before ${name}`);
  const done = act();
  step(`after ${name}`);
  return done;
}

const real = await openLedger({
  directory: folder,
  origin: 'test',
  world: realWorld,
  log: () => undefined,
  metrics: noMetrics,
});
const reviews = openReviews(`${folder}-reviews`, new Secret('00'.repeat(32)));
const ledger: Ledger = {
  append: async (entry) => {
    step(`before entry ${entry.kind}`);
    await real.append(entry);
    step(`after entry ${entry.kind}`);
  },
};
const store: ReviewStore = {
  ...reviews,
  add: (review) => around('add', () => reviews.add(review)),
  vote: (id, vote) => around('vote', () => reviews.vote(id, vote)),
  keepResult: (id, result, at) => around('keep', () => reviews.keepResult(id, result, at)),
  grant: (grant) => around('grant', () => reviews.grant(grant)),
  take: (id, by, at) => around('take', () => reviews.take(id, by, at)),
  step: (id, to) => around(`step ${to.to}`, () => reviews.step(id, to)),
};
using h = house({
  store,
  ledger,
  onSend: (text) =>
    around('send', () => {
      const file = openSync(`${folder}-sent`, 'a');
      writeSync(file, `${text}\n`);
      fsyncSync(file);
      closeSync(file);
    }),
});
// `class`: two uses in all, and three requests.
const alike = { shape: 'DELETE', estimate: 3 };
if (mode === 'class') {
  const duty = { groups: ['leads'], count: 1, withinMs: 900_000, class: { forMs: 900_000, count: 2 } };
  h.policy = { ...h.policy, needs: [duty] };
}
const first = h.ask(
  'dba',
  mode === 'class'
    ? alike
    : mode === 'live'
      ? {}
      : { patienceMs: 0, ...(mode === 'run' ? { errand: deletes.text } : {}) },
);
if (mode !== 'live' && mode !== 'class') await first.verdict;
else while (h.store.list({ limit: 1 }).length === 0 || first.told.length === 0) await settle(1);
await h.answer('lead', 'approve', mode === 'class' ? { class: { forMs: 900_000, count: 2 } } : {});
await first.verdict;
if (mode === 'class') {
  await h.ask('dba', { ...alike, text: `${deletes.text} ` }).verdict;
  const last = h.ask('dba', { ...alike, text: `${deletes.text}  ` });
  await answeredOrHeld(last);
  last.cancel();
  await last.verdict;
}
if (mode === 'ticket') await h.ask('dba', { patienceMs: 0 }).verdict;
if (mode === 'run') await h.tickets.run(h.last());
await settle();
await real[Symbol.asyncDispose]();
process.stdout.write(JSON.stringify(steps));
