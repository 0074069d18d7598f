import { duration } from '../../base/time.ts';
import type { Place } from '../../core/decision.ts';
import type { Problems } from '../problem.ts';
import { choice, type Fields, fields, flag, text, texts, wrong } from '../shape.ts';
import type { Located } from '../yaml.ts';
import { bundlePath } from './bundle.ts';

/** `opa:` of a layer. */
export interface OpaUse {
  readonly at: Place;
  readonly source:
    | { readonly kind: 'bundle'; readonly path: string; readonly at: Place; readonly digest?: Pinned }
    | {
        readonly kind: 'remote';
        readonly url: URL;
        readonly digest?: Pinned;
        readonly pollMs: number;
        readonly maxAgeMs: number;
      }
    | { readonly kind: 'server'; readonly url: URL };
  readonly entrypoint: string;
  readonly entrypointAt: Place;
  readonly deadlineMs: number;
  /** A builtin that fails is an error of the policy, instead of undefined. */
  readonly strict: boolean;
  /** The resource kinds it judges; absent: all but the gateway's own API. */
  readonly kinds?: readonly { readonly value: string; readonly at: Place }[];
  readonly enforce: 'enforce' | 'shadow';
  readonly owner?: string;
}

interface Pinned {
  readonly value: string;
  readonly at: Place;
}

const defaultMs = { bundle: 50, remote: 50, server: 250 };
const defaultPollMs = 60_000;
const defaultAgeMs = 3_600_000;
const longestMs = 5_000;

export function readOpaUse(node: Located, role: string | undefined, problems: Problems): OpaUse | undefined {
  const before = problems.list.length;
  const keys = [
    'bundle',
    'digest',
    'server',
    'timeout',
    'kinds',
    'enforce',
    'owner',
    'strict',
    'poll',
    'maxAge',
  ];
  const found = fields(node, '`opa`', { required: ['entrypoint'], optional: keys }, problems);
  const entry = found?.get('entrypoint')?.value;
  if (found === undefined || entry === undefined) return undefined;
  const entrypoint = text(entry, 'entrypoint', problems);
  if (entrypoint !== undefined && !/^[A-Za-z_][\w-]*(?:\/[A-Za-z_][\w-]*)+$/.test(entrypoint))
    wrong(entry, 'entrypoint is a path such as gate/decision', problems);
  const source = readSource(found, node, problems);
  const deadlineMs = source === undefined ? undefined : readTimeout(found, source.kind, problems);
  const list = found.get('kinds')?.value;
  const kinds = list === undefined ? undefined : texts(list, 'kinds', problems);
  const how = found.get('enforce')?.value;
  const enforce = how === undefined ? 'enforce' : choice(how, 'enforce', ['enforce', 'shadow'], problems);
  if (how !== undefined && enforce === 'shadow' && role !== 'restrict')
    wrong(
      how,
      'Only a layer that restricts can be in shadow: without what it allows another decision is made',
      problems,
    );
  const severe = found.get('strict')?.value;
  const strict = severe === undefined ? false : flag(severe, 'strict', problems);
  const who = found.get('owner')?.value;
  const owner = who === undefined ? undefined : text(who, 'owner', problems);
  if (problems.list.length > before || entrypoint === undefined || source === undefined) return undefined;
  return {
    at: node.at,
    source,
    entrypoint,
    entrypointAt: entry.at,
    deadlineMs: deadlineMs ?? defaultMs[source.kind],
    enforce: enforce ?? 'enforce',
    strict: strict === true,
    ...(kinds === undefined ? {} : { kinds }),
    ...(owner === undefined ? {} : { owner }),
  };
}

