// Stand-ins for this room's tests: the services behind channels, on this machine, and a desk that remembers.
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { exportJWK, SignJWT } from 'jose';
import { WebSocketServer, type WebSocket } from 'ws';
import { instant, realWorld, type World } from '../base/time.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { Answer, ChannelDesk, Counted, Review, ReviewDigest, ReviewId } from '../core/review.ts';
import type { ChannelParts } from './click.ts';
import { openPlaces } from './places.ts';

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface HttpFake extends AsyncDisposable {
  readonly url: string;
  readonly server: Server;
  readonly requests: Request[];
  /** Answers that come first, whatever is asked. `drop` cuts the connection. */
  readonly next: (Reply | 'drop')[];
}

/** A server on a free port; `answer` gives what it says to each request. */
export async function httpFake(
  answer: (request: Request, fake: HttpFake) => Reply | Promise<Reply>,
): Promise<HttpFake> {
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const request = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      body,
    };
    fake.requests.push(request);
    const reply = fake.next.shift() ?? (await answer(request, fake));
    if (reply === 'drop') {
      incoming.socket.destroy();
      return;
    }
    outgoing.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
    outgoing.end(JSON.stringify(reply.body ?? {}));
  };
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const fake: HttpFake = {
    url: `http://127.0.0.1:${port}`,
    server,
    requests: [],
    next: [],
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fake;
}

export interface SlackMember {
  readonly team: string;
  readonly deleted?: boolean;
  readonly is_restricted?: boolean;
  readonly is_stranger?: boolean;
  readonly is_bot?: boolean;
}

export interface SlackView {
  readonly private_metadata: string;
}

/** Slack: the methods that the channel calls, and the socket of Socket Mode. */
export interface SlackFake {
  readonly http: HttpFake;
  readonly members: Map<string, SlackMember>;
  /** Messages as they stand now, by their `ts`. */
  readonly messages: Map<string, { readonly text: string; readonly blocks: string }>;
  readonly whispers: string[]; // what was said to the one who clicked
  readonly acknowledged: string[];
  readonly views: SlackView[]; // forms that were opened
  readonly sockets: Set<WebSocket>;
  /** Sends an envelope to every socket. */
  readonly push: (envelope: string, payload: unknown) => void;
}

export async function slackFake(): Promise<SlackFake & AsyncDisposable> {
  let sent = 0;
  const members = new Map<string, SlackMember>();
  const messages = new Map<string, { text: string; blocks: string }>();
  const whispers: string[] = [];
  const views: SlackView[] = [];
  const methods: Readonly<Record<string, (form: URLSearchParams) => unknown>> = {
    'chat.postMessage': (form) => {
      const ts = `1700000000.${String(++sent).padStart(6, '0')}`;
      messages.set(ts, { text: form.get('text') ?? '', blocks: form.get('blocks') ?? '' });
      return { ok: true, channel: form.get('channel'), ts };
    },
    'chat.update': (form) => {
      const ts = form.get('ts') ?? '';
      if (!messages.has(ts)) return { ok: false, error: 'message_not_found' };
      messages.set(ts, { text: form.get('text') ?? '', blocks: form.get('blocks') ?? '' });
      return { ok: true, ts };
    },
    'chat.postEphemeral': (form) => {
      whispers.push(form.get('text') ?? '');
      return { ok: true };
    },
    'views.open': (form) => {
      views.push(JSON.parse(form.get('view') ?? '{}') as SlackView);
      return { ok: true };
    },
    'users.info': (form) => {
      const id = form.get('user') ?? '';
      const { team, ...flags } = members.get(id) ?? { team: '' };
      return team === ''
        ? { ok: false, error: 'user_not_found' }
        : { ok: true, user: { id, team_id: team, ...flags } };
    },
    'apps.connections.open': () => ({ ok: true, url: `${http.url.replace('http', 'ws')}/socket` }),
  };
  const http = await httpFake(({ path, body }) => {
    const method = methods[path.replace(/^\/api\//, '')];
    return {
      body: method === undefined ? { ok: false, error: 'unknown_method' } : method(new URLSearchParams(body)),
    };
  });
  const sockets = new Set<WebSocket>();
  const acknowledged: string[] = [];
  const websockets = new WebSocketServer({ server: http.server });
  websockets.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('message', (data: Buffer) =>
      acknowledged.push(String((JSON.parse(data.toString()) as Record<string, unknown>)['envelope_id'])),
    );
    socket.send(JSON.stringify({ type: 'hello', num_connections: 1 }));
  });
  return {
    http,
    members,
    messages,
    whispers,
    acknowledged,
    views,
    sockets,
    push: (envelope, payload) => {
      for (const socket of sockets)
        socket.send(JSON.stringify({ type: 'interactive', envelope_id: envelope, payload }));
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.terminate();
      websockets.close();
      await http[Symbol.asyncDispose]();
    },
  };
}

/** Headers as Slack makes them. */
export function slackHeaders(secret: string, body: string, atMs: number): Readonly<Record<string, string>> {
  const stamp = String(Math.floor(atMs / 1_000));
  return {
    'x-slack-request-timestamp': stamp,
    'x-slack-signature': `v0=${createHmac('sha256', secret).update(`v0:${stamp}:${body}`).digest('hex')}`,
  };
}

