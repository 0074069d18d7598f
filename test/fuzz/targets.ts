import { WireError } from '../../src/base/errors.ts';
import { wirePair } from '../../src/base/memory-wire.ts';
import { Secret } from '../../src/base/secret.ts';
import type { Wire } from '../../src/base/stream.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { decodeBackend, decodeFrontend } from '../../src/protocols/postgres/decode.ts';
import {
  backendBounds,
  type Bounds,
  type Frame,
  Frames,
  frontendBounds,
} from '../../src/protocols/postgres/frames.ts';
import { receiveStartup } from '../../src/protocols/postgres/startup.ts';
import { heldWorld } from '../../src/server/fake.ts';
import { converse } from './conversation.ts';
import { type Damage, damaged, inPlace, pieces, someDamage } from './damage.ts';
import { type Chance, chance } from './random.ts';
import { recorded } from './recorded.ts';
import { canary, clientTalk, opening, serverTalk } from './talks.ts';

/** One try: what is said, how it is damaged, and where it is cut. Plain data that a person can write down. */
export interface Case {
  /** The chance that the talk is made from. */
  readonly talk: number;
  /** What is said, where it does not come from a chance: a case that is kept stays the same when talks change. */
  readonly hex?: string;
  readonly damage: readonly Damage[];
  readonly cuts: readonly number[];
}

export interface Target {
  readonly name: string;
  readonly about: string;
  readonly make: (chance: Chance) => Case;
  /** Throws where a promise was broken. */
  readonly play: (given: Case) => Promise<void> | void;
  /** What is said in the case. */
  readonly bytes: (given: Case) => Uint8Array;
  /** Whether the faults are in the answers to it, and not in what is said. */
  readonly answersBack?: true;
}

/** The same case, with its bytes in it. */
export function kept(target: Target, given: Case): Case {
  const hex = Buffer.from(target.bytes(given)).toString('hex');
  return { ...given, hex, damage: target.answersBack === true ? given.damage : [] };
}

export class Broken extends Error {
  override readonly name = 'Broken';
}

type Talk = (chance: Chance) => readonly Uint8Array[];

function talkOf(make: Talk, talk: number): readonly Uint8Array[] {
  return make(chance(talk, 0));
}

/** What is said, with its faults. */
function saidOf(make: Talk, { talk, hex, damage }: Case): Buffer {
  return damaged(hex === undefined ? talkOf(make, talk) : [Buffer.from(hex, 'hex')], damage);
}

function cutsOf(chance: Chance): readonly number[] {
  const many = chance.one([0, 1, 1, 2, 8, 400]);
  return Array.from({ length: many }, () => chance.below(1_000_000));
}

function anyCase(make: Talk): (chance: Chance) => Case {
  return (given) => {
    const talk = given.below(0x7fff_ffff);
    const messages = talkOf(make, talk).length;
    return { talk, damage: someDamage(given, messages, given.one([0, 1, 1, 2, 4])), cuts: cutsOf(given) };
  };
}

// ---- decoders

/** What a decoder made of these pieces: each message, and how it ended. */
function read(
  parts: readonly Uint8Array[],
  bounds: Bounds,
  decode: (frame: Frame) => object,
): readonly string[] {
  const frames = new Frames(bounds);
  const seen: string[] = [];
  let given = 0;
  try {
    for (const part of parts) {
      frames.push(part);
      given += part.length;
      while (frames.next()) seen.push(told(decode(frames)));
      if (frames.unfinished > given) throw new Broken('More is held than has come');
      if (frames.bytes.length > 2 * given + 4_300_000) throw new Broken('More memory is held than has come');
    }
    seen.push(`unfinished ${frames.unfinished}`);
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown;
    if (thrown.message.includes(canary)) throw new Broken('A value stands in an error');
    seen.push(`${thrown.code}: ${thrown.message}`);
  }
  return seen;
}

function told(message: object): string {
  return JSON.stringify(message, (_key, value: unknown) => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
    return value instanceof Map ? [...(value as ReadonlyMap<unknown, unknown>)] : value;
  });
}

