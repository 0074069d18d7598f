import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  array,
  isObject,
  literal,
  map,
  nearest,
  number,
  object,
  optional,
  string,
  type Check,
  type Optional,
  type Problem,
} from '../base/check.ts';
import { err, ok, type Result } from '../base/result.ts';
import { Secret } from '../base/secret.ts';
import { channelSettings, type ChannelSettings } from '../channels/index.ts';
import type { Subject } from '../core/identity.ts';
import { limits, type Limits } from '../core/limits.ts';
import type { Protocol } from '../core/protocol.ts';
import type { Resource, ResourceName } from '../core/session.ts';
import type { Detector } from '../mask/index.ts';
import { nobody, type Directory } from '../identity/directory.ts';
import type { OpaOrigin } from '../opa/reach.ts';
import { sinkSettings, type SinkSettings } from '../sinks/index.ts';
import { defaultReviewSettings, type ReviewSettings } from '../gate/review-settings.ts';
import { indexCheck, type IndexSettings } from './index-config.ts';
import { opaCheck } from './opa-config.ts';
import type { BreakerSettings } from '../gate/breaker.ts';
import { breakerCheck } from './breaker-config.ts';
import { browsersCheck, type VisitTerms } from './browsers-config.ts';
import { reviewsCheck } from './reviews-config.ts';
import { recordingsCheck, type RecordingsSettings } from './recordings-config.ts';
import { ledgerCheck, type LedgerSettings } from './ledger-config.ts';
import { limitsIn, memoryHere } from './memory-limits.ts';
import { foundAsNothing, nerModelCheck, type NerModelSettings } from './ner-config.ts';
import {
  defaultName,
  gatewayName as name,
  identitiesCheck,
  word,
  type configKeys,
} from './config-identities.ts';
import { codeOf, parseYaml, textOf } from './config-text.ts';
import { policyCheck, type PolicySettings } from './policy-config.ts';

