import assert from 'node:assert/strict';
import { Fault, WireError } from '../base/errors.ts';
import type { Protocol } from '../core/protocol.ts';
import type { Rehearsal, RehearsalAnswer, RehearsalClient } from '../core/rehearsal.ts';
import { openStage, type Stage, type StageOptions, turns } from './stage.ts';

/**
 * What every protocol must do, whoever wrote it. A protocol in the list brings a Rehearsal and is held to all of this
 * before its author writes a test of his own. Each promise rejects where it is not kept.
 */
export interface Promised {
  readonly name: string;
  readonly holds: (protocol: Protocol, rehearsal: Rehearsal) => Promise<void>;
}

export const promises: readonly Promised[] = [
  {
    name: 'its talks, cut at every byte, are the same talks: same actions, same bytes both ways',
    holds: async (protocol, rehearsal) => {
      const whole = await talk(protocol, rehearsal, {});
      for (const cut of [1, 2, 3, 7]) {
        assert.deepEqual(await talk(protocol, rehearsal, { cut }), whole, `cut into pieces of ${cut} bytes`);
      }
    },
  },
  {
    name: 'nothing reaches the resource without a live permit',
    holds: async (protocol, rehearsal) => {
      await using stage = await openStage(protocol, rehearsal, {});
      const client = await stage.client();
      const { read, write, sensitive } = rehearsal.requests;
      for (const { text } of [read, write, sensitive, read]) await client.ask(text);
      for (const { mark } of [read, write, sensitive]) {
        const [arrived, permitted] = [stage.arrivals(mark), stage.permittedArrivals(mark)];
        assert.ok(arrived > 0, 'the request did not arrive at all: nothing would be tested');
        assert.equal(arrived, permitted, 'a request went to the resource past the gate');
      }
      client.leave();
      await stage.quiet();
      stage.permitsEndedOnce();
    },
  },
  {
    name: 'with everything denied the client reads an error in turn, nothing arrives, and it may ask again',
    holds: async (protocol, rehearsal) => {
      await using stage = await openStage(protocol, rehearsal, { policy: 'deny' });
      let client = await stage.client();
      const { read, write } = rehearsal.requests;
      for (const { text, mark } of [read, write, read]) {
        if (stage.ended) client = await stage.client();
        const answer = await client.ask(text);
        assert.ok(!answer.ok && (answer.error ?? '').length > 10, 'the client was not told why');
        assert.equal(stage.arrivals(mark), 0, 'a denied request arrived');
      }
    },
  },
  {
    name: 'with everything allowed and nothing masked, the bytes are those of the direct connection, both ways',
    holds: async (protocol, rehearsal) => {
      await using stage = await openStage(protocol, rehearsal, {});
      const [client, direct] = [await stage.client(), await stage.direct()];
      const { read, write, sensitive } = rehearsal.requests;
      for (const { text } of [read, sensitive, write]) {
        const [through, straight] = [await client.ask(text), await direct.ask(text)];
        assert.deepEqual(bytesOf(through), bytesOf(straight), 'the answer was changed');
        const last = stage.lastRequest();
        const kept = (rehearsal.kept?.(last) ?? [last]).map((part) => Buffer.from(part));
        assert.ok(kept.length > 0 && kept.every(stage.sawRequest), 'the request was changed');
      }
    },
  },
  {
    name: 'a masked value is in no byte towards client, recording or log, and the answer stays readable',
    holds: async (protocol, rehearsal) => {
      const { sensitive } = rehearsal.requests;
      await using open = await openStage(protocol, rehearsal, {});
      const clear = await (await open.client()).ask(sensitive.text);
      assert.ok(Buffer.from(clear.bytes).includes(rehearsal.value), 'the value is not in the clear answer');
      await using stage = await openStage(protocol, rehearsal, { policy: 'mask' });
      const masked = await (await stage.client()).ask(sensitive.text);
      assert.ok(masked.ok, 'a masked answer is an answer');
      assert.equal(masked.values, clear.values, 'values are missing');
      assert.ok(!Buffer.from(masked.bytes).includes(rehearsal.value), 'the value reached the client');
      assert.ok(!stage.seenByClient().includes(rehearsal.value), 'the value reached the client');
      assert.ok(!stage.recorded().includes(rehearsal.value), 'the value was recorded');
      assert.ok(!stage.written().includes(rehearsal.value), 'the value is in a log or an entry');
    },
  },
  {
    name: 'what it cannot read is an action of access unknown, never less, and does not arrive',
    holds: async (protocol, rehearsal) => {
      await using stage = await openStage(protocol, rehearsal, { policy: 'known' });
      const { unreadable } = rehearsal.requests;
      assert.ok(unreadable.length > 0, 'nothing would be tested');
      for (const { text, mark } of unreadable) {
        const actions = await stage.actions(text);
        assert.ok(actions.length > 0, 'an unreadable request has no action');
        for (const { access } of actions) assert.equal(access, 'unknown', `${text}: access ${access}`);
        const client = await stage.client();
        const answer = await client.ask(text);
        assert.ok(!answer.ok, `${text} was answered`);
        assert.equal(stage.arrivals(mark), 0, `${text} arrived`);
      }
    },
  },
  {
    name: 'a broken message, 4 GiB of it, half of it or too many end in a WireError, in bounded memory and time',
    holds: async (protocol, rehearsal) => {
      const before = used();
      for (const { what, when, bytes, silence } of rehearsal.broken) {
        await using stage = await openStage(protocol, rehearsal, {});
        if (when === 'signed-in') (await stage.client()).say(bytes);
        else stage.connect(bytes);
        const ended = silence === true ? await stage.quiet() : await stage.settled();
        assert.ok(ended, `${what}: the connection does not end`);
        const error = stage.error();
        assert.ok(error instanceof WireError, `${what}: ended with ${nameOf(error)}`);
      }
      assert.ok(used() - before < 64 * 1_048_576, 'memory has grown');
    },
  },
  {
    name: 'a stop at every step closes both sides, ends every permit, and leaves nothing open',
    holds: async (protocol, rehearsal) => {
      const { read, write } = rehearsal.requests;
      const steps: Readonly<Record<string, (stage: Stage) => Promise<unknown>>> = {
        'before a byte': (stage) => Promise.resolve(stage.connect(new Uint8Array(0))),
        'signed in': (stage) => stage.client(),
        'between requests': async (stage) => (await stage.client()).ask(read.text),
        'in the middle of an answer': async (stage) => {
          const client = await stage.client();
          stage.holdAnswers();
          for (const { text } of [read, write]) void client.ask(text).catch(() => undefined);
          await turns(20);
        },
      };
      for (const [step, go] of Object.entries(steps)) {
        await using stage = await openStage(protocol, rehearsal, {});
        await go(stage);
        stage.stop();
        assert.ok(await stage.settled(), `${step}: the connection does not end`);
        const error = stage.error();
        assert.ok(
          error === undefined || error instanceof WireError || error instanceof Fault,
          `${step}: ended with ${nameOf(error)}`,
        );
        assert.equal(stage.openToResource(), 0, `${step}: a connection to the resource is left`);
        await turns(5);
        stage.permitsEndedOnce();
      }
    },
  },
  {
    name: 'with a ledger that fails no write is sent, and no byte of an answer returns',
    holds: async (protocol, rehearsal) => {
      const { read, write, sensitive } = rehearsal.requests;
      for (const { text, mark } of [write, read, sensitive]) {
        await using stage = await openStage(protocol, rehearsal, { ledgerFails: true });
        const client = await stage.client();
        const answer: RehearsalAnswer | undefined = await client.ask(text).catch(() => undefined);
        assert.ok(answer?.ok !== true, 'it was answered');
        if (text === write.text) assert.equal(stage.arrivals(mark), 0, 'a write was sent');
        assert.ok(!stage.seenByClient().includes(rehearsal.value), 'bytes of an answer returned');
      }
    },
  },
  {
    name: 'its verbs, attributes and settings are those it declares, and each verb is produced',
    holds: async (protocol, rehearsal) => {
      await using stage = await openStage(protocol, rehearsal, {});
      for (const [verb, text] of Object.entries(rehearsal.verbs)) {
        const actions = await stage.actions(text);
        assert.ok(
          actions.some((action) => action.verb === verb),
          `${text}: ${actions.map((action) => action.verb).join()} instead of ${verb}`,
        );
        for (const action of actions) {
          assert.ok(Object.hasOwn(protocol.verbs, action.verb), `${action.verb} is not declared`);
          for (const [name, value] of Object.entries(action.attributes)) {
            const type = Array.isArray(value) ? 'strings' : typeof value;
            assert.equal(protocol.attributes[name], type, `${name} is declared otherwise`);
          }
        }
      }
      assert.deepEqual(
        Object.keys(protocol.verbs).filter((verb) => rehearsal.verbs[verb] === undefined),
        [],
        'verbs that nothing produces',
      );
      assert.ok(!protocol.settings({ sallyport: true }, '').ok, 'settings that are none are taken');
    },
  },
  {
    name: 'it records what the level says and no more, and what cannot be recorded is not shown',
    holds: async (protocol, rehearsal) => {
      const { read, sensitive } = rehearsal.requests;
      for (const record of ['meta', 'statements', 'full'] as const) {
        await using stage = await openStage(protocol, rehearsal, { record });
        const client = await stage.client();
        for (const { text } of [read, sensitive])
          assert.ok((await client.ask(text)).ok, 'it was not answered');
        const kinds = stage.recordedKinds();
        const statements = kinds.filter((kind) => kind === 'statement').length;
        if (record === 'meta') assert.deepEqual(kinds, [], 'more is recorded than its level says');
        else assert.ok(statements >= 2, `statements are missing under ${record}`);
        assert.equal(kinds.includes('answer'), record === 'full', `answers under ${record}`);
        assert.equal(
          stage.recorded().includes(rehearsal.value),
          record === 'full',
          `the value under ${record}`,
        );
        client.leave();
        await stage.quiet();
      }
      await using full = await openStage(protocol, rehearsal, { recorderFails: true });
      const answer = await Promise.race([
        full.client().then((client) => client.ask(sensitive.text)),
        full.settled(),
      ]).catch(() => undefined);
      assert.ok(typeof answer !== 'object' || !answer.ok, 'it was answered without a recording');
      assert.ok(!full.seenByClient().includes(rehearsal.value), 'what was not recorded was shown');
      await using meta = await openStage(protocol, rehearsal, { recorderFails: true, record: 'meta' });
      assert.ok((await (await meta.client()).ask(sensitive.text)).ok, 'what needs no recording goes on');
    },
  },
];

/** The same requests, and all that can be seen of them from outside. */
async function talk(protocol: Protocol, rehearsal: Rehearsal, options: StageOptions): Promise<unknown> {
  await using stage = await openStage(protocol, rehearsal, { policy: 'mask', ...options });
  const client: RehearsalClient = await stage.client();
  const { read, sensitive, write, unreadable } = rehearsal.requests;
  const answers: unknown[] = [];
  for (const { text } of [read, sensitive, write, ...unreadable, read]) {
    const answer = await client.ask(text);
    answers.push({ ...answer, bytes: Buffer.from(answer.bytes).toString('latin1') });
  }
  client.leave();
  await stage.quiet();
  return { answers, decisions: stage.decisions(), arrived: stage.arrived().toString('latin1') };
}

function bytesOf({ bytes }: RehearsalAnswer): string {
  return Buffer.from(bytes).toString('latin1');
}

function used(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
}
