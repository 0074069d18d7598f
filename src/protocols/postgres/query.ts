import { Fault } from '../../base/errors.ts';
import type { UpstreamLink } from './connect.ts';
import { decodeBackend, decodeDataRow } from './decode.ts';
import { query } from './encode.ts';
import { backendBounds, Frames } from './frames.ts';
import { backend } from './messages.ts';

const passedOver: ReadonlySet<string> = new Set([
  'RowDescription',
  'CommandComplete',
  'EmptyQueryResponse',
  'NoticeResponse',
  'NotificationResponse',
]);
const messageBytesMax = 67_108_864;

/**
 * Runs statements of the gateway's own on a connection that is idle, and gives all their rows, as text.
 * @throws {Fault} `catalogue` when the server answers with an error (only its SQLSTATE is told), `upstream-closed`
 *   when it goes away; after an error the connection is usable again
 */
export async function simpleQuery(
  link: Pick<UpstreamLink, 'wire' | 'parameters' | 'unread'>,
  sql: string,
): Promise<readonly (readonly (string | null)[])[]> {
  const { wire } = link;
  const frames = new Frames(backendBounds(messageBytesMax));
  const rows: (string | null)[][] = [];
  let failed: Fault | undefined;
  await wire.write(query(sql));
  for (;;) {
    while (frames.next()) {
      if (frames.type === backend.DataRow) {
        rows.push(decodeDataRow(frames).map(textOrNull));
        continue;
      }
      const message = decodeBackend(frames);
      if (message.kind === 'ReadyForQuery') {
        link.unread(frames.rest());
        if (failed !== undefined) throw failed;
        return rows;
      }
      if (message.kind === 'ErrorResponse') {
        const code = message.fields.get('C') ?? 'none';
        failed ??= new Fault('catalogue', `A query of the gateway itself failed (SQLSTATE ${code})`);
      } else if (message.kind === 'ParameterStatus') {
        link.parameters.set(message.name, message.value);
      } else if (!passedOver.has(message.kind)) {
        throw new Fault('catalogue', `The server answered a query with ${message.kind}`);
      }
    }
    const chunk = await wire.read();
    if (chunk === undefined) throw new Fault('upstream-closed', 'The server closed the connection');
    frames.push(chunk);
  }
}

function textOrNull(value: Uint8Array | null): string | null {
  return value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8');
}