/** What `sallyport.yaml` says, checked. */
export interface Config {
  /** Names this gateway in its tokens and its ledger. */
  readonly name: string;
  readonly listen: { readonly api: Address; readonly protocols: Readonly<Record<string, Address>> };
  readonly policy: string; // directory, or what the policy comes from in words
  /** Where the policy comes from; absent: the plain directory `policy`. */
  readonly policySource?: PolicySettings;
  readonly resources: readonly Resource[];
  readonly directory: Directory;
  /** Whom an account of a channel belongs to, by `<channel> <account>`: `slack T012/U345`. */
  readonly accounts: ReadonlyMap<string, Subject>;
  readonly channels?: ChannelSettings;
  readonly sinks: readonly SinkSettings[];
  readonly ledger?: LedgerSettings;
  /** SHA-256 of the file's text, hex; absent where it was made otherwise. */
  readonly digest?: string;
  readonly recordings?: RecordingsSettings;
  readonly index?: IndexSettings;
  /** How servers of OPA, and where their bundles lie, are reached. */
  readonly opa?: readonly OpaOrigin[];
  readonly tls?: { readonly cert: string; readonly key: Secret }; // PEM
  readonly limits: Limits;
  readonly reviews: ReviewSettings;
  /** When the same is denied again and again; absent: the default. */
  readonly breaker?: BreakerSettings;
  /** How long browsers stay signed in; absent: the default. */
  readonly browsers?: VisitTerms;
  readonly log: { readonly level: LogLevel; readonly format?: 'json' | 'human' };
  /** From where a token may come over a connection without TLS. */
  readonly plainFrom: 'loopback' | 'nowhere';
  /** Detectors beside the program's own. */
  readonly detectors?: readonly Detector[];
  /** A model that finds names; absent: none is asked. */
  readonly ner?: NerModelSettings;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:8420`, `[::1]:8420`. */
export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export interface ConfigParts {
  readonly protocols: readonly Protocol[];
  /** Reads a variable of the environment, for `{ env: NAME }`. */
  readonly variable?: (name: string) => string | undefined;
  /** Reads `detectors`; absent for who does not mask. */
  readonly detectors?: Check<readonly Detector[]>;
}

/** Reads the configuration. Problems are lines `file:line:col: path: what is wrong`, and hold no value of the file. */
export function readConfig(file: string, parts: ConfigParts): Result<Config, readonly string[]> {
  const text = textOf(file);
  return text.ok ? parseConfig(text.value, file, parts) : text;
}

/** Like `readConfig`, of a text; `file` is its name, and relative paths are relative to the folder it names. */
export function parseConfig(
  text: string,
  file: string,
  parts: ConfigParts,
): Result<Config, readonly string[]> {
  const checked = parseYaml(text, file, configCheck(parts, dirname(resolve(file))));
  return checked.ok ? ok({ ...checked.value, digest: hash('sha256', text) }) : checked;
}

const address: Check<Address> = map(
  string({ max: 300, what: 'an address such as 127.0.0.1:8420' }),
  (text, path) => {
    const match = /^(?:\[([0-9a-fA-F:.%]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text);
    const port = Number(match?.[3]);
    if (match === null || port > 65_535) {
      return err([{ path, message: 'Expected an address such as 127.0.0.1:8420 or [::1]:8420' }]);
    }
    return ok({ host: match[1] ?? match[2] ?? '', port });
  },
);

const unlooked: Check<readonly Detector[]> = () => ok([]);

/** Every key of the file. */
function configShape(parts: ConfigParts, folder: string) {
  return {
    name: optional(name),
    listen: listenCheck(parts.protocols),
    policy: policyCheck(folder, parts.variable ?? ((variable) => process.env[variable])),
    resources: array(resourceCheck(parts, folder), { min: 1 }),
    identities: optional(identitiesCheck),
    channels: optional(channelsCheck(parts, folder)),
    sinks: optional(sinksCheck(parts, folder)),
    ledger: optional(ledgerCheck(folder, (check) => secretsIn(check, parts, folder))),
    recordings: optional(secretsIn(recordingsCheck, parts, folder)),
    index: optional(secretsIn(indexCheck, parts, folder)),
    opa: optional(secretsIn(opaCheck(folder), parts, folder)),
    tls: optional(tlsCheck(folder)),
    limits: optional(limitsCheck),
    reviews: optional(reviewsCheck),
    breaker: optional(breakerCheck),
    browsers: optional(browsersCheck),
    log: optional(
      object({
        level: optional(literal('debug', 'info', 'warn', 'error')),
        format: optional(literal('json', 'human')),
      }),
    ),
    plainFrom: optional(literal('loopback', 'nowhere')),
    detectors: optional(parts.detectors ?? unlooked),
    ner: optional(nerModelCheck(folder)),
  } satisfies Record<(typeof configKeys)[number], unknown>;
}

function configCheck(parts: ConfigParts, folder: string): Check<Config> {
  return map(object(configShape(parts, folder)), (read) => {
    const { listen, resources } = read;
    const problems = [
      ...twice(resources),
      ...unheard(resources, listen.protocols),
      ...foundAsNothing(read.ner, read.detectors ?? []),
    ];
    if (problems.length > 0) return err(problems);
    return ok({
      name: read.name ?? defaultName,
      listen,
      policy: read.policy.about,
      policySource: read.policy,
      resources,
      directory: read.identities?.directory ?? nobody,
      accounts: read.identities?.accounts ?? new Map(),
      ...(read.channels === undefined ? {} : { channels: read.channels }),
      sinks: read.sinks ?? [],
      ...(read.ledger === undefined ? {} : { ledger: read.ledger }),
      ...(read.recordings === undefined ? {} : { recordings: read.recordings }),
      ...(read.index === undefined ? {} : { index: read.index }),
      ...(read.opa === undefined ? {} : { opa: read.opa }),
      ...(read.tls === undefined ? {} : { tls: read.tls }),
      limits: read.limits ?? limitsIn({}, memoryHere()),
      reviews: read.reviews ?? defaultReviewSettings,
      ...(read.breaker === undefined ? {} : { breaker: read.breaker }),
      ...(read.browsers === undefined ? {} : { browsers: read.browsers }),
      log: { level: 'info', ...read.log },
      plainFrom: read.plainFrom ?? 'loopback',
      ...(read.detectors === undefined ? {} : { detectors: read.detectors }),
      ...(read.ner === undefined ? {} : { ner: read.ner }),
    });
  });
}

function twice(resources: readonly Resource[]): readonly Problem[] {
  return resources.flatMap((resource, index) =>
    resources.findIndex((other) => other.name === resource.name) < index
      ? [{ path: `resources[${index}].name`, message: 'Another resource has this name' }]
      : [],
  );
}

function unheard(
  resources: readonly Resource[],
  listeners: Readonly<Record<string, Address>>,
): readonly Problem[] {
  const kinds = new Set(resources.map(({ kind }) => kind));
  return [...kinds]
    .filter((kind) => !Object.hasOwn(listeners, kind))
    .map((kind) => ({ path: `listen.${kind}`, message: 'Missing: there are resources of this kind' }));
}

function listenCheck(protocols: readonly Protocol[]): Check<Config['listen']> {
  const shape: Record<string, Optional<Address>> = { api: optional(address) };
  for (const protocol of protocols) shape[protocol.name] = optional(address);
  return map(object(shape), (read) => {
    const { api, ...others } = read as Readonly<Record<string, Address>>; // just checked
    return ok({ api: api ?? { host: '127.0.0.1', port: 8420 }, protocols: others });
  });
}

const resourceKeys = ['name', 'kind', 'tags'];

/** `name`, `kind` and `tags` are ours; the protocol of that kind reads the rest. */
function resourceCheck(parts: ConfigParts, folder: string): Check<Resource> {
  const kinds = parts.protocols.map((protocol) => protocol.name);
  const head = object({ name, kind: string({ max: 64 }), tags: optional(array(word)) });
  return (raw, path) => {
    if (!isObject(raw)) return err([{ path, message: 'Expected a mapping' }]);
    const read = head(
      pick(raw, (key) => resourceKeys.includes(key)),
      path,
    );
    if (!read.ok) return read;
    const { kind, tags = [] } = read.value;
    if (read.value.name === 'sallyport') {
      return err([{ path: `${path}.name`, message: 'Reserved: it names this gateway in rules' }]);
    }
    const protocol = parts.protocols.find((each) => each.name === kind);
    if (protocol === undefined) {
      const near = nearest(kind, kinds);
      const hint = near === undefined ? `known kinds: ${kinds.join(', ')}` : `did you mean "${near}"?`;
      return err([{ path: `${path}.kind`, message: `Unknown kind; ${hint}` }]);
    }
    const problems: Problem[] = [];
    const rest = withSecrets(
      pick(raw, (key) => !resourceKeys.includes(key)),
      { path, folder, problems, variable: parts.variable ?? ((variable) => process.env[variable]) },
    );
    const settings = protocol.settings(rest, path);
    if (problems.length > 0) return err([...problems, ...others(settings, problems)]);
    if (!settings.ok) return settings;
    return ok({ name: read.value.name as ResourceName, kind, tags, settings: settings.value });
  };
}

function pick(
  raw: Readonly<Record<string, unknown>>,
  wanted: (key: string) => boolean,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(raw).filter(([key]) => wanted(key)));
}

interface SecretsAt {
  readonly path: string;
  readonly folder: string;
  readonly problems: Problem[];
  readonly variable: (name: string) => string | undefined;
}

/** Puts a Secret where the file says `{ env: NAME }` or `{ file: PATH }`; one that is not there is a problem, never empty. */
function withSecrets(raw: unknown, at: SecretsAt): unknown {
  if (Array.isArray(raw)) {
    return raw.map((each: unknown, index) => withSecrets(each, { ...at, path: `${at.path}[${index}]` }));
  }
  if (!isObject(raw)) return raw;
  const [key, ...others] = Object.keys(raw);
  if (others.length === 0 && (key === 'env' || key === 'file') && typeof raw[key] === 'string') {
    return key === 'env' ? fromVariable(raw[key], at) : fromFile(raw[key], at);
  }
  return Object.fromEntries(
    Object.entries(raw).map(([inner, value]) => [
      inner,
      withSecrets(value, { ...at, path: `${at.path}.${inner}` }),
    ]),
  );
}

/** Stands where a secret is not there, so that the rest can be checked too; nothing is ever made of it. */
const absent = new Secret('absent');

function fromVariable(variable: string, at: SecretsAt): Secret {
  const value = at.variable(variable) ?? '';
  if (value !== '') return new Secret(value);
  at.problems.push({ path: `${at.path}.env`, message: 'This variable of the environment is not set' });
  return absent;
}

function fromFile(file: string, at: SecretsAt): Secret {
  try {
    const bytes = readFileSync(resolve(at.folder, file));
    // What is no text (a descriptor set) would not survive being read as one.
    const value = isUtf8(bytes)
      ? bytes.toString('utf8').replace(/\r?\n$/, '')
      : `base64:${bytes.toString('base64')}`;
    if (value !== '') return new Secret(value);
    at.problems.push({ path: `${at.path}.file`, message: 'The file is empty' });
  } catch (thrown) {
    at.problems.push({ path: `${at.path}.file`, message: `Cannot be read: ${codeOf(thrown)}` });
  }
  return absent;
}

function channelsCheck(parts: ConfigParts, folder: string): Check<ChannelSettings> {
  return secretsIn(channelSettings, parts, folder);
}

function sinksCheck(parts: ConfigParts, folder: string): Check<readonly SinkSettings[]> {
  return secretsIn(sinkSettings, parts, folder);
}

/** What else is wrong where secrets are not there; what is said of the secrets themselves has been said. */
function others(
  checked: Result<unknown, readonly Problem[]>,
  absent: readonly Problem[],
): readonly Problem[] {
  const places = absent.map(({ path }) => path.replace(/\.(?:env|file)$/, ''));
  const said = ({ path }: Problem): boolean => places.some((place) => path.startsWith(place));
  return checked.ok ? [] : checked.error.filter((problem) => !said(problem));
}

/** The check, of what the file says once secrets are in their places. */
function secretsIn<T>(check: Check<T>, parts: ConfigParts, folder: string): Check<T> {
  return (raw, path) => {
    const problems: Problem[] = [];
    const variable = parts.variable ?? ((each: string) => process.env[each]);
    const read = withSecrets(raw, { path, folder, problems, variable });
    const checked = check(read, path);
    return problems.length > 0 ? err([...problems, ...others(checked, problems)]) : checked;
  };
}

function tlsCheck(folder: string): Check<{ readonly cert: string; readonly key: Secret }> {
  const pem =
    (kind: string): Check<string> =>
    (raw, path) => {
      if (typeof raw !== 'string') return err([{ path, message: 'Expected the path of a PEM file' }]);
      try {
        const text = readFileSync(resolve(folder, raw), 'utf8');
        return text.includes(`${kind}-----`)
          ? ok(text)
          : err([{ path, message: `Expected PEM with a ${kind}` }]);
      } catch (thrown) {
        return err([{ path, message: `Cannot be read: ${codeOf(thrown)}` }]);
      }
    };
  return map(object({ cert: pem('CERTIFICATE'), key: pem('PRIVATE KEY') }), ({ cert, key }) =>
    ok({ cert, key: new Secret(key) }),
  );
}

const limitsCheck: Check<Limits> = map(
  object(
    Object.fromEntries(
      Object.entries(limits).map(([limit, { unit }]) => [
        limit,
        optional(number({ min: 1, max: unit === 's' ? 2_000_000 : Number.MAX_SAFE_INTEGER, integer: true })),
      ]),
    ),
  ),
  (read) => ok(limitsIn(read, memoryHere())),
);