/** The Bot Connector: tokens for us, keys and metadata of its own tokens, activities. */
export interface ConnectorFake {
  readonly http: HttpFake;
  readonly activities: Map<string, Readonly<Record<string, unknown>>>;
  readonly key: KeyObject;
  /** A token as the connector sends it to a bot. */
  readonly token: (
    claims: Readonly<Record<string, unknown>>,
    over?: { readonly key?: KeyObject; readonly kid?: string; readonly alg?: string },
  ) => Promise<string>;
}

export async function connectorFake(
  endorsements: readonly string[] = ['msteams'],
): Promise<ConnectorFake & AsyncDisposable> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', use: 'sig', alg: 'RS256', endorsements };
  const activities = new Map<string, Readonly<Record<string, unknown>>>();
  let made = 0;
  const http = await httpFake(({ method, path, body, headers }, fake) => {
    if (path === '/token')
      return { body: { token_type: 'Bearer', expires_in: 3_600, access_token: 'our-token' } };
    if (path === '/metadata')
      return { body: { issuer: 'https://api.botframework.com', jwks_uri: `${fake.url}/keys` } };
    if (path === '/keys') return { body: { keys: [jwk] } };
    if (headers.authorization !== 'Bearer our-token') return { status: 401 };
    const activity = JSON.parse(body) as Record<string, unknown>;
    const id = method === 'PUT' ? decodeURIComponent(path.split('/').at(-1) ?? '') : `1:${++made}`;
    activities.set(id, activity);
    return { status: method === 'PUT' ? 200 : 201, body: { id } };
  });
  return {
    http,
    activities,
    key: privateKey,
    token: (claims, { key = privateKey, kid = 'k1', alg = 'RS256' } = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key),
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

/** A desk that counts what the rules of `Answer` say and nothing else, and remembers. */
export interface DeskFake extends ChannelDesk {
  readonly answers: Answer[];
  readonly reviews: Map<ReviewId, Review>;
  readonly links: Map<string, Identity>; // 'slack T012/U1'
}

export function deskFake(): DeskFake {
  const desk: DeskFake = {
    answers: [],
    reviews: new Map(),
    links: new Map(),
    review: (id) => Promise.resolve(desk.reviews.get(id)),
    linked: (channel, account) => desk.links.get(`${channel} ${account}`),
    answer: (answer): Promise<Counted> => {
      const review = desk.reviews.get(answer.review);
      if (review === undefined)
        return Promise.resolve({ kind: 'not-counted', code: 'unknown-review', why: '' });
      const groups = review.needs
        .flatMap((need) => need.groups)
        .filter((group) => answer.by.groups.includes(group));
      if (groups.length === 0) return Promise.resolve({ kind: 'not-counted', code: 'not-in-group', why: '' });
      if (review.votes.some(({ by }) => by === answer.by.subject))
        return Promise.resolve({ kind: 'not-counted', code: 'voted-already', why: '' });
      desk.answers.push(answer);
      const vote = { by: answer.by.subject, groups, vote: answer.vote, at: instant(1_000), via: answer.via };
      const state = answer.vote === 'approve' ? 'approved' : 'refused';
      const after: Review = { ...review, state, votes: [...review.votes, vote] };
      desk.reviews.set(review.id, after);
      return Promise.resolve({ kind: 'counted', review: after });
    },
  };
  return desk;
}

export interface PartsFake extends ChannelParts {
  readonly desk: DeskFake;
  readonly logged: string[];
  readonly counted: string[];
}

export function partsFake(
  world: World = realWorld,
  places: ChannelParts['places'] = openPlaces(':memory:', world),
): PartsFake {
  const [logged, counted]: [string[], string[]] = [[], []];
  return {
    desk: deskFake(),
    world,
    places,
    freshSignIn: true,
    link: (id) => `https://gate.example/reviews/${id}`,
    log: (...line) => logged.push(JSON.stringify(line)),
    metrics: {
      count: (name, labels = {}) => counted.push(`${name} ${Object.values(labels).join(' ')}`),
      gauge: () => undefined,
      observe: () => undefined,
    },
    logged,
    counted,
  };
}

export function person(subject: string, groups: readonly string[]): Identity {
  return {
    kind: 'human',
    subject: subject as Subject,
    groups,
    attributes: {},
    proof: { kind: 'token', tokenId: '', expiresAt: instant(0) },
  };
}

let reviewsMade = 0;

export function waiting(over: Partial<Review> = {}): Review {
  const number = String(++reviewsMade);
  return {
    id: `rev_${number.padStart(26, 'a')}` as ReviewId,
    digest: number.padStart(64, '0') as ReviewDigest,
    state: 'waiting',
    kind: 'live',
    decision: `ses_1.${number}` as Review['decision'],
    askedAt: instant(1_000),
    expiresAt: instant(601_000),
    identity: { subject: 'dba', kind: 'human', groups: ['dba'] },
    resource: { name: 'shop', kind: 'postgres', tags: ['env/prod'] },
    verb: 'sql.delete',
    access: 'write',
    targets: [{ kind: 'table', name: 'public.orders', access: 'write' }],
    columns: [],
    text: "DELETE FROM orders WHERE status = 'cancelled'",
    settings: {},
    risk: { score: 40, level: 'medium', reasons: [] },
    rules: [],
    why: 'Deletes in production are reviewed',
    needs: [{ groups: ['leads'], count: 1, withinMs: 600_000 }],
    votes: [],
    policy: 'abc',
    history: { asked: 0, approved: 0, refused: 0 },
    ...over,
  };
}

/** Waits until `look` gives something; a test that waits in vain is ended by its own time limit. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
