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

const defaultMs = { bundle: 50, server: 250 };
const longestMs = 5_000;

export function readOpaUse(node: Located, role: string | undefined, problems: Problems): OpaUse | undefined {
  const before = problems.list.length;
  const keys = ['bundle', 'digest', 'server', 'timeout', 'kinds', 'enforce', 'owner', 'strict'];
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
  if (server !== undefined) {
    if (digest !== undefined) wrong(digest, 'Only a bundle has a digest', problems);
    return readServer(server, problems);
  }
  if (bundle === undefined) return undefined;
  const path = text(bundle, 'bundle', problems);
  if (path === undefined) return undefined;
  if (!bundlePath.test(path))
    return wrong(
      bundle,
      'bundle is a file of the policy: opa/<name>.tar.gz, as `opa build` makes it',
      problems,
    );
  const pinned = digest === undefined ? undefined : text(digest, 'digest', problems);
  return {
    kind: 'bundle',
    path,
    at: bundle.at,
    ...(digest === undefined || pinned === undefined ? {} : { digest: { value: pinned, at: digest.at } }),
  };
}

const loopback = ['localhost', '127.0.0.1', '[::1]'];

/** SECURITY: what it says opens doors, so nobody on the way may say it instead: TLS, or the same machine. */
function readServer(node: Located, problems: Problems): OpaUse['source'] | undefined {
  const given = text(node, 'server', problems);
  if (given === undefined) return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback.includes(url.hostname));
  if (
    url === undefined ||
    !secure ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.hash !== ''
  )
    return wrong(
      node,
      'server is an https:// address without credentials (http:// only on this machine)',
      problems,
    );
  return { kind: 'server', url };
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
