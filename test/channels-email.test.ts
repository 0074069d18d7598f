import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { Secret } from '../src/base/secret.ts';
import { Fault } from '../src/base/errors.ts';
import { emailChannel } from '../src/channels/email.ts';
import { partsFake, waiting } from '../src/channels/fake.ts';
import type { EmailSettings } from '../src/channels/settings.ts';
import { makeCertificates } from './e2e/harness/certificates.ts';

const made = await makeCertificates();

interface Seen {
  readonly mails: string[];
  readonly passwords: string[];
}

async function mailServer(
  options: SMTPServerOptions,
): Promise<Seen & { readonly port: number } & AsyncDisposable> {
  const seen: Seen = { mails: [], passwords: [] };
  const server = new SMTPServer({
    ...options,
    onAuth: ({ password }, _session, done) => {
      seen.passwords.push(password ?? '');
      done(null, { user: 'gate' });
    },
    onData: (stream, _session, done) => {
      let text = '';
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      stream.on('end', () => {
        seen.mails.push(text);
        done(null);
      });
    },
  });
  server.on('error', () => undefined); // a client that hangs up is what some tests are about
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.server.address();
  return {
    ...seen,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function settings(port: number, tls: EmailSettings['tls'], ca: string): EmailSettings {
  const account = { user: 'gate', password: new Secret('hunter2') };
  return {
    from: 'gate@example.com',
    to: ['lead@example.com'],
    host: 'localhost',
    port,
    tls,
    ca: new Secret(ca),
    ...account,
  };
}

for (const tls of ['starttls', 'implicit'] as const) {
  test(`emailChannel() sends over TLS (${tls}) to a server that it trusts`, async () => {
    await using server = await mailServer({ ...made.server, secure: tls === 'implicit' });
    await using channel = emailChannel(settings(server.port, tls, made.ca.cert), partsFake());
    await channel.tell(waiting());
    assert.equal(server.mails.length, 1);
    assert.deepEqual(server.passwords, ['hunter2']);
  });

  test(`emailChannel() gives neither password nor mail to a server that it does not trust (${tls})`, async () => {
    const stranger = await makeCertificates();
    await using server = await mailServer({ ...stranger.server, secure: tls === 'implicit' });
    await using channel = emailChannel(settings(server.port, tls, made.ca.cert), partsFake());
    await assert.rejects(
      channel.tell(waiting()),
      (thrown) => thrown instanceof Fault && !/hunter2|lead@/.test(thrown.message),
    );
    assert.deepEqual([server.mails, server.passwords], [[], []]);
  });
}

test('emailChannel() gives neither password nor mail where TLS was taken away on the way', async () => {
  await using server = await mailServer({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
  await using channel = emailChannel(settings(server.port, 'starttls', made.ca.cert), partsFake());
  await assert.rejects(channel.tell(waiting()), Fault);
  assert.deepEqual([server.mails, server.passwords], [[], []]);
});
