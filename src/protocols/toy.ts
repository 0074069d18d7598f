import { object, string } from '../base/check.ts';
import { WireError } from '../base/errors.ts';
import type { Wire } from '../base/stream.ts';
import type { Action } from '../core/action.ts';
import type { Verdict } from '../core/decision.ts';
import type { House, Protocol, Seat } from '../core/protocol.ts';
import type { Rehearsal, RehearsalAnswer } from '../core/rehearsal.ts';
import { Secret } from '../base/secret.ts';

// The smallest protocol that keeps every promise, and one fault for each of them: so the suite is seen to find it.
// Lines: `LOGIN user token resource`, `READ what`, `WRITE what`; answers `= value value` and `! why`.

export type ToyFault =
  | 'takes a chunk for a line'
  | 'writes past the gate'
  | 'forgets how it ended'
  | 'says nothing'
  | 'sends what was denied'
  | 'rewrites answers'
  | 'masks nothing'
  | 'records before it masks'
  | 'logs values'
  | 'guesses'
  | 'trusts lengths'
  | 'throws anything'
  | 'is deaf'
  | 'leaves the resource open'
  | 'does not wait for the ledger'
  | 'has verbs of its own'
  | 'records whatever the level'
  | 'records no statements'
  | 'shows what it cannot record';

/** By promise, in their order. */
export const broken: readonly (readonly ToyFault[])[] = [
  ['takes a chunk for a line'],
  ['writes past the gate', 'forgets how it ended'],
  ['says nothing', 'sends what was denied'],
  ['rewrites answers'],
  ['masks nothing', 'records before it masks', 'logs values'],
  ['guesses'],
  ['trusts lengths', 'throws anything'],
  ['is deaf', 'leaves the resource open'],
  ['does not wait for the ledger'],
  ['has verbs of its own'],
  ['records whatever the level', 'records no statements', 'shows what it cannot record'],
];

const lineMax = 1_000;
const value = 'secret-4711';

