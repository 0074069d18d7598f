/** A gateway's heart that kills itself at the given step: `node killed.ts FOLDER STEP live|ticket|run`. Prints its steps when it lives. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { Secret } from '../../src/base/secret.ts';
import { realWorld } from '../../src/base/time.ts';
import type { Ledger } from '../../src/core/ports.ts';
import type { ReviewStore } from '../../src/reviews/index.ts';
import { openLedger } from '../../src/stores/ledger.ts';
import { openReviews } from '../../src/stores/reviews.ts';
import { deletes, house, noMetrics, settle } from './house.ts';

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
const first = h.ask(
  'dba',
  mode === 'live' ? {} : { patienceMs: 0, ...(mode === 'run' ? { errand: deletes.text } : {}) },
);
if (mode !== 'live') await first.verdict;
else while (h.store.list({ limit: 1 }).length === 0 || first.told.length === 0) await settle(1);
await h.answer('lead');
await first.verdict;
if (mode === 'ticket') await h.ask('dba', { patienceMs: 0 }).verdict;
if (mode === 'run') await h.tickets.run(h.last());
await settle();
await real[Symbol.asyncDispose]();
process.stdout.write(JSON.stringify(steps));
