import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { realWorld } from '../../base/time.ts';
import { replyOver } from './reply.ts';

test('an answer over HTTP/2 that its client leaves where it is ends, and the connection lives', async () => {
  const late = Promise.withResolvers<() => void>();
  const written = Promise.withResolvers<void>();
  const world = {
    ...realWorld,
    after: (ms: number, call: () => void) => {
      assert.equal(ms, 7);
      late.resolve(call);
      return { [Symbol.dispose]: () => undefined };
    },
  };
  const server = createServer((_request, response) => {
    const reply = replyOver(response, { world, ms: 7 });
    reply.start(200, []);
    const go = async (): Promise<void> => {
      for (;;) await reply.write(Buffer.alloc(65_536));
    };
    go().catch(written.resolve);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 0 } });
  try {
    const stream = session.request({ ':path': '/' });
    const closed = once(stream, 'close');
    (await late.promise)();
    await written.promise;
    stream.resume();
    await closed;
    assert.equal(stream.rstCode, 8);
    assert.equal(session.closed, false);
  } finally {
    session.destroy();
    server.close();
  }
});
