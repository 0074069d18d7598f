import type { MaskKey } from '../../mask/index.ts';
import { Fault, messageOf, WireError } from '../../base/errors.ts';
import type { Wire } from '../../base/stream.ts';
import type { Denial } from '../../core/decision.ts';
import type { Level } from '../../core/held.ts';
import type { Admission, House, Seat } from '../../core/protocol.ts';
import { shareOf } from '../../core/session.ts';
import type { Node } from '../../sql/tree.ts';
import { Ahead } from './ahead.ts';
import { Answers } from './answers.ts';
import type { Cancels } from './cancel.ts';

import { cancelUpstream, connectUpstream, type UpstreamLink } from './connect.ts';
import type { Database } from './database.ts';
import * as encode from './encode.ts';
import { Flow } from './flow.ts';
import { Holds } from './hold.ts';
import { Meaning } from './meaning.ts';
import { Names } from './names.ts';
import { simpleQuery } from './query.ts';
import { errorOf, refusedBy } from './refusal.ts';
import { Requests } from './requests.ts';
import { Saying } from './saying.ts';
import { outcomeOf } from './run.ts';
import type { PostgresSettings } from './settings.ts';
import { receiveStartup, type Started } from './startup.ts';

export interface SessionParts {
  readonly house: House;
  readonly cancels: Cancels;
  readonly maskKey: MaskKey;
  readonly database: (resource: string, database: string, settings: PostgresSettings) => Database;
  readonly parseView: (text: string) => Promise<Node | undefined>;
}

/** Carries one client from its first byte to its last. */
export async function serve(parts: SessionParts, seat: Seat): Promise<void> {
  const { house } = parts;
  const started = await receiveStartup(seat.client, {
    ...(house.tls === undefined ? {} : { tls: house.tls }),
    plainAllowed: seat.plainAllowed,
    world: house.world,
    limits: house.limits,
    signal: seat.signal,
  });
  switch (started.kind) {
    case 'cancel':
      house.metrics.count('cancels_total', {
        result: parts.cancels.request({ processId: started.process, secret: started.key })
          ? 'sent'
          : 'unknown',
      });
      return started.wire.end();
    case 'refused':
      return;
    case 'session':
      return admit(parts, seat, started);
  }
}

async function admit(parts: SessionParts, seat: Seat, started: Started): Promise<void> {
  const [resource = '', database] = started.database.split('/', 2);
  const application = started.parameters.get('application_name');
  const run = started.parameters.get('sallyport.run') ?? application;
  const admitted = await seat.admit({
    user: started.user,
    token: started.token,
    resource,
    kind: 'postgres',
    ...(run === undefined ? {} : { run }),
    ...(application === undefined ? {} : { client: application }),
  });
  if (!admitted.ok) return goodbye(started.wire, admitted.error);
  const settings = admitted.value.session.resource.settings as PostgresSettings; // checked by settings.ts when it was read
  await new Talk(parts, seat, started, admitted.value, settings, database ?? settings.database).run();
}

async function goodbye(wire: Wire, why: Denial): Promise<void> {
  await wire.write(encode.errorResponse({ ...errorOf(refusedBy(why)), severity: 'FATAL' }));
  wire.end();
}

/** One signed-in client and its own connection to the server. */
class Talk {
  readonly #parts: SessionParts;
  readonly #seat: Seat;
  readonly #started: Started;
  readonly #admission: Admission;
  readonly #settings: PostgresSettings;
  readonly #database: string;
  readonly #names: Names = new Names();
  readonly #flow: Flow = new Flow(this.#names);
  /** A cancel of ours on its way to the server. */
  #cancelling: Promise<void> | undefined;
  #holds: Holds | undefined;
  #answers: Answers | undefined;

  // oxlint-disable-next-line max-params
  constructor(
    parts: SessionParts,
    seat: Seat,
    started: Started,
    admission: Admission,
    settings: PostgresSettings,
    database: string,
  ) {
    this.#parts = parts;
    this.#seat = seat;
    this.#started = started;
    this.#admission = admission;
    this.#settings = settings;
    this.#database = database;
  }

