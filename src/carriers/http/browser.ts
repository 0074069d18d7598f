import { Secret } from '../../base/secret.ts';
import type { BrowserAt, Visitor, Visitors } from '../../core/visitors.ts';
import { all, cookieName, cookiesOf, type Fields, first } from '../../http/headers.ts';
import { readTarget } from '../../http/target.ts';
import type { Body, Reply } from './exchange.ts';
import {
  ownPath,
  pageFields,
  signedInPage,
  signedOutPage,
  signInPage,
  signInPath,
  signOutPath,
} from './pages.ts';

/** One request, as far as it matters whether a browser sent it. */
export interface BrowserRequest {
  readonly method: string;
  readonly host: string;
  readonly secure: boolean;
  readonly fields: Fields;
  readonly peer: string;
  /** It opens a WebSocket: as good as a write, whatever its method. */
  readonly upgrade: boolean;
}

/** What a request's cookie stands for. */
export interface Guest {
  readonly visitor: Visitor;
  /** The gateway does not take its token any more: the cookie goes with it. */
  readonly dismiss: () => Promise<void>;
}

const longestForm = 16_384;
const longestWay = 2_000;

/**
 * Who holds the cookie of this request. SECURITY: browsers add a cookie to what any site makes them send, whatever the method (a
 * GET can be a GraphQL mutation, or open a WebSocket). It counts only where no other site can have made the request.
 */
export function guestOf(visitors: Visitors, request: BrowserRequest): Guest | undefined {
  if (!ofThisSite(request)) return undefined;
  const id = idOf(request);
  if (id === undefined) return undefined;
  const visitor = visitors.find(id, at(request));
  return visitor === undefined
    ? undefined
    : { visitor, dismiss: () => visitors.signOut(id, 'token refused') };
}

/** Whether somebody looks at a page of their own: such a request is sent to the sign-in page, all others are told 401. */
export function isNavigation({ method, fields, upgrade }: BrowserRequest): boolean {
  const mode = first(fields, 'sec-fetch-mode');
  const dest = first(fields, 'sec-fetch-dest');
  return (
    method === 'GET' &&
    !upgrade &&
    first(fields, 'authorization') === undefined &&
    (mode === undefined || mode === 'navigate') &&
    (dest === undefined || dest === 'document') &&
    all(fields, 'accept').some((value) => /(?:^|,)\s*text\/html\s*(?:[;,]|$)/i.test(value))
  );
}

export function isOwnPath(path: string): boolean {
  return path.startsWith(ownPath);
}

/** To the page, and from there back to this path. */
export function toSignIn(reply: Reply, path: string, query: string): void {
  const to = query === '' ? path : `${path}?${query}`;
  const known = to.length <= longestWay ? `?to=${encodeURIComponent(to)}` : '';
  reply.start(303, [
    ['location', `${signInPath}${known}`],
    ['content-length', '0'],
    ['cache-control', 'no-store'],
  ]);
  reply.end();
}

/** Serves the pages of the gateway: signing in and out. `resourceOf` names the resource that a path belongs to. */
export async function servePage(
  visitors: Visitors,
  request: BrowserRequest,
  asked: {
    readonly path: string;
    readonly query: string;
    readonly body: Body;
    readonly reply: Reply;
    readonly resourceOf: (path: string) => string | undefined;
  },
): Promise<void> {
  const { path, reply } = asked;
  const { method } = request;
  const isRead = method === 'GET' || method === 'HEAD';
  if (path !== signInPath && path !== signOutPath) return say(reply, 404, notThere);
  if (!isRead && method !== 'POST') return say(reply, 405, notThere, [['allow', 'GET, HEAD, POST']]);
  if (isRead) return show(visitors, request, asked);
  // SECURITY: another site must sign nobody in (as somebody else) and nobody out.
  if (!ofThisSite(request))
    return say(reply, 403, signInPage({ to: '', problem: 'That form came from another site' }));
  const form = await formOf(request.fields, asked.body);
  if (form === undefined)
    return say(reply, 400, signInPage({ to: '', problem: 'That form could not be read' }));
  return path === signOutPath
    ? signOut(visitors, request, reply)
    : signIn(visitors, request, { ...asked, form });
}

function show(
  visitors: Visitors,
  request: BrowserRequest,
  { path, query, reply }: { readonly path: string; readonly query: string; readonly reply: Reply },
): void {
  const to = wayBack(new URLSearchParams(query).get('to') ?? '');
  // Whoever comes from another site is shown as signed in too: from here on it is the person who goes on.
  const id = idOf(request);
  const visitor = id === undefined ? undefined : visitors.find(id, at(request));
  if (visitor !== undefined) return say(reply, 200, signedInPage(visitor.subject, to));
  return say(reply, 200, path === signOutPath ? signedOutPage() : signInPage({ to }));
}

