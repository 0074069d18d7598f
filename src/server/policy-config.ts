import type { KeyObject } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  array,
  boolean,
  type Check,
  either,
  isObject,
  literal,
  map,
  number,
  object,
  optional,
  record,
  string,
} from '../base/check.ts';
import type { EnvironmentParams } from '../policy/load.ts';
import { messageOf } from '../base/errors.ts';
import { err, ok } from '../base/result.ts';
import { Secret } from '../base/secret.ts';
import { duration } from '../base/time.ts';
import { publicKeyFrom } from './dsse.ts';
import { withoutCredentials } from './policy-git.ts';

/** Where the policy comes from, as `policy:` in the configuration says. */
export type PolicySettings = {
  readonly about: string;
  /** With any, only a bundle that one of them signed is a policy. */
  readonly keys: readonly KeyObject[];
  readonly maxAgeMs?: number;
  /** What this environment says of modules' params: the policy and its digest stay the same. */
  readonly params?: EnvironmentParams;
} & (
  | { readonly kind: 'directory'; readonly directory: string }
  | {
      readonly kind: 'git';
      readonly url: string;
      readonly ref: string;
      readonly path: string;
      readonly everyMs: number;
      readonly webhook?: Secret;
    }
  | { readonly kind: 'push'; readonly initial: string }
);

const text = string({ pattern: /^[^\p{C}]+$/u, what: 'a text on one line', max: 2_000 });

const period: Check<number> = map(string({ max: 12 }), (given, path) => {
  const ms = duration(given);
  return ms === undefined || ms < 1_000
    ? err([{ path, message: 'Expected a time such as 30s, 15m, 24h' }])
    : ok(ms);
});

function fileIn(folder: string): Check<string> {
  return map(text, (given, path) => {
    const found = resolve(folder, given);
    return existsSync(found) ? ok(found) : err([{ path, message: 'There is no such file' }]);
  });
}

function key(folder: string): Check<KeyObject> {
  return map(fileIn(folder), (file, path) => {
    try {
      return ok(publicKeyFrom(readFileSync(file, 'utf8')));
    } catch (thrown) {
      return err([{ path, message: messageOf(thrown) }]);
    }
  });
}

interface Common {
  readonly keys?: readonly KeyObject[];
  readonly maxAge?: number;
  readonly params?: EnvironmentParams;
}

const paramsCheck: Check<EnvironmentParams> = record(
  record(either(either(text, array(text)), either(number(), boolean))),
);

/** `./policy`, `{ directory }`, `{ git, ref, path, every, webhook }`, `{ push: true, initial }`; each with `keys` and `maxAge`. */
export function policyCheck(
  folder: string,
  variable: (name: string) => string | undefined,
): Check<PolicySettings> {
  const path = string({ pattern: /./, what: 'the folder of the policy' });
  const plain: Check<PolicySettings> = map(path, (given, at) => {
    const directory = resolve(folder, given);
    const found = statSync(directory, { throwIfNoEntry: false });
    if (found === undefined) return err([{ path: at, message: 'There is no such folder' }]);
    return found.isDirectory()
      ? ok({ kind: 'directory', directory, about: directory, keys: [] })
      : err([{ path: at, message: 'Expected the folder with policy.yaml in it, not a file' }]);
  });
  const common = {
    keys: optional(array(key(folder), { min: 1 })),
    maxAge: optional(period),
    params: optional(paramsCheck),
  };
  const kept = ({ keys = [], maxAge, params }: Common) => ({
    keys,
    ...(maxAge === undefined ? {} : { maxAgeMs: maxAge }),
    ...(params === undefined ? {} : { params }),
  });
  const fromDirectory: Check<PolicySettings> = map(
    object({ directory: plain, ...common }),
    ({ directory, ...rest }) => ok({ ...directory, ...kept(rest) }),
  );
  const fromGit: Check<PolicySettings> = map(
    object({
      // SECURITY: `ext::` runs a program, and a text that begins with a dash is an option.
      git: string({
        pattern: /^(?!-)(?![a-z]+::)[^\s\p{C}]+$/u,
        what: 'the URL or path of a repository',
        max: 2_000,
      }),
      ref: optional(string({ pattern: /^(?![-/])[A-Za-z0-9._/-]{1,200}$/, what: 'a branch or tag' })),
      path: optional(
        string({ pattern: /^(?!.*(?:^|\/)\.\.(?:\/|$))[^:\p{C}]*$/u, what: 'a path in the repository' }),
      ),
      every: optional(period),
      webhook: optional(object({ env: text })),
      ...common,
    }),
    ({ git, ref = 'main', path: within = '', every = 30_000, webhook, ...rest }, at) => {
      const secret = webhook === undefined ? undefined : variable(webhook.env);
      if (webhook !== undefined && (secret === undefined || secret === '')) {
        return err([{ path: `${at}.webhook.env`, message: 'This variable of the environment is not set' }]);
      }
      return ok({
        kind: 'git',
        about: withoutCredentials(git),
        url: /^[.~]{0,2}\//.test(git) ? resolve(folder, git) : git,
        ref,
        path: within,
        everyMs: every,
        ...kept(rest),
        ...(secret === undefined ? {} : { webhook: new Secret(secret) }),
      });
    },
  );
  const fromPush: Check<PolicySettings> = map(
    object({ push: literal(true), initial: fileIn(folder), ...common, keys: array(key(folder), { min: 1 }) }),
    ({ initial, ...rest }) => ok({ kind: 'push', about: 'bundles that are pushed', initial, ...kept(rest) }),
  );
  return (raw, at) => {
    if (!isObject(raw)) return plain(raw, at);
    if (Object.hasOwn(raw, 'git')) return fromGit(raw, at);
    return (Object.hasOwn(raw, 'push') ? fromPush : fromDirectory)(raw, at);
  };
}
