import { connect, createServer, type Socket } from 'node:net';

/** A pass-through between the gateway and a server that keeps what went towards the server. */
export interface Tap extends AsyncDisposable {
  readonly port: number;
  /** All bytes towards the server since the start or the last `clear`, all connections one after another. */
  readonly towardsServer: () => Buffer;
  /** Whether these bytes went towards the server, in whatever connection and however they were cut. */
  readonly saw: (needle: string | Buffer) => boolean;
  readonly clear: () => void;
  readonly connections: () => number; // so far
}

export async function startTap(upstreamPort: number): Promise<Tap> {
  let talks: Buffer[][] = [];
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const talk: Buffer[] = [];
    talks.push(talk);
    const at = talks;
    connections++;
    const upstream = connect({ host: '127.0.0.1', port: upstreamPort, noDelay: true });
    client.on('data', (bytes: Buffer) => {
      // After a clear() this connection goes on in the new list.
      if (at !== talks && !talks.includes(talk)) {
        talk.length = 0;
        talks.push(talk);
      }
      talk.push(bytes);
    });
    client.pipe(upstream);
    upstream.pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {
        client.destroy();
        upstream.destroy();
      });
      socket.on('close', () => sockets.delete(socket));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given');
  const all = (): Buffer[] => talks.map((talk) => Buffer.concat(talk));
  return {
    port: address.port,
    towardsServer: () => Buffer.concat(all()),
    saw: (needle) => all().some((talk) => talk.includes(needle)),
    clear: () => {
      talks = [];
    },
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
