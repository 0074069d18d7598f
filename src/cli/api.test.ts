import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayUrl } from './api.ts';

test('gatewayUrl() sends a token over plain HTTP to this machine alone', () => {
  for (const text of [
    'http://127.0.0.1:8420',
    'http://[::1]:8420',
    'http://localhost:1',
    'https://gateway.example',
  ])
    assert.equal(gatewayUrl(text, 'SALLYPORT_API').origin, text);
  for (const text of [
    'http://gateway.example:8420',
    'http://127.0.0.1.example',
    'http://localhost.example',
    'http://10.0.0.1',
  ])
    assert.throws(
      () => gatewayUrl(text, 'SALLYPORT_API'),
      /^CouldNotRun: SALLYPORT_API: .* would show your token/,
      text,
    );
  for (const text of ['gateway.example:8420', '', 'ftp://127.0.0.1', 'file:///etc/passwd'])
    assert.throws(() => gatewayUrl(text, '--from'), /--from is no address/, text);
});