function decoder(name: string, make: Talk, bounds: Bounds, decode: (frame: Frame) => object): Target {
  const bytes = (given: Case): Uint8Array => saidOf(make, given);
  return {
    name,
    about: 'the same messages and the same error, however the bytes are cut',
    make: anyCase(make),
    bytes,
    play: (given) => {
      const whole = bytes(given);
      const [uncut, cut] = [[whole], pieces(whole, given.cuts)].map((parts) =>
        read(parts, bounds, decode).join('\n'),
      );
      // A message that declares too much is refused as soon as its head is there, in either case.
      if (uncut !== cut) throw new Broken(`Cut bytes are read differently:\n${uncut}\n---\n${cut}`);
    },
  };
}

// ---- sign-in

function startup(): Target {
  // No type byte: the length comes first.
  const bytes = (given: Case): Uint8Array => saidOf(opening, given);
  return {
    name: 'startup',
    about: 'every first packet ends in a session, a cancel, a refusal or a WireError',
    make: anyCase(opening),
    bytes,
    play: async (given) => {
      const [client, gateway] = wirePair();
      const world = heldWorld();
      // TLS that is no TLS: what matters is what may be read before and after it.
      const secure = (wire: Wire): Wire => ({ ...wire, tls: { protocol: 'TLSv1.3', alpn: 'postgresql' } });
      const { secure: _none, ...plain } = { ...gateway, secure: undefined };
      const outcome = receiveStartup(
        { ...plain, secure: () => Promise.resolve(secure(plain)) },
        {
          tls: { cert: 'cert', key: new Secret('key') },
          plainAllowed: given.talk % 2 === 0,
          world,
          limits: defaultLimits,
          signal: new AbortController().signal,
        },
      );
      const ended = outcome.then(
        ({ kind }) => kind,
        (thrown: unknown) => {
          if (!(thrown instanceof WireError)) throw thrown;
          if (thrown.message.includes(canary)) throw new Broken('A value stands in an error');
          return thrown.code;
        },
      );
      ended.catch(() => undefined);
      for (const part of pieces(bytes(given), given.cuts)) {
        await Promise.race([client.write(part)?.catch(() => undefined), ended]);
        await turn();
      }
      for (let left = 50; left > 0; left--) await turn();
      world.pass(defaultLimits.signInSeconds * 1_000 + 1);
      if ((await Promise.race([ended, turns(200)])) === undefined)
        throw new Broken('The sign-in does not end');
    },
  };
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export async function turns(count: number): Promise<undefined> {
  for (let left = count; left > 0; left--) await turn();
  return undefined;
}

// ---- whole sessions

const session: Target = {
  name: 'session',
  about:
    'a client that says anything: nothing reaches the server that was not permitted, and all of it is whole',
  make: anyCase(clientTalk),
  bytes: (given) => saidOf(clientTalk, given),
  play: (given) =>
    converse({ client: saidOf(clientTalk, given), cuts: given.cuts, server: [], inPlace: true }),
};

const server: Target = {
  name: 'server',
  about: 'a server that answers anything: the session ends or goes on, and what is masked stays masked',
  make: (given) => ({
    talk: given.below(0x7fff_ffff),
    damage: someDamage(given, given.one([12, 30]), 3),
    cuts: cutsOf(given),
  }),
  answersBack: true,
  bytes: (given) => saidOf(clientTalk, { ...given, damage: [] }),
  play: (given) =>
    converse({
      client: saidOf(clientTalk, { ...given, damage: [] }),
      cuts: given.cuts,
      server: given.damage,
      inPlace: given.damage.every(({ how }) => inPlace.includes(how)),
    }),
};

const bytesMax = 1_048_576;
const clientWords: Talk = (given) => (given.once(3) ? given.one(recorded.client) : clientTalk(given));
const serverWords: Talk = (given) => (given.once(3) ? given.one(recorded.server) : serverTalk(given));

export const targets: readonly Target[] = [
  decoder('client-decoder', clientWords, frontendBounds(bytesMax), decodeFrontend),
  decoder('server-decoder', serverWords, backendBounds(bytesMax), decodeBackend),
  startup(),
  session,
  server,
];
