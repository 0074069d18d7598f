import type { ServerResponse } from 'node:http';
import { Http2ServerResponse } from 'node:http2';
import { WireError } from '../../base/errors.ts';
import type { World } from '../../base/time.ts';
import type { Fields } from '../../http/headers.ts';
import type { Outgoing, Reply } from './exchange.ts';

/** How long a client may leave an answer where it is. */
export interface Stall {
  readonly world: World;
  readonly ms: number;
}

/**
 * Node's HTTP/2 answers have the methods of its HTTP/1 answers, under another type. SECURITY: a client of HTTP/2 that reads its connection
 * and lets one of its streams wait for ever (RFC 9113, 10.5) would hold the resource's answer: the stream is ended.
 */
export function replyOver(answer: Outgoing, { world, ms }: Stall): Reply {
  const response = answer as ServerResponse;
  const gone = (): boolean =>
    response.destroyed || (answer instanceof Http2ServerResponse && answer.stream.destroyed);
  return {
    get started() {
      return response.headersSent;
    },
    start: (status, fields) => {
      if (gone()) return;
      if (answer instanceof Http2ServerResponse) {
        for (const [name, values] of grouped(fields)) response.setHeader(name, values);
        response.writeHead(status);
      } else response.writeHead(status, flat(fields));
    },
    write: (bytes) => {
      if (bytes.length === 0) return undefined;
      if (gone()) throw new WireError('closed', 'The client left');
      if (response.write(bytes)) return undefined;
      return new Promise((resolve) => {
        const late = world.after(ms, () => {
          if (answer instanceof Http2ServerResponse) answer.stream.close(8); // CANCEL (RFC 9113, 7)
          else response.destroy();
        });
        const done = (): void => {
          late[Symbol.dispose]();
          response.off('drain', done).off('close', done);
          resolve();
        };
        response.on('drain', done).on('close', done);
      });
    },
    end: (last = nothing) => {
      if (!gone()) response.end(last);
    },
    destroy: () => {
      if (answer instanceof Http2ServerResponse) answer.stream.close(2); // INTERNAL_ERROR (RFC 9113, 7)
      else response.destroy();
    },
    ...(answer instanceof Http2ServerResponse ? { over2: endings(answer) } : {}),
  };
}

const nothing = new Uint8Array();

function endings(answer: Http2ServerResponse): NonNullable<Reply['over2']> {
  return {
    finish: (trailers) => {
      if (answer.stream.destroyed) return;
      answer.addTrailers(Object.fromEntries(grouped(trailers)));
      answer.end();
    },
    headOnly: (status, fields) => {
      if (answer.stream.destroyed || answer.headersSent) return;
      answer.statusCode = status;
      for (const [name, values] of grouped(fields)) answer.setHeader(name, values);
      answer.end();
    },
  };
}

/** As Node's HTTP/1.1 takes it at once: each is checked as it is written. */
function flat(fields: Fields): string[] {
  const out: string[] = [];
  for (const [name, value] of fields) out.push(name, value);
  return out;
}

/** A name can stand more than once: Node's HTTP/2 takes each once. */
function grouped(fields: Fields): ReadonlyMap<string, string | string[]> {
  const out = new Map<string, string[]>();
  for (const [name, value] of fields) out.set(name, [...(out.get(name) ?? []), value]);
  return new Map([...out].map(([name, values]) => [name, values.length === 1 ? values.join('') : values]));
}
