import { Fault, WireError } from '../../src/base/errors.ts';
import type { Wire } from '../../src/base/stream.ts';
import * as encode from '../../src/protocols/postgres/encode.ts';
import { type Damage, Damager, pieces } from './damage.ts';
import { isAllowed, isOurs, isQuestion, type Play, startRoom } from './room.ts';
import { canary } from './talks.ts';

export interface Conversation {
  /** What the client says after its sign-in. */
  readonly client: Uint8Array;
  readonly cuts: readonly number[];
  /** Faults in what the server says, from its first message on. */
  readonly server: readonly Damage[];
  /** Whether answers still stand where they belong: then values that are masked can be looked for. */
  readonly inPlace: boolean;
}

/** Plays a conversation to its end, and throws where a promise of the room was broken. */
export async function converse(given: Conversation): Promise<void> {
  const play = startRoom(given.server.length === 0 ? undefined : (wire) => spoilt(wire, given));
  const seen: Buffer[] = [];
  const over = { now: false };
  const listening = listen(play.client, seen);
  const ended = play.served.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  void ended.then(() => (over.now = true));
  const say = async (parts: readonly Uint8Array[]): Promise<void> => {
    for (const part of parts) {
      if (over.now) return;
      const waiting = play.client.write(part)?.catch(() => undefined);
      if (waiting !== undefined) await Promise.race([waiting, ended, turns(300)]);
      if (given.cuts.length < 50) await turn();
    }
  };
  const parameters = [
    ['user', 'analyst'],
    ['database', 'shop'],
  ] as const;
  await say([encode.startupMessage(0x0003_0000, parameters), encode.passwordMessage('token')]);
  for (let left = 300; left > 0 && !over.now && !isReady(seen); left--) await turn();
  await say(pieces(given.client, given.cuts));
  play.client.end();
  await quiet(play, () => over.now);
  if (!over.now) {
    // Where the server keeps silent the session may wait for it; a stop must end it all the same.
    play.stop.abort();
    for (let left = 100; left > 0 && !over.now; left--) await turn();
    if (given.server.length === 0) throw new Error('The session does not end before it is stopped');
    if (!over.now) throw new Error('The session does not end, not even when it is stopped');
  }
  await listening;
  await checkEnd(await ended, play);
  await checkServer(play, given);
  checkValues(play, Buffer.concat(seen), given);
}

/** Gives the session time, then lets its deadlines pass: more is never needed. */
async function quiet({ world }: Play, isOver: () => boolean): Promise<void> {
  for (let left = 600; left > 0 && !isOver(); left--) await turn();
  for (const ms of [15_001, 600_001]) {
    if (isOver()) return;
    world.pass(ms);
    for (let left = 200; left > 0 && !isOver(); left--) await turn();
  }
}

async function checkEnd(thrown: unknown, { gate, ledger, logged }: Play): Promise<void> {
  if (thrown !== undefined && !(thrown instanceof WireError) && !(thrown instanceof Fault)) throw thrown;
  if (thrown instanceof Fault && thrown.code === 'bug') throw thrown;
  if (thrown instanceof Error && thrown.message.includes(canary))
    throw new Error('A value stands in an error');
  await turns(5); // for what was still being decided when the session ended
  await gate.close();
  const { entries } = ledger;
  const open = entries.map((entry) =>
    JSON.stringify(entry.kind === 'decision' ? { ...entry, sealed: 0 } : entry),
  );
  if (`${open.join()}${logged.join()}`.includes(canary))
    throw new Error('A value stands in an entry or a log');
  const permitted = entries.filter((entry) => entry.kind === 'decision' && entry.decision === 'allow');
  const outcomes = entries.flatMap((entry) => (entry.kind === 'outcomes' ? entry.outcomes : []));
  if (permitted.length !== outcomes.length || new Set(outcomes.map(({ id }) => id)).size !== outcomes.length)
    throw new Error(`${permitted.length} permits have ${outcomes.length} outcomes`);
}

