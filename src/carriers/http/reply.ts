import type { ServerResponse } from 'node:http';
import { Http2ServerResponse } from 'node:http2';
import { WireError } from '../../base/errors.ts';
import type { Outgoing, Reply } from './exchange.ts';

/** Node's HTTP/2 answers have the methods of its HTTP/1 answers, under another type. */
export function replyOver(answer: Outgoing): Reply {
  const response = answer as ServerResponse;
  const gone = (): boolean =>
    response.destroyed || (answer instanceof Http2ServerResponse && answer.stream.destroyed);
  return {
    get started() {
      return response.headersSent;
    },
    start: (status, fields) => {
      if (gone()) return;
      // A name can stand more than once (Set-Cookie): Node takes each once.
      const grouped = new Map<string, string[]>();
      for (const [name, value] of fields) grouped.set(name, [...(grouped.get(name) ?? []), value]);
      for (const [name, values] of grouped)
        response.setHeader(name, values.length === 1 ? values.join('') : values);
      response.writeHead(status);
    },
    write: (bytes) => {
      if (bytes.length === 0) return undefined;
      if (gone()) throw new WireError('closed', 'The client left');
      if (response.write(bytes)) return undefined;
      return new Promise((resolve) => {
        const done = (): void => {
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
  };
}

const nothing = new Uint8Array();
