import {
  array,
  boolean,
  either,
  isObject,
  literal,
  map,
  number,
  object,
  optional,
  record,
  string,
  unknown,
  type Check,
} from '../base/check.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Subject } from '../core/identity.ts';
import { directory, nobody, type Directory, type DirectoryRecord } from '../identity/directory.ts';
import { parseYaml, textOf } from './config-text.ts';

// Who signs in. Apart from the rest of the configuration, which knows every room of the house: a token is issued without it.

/** Every key of the configuration. */
export const configKeys = [
  'name',
  'listen',
  'policy',
  'resources',
  'identities',
  'channels',
  'sinks',
  'ledger',
  'recordings',
  'index',
  'opa',
  'tls',
  'limits',
  'reviews',
  'breaker',
  'browsers',
  'log',
  'plainFrom',
  'detectors',
  'ner',
] as const;

export const defaultName = 'sallyport';

export const gatewayName: Check<string> = string({
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  what: 'a name of letters, digits, dots and dashes',
});
export const word: Check<string> = string({
  pattern: /^[^\s\p{C}]{1,128}$/u,
  what: 'a word of 1 to 128 characters without spaces',
});

const identity = object({
  subject: word,
  kind: literal('human', 'workload', 'agent'),
  groups: optional(array(word)),
  actingFor: optional(word),
  attributes: optional(record(either(either(string(), number()), boolean))),
  accounts: optional(object({ slack: optional(array(word)), teams: optional(array(word)) })),
  links: optional(array(word)),
});

export interface Identities {
  readonly directory: Directory;
  readonly accounts: ReadonlyMap<string, Subject>;
}

export const identitiesCheck: Check<Identities> = map(array(identity), (read, path) => {
  const records = read.map(
    ({ subject, kind, groups = [], actingFor, attributes = {}, links = [] }): DirectoryRecord => ({
      subject: subject as Subject,
      kind,
      groups,
      attributes,
      links,
      ...(actingFor === undefined ? {} : { actingFor: actingFor as Subject }),
    }),
  );
  const made = directory(records);
  if (!made.ok) return err(made.error.map(({ index, message }) => ({ path: `${path}[${index}]`, message })));
  const linked = new Map<string, Subject>();
  for (const [index, { subject, accounts = {} }] of read.entries()) {
    for (const [channel, names] of Object.entries(accounts)) {
      for (const account of names ?? []) {
        const key = `${channel} ${account}`;
        // SECURITY: one account is one identity, or a click would be whoever's comes first.
        if (linked.has(key)) {
          return err([
            { path: `${path}[${index}].accounts.${channel}`, message: 'This account is linked twice' },
          ]);
        }
        linked.set(key, subject as Subject);
      }
    }
  }
  return ok({ directory: made.value, accounts: linked });
});

export interface Who {
  readonly name: string;
  readonly directory: Directory;
}

/** Of the configuration only who signs in, and the gateway's name: no secret of it has to be there, no file that it names. */
export function readIdentities(file: string): Result<Who, readonly string[]> {
  const text = textOf(file);
  return text.ok ? parseYaml(text.value, file, who) : text;
}

const whole = object(Object.fromEntries(configKeys.map((key) => [key, optional(unknown)])));
const parts = object({ name: optional(gatewayName), identities: optional(identitiesCheck) });

const who: Check<Who> = (raw, path) => {
  const known = whole(raw, path);
  if (!known.ok || !isObject(raw)) return known.ok ? err([{ path, message: 'Expected a mapping' }]) : known;
  const { name, identities } = raw;
  const read = parts({ name, identities }, path);
  if (!read.ok) return read;
  return ok({ name: read.value.name ?? defaultName, directory: read.value.identities?.directory ?? nobody });
};
