import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { Secret } from '../base/secret.ts';
import { conformance, type Stand } from './conformance.ts';
import { emailChannel } from './email.ts';
import { partsFake, waiting } from './fake.ts';

async function stand(): Promise<Stand & { readonly signedIn: string[] }> {
  const mails: string[] = [];
  const signedIn: string[] = [];
  const fails: string[] = [];
  const server = new SMTPServer({
    authOptional: false,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth: ({ username, password }, _session, done) => {
      signedIn.push(`${username}/${password}`);
      done(null, { user: username });
    },
    onData: (stream, _session, done) => {
      let text = '';
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => (text += chunk));
      stream.on('end', () => {
        const failure = fails.shift();
        if (failure === undefined) mails.push(text.replaceAll('=\r\n', ''));
        done(failure === undefined ? null : new Error(failure));
      });
    },
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const parts = partsFake();
  const channel = emailChannel(
    {
      from: 'gate@example.com',
      to: ['lead@example.com'],
      host: '127.0.0.1',
      port,
      tls: 'none',
      user: 'gate',
      password: new Secret('hunter2'),
    },
    parts,
  );
  return {
    channel,
    parts,
    signedIn,
    shown: () => mails,
    fail: (how) => {
      if (how === 'down') fails.push('The mailbox is full');
    },
    heal: () => fails.splice(0),
    [Symbol.asyncDispose]: async () => {
      await channel[Symbol.asyncDispose]();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

describe('email', () => conformance('email', 'sends', stand));

test('emailChannel() holds a link and neither the statement nor a way to approve', async () => {
  await using here = await stand();
  const review = waiting({
    why: 'Line one\r\nBcc: evil@example.com',
    resource: { name: 'shop\r\nBcc: evil@example.com', kind: 'postgres', tags: [] },
  });
  await here.channel.tell(review);
  const [mail = ''] = here.shown();
  assert.match(mail, /https:\/\/gate\.example\/reviews\/rev_/);
  assert.doesNotMatch(mail, /cancelled/);
  assert.doesNotMatch(mail, /^Bcc:/m);
  assert.deepEqual(here.signedIn, ['gate/hunter2']);
  await here.channel.tell(review); // the same again is not sent again
  assert.equal(here.shown().length, 1);
});
