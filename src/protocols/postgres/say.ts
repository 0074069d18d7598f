import { Fault } from '../../base/errors.ts';
import type { Wire } from '../../base/stream.ts';
import type { Saying, TicketResult } from '../../core/protocol.ts';
import * as encode from './encode.ts';
import { converse } from './errand.ts';
import { startupCode } from './messages.ts';

// The client of whoever has none: over memory, through the same sign-in, session, masks and gate as any other.

/** Says one text, with values where it leaves places open, and listens to the end. */
export async function say(wire: Wire, saying: Saying): Promise<TicketResult> {
  const { signal, token, text, values, rows, bytes, tell } = saying;
  const stop = (): void => wire.destroy(new Fault('stopping', 'Whoever asked has left'));
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    await wire.write(encode.startupMessage(startupCode.protocol30, startupOf(saying)));
    const ask = values === undefined ? encode.query(text) : bound(text, values);
    return await converse(wire, { ask, password: token.reveal('sign in as its owner'), rows, bytes, tell });
  } finally {
    signal.removeEventListener('abort', stop);
    wire.end();
  }
}

function startupOf({
  user,
  resource,
  client,
  run,
  stated,
  patienceMs,
}: Saying): readonly (readonly [string, string])[] {
  const { reason, ticket } = stated ?? {};
  return [
    ['user', user],
    ['database', resource],
    ['application_name', client],
    ['sallyport.wait', `${Math.floor(patienceMs / 1_000)}s`],
    ...(run === undefined ? [] : [['sallyport.run', run] as const]),
    ...(reason === undefined ? [] : [['sallyport.reason', reason] as const]),
    ...(ticket === undefined ? [] : [['sallyport.ticket', ticket] as const]),
  ];
}

function bound(text: string, values: readonly (string | null)[]): Uint8Array {
  return encode.join([
    encode.parse('', text),
    encode.bind({
      portal: '',
      statement: '',
      values,
    }),
    encode.describe('portal', ''),
    encode.execute('', 0),
    encode.sync,
  ]);
}
