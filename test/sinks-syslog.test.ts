import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { makeCertificates } from './e2e/harness/certificates.ts';
import { until } from './e2e/harness/wait.ts';
import { Secret } from '../src/base/secret.ts';
import { realWorld } from '../src/base/time.ts';
import { conformance, type Stand } from '../src/sinks/conformance.ts';
import { decision, item, partsFake } from '../src/sinks/fake.ts';
import { messageOf, syslogSink } from '../src/sinks/syslog.ts';

const made = await makeCertificates();
const { cert, key } = made.server;

/** Reads octet-counted frames (RFC 5425, 4.3); throws at anything else. */
function frames(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = /^[1-9]\d{0,6} /.exec(bytes.toString('latin1', at, at + 8))?.[0];
    assert.ok(length !== undefined, 'a frame begins with its length');
    const start = at + length.length;
    at = start + Number(length);
    if (at > bytes.length) break; // it was cut with the connection
    found.push(bytes.toString('utf8', start, at));
  }
  return found;
}

/** RFC 5424, 6. */
const form =
  /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT[\d:.]+Z) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) \[sallyport@32473((?: [!-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\] \uFEFF(\{.*\})$/u;

async function stand(): Promise<Stand> {
  const received: Buffer[][] = [];
  const sockets = new Set<TLSSocket>();
  let isDown = false;
  const server = createServer({ cert, key }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (isDown) {
      socket.destroy();
      return;
    }
    const chunks: Buffer[] = [];
    received.push(chunks);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const all = (): string[] => received.flatMap((chunks) => frames(Buffer.concat(chunks)));
  return {
    // Real time: a receiver that hangs up must have the time to be seen.
    open: (parts) =>
      syslogSink(
        { kind: 'syslog', host: 'localhost', port, ca: new Secret(made.ca.cert) },
        { ...parts, world: realWorld },
      ),
    raw: () => all().join(''),
    received: () =>
      all().map((message) => {
        const read = form.exec(message);
        assert.ok(read !== null, message);
        const entry = JSON.parse(read[8] ?? '') as { n: number };
        assert.match(read[7] ?? '', new RegExp(` entry="${entry.n}"`));
        return entry.n;
      }),
    down: () => {
      isDown = true;
      for (const socket of sockets) socket.destroy();
    },
    up: () => {
      isDown = false;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

describe('syslog', () => conformance('syslog', stand));

test('syslogSink() speaks to nobody whose certificate it does not trust', async () => {
  await using there = await stand();
  const parts = partsFake();
  const trusting = there.open(parts);
  const batch = [item({ index: 0, entry: decision(0), seal: 'opened' })];
  await trusting.send(batch, AbortSignal.timeout(100_000));
  await trusting[Symbol.asyncDispose]();
  const server = createServer({ cert, key }, (socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const wary = syslogSink({ kind: 'syslog', host: 'localhost', port }, parts);
  await assert.rejects(wary.send(batch, AbortSignal.timeout(100_000)), { code: 'unreachable' });
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

test('messageOf() lets no field end early', () => {
  const message = messageOf(
    { ...item({ index: 1, entry: decision(1), seal: 'opened' }), kind: 'a b]"=\n' },
    'gate 1\n',
    13,
  );
  assert.match(message, form);
});

test('syslogSink() signs in with a certificate of its own where the receiver asks for one', async () => {
  const names: string[] = [];
  const server = createServer(
    { cert, key, ca: made.ca.cert, requestCert: true, rejectUnauthorized: true },
    (socket) => {
      names.push(String(socket.getPeerCertificate().subject.CN));
      socket.on('error', () => undefined);
      socket.resume();
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const settings = { kind: 'syslog', host: '127.0.0.1', port, ca: new Secret(made.ca.cert) } as const;
  const batch = [item({ index: 0, entry: decision(0), seal: 'opened' })];
  const parts = { ...partsFake(), world: realWorld };
  const known = syslogSink(
    { ...settings, cert: new Secret(made.client.cert), key: new Secret(made.client.key) },
    parts,
  );
  await known.send(batch, AbortSignal.timeout(100_000));
  await until(() => names.length > 0, 'nobody is signed in');
  assert.deepEqual(names, ['postgres']);
  await known[Symbol.asyncDispose]();
  const stranger = syslogSink(settings, parts);
  await assert.rejects(stranger.send(batch, AbortSignal.timeout(100_000)), { code: 'unreachable' });
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

test('syslogSink() keeps its connection after the batch that it was opened for', async () => {
  let connections = 0;
  const server = createServer({ cert, key }, (socket) => {
    connections += 1;
    socket.on('error', () => undefined);
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const settings = { kind: 'syslog', host: 'localhost', port, ca: new Secret(made.ca.cert) } as const;
  const sink = syslogSink(settings, { ...partsFake(), world: realWorld });
  for (let number = 0; number < 2; number++) {
    const time = new AbortController();
    await sink.send([item({ index: number, entry: decision(number), seal: 'opened' })], time.signal);
    time.abort(); // the time for this batch is over
    await new Promise((resolve) => setTimeout(resolve, 50));
    await until(() => connections > 0, 'nobody connects');
  }
  assert.equal(connections, 1);
  await sink[Symbol.asyncDispose]();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
