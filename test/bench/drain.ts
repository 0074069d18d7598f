import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { cstring, say, startup, wire } from '../e2e/harness/raw.ts';
import type { Login } from './contenders.ts';

/** Signs in and gives the socket when the server is ready for a query. */
export async function signIn(login: Login): Promise<Socket> {
  const plain = connect({ port: login.port, host: '127.0.0.1', noDelay: true });
  const socket = login.tls ? await secured(plain) : plain;
  socket.write(startup({ user: login.user, database: login.database, client_encoding: 'UTF8' }));
  let held = Buffer.alloc(0);
  await new Promise<void>((resolve, reject) => {
    const take = (bytes: Buffer): void => {
      held = Buffer.concat([held, bytes]);
      for (;;) {
        const length = held.length < 5 ? Infinity : held.readInt32BE(1) + 1;
        if (held.length < length) return;
        const [type, message] = [String.fromCharCode(held[0] ?? 0), held.subarray(5, length)];
        held = held.subarray(length);
        if (type === 'R' && message.readInt32BE(0) === 3) socket.write(say('p', cstring(login.password)));
        if (type === 'E') return reject(new Error(`Sign-in failed: ${message.toString()}`));
        if (type === 'Z') {
          socket.off('data', take);
          return resolve();
        }
      }
    };
    socket.on('data', take).once('error', reject);
    socket.once('close', () => reject(new Error('The connection was closed')));
  });
  return socket;
}

/**
 * Runs a query and reads its answer to ReadyForQuery without looking at it; gives its bytes. The end of an answer of
 * this many rows is known beforehand, so the reader needs no more than the last bytes of each chunk.
 */
export async function drain(login: Login, sql: string, rows: number): Promise<number> {
  const socket = await signIn(login);
  const last = Buffer.concat([say('C', cstring(`SELECT ${rows}`)), say('Z', Buffer.from('I'))]);
  let bytes = 0;
  let tail = Buffer.alloc(0);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        tail =
          chunk.length >= last.length
            ? Buffer.from(chunk.subarray(-last.length))
            : Buffer.concat([tail, chunk]).subarray(-last.length);
        if (tail.equals(last)) resolve();
        // 'Z' and length 5 where no full answer has come: the query failed.
        else if (bytes < 10_000 && tail.subarray(-6, -1).equals(last.subarray(-6, -1)))
          reject(new Error(`The query failed: ${chunk.toString('latin1')}`));
      });
      socket.once('error', reject).once('close', () => reject(new Error('The connection was closed')));
      socket.write(wire.query(sql));
    });
  } finally {
    socket.destroy();
  }
  return bytes;
}

async function secured(plain: Socket): Promise<Socket> {
  plain.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])); // SSLRequest
  await new Promise<void>((resolve, reject) => {
    plain.once('readable', () => {
      if ((plain.read(1) as Buffer | null)?.toString() === 'S') resolve();
      else reject(new Error('TLS was refused'));
    });
    plain.once('error', reject);
  });
  // As libpq's sslmode=require: no certificate is checked, by nobody's client.
  const socket = connectTls({ socket: plain, rejectUnauthorized: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve).once('error', reject);
  });
  return socket;
}
