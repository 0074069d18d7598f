import type { IdentityName } from '../e2e/harness/gateway.ts';
import type { Message, RawClient } from '../e2e/harness/raw.ts';
import { cases } from './cases.ts';
import { secrets } from './database.ts';
import type { Place } from './place.ts';
import { bytesOf, endOf, run, shown } from './run.ts';
import { type Leak, searcher } from './secrets.ts';
import type { Case } from './talk.ts';

export interface Wanted {
  readonly count: number;
  readonly seed: number;
}

export interface Found {
  readonly tally: Readonly<Record<string, number>>;
  readonly leaks: readonly string[];
}

// Most of what an agent asks is refused: the others tell more.
const roles: readonly IdentityName[] = ['dba', 'analyst', 'dba', 'analyst', 'agent'];

/** Puts cases to the gateway as several identities, and looks for every secret in what came back. */
export async function search(
  place: Place,
  { count, seed }: Wanted,
  progress?: (line: string) => void,
): Promise<Found> {
  const next = cases(seed, place.version);
  const look = searcher(secrets);
  const clients = new Map<IdentityName, RawClient>();
  const open = async (as: IdentityName): Promise<RawClient> => {
    const known = clients.get(as);
    if (known !== undefined && !known.ended) return known;
    const made = await place.through(as, 'shop');
    clients.set(as, made);
    return made;
  };
  const tally: Record<string, number> = { cases: 0, statements: 0, bytes: 0 };
  const leaks: string[] = [];
  for (let at = 0; at < count; at++) {
    if (at > 0 && at % 1_000 === 0) progress?.(`${at} cases, ${leaks.length} leaks`);
    const one = next();
    const as = roles[at % roles.length] ?? 'dba';
    const came = await run(await open(as), one);
    const bytes = bytesOf(came);
    add(tally, 'cases', 1);
    add(tally, 'statements', one.steps.length);
    add(tally, 'bytes', bytes.length);
    add(tally, endOf(came), 1);
    const seen = look(bytes);
    if (seen.length === 0) continue;
    // Six digits in a row come by chance: what leaks does so twice.
    const again = look(bytesOf(await run(await open(as), one)));
    const sure = seen.filter((leak) => again.some((other) => same(leak, other)));
    for (const leak of sure.slice(0, 1)) leaks.push(`#${at} ${as} ${shown(one, leak)}`);
  }
  for (const client of clients.values()) client.end();
  return { tally, leaks };
}

function same(a: Leak, b: Leak): boolean {
  return a.secret === b.secret && a.form === b.form;
}

/** Puts the same cases to the server and, without a tag, to the gateway: what comes must be the same to the byte. */
export async function compare(
  place: Place,
  { count, seed }: Wanted,
): Promise<{ readonly tally: Readonly<Record<string, number>>; readonly different: readonly string[] }> {
  const next = cases(seed + 1_000_003, place.version);
  let direct = await place.direct();
  let through = await place.through('dba', 'plain');
  const tally: Record<string, number> = { compared: 0, bytes: 0 };
  const different: string[] = [];
  for (let at = 0; at < count; at++) {
    const one = next();
    if (one.varies === true || !isComparable(one)) continue;
    if (direct.ended) direct = await place.direct();
    if (through.ended) through = await place.through('dba', 'plain');
    await settle(place);
    const expected = await run(direct, one);
    await settle(place);
    const came = await run(through, one);
    const [a, b] = [comparable(expected.messages), comparable(came.messages)];
    add(tally, 'compared', 1);
    add(tally, 'bytes', bytesOf(came).length);
    const index = a.findIndex((each, place) => each !== b[place]);
    if (index < 0 && a.length === b.length) continue;
    // A refusal is no other answer: it is counted, and bounded by who asks.
    if (b[index]?.startsWith('E') === true && refusals.some((each) => b[index]?.includes(each))) {
      add(tally, 'refused', 1);
      continue;
    }
    different.push(
      `#${at} ${one.way}\n    ${one.sql.join(';\n    ')}\n    - ${clip(a[index])}\n    + ${clip(b[index])}`,
    );
  }
  direct.end();
  through.end();
  return { tally, different };
}

/** What the gateway says where it cannot read a statement, or code of somebody's own stands before another statement. */
const refusals: readonly string[] = ['NOT_UNDERSTOOD', 'what names mean'];

// Sequences are not taken back with their transaction.
async function settle({ owner }: Place): Promise<void> {
  await owner.query(`SELECT setval('notes_id_seq', 100), setval('counter', 1)`);
}

/** Code of somebody's own is refused or asked about whatever the tags are; DDL is not what is compared here. */
function isComparable({ way }: Case): boolean {
  return !['another way out', 'code of its own', 'DO'].includes(way);
}

/** Messages as text, without what belongs to the server's process: parameters, and the oids of what was just made. */
function comparable(messages: readonly Message[]): readonly string[] {
  return messages
    .filter(({ type }) => type !== 'S' && type !== 'K')
    .map(({ type, body }) => type + (type === 'T' ? undated(body) : body).toString('latin1'))
    .map((message) =>
      unknownName.test(message) ? message.replaceAll(/(?<=\0)[FLRHP][^\0]*\0/g, '') : message,
    );
}

/** Of a name that is not there the gateway can speak itself: in the server's words, without places in the text and in the server's source. */
const unknownName = /^E.*\0C(?:34000|26000|42P01)\0/s;

/** A RowDescription without the oids of tables: those of new ones differ. */
function undated(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  let at = 2;
  for (let left = copy.readInt16BE(0); left > 0; left--) {
    const end = copy.indexOf(0, at) + 1;
    copy.writeInt32BE(0, end);
    at = end + 18;
  }
  return copy;
}

function clip(text: string | undefined): string {
  return text === undefined ? 'nothing' : JSON.stringify(text.slice(0, 300));
}

function add(tally: Record<string, number>, key: string, by: number): void {
  tally[key] = (tally[key] ?? 0) + by;
}
