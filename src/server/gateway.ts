import { createHmac } from 'node:crypto';
import { createServer as createHttpsServer } from 'node:https';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { Fault, messageOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { Wire } from '../base/stream.ts';
import type { World } from '../base/time.ts';
import { modelFinds } from '../carriers/reading.ts';
import type { Duties } from '../core/decision.ts';
import type { Ledger, Log, Policy, Recorder } from '../core/ports.ts';
import type { Channel, ChannelDesk } from '../core/review.ts';
import { heldBy } from '../core/held.ts';
import type { House, Inside, Protocol, Room, Worker } from '../core/protocol.ts';
import type { Session } from '../core/session.ts';
import { Access } from '../gate/access.ts';
import { Desk } from '../gate/desk.ts';
import { told } from '../gate/telling.ts';
import type { People } from '../gate/votes.ts';
import { gate, type GateParts, type SessionGate } from '../gate/gate.ts';
import type { Notice } from '../gate/notice.ts';
import { Breaker } from '../gate/breaker.ts';
import { Taint } from '../gate/taint.ts';
import { Usage } from '../gate/usage.ts';
import type { GrantStore, ReviewStore } from '../reviews/index.ts';
import type { Directory } from '../identity/directory.ts';
import { verifyToken } from '../identity/tokens.ts';
import { app } from './api/app.ts';
import { gatewayResource } from './api/own.ts';
import type { Records } from './api/records.ts';
import { routes, type ApiParts, type PolicyStatus } from './api/routes.ts';
import type { Certificate } from './certificates.ts';
import { newSessionId } from './ids.ts';
import { addressText, type Address, type Config } from './config.ts';
import { tokenTerms, type TokenKeys } from './keys.ts';
import { placeOf, reception } from './listen.ts';
import { type Ending, isLoopback, LiveSessions, SignInFailures } from './live.ts';
import type { MetricsPage } from './metrics.ts';
import { policyHook } from './policy-wire.ts';
import { Tickets } from './tickets.ts';
import type { SinkGuard } from './sinks.ts';
import { insideOf, peerInside } from './inside.ts';
import { defaultVisitTerms } from './browsers-config.ts';
import { byToken, SignedIn } from './visitors.ts';
import { proposedTags } from './proposals.ts';
import { revealer } from './reveal.ts';

/** What the program is made of; `wire.ts` puts the real ones in. */
export interface GatewayParts {
  readonly version: string;
  readonly config: Config;
  readonly world: World;
  readonly log: Log;
  readonly metrics: MetricsPage;
  readonly certificate: Certificate;
  readonly keys: TokenKeys;
  readonly maskKey: Secret;
  /** Keys before it, the newest first: they only undo tokens. */
  readonly earlierMaskKeys?: readonly Secret[];
  readonly revoked: (tokenId: string) => boolean;
  readonly protocols: readonly Protocol[];
  readonly policy: {
    readonly current: () => Policy | undefined;
    readonly status: () => PolicyStatus;
    readonly look?: () => Promise<void>;
    readonly push?: Exclude<ApiParts['pushPolicy'], undefined>;
  };
  readonly ledger: Ledger;
  /** `ok`, or why it cannot be written. */
  readonly ledgerState: () => string;
  readonly records: Records;
  readonly recorded?: ApiParts['recorded'];
  readonly findEntries?: ApiParts['findEntries'];
  readonly scenes?: ApiParts['scenes'];
  readonly findSessions?: ApiParts['findSessions'];
  readonly custodian?: ApiParts['custodian'];
  /** Opens the channels, which bring answers to this desk; their hooks are mounted here. */
  readonly channels?: (desk: Pick<ChannelDesk, 'answer' | 'review'>) => AsyncDisposable & {
    readonly channels: readonly Channel[];
  };
  /** What else is mounted on the API, by path; it checks what it is sent by itself. */
  readonly hooks?: Readonly<Record<string, NonNullable<Channel['hook']>>>;
  /** Stands between decisions and sinks that are too far behind. */
  readonly guard?: SinkGuard;
  readonly recorder: (session: Session) => Recorder | Promise<Recorder>;
  readonly reviews: ReviewStore;
  readonly grants: GrantStore;
  readonly listen: (
    at: Address & { readonly onWire: (wire: Wire) => void },
  ) => Promise<Address & { readonly close: () => Promise<void> }>;
  readonly dial: (address: string, signal: AbortSignal) => Promise<Wire>;
  readonly worker: (module: URL) => Worker;
  /** Where rooms of a protocol keep what they must know again. */
  readonly kept?: (protocol: string) => NonNullable<House['kept']>;
}

export interface Gateway {
  readonly api: string; // URL
  readonly listeners: Readonly<Record<string, Address>>;
  /** Asks every resource whether it answers: one line about each, by name. */
  readonly probe: () => Promise<Readonly<Record<string, string>>>;
  /** Drains and closes everything that was started here, and writes down that it did. */
  readonly stop: (why: string) => Promise<void>;
}

const sweepMs = 15_000;
const probeMs = 15_000;

/** Starts rooms, listeners and API. What it had started is stopped again when a part of it fails. */
export async function startGateway(parts: GatewayParts): Promise<Gateway> {
  const { config, world, log, metrics, ledger } = parts;
  const { limits } = config;
  const state = { stopping: false, ready: false };
  const live = new LiveSessions(limits, metrics, (session, why) => visitors.sessionEnded(session, why));
  const failures = new SignInFailures(limits.signInFailuresPerMinute, world);
  const identify = (
    token: Parameters<typeof verifyToken>[1],
    user?: string,
  ): ReturnType<typeof verifyToken> =>
    verifyToken(
      {
        terms: tokenTerms(config),
        world,
        publicKey: parts.keys.publicKey,
        directory: config.directory,
        revoked: parts.revoked,
      },
      token,
      user,
    );
  const visitors = new SignedIn({
    authenticators: [byToken(identify)],
    terms: config.browsers ?? defaultVisitTerms,
    ledger,
    world,
    metrics,
    log,
    failures,
    revoked: parts.revoked,
    find: config.directory.find,
    endSessions: (of, why) => live.endWhere(of, why),
  });
  const desk = new Desk({
    store: parts.reviews,
    ledger,
    world,
    metrics,
    log,
    policy: parts.policy.current,
    people: peopleOf(config.directory),
    settings: config.reviews,
    channels: () => channels,
    approved: (ticket) => tickets.approved(ticket),
    granted: (request) => access.granted(request),
    ungranted: (request) => access.ungranted(request),
  });
  const opened = parts.channels?.({
    answer: (answer) => desk.answer(answer),
    review: (id) => Promise.resolve(told(desk.parts, id)),
  });
  const channels = opened?.channels ?? [];
  const usage = new Usage();
  const breaker = new Breaker(config.breaker);
  const taint = new Taint();
  const end = (session: Session, why: Ending): void => void live.end(session, why);
  const access = new Access({
    store: parts.grants,
    desk,
    world,
    log,
    policy: parts.policy.current,
    resources: config.resources,
    end,
    newSession: () => newSessionId(world),
  });
  const notify = (who: readonly string[], about: Notice): void =>
    log('warn', 'decision.notify', { who: who.join(', '), ...about });
  const reads = (kind: string, finds: Duties['finds']): boolean =>
    modelFinds(finds) && parts.protocols.some(({ name, reads }) => name === kind && reads === true);
  const gateOf = (session: Session): SessionGate =>
    gate(
      { ...guarded(parts), world, metrics, desk, access, breaker, taint, usage, end, notify, reads },
      session,
    );
  const hall = reception({
    identify,
    resources: config.resources,
    live,
    failures,
    ledger,
    world,
    metrics,
    log,
    limits,
    plainFrom: config.plainFrom,
    gate: gateOf,
    recorder: parts.recorder,
  });

  let roomOf: (kind: string) => Room | undefined = () => undefined;
  const tickets = new Tickets({
    desk,
    world,
    log,
    room: (kind) => roomOf(kind),
    find: config.directory.find,
    revoked: parts.revoked,
    attend: hall.attend,
  });

  const started = new AsyncDisposableStack();
  if (opened !== undefined) started.use(opened);
  try {
    const { digest } = parts.policy.status();
    await ledger.append({
      kind: 'gateway.started',
      at: world.now(),
      version: parts.version,
      ...(digest === undefined ? {} : { policy: digest }),
      ...(config.digest === undefined
        ? {}
        : {
            config: createHmac('sha256', parts.maskKey.reveal('naming the configuration in the ledger'))
              .update(config.digest)
              .digest('hex'),
          }),
    });
    await desk.recover();
    await access.recover();
    started.use(access);
    let answer: Parameters<typeof insideOf>[0]['api'] | undefined;
    const inside = insideOf({
      room: (kind) => roomOf(kind),
      resource: (name) => config.resources.find((each) => each.name === name),
      attend: hall.attend,
      api: (request, peer) =>
        answer === undefined
          ? Promise.reject(new Fault('stopping', 'The API is not open yet'))
          : answer(request, peer),
    });
    started.use(visitors);
    const rooms = openRooms(parts, started, { inside, visitors });
    roomOf = (kind) => rooms.get(kind);
    started.use(tickets);
    const listeners = await openDoors(parts, { rooms, attend: hall.attend }, started);
    const api = await serveApi(parts, {
      started,
      channels,
      failures,
      identify,
      inside: (fetch) => {
        answer = fetch;
      },
      routes: routes({
        reads,
        version: parts.version,
        policy: parts.policy.current,
        policyStatus: parts.policy.status,
        proposedTags: () =>
          proposedTags({
            rooms: rooms.values(),
            resources: config.resources,
            policy: parts.policy.current(),
          }),
        ...(parts.policy.push === undefined ? {} : { pushPolicy: parts.policy.push }),
        ledger,
        world,
        records: parts.records,
        recorded: parts.recorded,
        findEntries: parts.findEntries,
        scenes: parts.scenes,
        findSessions: parts.findSessions,
        custodian: parts.custodian,
        reveal: revealer({
          keys: [parts.maskKey, ...(parts.earlierMaskKeys ?? [])],
          resources: config.resources,
          policy: parts.policy.current,
          ledger,
          world,
          log,
          gate: gateOf,
          revoked: parts.revoked,
        }),
        resources: config.resources,
        protocols: parts.protocols,
        find: config.directory.find,
        desk,
        access,
        tickets,
        endRun: async (run, by, of) => {
          const ended = live.endRun(run, `killed by ${by}`, { of, now: world.now() });
          const why = `Its run was ended by ${by}`;
          for (const review of desk.list({ limit: 5_000, states: ['waiting', 'approved'] })) {
            if (of !== undefined && review.identity.subject !== of) continue;
            const asked = await parts.records.session(review.session);
            if (asked?.run === run) await desk.end(review.id, ['waiting', 'approved'], 'withdrawn', why);
          }
          return ended.map(({ id }) => id);
        },
        endSession: (id, by) => live.end({ id: id as Session['id'] }, `killed by ${by}`), // one that is not a session's is not found
        actions: (resource, text) => roomFor(rooms, resource.kind).actions(resource, text),
        statementBytes: limits.statementBytes,
        listener: (kind) => (listeners[kind] === undefined ? undefined : addressText(listeners[kind])),
        metrics: { contentType: metrics.contentType, text: metrics.text },
        readiness: () => ({
          policy: parts.policy.current() === undefined ? 'no policy is in force' : 'ok',
          ledger: parts.ledgerState(),
          listeners: state.stopping ? 'stopping' : state.ready ? 'ok' : 'not open yet',
        }),
      }),
    });
    sweepEvery(world, started, () => {
      live.sweep(world.now(), parts.revoked);
      visitors.sweep();
    });
    state.ready = true;
    log('info', 'gateway.started', { version: parts.version, api });
    return {
      api,
      listeners,
      probe: () => probeAll(parts, rooms),
      stop: async (why) => {
        state.stopping = true;
        log('info', 'gateway.stopping', { why });
        await Promise.all(Object.values(listeners).map((listener) => listener.close()));
        await hall.drain();
        await started.disposeAsync();
        await ledger.append({ kind: 'gateway.stopped', at: world.now(), why }).catch(() => {
          log('error', 'ledger.lost-end', {}); // whoever reads the ledger sees a start without its end
        });
        log('info', 'gateway.stopped', { why });
      },
    };
  } catch (thrown) {
    await started.disposeAsync();
    throw thrown;
  }
}

/** Who may be asked for reviews: whoever the directory names. */
function peopleOf({ find, subjects, human }: Directory): People {
  return {
    find,
    human,
    all: () => subjects.map((subject) => find(subject)).filter((each) => each !== undefined),
  };
}

/** What the gate decides by and writes to: the policy and the ledger, as far as sinks leave room. */
function guarded({ policy, ledger, guard }: GatewayParts): Pick<GateParts, 'policy' | 'ledger'> {
  return guard === undefined
    ? { policy: policy.current, ledger }
    : { policy: () => guard.policy(policy.current()), ledger: guard.ledger(ledger) };
}

type Rooms = ReadonlyMap<string, Room>;

function openRooms(
  parts: GatewayParts,
  started: AsyncDisposableStack,
  ours: { readonly inside: Inside; readonly visitors: SignedIn },
): Rooms {
  const { config, world, log, metrics, dial, worker, certificate, maskKey } = parts;
  const rooms = new Map<string, Room>();
  const held = heldBy(config.limits, world, metrics);
  for (const protocol of parts.protocols) {
    if (!Object.hasOwn(config.listen.protocols, protocol.name)) continue;
    const house: House = {
      resources: config.resources.filter(({ kind }) => kind === protocol.name),
      world,
      limits: config.limits,
      held,
      log,
      metrics,
      dial,
      worker,
      maskKey,
      tls: { cert: certificate.cert, key: certificate.key },
      ...ours,
      ...(parts.kept === undefined ? {} : { kept: parts.kept(protocol.name) }),
      pinned: (entry) => parts.ledger.append({ kind: 'tool.pin', at: world.now(), ...entry }),
    };
    rooms.set(protocol.name, started.use(protocol.start(house)));
  }
  return rooms;
}

function roomFor(rooms: Rooms, kind: string): Room {
  const room = rooms.get(kind);
  if (room === undefined) throw new Fault('config', 'There is no listener for this kind of resource');
  return room;
}

type Listener = Address & { readonly close: () => Promise<void> };

async function openDoors(
  parts: GatewayParts,
  to: { readonly rooms: Rooms; readonly attend: (wire: Wire, room: Room) => Promise<void> },
  started: AsyncDisposableStack,
): Promise<Readonly<Record<string, Listener>>> {
  const doors: Record<string, Listener> = {};
  for (const [kind, address] of Object.entries(parts.config.listen.protocols)) {
    const room = roomFor(to.rooms, kind);
    const onWire = (wire: Wire): void => void to.attend(wire, room);
    const listener = await parts.listen({ ...address, onWire });
    doors[kind] = listener;
    started.defer(() => listener.close());
    parts.log('info', 'listening', { kind, address: addressText(listener) });
  }
  return doors;
}

async function serveApi(
  parts: GatewayParts,
  made: {
    readonly started: AsyncDisposableStack;
    readonly channels: readonly Channel[];
    readonly failures: SignInFailures;
    readonly identify: Parameters<typeof app>[0]['identify'];
    readonly routes: Parameters<typeof app>[0]['routes'];
    /** Takes the API as those inside the gateway ask it. */
    readonly inside: (fetch: (request: Request, peer: string) => Promise<Response>) => void;
  },
): Promise<string> {
  const { config, log, metrics, certificate } = parts;
  const { api } = config.listen;
  // SECURITY: tokens are bearers; beyond loopback they travel over TLS or not at all.
  const secure = !isLoopback(addressText(api));
  const hooks = made.channels.flatMap(({ name, hook }) =>
    hook === undefined ? [] : [[`/channels/${name}`, hook] as const],
  );
  const { fetch } = app({
    routes: made.routes,
    hooks: { ...Object.fromEntries(hooks), ...policyHooks(parts), ...parts.hooks },
    identify: made.identify,
    failures: made.failures,
    refused: (peer, why) =>
      parts.ledger
        .append({ kind: 'sign-in.refused', at: parts.world.now(), resource: gatewayResource.name, peer, why })
        .catch((thrown: unknown) => {
          // The refusal stands; that it could not be written is a failure of its own.
          metrics.count('faults_total', { code: thrown instanceof Fault ? thrown.code : 'bug' });
        }),
    metrics,
    log,
    bodyBytes: config.limits.statementBytes + 16_384,
    peer: (context) => peerInside(context.env) ?? getConnInfo(context).remote.address ?? '',
    secure,
  });
  made.inside(async (request, peer) => fetch(request, { inside: peer }));
  const bounds = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5_000 };
  const server = createAdaptorServer(
    secure
      ? {
          fetch,
          createServer: createHttpsServer,
          serverOptions: {
            ...bounds,
            cert: certificate.cert,
            key: certificate.key.reveal('TLS of the API'),
            minVersion: 'TLSv1.2',
          },
        }
      : { fetch, serverOptions: bounds },
  ) as Server;
  server.maxConnections = config.limits.connections;
  const port = await listening(server, api);
  made.started.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  return `${secure ? 'https' : 'http'}://${addressText({ host: api.host, port })}`;
}