  async run(): Promise<void> {
    const link = await this.#connect();
    const client = this.#started.wire;
    const cancel = this.#parts.cancels.enrol(this.#started.secretBytes, () => {
      // What waits for people has not reached the server: there is nothing to cancel there.
      if (this.#holds?.withdraw('The client cancelled it') === true) return;
      this.#answers?.stopReading();
      void this.#cancel(link);
    });
    try {
      await this.#converse(link, cancel.processId, cancel.secret);
    } catch (thrown) {
      // What the server does for a session that must end, it would go on doing without it.
      const stops = thrown instanceof Fault && thrown.code === 'stopping' && !this.#flow.quiet;
      const cancelled = stops ? this.#cancel(link, AbortSignal.timeout(lastWordsMs)) : undefined;
      await this.#tellLast(thrown);
      await cancelled;
      throw thrown;
    } finally {
      cancel.forget();
      this.#answers?.stopReading();
      this.#holds?.withdraw(stopReason(this.#seat.signal) ?? 'The session ended');
      for (const run of this.#flow.abandon())
        this.#admission.gate.done(run.permit, outcomeOf(run, 'unknown'));
      link.wire.destroy();
      client.end();
    }
  }

  async #connect(): Promise<UpstreamLink> {
    const { house } = this.#parts;
    try {
      return await connectUpstream({
        settings: this.#settings,
        database: this.#database,
        parameters: this.#started.parameters,
        dial: house.dial,
        limits: house.limits,
        world: house.world,
        signal: this.#seat.signal,
      });
    } catch (thrown) {
      await this.#tellLast(thrown);
      this.#started.wire.end();
      throw thrown;
    }
  }

  async #converse(link: UpstreamLink, processId: number, secret: Uint8Array): Promise<void> {
    const { gate, recorder, session } = this.#admission;
    const { house, maskKey, parseView } = this.#parts;
    const { limits } = house;
    const flow = this.#flow;
    const names = this.#names;
    const client = this.#started.wire;
    const database = this.#parts.database(session.resource.name, this.#database, this.#settings);
    using stop = this.#stopped();
    const searchPath = await this.#soon(searchPathOf(link), stop.promise);
    const upstream = gate.guard(link.wire);
    const own = async (sql: string): Promise<readonly (readonly (string | null)[])[]> => {
      const turn = {
        kind: 'own' as const,
        rows: [] as (string | null)[][],
        failed: false,
        done: Promise.withResolvers<void>(),
      };
      flow.push(turn);
      await upstream.say(encode.query(sql));
      await turn.done.promise;
      return turn.rows;
    };
    const meaning = new Meaning(
      {
        understanding: database.understanding,
        keeper: database.keeper,
        flow,
        names,
        drain: () => requests.drain(),
        own,
        parse: parseView,
      },
      searchPath,
    );
    const said = ['sallyport.reason', 'sallyport.ticket'].some((name) => this.#started.parameters.has(name));
    const saying = new Saying(flow, own, said);
    const answers = new Answers({
      flow,
      names,
      gate,
      recorder,
      maskKey,
      messageBytes: limits.messageBytes,
      watches: database.watches,
      after: house.world.after,
      write: (bytes) => this.#write(client, bytes),
      cancel: () => void this.#cancel(link),
      settled: (run) => {
        meaning.ended(run);
        saying.ended(run);
      },
      ended: () => {
        meaning.endedTransaction();
        saying.endedTransaction();
      },
      parameter: watchParameter,
    });
    this.#answers = answers;
    const ahead = new Ahead(client);
    const holds = new Holds({
      flow,
      recorder,
      ahead,
      write: (bytes) => this.#write(client, bytes),
      own,
      searchPath: () => meaning.searchPath,
      database: this.#database,
      estimate: (action, text, path) => database.estimates.of(action, text, path),
    });
    this.#holds = holds;
    const requests = new Requests({
      flow,
      names,
      meaning,
      gate,
      upstream,
      recorder,
      limits,
      metrics: house.metrics,
      maskKey,
      calm: () => this.#cancelling,
      watches: database.watches,
      hold: (held) => holds.begin(held),
      saying,
    });
    // A session without a catalogue could only refuse.
    await Promise.race([database.keeper.current(), stop.promise]);
    await client.write(this.#welcome(link, processId, secret));
    using held = house.held.open(shareOf(session), this.#seat.signal);
    const server = fromServer(upstream.read, answers, held.level(costs.answer));
    server.catch(() => undefined); // told by the race, or after it by nobody
    const idle = Promise.withResolvers<never>();
    await Promise.race([
      this.#fromClient(client, ahead, requests, { late: idle.reject, level: held.level(costs.request) }),
      server,
      stop.promise,
      idle.promise,
    ]);
    // The client said goodbye. What it had asked for is still done, and how that ends is still written down.
    answers.stopReading();
    await link.wire.write(encode.terminate);
    await this.#lastAnswers(server);
  }

  /** What a server answers within `connectSeconds`, or it counts as unreachable. */
  async #soon<T>(answer: Promise<T>, stopped: Promise<never>): Promise<T> {
    const { world, limits } = this.#parts.house;
    const late = Promise.withResolvers<never>();
    using _deadline = world.after(limits.connectSeconds * 1_000, () =>
      late.reject(new Fault('unreachable', `The server does not answer within ${limits.connectSeconds} s`)),
    );
    return await Promise.race([answer, late.promise, stopped]);
  }

  /** Resolves when the server has answered what it was sent and closed, or when that takes too long. */
  async #lastAnswers(server: Promise<void>): Promise<void> {
    const { world, limits } = this.#parts.house;
    const { promise, resolve } = Promise.withResolvers<void>();
    using _deadline = world.after(limits.drainSeconds * 1_000, resolve);
    await Promise.race([server.catch(() => undefined), promise]);
  }

  #welcome(link: UpstreamLink, processId: number, secret: Uint8Array): Uint8Array {
    return encode.join([
      encode.authenticationOk,
      ...[...link.parameters].map(([name, value]) => encode.parameterStatus(name, value)),
      encode.backendKeyData(processId, secret),
      encode.readyForQuery('I'),
    ]);
  }

  // oxlint-disable-next-line max-params
  async #fromClient(
    client: Wire,
    ahead: Ahead,
    requests: Requests,
    { late, level }: { readonly late: (why: WireError) => void; readonly level: Level },
  ): Promise<void> {
    const { world } = this.#parts.house;
    using idle = new DisposableStack();
    let heardAt = world.now();
    const watch = (inMs: number): void => {
      idle.use(
        world.after(inMs, () => {
          const left = heardAt + this.#idleMs - world.now();
          if (left > 0) watch(left);
          else if (this.#holds?.waits === true) watch(this.#idleMs);
          else give(this.#overLimit('idleSeconds', 'Nothing was asked'));
        }),
      );
    };
    const give = (why: WireError): void => {
      client.destroy(why);
      late(why); // the client may not be read from just now
    };
    watch(this.#idleMs);
    for (;;) {
      const chunk = await ahead.read();
      if (chunk === undefined) return;
      heardAt = world.now();
      const full = level.set(begun(requests, chunk));
      if (full !== undefined) await full;
      const handled = requests.push(chunk);
      if (!(typeof handled === 'boolean' ? handled : await handled)) return;
    }
  }

  get #idleMs(): number {
    return this.#parts.house.limits.idleSeconds * 1_000;
  }

  #overLimit(limit: 'idleSeconds' | 'stallSeconds', what: string): WireError {
    const { limits, metrics } = this.#parts.house;
    metrics.count('limits_total', { limit });
    return new WireError('deadline', `${what} for ${limits[limit]} s (limit \`${limit}\`)`);
  }

  #write(client: Wire, bytes: Uint8Array): Promise<void> | undefined {
    const waiting = client.write(bytes);
    if (waiting === undefined) return undefined;
    const { world, limits } = this.#parts.house;
    const stalled = world.after(limits.stallSeconds * 1_000, () => {
      client.destroy(this.#overLimit('stallSeconds', 'The answer was not taken'));
    });
    return waiting.finally(() => stalled[Symbol.dispose]());
  }

  /** Asks the server to stop what this session is doing; requests wait until that can no longer hit another one. */
  async #cancel(link: UpstreamLink, signal: AbortSignal = this.#seat.signal): Promise<void> {
    const { house } = this.#parts;
    const sent = cancelUpstream({
      settings: this.#settings,
      key: link.key,
      dial: house.dial,
      signal,
      limits: house.limits,
    })
      .catch((thrown: unknown) => house.log('warn', 'cancel.failed', { why: messageOf(thrown) }))
      .then(() => undefined);
    this.#cancelling = sent;
    await sent;
    if (this.#cancelling === sent) this.#cancelling = undefined;
  }

  /** Rejects when the session must end now, resolves when it may end because nothing is under way. */
  #stopped(): { readonly promise: Promise<never> } & Disposable {
    const { signal, draining } = this.#seat;
    const stop = Promise.withResolvers<never>();
    const now = (): void =>
      stop.reject(new Fault('stopping', stopReason(signal) ?? 'The gateway ends this session'));
    const soon = (): void => {
      void this.#flow.drained().then(() => {
        if (this.#flow.status === 'I') now();
      });
    };
    signal.addEventListener('abort', now, { once: true });
    draining.addEventListener('abort', soon, { once: true });
    if (signal.aborted) now();
    if (draining.aborted) soon();
    stop.promise.catch(() => undefined);
    return {
      promise: stop.promise,
      [Symbol.dispose]: () => {
        signal.removeEventListener('abort', now);
        draining.removeEventListener('abort', soon);
      },
    };
  }

  /** The last words to a client whose session ends by a fault; it may no longer be there, or not read them. */
  async #tellLast(thrown: unknown): Promise<void> {
    const { world } = this.#parts.house;
    const [sqlstate, message] = lastWords(thrown);
    const enough = Promise.withResolvers<void>();
    using _deadline = world.after(lastWordsMs, enough.resolve);
    try {
      const told = this.#started.wire.write(encode.errorResponse({ severity: 'FATAL', sqlstate, message }));
      await Promise.race([told, enough.promise]);
    } catch {
      // It has gone already.
    }
  }
}

