import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HookRequest } from '../../core/review.ts';
import { heldWorld, memoryMetrics } from '../fake.ts';
import { SignInFailures } from '../live.ts';
import { app } from './app.ts';

test('app() gives a hook the very bytes that came, without a token, and slows those who sign wrongly', async () => {
  const got: HookRequest[] = [];
  const metrics = memoryMetrics();
  const api = app({
    routes: [],
    hooks: {
      '/channels/slack': (request) => {
        got.push(request);
        const isSigned = request.header('x-slack-signature') === 'good';
        return Promise.resolve({ status: isSigned ? 200 : 401, type: 'text/plain', text: '' });
      },
    },
    identify: () => assert.fail('no token is asked for'),
    failures: new SignInFailures(2, heldWorld()),
    metrics,
    log: () => undefined,
    bodyBytes: 100,
    peer: () => '192.0.2.1',
    secure: false,
  });
  const post = async (body: string, signature: string): Promise<number> =>
    (
      await api.request('/channels/slack', {
        method: 'POST',
        body,
        headers: { 'x-slack-signature': signature },
      })
    ).status;
  const odd = 'payload=%7b%22a%22%3a 1}\r\n ';
  assert.equal(await post(odd, 'good'), 200);
  assert.equal(Buffer.from(got[0]?.body ?? []).toString(), odd);
  assert.equal(await post('x'.repeat(101), 'good'), 413);
  assert.equal((await api.request('/channels/slack')).status, 404);
  assert.equal(await post(odd, 'bad'), 401);
  assert.equal(await post(odd, 'bad'), 401);
  assert.equal(await post(odd, 'good'), 429);
  assert.equal(got.length, 3);
});