/** Everything that reached the server is a whole message and was permitted. */
async function checkServer(play: Play, { server }: Conversation): Promise<void> {
  const messages = messagesOf(Buffer.concat(play.towardsServer));
  let runs = 0;
  let empty = false;
  for (const [at, { type, body }] of messages.entries()) {
    if (!'QPBDECHSXdcf'.includes(type)) throw new Error(`A message ${type} reached the server`);
    if (type === 'E') runs += 1;
    if (type !== 'Q' && type !== 'P') continue;
    const text = textOf(type, body);
    if (/^[\s;]*$/.test(text)) empty = true;
    // What is said for a text of several statements needs no permit, whoever says it.
    if (isOurs(text) || isQuestion(text) || /^(?:BEGIN|COMMIT|ROLLBACK)$/.test(text)) continue;
    if (type === 'P' && isProbe(messages.slice(at, at + 3))) continue;
    if (!(await isAllowed(text))) throw new Error('A text reached the server that no rule allows');
    if (type === 'Q' && !/^[\s;]*$/.test(text)) runs += 1;
  }
  const permits = play.ledger.entries.filter(
    (each) => each.kind === 'decision' && each.decision === 'allow',
  ).length;
  // Execute of an empty text, or of one with nothing but a comment, needs none.
  if (!empty && runs > permits) throw new Error(`${runs} statements were sent with ${permits} permits`);
  if (server.length > 0) return;
  const told = await Promise.race([play.server()?.done.catch((thrown: unknown) => thrown), turns(20)]);
  // The gateway must not have sent what a server cannot decode.
  if (told !== undefined && !(told instanceof WireError && told.code === 'closed')) throw told as Error;
}

function textOf(type: string, body: Buffer): string {
  const from = type === 'Q' ? 0 : body.indexOf(0) + 1;
  return body.subarray(from, body.indexOf(0, from)).toString();
}

/** A text that names what is not there: prepared, closed, and followed by what fails, under one name; so it is never run. */
function isProbe([parse, close, fails]: readonly Message[]): boolean {
  if (parse === undefined || close?.type !== 'C' || fails?.type !== 'P') return false;
  const name = parse.body.subarray(0, parse.body.indexOf(0) + 1);
  return (
    isOurs(textOf('P', fails.body)) &&
    name.equals(fails.body.subarray(0, name.length)) &&
    close.body.equals(Buffer.concat([Buffer.from('S'), name]))
  );
}

function checkValues({ recorded, towardsServer }: Play, seen: Buffer, { inPlace }: Conversation): void {
  if (!inPlace || towardsServer.length === 0) return;
  if (hasValue(seen)) throw new Error('A masked value reached the client');
  if (hasValue(Buffer.concat(recorded))) throw new Error('A masked value was recorded');
}

/** Whether an answer holds it; but a syntax error quotes the text that its own client sent. */
function hasValue(answers: Buffer): boolean {
  return messagesOf(answers.subarray(0, wholeOf(answers))).some(
    ({ type, body }) => body.includes(canary) && !(type === 'E' && body.includes('C42601\0')),
  );
}

interface Message {
  readonly type: string;
  readonly body: Buffer;
}

/** A reader of its own: what is checked must not be checked by itself. */
function messagesOf(bytes: Buffer): readonly Message[] {
  const out: Message[] = [];
  let at = bytes[0] === 0 ? bytes.readUInt32BE(0) : 0; // the first packet of a connection has no type
  while (at < bytes.length) {
    const length = at + 5 <= bytes.length ? bytes.readUInt32BE(at + 1) : Infinity;
    if (at + 1 + length > bytes.length) throw new Error('A broken message was sent on');
    out.push({ type: String.fromCharCode(bytes[at] ?? 0), body: bytes.subarray(at + 5, at + 1 + length) });
    at += 1 + length;
  }
  return out;
}

/** How much of it is whole messages: what a server declared and did not send may be missing at the end. */
function wholeOf(bytes: Buffer): number {
  let at = 0;
  while (at + 5 <= bytes.length && at + 1 + bytes.readUInt32BE(at + 1) <= bytes.length)
    at += 1 + bytes.readUInt32BE(at + 1);
  return at;
}

function isReady(seen: readonly Buffer[]): boolean {
  const all = Buffer.concat(seen);
  return all.includes('Z\0\0\0\x05I');
}

async function listen(wire: Wire, seen: Buffer[]): Promise<void> {
  try {
    for (let chunk = await wire.read(); chunk !== undefined; chunk = await wire.read())
      seen.push(Buffer.from(chunk));
  } catch {
    // The session was dropped.
  }
}

/** A wire whose writer's messages arrive damaged and cut. */
function spoilt(wire: Wire, { server, cuts }: Conversation): Wire {
  const damager = new Damager(server);
  const write = async (bytes: Uint8Array): Promise<void> => {
    const out = splitMessages(bytes).flatMap((message) => damager.push(message));
    for (const part of pieces(Buffer.concat(out), cuts)) await wire.write(part);
  };
  return { ...wire, write };
}

function splitMessages(bytes: Uint8Array): readonly Uint8Array[] {
  const all = Buffer.from(bytes);
  const out: Uint8Array[] = [];
  for (let at = 0; at < all.length;) {
    const end = at + 5 <= all.length ? at + 1 + all.readUInt32BE(at + 1) : all.length;
    out.push(all.subarray(at, end));
    at = end;
  }
  return out;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await turn();
}