function readSource(found: Fields, node: Located, problems: Problems): OpaUse['source'] | undefined {
  const [bundle, server, digest] = ['bundle', 'server', 'digest'].map((key) => found.get(key)?.value);
  if ((bundle === undefined) === (server === undefined))
    return wrong(node, '`opa` names either a bundle or a server', problems);
  const path = bundle === undefined ? undefined : text(bundle, 'bundle', problems);
  const isRemote = path !== undefined && /^https?:/i.test(path);
  for (const key of ['poll', 'maxAge']) {
    const given = found.get(key)?.value;
    if (given !== undefined && !isRemote) wrong(given, `Only a bundle at an address has ${key}`, problems);
  }
  if (server !== undefined) {
    if (digest !== undefined) wrong(digest, 'Only a bundle has a digest', problems);
    return readServer(server, problems);
  }
  if (bundle === undefined || path === undefined) return undefined;
  const pinned = digest === undefined ? undefined : text(digest, 'digest', problems);
  const pin =
    digest === undefined || pinned === undefined ? {} : { digest: { value: pinned, at: digest.at } };
  if (isRemote) {
    if (pinned !== undefined && !/^sha256:[0-9a-f]{64}$/.test(pinned) && digest !== undefined)
      return wrong(digest, 'digest is sha256: and 64 hexadecimal digits', problems);
    return readRemote(found, bundle, pin, problems);
  }
  if (!bundlePath.test(path))
    return wrong(
      bundle,
      'bundle is a file of the policy: opa/<name>.tar.gz, as `opa build` makes it, or an https:// address',
      problems,
    );
  return { kind: 'bundle', path, at: bundle.at, ...pin };
}

// oxlint-disable-next-line max-params
function readRemote(
  found: Fields,
  node: Located,
  pin: { readonly digest?: Pinned },
  problems: Problems,
): OpaUse['source'] | undefined {
  const url = readAddress(node, 'bundle', problems);
  const pollMs = readPeriod(found, 'poll', defaultPollMs, problems);
  const maxAgeMs = readPeriod(found, 'maxAge', Math.max(defaultAgeMs, pollMs ?? 0), problems);
  if (url === undefined || pollMs === undefined || maxAgeMs === undefined) return undefined;
  if (maxAgeMs < pollMs) return wrong(node, 'maxAge is not shorter than poll', problems);
  return { kind: 'remote', url, pollMs, maxAgeMs, ...pin };
}

// oxlint-disable-next-line max-params
function readPeriod(
  found: Fields,
  name: 'poll' | 'maxAge',
  otherwise: number,
  problems: Problems,
): number | undefined {
  const node = found.get(name)?.value;
  if (node === undefined) return otherwise;
  const given = text(node, name, problems);
  const ms = given === undefined ? undefined : duration(given);
  const longest = 2_592_000_000; // 30 days
  if (given !== undefined && (ms === undefined || ms < 1_000 || ms > longest))
    return wrong(node, `${name} is a time from 1s to 30d`, problems);
  return ms;
}

const loopback = ['localhost', '127.0.0.1', '[::1]'];

function readServer(node: Located, problems: Problems): OpaUse['source'] | undefined {
  const url = readAddress(node, 'server', problems);
  return url === undefined ? undefined : { kind: 'server', url };
}

/** SECURITY: what it says opens doors, so nobody on the way may say it instead: TLS, or the same machine. */
function readAddress(node: Located, what: 'server' | 'bundle', problems: Problems): URL | undefined {
  const given = text(node, what, problems);
  if (given === undefined) return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback.includes(url.hostname));
  // The address of a bundle may say which one it wants.
  const extra = url?.hash !== '' || (what === 'server' && url.search !== '');
  if (url === undefined || !secure || extra || url.username !== '' || url.password !== '')
    return wrong(
      node,
      `${what} is an https:// address without credentials (http:// only on this machine)`,
      problems,
    );
  return url;
}

function readTimeout(found: Fields, kind: keyof typeof defaultMs, problems: Problems): number | undefined {
  const node = found.get('timeout')?.value;
  if (node === undefined) return defaultMs[kind];
  const given = text(node, 'timeout', problems);
  const ms = given === undefined ? undefined : duration(given);
  if (given !== undefined && (ms === undefined || ms < 1 || ms > longestMs))
    return wrong(node, 'timeout is a time from 1ms to 5s', problems);
  return ms;
}
