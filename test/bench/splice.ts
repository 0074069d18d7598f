// A gateway that does nothing, over Node's streams: node splice.ts TO-PORT [CERT KEY CA]. With a certificate it ends TLS
// on both sides, as everybody who looks at what passes must. Prints the port it listens on.
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';

const [to, cert, key, ca] = process.argv.slice(2);
const upstreamPort = Number(to);
const tls =
  cert === undefined || key === undefined || ca === undefined
    ? undefined
    : { cert: readFileSync(cert), key: readFileSync(key), ca: readFileSync(ca) };
// 4 bytes length, 4 bytes 1234 5679: SSLRequest (PostgreSQL 18 docs, 54.7)
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ port: upstreamPort, host: '127.0.0.1', noDelay: true });
  for (const [from, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.on('error', () => other.destroy());
    from.on('close', () => other.destroy());
  }
  if (tls === undefined) splice(client, upstream);
  else void secured(client, upstream, tls).then((pair) => splice(...pair));
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`);
});

function splice(client: Socket, upstream: Socket): void {
  client.pipe(upstream);
  upstream.pipe(client);
}

async function secured(
  client: Socket,
  upstream: Socket,
  as: NonNullable<typeof tls>,
): Promise<readonly [Socket, Socket]> {
  await some(client);
  client.write('S');
  upstream.write(sslRequest);
  await some(upstream);
  const inner = new TLSSocket(client, { isServer: true, cert: as.cert, key: as.key });
  const outer = connectTls({ socket: upstream, servername: 'localhost', ca: as.ca });
  inner.on('error', () => outer.destroy());
  outer.on('error', () => inner.destroy());
  return [inner, outer];
}

/** Waits for the first bytes and takes them: a request or an answer that comes alone. */
async function some(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('readable', () => {
    socket.read();
    resolve();
  });
  await promise;
}
