import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../core/session.ts';
import { Taint } from './taint.ts';

const session = (subject: string, tokenId: string, run?: string): Session =>
  ({ identity: { subject, proof: { tokenId } }, ...(run === undefined ? {} : { run }) }) as Session;

test('Taint: what was seen holds for the token and the run, over every session of them', () => {
  const taint = new Taint();
  assert.deepEqual(taint.saw(session('a', 't1', 'r1')), []);
  taint.add(session('a', 't1', 'r1'), ['untrusted']);
  taint.add(session('a', 't1'), ['pii/email']);
  assert.deepEqual(taint.saw(session('a', 't1')), ['pii/email', 'untrusted']);
  assert.deepEqual(
    taint.saw(session('a', 't1', 'r2')),
    ['pii/email', 'untrusted'],
    'another run sheds nothing',
  );
  assert.deepEqual(
    taint.saw(session('a', 't2', 'r1')),
    ['untrusted'],
    'nor does another token in the same run',
  );
  assert.deepEqual(taint.saw(session('b', 't3', 'r1')), [], 'the run of another is another');
});
