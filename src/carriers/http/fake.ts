import type { Wire } from '../../base/stream.ts';
import type { RehearsalAnswer, RehearsalClient, RehearsalLogin } from '../../core/rehearsal.ts';

// A service and a client that know HTTP/1.1 by heart and nothing of Node's: for rehearsals of protocols over HTTP.

/** The host that names the stage's resource, so that a request is the same with the gateway and without. */
export const stageHost = 'stage.test';

/** Serves one connection: `answer` gives the JSON that a request gets. */
export async function fakeService(
  wire: Wire,
  answer: (request: { readonly line: string; readonly body: string }) => string,
): Promise<void> {
  const messages = messagesOf(wire);
  try {
    for (;;) {
      const message = await messages.next();
      if (message === undefined) return;
      const body = answer({ line: message.head.split('\r\n', 1)[0] ?? '', body: message.body });
      const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
      await wire.write(Buffer.from(head + body));
    }
  } catch {
    wire.destroy(); // the other side went away
  }
}

/** Requests are written as for `explain`: `POST /path`, an empty line, the body. */
export function fakeClient(wire: Wire, as: RehearsalLogin): RehearsalClient {
  const messages = messagesOf(wire);
  return {
    ask: async (text) => {
      await wire.write(requestOf(text, as));
      const message = await messages.next();
      if (message === undefined) throw new Error('The connection was closed');
      return answerOf(message);
    },
    say: (bytes) => void wire.write(bytes)?.catch(() => undefined),
    leave: () => wire.end(),
  };
}

/** What of a request goes on as the same bytes: its first line and its body. The head is the gateway's own. */
export function keptOf(request: Uint8Array): readonly Uint8Array[] {
  const bytes = Buffer.from(request);
  const [line, body] = [
    bytes.subarray(0, bytes.indexOf('\r\n')),
    bytes.subarray(bytes.indexOf('\r\n\r\n') + 4),
  ];
  return body.length === 0 ? [line] : [line, body];
}

function requestOf(text: string, { token }: RehearsalLogin): Uint8Array {
  const [line = '', ...rest] = text.split('\n\n');
  const body = rest.join('\n\n');
  const of =
    body === '' ? '' : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  return Buffer.from(
    `${line} HTTP/1.1\r\nHost: ${stageHost}\r\nAuthorization: Bearer ${token}\r\n${of}\r\n${body}`,
  );
}

function answerOf({ head, body }: Message): RehearsalAnswer {
  const status = Number(head.slice(9, 12));
  const ok = status < 400;
  const parsed = JSON.parse(body === '' ? 'null' : body) as unknown;
  return {
    ok,
    bytes: Buffer.from(`${status} ${body}`),
    values: leavesOf(parsed),
    ...(ok ? {} : { error: body }),
  };
}

function leavesOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, each) => sum + leavesOf(each), 0);
}

interface Message {
  readonly head: string;
  readonly body: string;
}

/** Whole messages with a Content-Length; undefined when the other side has ended. */
function messagesOf(wire: Wire): { readonly next: () => Promise<Message | undefined> } {
  let held = Buffer.alloc(0);
  return {
    next: async () => {
      for (;;) {
        const at = held.indexOf('\r\n\r\n');
        const head = at < 0 ? '' : held.subarray(0, at).toString('latin1');
        const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
        if (at >= 0 && held.length >= at + 4 + length) {
          const body = held.subarray(at + 4, at + 4 + length).toString('utf8');
          held = held.subarray(at + 4 + length);
          return { head, body };
        }
        const chunk = await wire.read();
        if (chunk === undefined) return undefined;
        held = Buffer.concat([held, chunk]);
      }
    },
  };
}

/** What no client of HTTP may send. */
export const brokenRequests: readonly {
  readonly what: string;
  readonly when: 'first' | 'signed-in';
  readonly bytes: Uint8Array;
  readonly silence?: true;
}[] = [
  { what: 'no HTTP', when: 'first', bytes: Buffer.from('Good morning\r\n\r\n') },
  { what: 'TLS where none is offered', when: 'first', bytes: Buffer.from('160301020001', 'hex') },
  { what: 'HTTP/2 and then none', when: 'first', bytes: Buffer.from(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\xff'.repeat(64)}`, 'latin1') },
  { what: 'half a head', when: 'first', bytes: Buffer.from('GET /x HTTP/1.1\r\nHost: '), silence: true },
  { what: 'a bare line feed', when: 'signed-in', bytes: Buffer.from('GET /x HTTP/1.1\nHost: a\n\n') },
  { what: 'two lengths', when: 'signed-in', bytes: Buffer.from('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n') },
  { what: 'a head without an end', when: 'signed-in', bytes: Buffer.from(`GET /x HTTP/1.1\r\nX-A: ${'a'.repeat(2_000_000)}`) },
  { what: 'too many requests ahead', when: 'signed-in', bytes: Buffer.from('GET /x HTTP/1.1\r\nHost: nowhere\r\n\r\n'.repeat(5_000)) },
  { what: 'a body of 4 GiB that does not come', when: 'signed-in', bytes: Buffer.from(`POST /x HTTP/1.1\r\nHost: ${stageHost}\r\nAuthorization: Bearer a-token\r\nContent-Type: application/json\r\nContent-Length: 4294967296\r\n\r\n`), silence: true },
  { what: 'half a body', when: 'signed-in', bytes: Buffer.from(`POST /v1/messages HTTP/1.1\r\nHost: ${stageHost}\r\nAuthorization: Bearer a-token\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"model":`), silence: true },
]; // prettier-ignore
