import { DatabaseSync } from 'node:sqlite';
import type { World } from '../base/time.ts';
import type { ReviewId } from '../core/review.ts';

/** Where a review was told, and how far it had come when its card was last written. */
export interface Place {
  readonly place: string;
  readonly rank: number;
}

/** Outlives the process: a card from before a restart is updated, and a click on one that is not ours is known as such. */
export interface Places extends Disposable {
  readonly find: (channel: string, review: ReviewId) => Place | undefined;
  readonly put: (channel: string, review: ReviewId, place: Place) => void;
}

const keptMs = 30 * 86_400_000;

/** `file`: a path, or `:memory:`. Places older than 30 days are forgotten when it is opened. */
export function openPlaces(file: string, world: World): Places {
  const database = new DatabaseSync(file);
  database.exec(`
    pragma journal_mode = wal;
    create table if not exists places (
      channel text not null, review text not null, place text not null, rank integer not null, at integer not null,
      primary key (channel, review)) strict`);
  database.prepare('delete from places where at < ?').run(world.now() - keptMs);
  const find = database.prepare('select place, rank from places where channel = ? and review = ?');
  const put = database.prepare('insert or replace into places values (?, ?, ?, ?, ?)');
  return {
    find: (channel, review) => {
      const row = find.get(channel, review);
      return row === undefined ? undefined : { place: String(row['place']), rank: Number(row['rank']) };
    },
    put: (channel, review, { place, rank }) => {
      put.run(channel, review, place, rank, world.now());
    },
    [Symbol.dispose]: () => database.close(),
  };
}