/** Where a forge says that there is something new. */
function policyHooks({
  config,
  policy,
}: GatewayParts): Readonly<Record<string, ReturnType<typeof policyHook>>> {
  const from = config.policySource;
  const secret = from?.kind === 'git' ? from.webhook : undefined;
  return secret === undefined || policy.look === undefined
    ? {}
    : { '/hooks/policy': policyHook(secret, policy.look) };
}

function listening(server: Server, at: Address): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'the port is in use' : messageOf(error);
      reject(
        new Fault('config', `Cannot listen on ${addressText(at)} for the API: ${reason}`, { cause: error }),
      );
    });
    server.listen(at.port, at.host, () => {
      const address = server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : at.port);
    });
  });
}

function sweepEvery(world: World, started: AsyncDisposableStack, sweep: () => void): void {
  let next: Disposable;
  const later = (): void => {
    next = world.after(sweepMs, () => {
      sweep();
      later();
    });
  };
  later();
  started.defer(() => next[Symbol.dispose]());
}

async function probeAll({ config }: GatewayParts, rooms: Rooms): Promise<Readonly<Record<string, string>>> {
  const told = await Promise.all(
    config.resources.map(async (resource) => {
      try {
        const about = await roomFor(rooms, resource.kind).probe(resource, AbortSignal.timeout(probeMs));
        return [resource.name, about] as const;
      } catch (thrown) {
        const message = thrown instanceof Fault ? thrown.message : placeOf(thrown);
        return [resource.name, `does not answer: ${message}`] as const;
      }
    }),
  );
  return Object.fromEntries(told);
}