async function signIn(
  visitors: Visitors,
  request: BrowserRequest,
  asked: {
    readonly form: URLSearchParams;
    readonly reply: Reply;
    readonly resourceOf: (path: string) => string | undefined;
  },
): Promise<void> {
  const { form, reply, resourceOf } = asked;
  const to = wayBack(form.get('to') ?? '');
  const resource = resourceOf(to);
  const signed = await visitors.signIn(
    {
      way: form.get('way') ?? '',
      name: form.get('name') ?? '',
      secret: new Secret((form.get('token') ?? '').trim()),
      ...(resource === undefined ? {} : { resource }),
    },
    at(request),
  );
  if (!signed.ok) {
    const { class: code, why } = signed.error;
    if (code === 'LIMIT') return say(reply, 429, signInPage({ to, problem: why }), [['retry-after', '60']]);
    if (code !== 'SIGN_IN') return say(reply, 503, signInPage({ to, problem: why }));
    const challenge = ['www-authenticate', 'Bearer realm="sallyport"'] as const;
    return say(reply, 401, signInPage({ to, problem: why }), [challenge]);
  }
  // What an earlier sign-in of this browser had open ends: nobody keeps two names in one browser.
  const before = idOf(request);
  if (before !== undefined) await visitors.signOut(before, 'signed out');
  go(reply, to === '' ? signInPath : to, cookie(request, signed.value.id.reveal('set as a cookie')));
}

async function signOut(visitors: Visitors, request: BrowserRequest, reply: Reply): Promise<void> {
  for (const id of idsOf(request)) await visitors.signOut(id, 'signed out');
  go(reply, signOutPath, cookie(request, undefined));
}

function go(reply: Reply, to: string, setCookie: string): void {
  reply.start(303, [
    ['location', to],
    ['set-cookie', setCookie],
    ['content-length', '0'],
    ['cache-control', 'no-store'],
    ['referrer-policy', 'same-origin'],
  ]);
  reply.end();
}

/** Of the session of the browser: how long it holds at most, the gateway knows. */
function cookie({ secure }: BrowserRequest, id: string | undefined): string {
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
  return `${cookieName(secure)}=${id ?? ''}; ${attributes}${id === undefined ? '; Max-Age=0' : ''}`;
}

function say(
  reply: Reply,
  status: number,
  html: string,
  more: readonly (readonly [string, string])[] = [],
): void {
  const bytes = Buffer.from(html);
  reply.start(status, [...pageFields, ...more, ['content-length', String(bytes.length)]]);
  void reply.write(bytes);
  reply.end();
}

const notThere = signInPage({ to: '', problem: 'There is nothing here' });

/**
 * Where to go after signing in: a path of this origin, else nowhere. SECURITY: `//host`, `/\host` and whatever a browser would make
 * another origin of is no path; the same reader as for requests says so.
 */
function wayBack(to: string): string {
  if (to === '' || to.length > longestWay || !to.startsWith('/') || isOwnPath(to)) return '';
  const target = readTarget(to);
  if (!target.ok || isOwnPath(target.value.path)) return '';
  const { path, query } = target.value;
  const way = query === '' ? path : `${path}?${query}`;
  const url = URL.canParse(way, 'https://here.invalid') ? new URL(way, 'https://here.invalid') : undefined;
  return url?.origin === 'https://here.invalid' && !isOwnPath(url.pathname) ? way : '';
}

async function formOf(fields: Fields, body: Body): Promise<URLSearchParams | undefined> {
  const type = first(fields, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded' || first(fields, 'content-encoding') !== undefined)
    return undefined;
  const bytes = await body.whole(longestForm);
  if (bytes === undefined) return undefined;
  const form = new URLSearchParams(Buffer.from(bytes).toString('utf8'));
  return new Set(form.keys()).size === form.size ? form : undefined;
}

function originOf({ host, secure }: BrowserRequest): string {
  return `${secure ? 'https' : 'http'}://${host.toLowerCase()}`;
}

function at(request: BrowserRequest): BrowserAt {
  return { peer: request.peer, origin: originOf(request) };
}

/** SECURITY: of two that differ one was planted beside the true one: neither counts. */
function idOf(request: BrowserRequest): Secret | undefined {
  const [id, ...others] = idsOf(request);
  return others.length > 0 ? undefined : id;
}

function idsOf({ fields, secure }: BrowserRequest): readonly Secret[] {
  return [...new Set(cookiesOf(fields, cookieName(secure)))]
    .filter((value) => /^[\w-]{43}$/.test(value))
    .map((value) => new Secret(value));
}

/** Browsers say where a request came from: Origin on whatever could change something, Sec-Fetch-Site on everything. */
function ofThisSite(request: BrowserRequest): boolean {
  const { method, fields, upgrade } = request;
  const origins = all(fields, 'origin');
  const site = first(fields, 'sec-fetch-site');
  if (origins.some((origin) => origin.toLowerCase() !== originOf(request)) || origins.length > 1)
    return false;
  const safe = (method === 'GET' || method === 'HEAD') && !upgrade;
  if (site === 'same-origin') return true;
  // Typed in, or a bookmark: nobody sends a form so.
  if (site === 'none') return safe;
  return site === undefined && (safe || origins.length === 1);
}