const lastWordsMs = 2_000;

/** Why the gateway wants the session to end. */
function stopReason({ aborted, reason }: AbortSignal): string | undefined {
  return aborted && reason instanceof Fault ? reason.message : undefined;
}

async function fromServer(
  read: () => Promise<Uint8Array | undefined>,
  answers: Answers,
  level: Level,
): Promise<void> {
  for (;;) {
    const chunk = await read();
    if (chunk === undefined) throw new Fault('upstream-closed', 'The server closed the connection');
    const full = level.set(begun(answers, chunk));
    if (full !== undefined) await full;
    const taken = answers.push(chunk);
    if (taken !== undefined) await taken;
  }
}

/** Bytes of what began before this chunk: what stands in one chunk is nobody's to hold. */
function begun({ unfinished }: { readonly unfinished: number }, chunk: Uint8Array): number {
  return unfinished === 0 ? 0 : unfinished + chunk.length;
}

/** What a byte of a message takes that is held until it is whole: the room that it grows in, its texts and what is made of them. */
const costs = { request: 6, answer: 4 } as const;

function lastWords(thrown: unknown): readonly [sqlstate: string, message: string] {
  if (thrown instanceof WireError) return ['08P01', thrown.message];
  if (!(thrown instanceof Fault)) return ['XX000', 'The gateway failed; the session is closed'];
  switch (thrown.code) {
    case 'stopping':
      return ['57P01', thrown.message];
    case 'unreachable':
    case 'upstream-auth':
      return ['08001', thrown.message];
    case 'upstream-closed':
      return ['08006', thrown.message];
    case 'full':
      return ['53200', thrown.message];
    default:
      return ['58000', `${thrown.message}; the session is closed`];
  }
}

/** Settings that decide how a text is read: with another value the parser and the server would read different statements. */
function watchParameter(name: string, value: string): void {
  if (name === 'standard_conforming_strings' && value !== 'on') {
    throw new Fault(
      'parser',
      'standard_conforming_strings is off: statements cannot be read as the server reads them',
    );
  }
  if (name === 'client_encoding' && value !== 'UTF8' && value !== 'SQL_ASCII') {
    throw new Fault('parser', `client_encoding ${value} is not supported: use UTF8`);
  }
}

async function searchPathOf(link: UpstreamLink): Promise<readonly string[]> {
  const rows = await simpleQuery(link, 'SELECT pg_catalog.unnest(pg_catalog.current_schemas(true))');
  return rows.map(([schema]) => schema ?? '');
}