export function toy(fault?: ToyFault): Protocol {
  return {
    name: 'toy',
    port: 7,
    verbs: { 'toy.read': 'Reads', 'toy.write': 'Writes', 'toy.unknown': 'Not understood' },
    attributes: { words: 'number' },
    settings: object({ address: string() }),
    start: (house) => ({
      serve: (seat) => serve(house, seat, fault),
      probe: () => Promise.resolve('toy'),
      actions: (_resource, text) => Promise.resolve([actionOf(text, fault)]),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  };
}

function actionOf(text: string, fault: ToyFault | undefined): Action {
  const verb = { READ: 'toy.read', WRITE: 'toy.write' }[text.split(' ')[0] ?? ''];
  const access = verb === 'toy.read' ? 'read' : verb === 'toy.write' ? 'write' : 'unknown';
  const own = fault === 'has verbs of its own' && verb === 'toy.write';
  return {
    verb: own ? 'toy.own' : (verb ?? 'toy.unknown'),
    access: fault === 'guesses' ? 'read' : access,
    targets: [],
    columns: [],
    attributes: { words: text.split(' ').length },
    text,
    notes: [],
  };
}

async function serve(house: House, seat: Seat, fault: ToyFault | undefined): Promise<void> {
  const { client, signal } = seat;
  const drop = (): void => client.destroy(new WireError('closed', 'Stopped'));
  if (fault !== 'is deaf') signal.addEventListener('abort', drop, { once: true });
  using _deadline = house.world.after(house.limits.idleSeconds * 1_000, () =>
    client.destroy(new WireError('deadline', 'Nothing was said')),
  );
  const lines = new Lines(client, fault);
  const [word, user, token = '', resource = ''] = ((await lines.next()) ?? '').split(' ');
  if (word !== 'LOGIN') throw new WireError('bad-message', 'Expected LOGIN');
  const admitted = await seat.admit({
    ...(user === undefined ? {} : { user }),
    token: new Secret(token),
    resource,
    kind: 'toy',
  });
  if (!admitted.ok) {
    await client.write(line(`! ${admitted.error.why}`));
    return;
  }
  const { gate, recorder } = admitted.value;
  const wire = await house.dial('', signal);
  const upstream = gate.guard(wire);
  const answers = new Lines(upstream);
  try {
    await wire.write(line('LOGIN gateway'));
    await answers.next();
    await client.write(line('= hello'));
    for (let text = await lines.next(); text !== undefined; text = await lines.next()) {
      const verdict: Verdict = await gate.ask({ action: actionOf(text, fault) });
      if (verdict.kind === 'refusal' && fault === 'sends what was denied') await wire.write(line(text));
      if (verdict.kind === 'refusal') {
        await client.write(line(fault === 'says nothing' ? '= ' : `! ${verdict.denial.why}`));
        continue;
      }
      await (fault === 'writes past the gate'
        ? wire.write(line(text))
        : upstream.send([verdict], line(text)));
      const ended = raced(answers.next(), signal, fault);
      const clear =
        (await ended.catch((thrown: unknown) => {
          gate.done(verdict, { kind: 'error', code: 'cut', rows: 0, bytes: 0, masked: 0, withheld: 0 });
          throw thrown;
        })) ?? '';
      try {
        if (fault !== 'does not wait for the ledger') await verdict.written;
      } finally {
        if (fault !== 'forgets how it ended')
          gate.done(verdict, { kind: 'ok', rows: 1, bytes: 0, masked: 0, withheld: 0 });
      }
      const operator = verdict.operatorOf({ object: 'toy', column: 'secret' });
      const masks = operator !== undefined && fault !== 'masks nothing';
      const shown = masks ? clear.replaceAll(value, '***') : clear;
      if (fault === 'logs values') house.log('info', 'answer', { clear });
      try {
        const level = fault === 'records whatever the level' ? 'full' : verdict.duties.record;
        if (level !== 'meta' && fault !== 'records no statements')
          await recorder.frame('statement', line(text));
        if (level === 'full')
          await recorder.frame('answer', line(fault === 'records before it masks' ? clear : shown));
      } catch (thrown) {
        if (fault !== 'shows what it cannot record') throw thrown;
      }
      await client.write(line(fault === 'rewrites answers' ? shown.toUpperCase() : shown));
    }
  } finally {
    signal.removeEventListener('abort', drop);
    if (fault !== 'leaves the resource open') wire.destroy();
  }
}

function raced<T>(answer: Promise<T>, signal: AbortSignal, fault: ToyFault | undefined): Promise<T> {
  if (fault === 'is deaf') return answer;
  const stopped = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => stopped.reject(new WireError('closed', 'Stopped')), { once: true });
  return Promise.race([answer, stopped.promise]);
}

class Lines {
  readonly #wire: Pick<Wire, 'read'>;
  readonly #fault: ToyFault | undefined;
  #held = '';

  constructor(wire: Pick<Wire, 'read'>, fault?: ToyFault) {
    this.#wire = wire;
    this.#fault = fault;
  }

  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#held.indexOf('\n');
      if (end >= 0) {
        const text = this.#held.slice(0, end);
        this.#held = this.#held.slice(end + 1);
        return text;
      }
      if (this.#held.length > lineMax && this.#fault !== 'trusts lengths') {
        if (this.#fault === 'throws anything') throw new RangeError('Too long');
        throw new WireError('too-large', 'A line is too long');
      }
      const chunk = await this.#wire.read();
      if (chunk === undefined) return undefined;
      this.#held += Buffer.from(chunk).toString();
      if (this.#fault === 'takes a chunk for a line' && !this.#held.includes('\n')) this.#held += '\n';
    }
  }
}

function line(text: string): Uint8Array {
  return Buffer.from(`${text}\n`);
}

const answers: Readonly<Record<string, string>> = {
  'READ plain': '= one two',
  'READ hidden': `= ${value} ${value}`,
  'WRITE this': '= done',
};

export const rehearsal: Rehearsal = {
  settings: { address: 'here' },
  resource: (wire) => {
    void (async () => {
      const lines = new Lines(wire);
      for (let text = await lines.next(); text !== undefined; text = await lines.next())
        await wire.write(line(text.startsWith('LOGIN') ? '= hello' : (answers[text] ?? '! what?')));
    })().catch(() => undefined);
  },
  client: async (wire, { user, token, resource }) => {
    const lines = new Lines(wire);
    const answer = async (): Promise<RehearsalAnswer> => {
      const text = await lines.next();
      if (text === undefined || !/^[=!] /.test(text)) throw new Error('The answer cannot be read');
      const [sign, ...words] = text.split(' ');
      const ok = sign === '=';
      return { ok, ...(ok ? {} : { error: words.join(' ') }), bytes: line(text), values: words.length };
    };
    await wire.write(line(`LOGIN ${user} ${token} ${resource}`));
    const welcome = await answer();
    if (!welcome.ok) throw new Error(welcome.error);
    return {
      ask: async (text) => {
        await wire.write(line(text));
        return answer();
      },
      say: (bytes) => void wire.write(bytes)?.catch(() => undefined),
      leave: () => wire.end(),
    };
  },
  column: { object: 'toy', column: 'secret' },
  value,
  requests: {
    read: { text: 'READ plain', mark: 'plain' },
    sensitive: { text: 'READ hidden', mark: 'hidden' },
    write: { text: 'WRITE this', mark: 'WRITE' },
    unreadable: [{ text: 'DANCE', mark: 'DANCE' }],
  },
  verbs: { 'toy.read': 'READ plain', 'toy.write': 'WRITE this', 'toy.unknown': 'DANCE' },
  broken: [
    { what: 'no login', when: 'first', bytes: line('HELLO') },
    { what: 'half a line', when: 'first', bytes: Buffer.from('LOG'), silence: true },
    { what: 'a line without an end', when: 'signed-in', bytes: Buffer.alloc(2_000_000, 0x41) },
  ],
};
