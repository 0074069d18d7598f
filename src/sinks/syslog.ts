import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { Fault } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { instant, timestamp } from '../base/time.ts';
import { oneLine } from './escape.ts';
import type { Item, Sink, SinkParts } from './sink.ts';

export interface SyslogSink {
  readonly kind: 'syslog';
  readonly host: string;
  readonly port: number;
  readonly ca?: Secret; // PEM; the system's store when absent
  readonly cert?: Secret; // PEM, the gateway's own
  readonly key?: Secret;
  readonly facility?: number;
}

const logAudit = 13; // RFC 5424, table 1
const [warning, informational] = [4, 6]; // table 2
const connectMs = 10_000;
/** How long a connection must stand after a batch before the batch counts: a receiver that refuses hangs up. */
const graceMs = 300;

/**
 * RFC 5424 messages over TLS with octet counting (RFC 5425). Syslog has no acknowledgement: what a receiver loses after it
 * has taken the bytes is not seen here. Hence the overlap: after a broken connection, and at a start, the last entries
 * are sent again; their numbers tell duplicates.
 */
export function syslogSink(settings: SyslogSink, parts: SinkParts): Sink {
  const { origin, world } = parts;
  let socket: TLSSocket | undefined;

  const open = (signal: AbortSignal): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const { ca, cert, key } = settings;
      const made = connect({
        host: settings.host,
        port: settings.port,
        ...(isIP(settings.host) === 0 ? { servername: settings.host } : {}),
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
        ...(ca === undefined ? {} : { ca: ca.reveal('trust the receiver of syslog') }),
        ...(cert === undefined ? {} : { cert: cert.reveal('sign in to the receiver of syslog') }),
        ...(key === undefined ? {} : { key: key.reveal('sign in to the receiver of syslog') }),
      });
      const fail = (why: string): void => {
        made.destroy();
        reject(new Fault('unreachable', why));
      };
      const timer = world.after(connectMs, () => fail('The receiver does not answer'));
      const stopped = (): void => fail('Stopped');
      signal.addEventListener('abort', stopped, { once: true });
      made.once('error', (error: NodeJS.ErrnoException) => {
        timer[Symbol.dispose]();
        fail(`Cannot connect: ${error.code ?? 'unknown error'}`);
      });
      made.once('secureConnect', () => {
        timer[Symbol.dispose]();
        signal.removeEventListener('abort', stopped); // the connection outlives the batch that it was opened for
        made.on('error', () => undefined); // 'close' follows
        made.on('close', () => {
          if (socket === made) socket = undefined;
        });
        made.resume(); // nothing is expected from there; not reading would hide its end
        socket = made;
        resolve(made);
      });
    });

  return {
    overlap: 1_000,
    send: async (batch, signal) => {
      const to = socket ?? (await open(signal));
      const bytes = Buffer.concat(
        batch.map((item) => framed(messageOf(item, origin, settings.facility ?? logAudit))),
      );
      await new Promise<void>((resolve, reject) => {
        const lost = (): void => reject(new Fault('unreachable', 'The connection was lost'));
        to.once('close', lost);
        signal.addEventListener('abort', lost, { once: true });
        to.write(bytes, (error) => {
          if (error) return lost();
          world.after(graceMs, () => {
            to.off('close', lost);
            signal.removeEventListener('abort', lost);
            if (to.destroyed || socket !== to) lost();
            else resolve();
          });
        });
      });
    },
    [Symbol.asyncDispose]: () => {
      socket?.destroy();
      return Promise.resolve();
    },
  };
}

/** RFC 5425, 4.3: MSG-LEN SP SYSLOG-MSG. */
function framed(message: string): Buffer {
  const bytes = Buffer.from(message);
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
}

/** RFC 5424, 6: HEADER SP STRUCTURED-DATA SP MSG. 32473 is the enterprise number kept for examples (RFC 5612). */
export function messageOf(item: Item, origin: string, facility: number): string {
  const priority = facility * 8 + (item.refused ? warning : informational);
  const header = `<${priority}>1 ${timestamp(instant(item.at))} ${word(origin, 255)} sallyport - ${word(item.kind, 32)}`;
  const facts = { ...item.facts, entry: String(item.index), ledger: origin };
  const data = Object.entries(facts).map(([name, value]) => ` ${word(name, 32)}="${parameter(value)}"`);
  return `${header} [sallyport@32473${data.join('')}] \uFEFF${item.json}`;
}

/** PRINTUSASCII without what separates. */
function word(text: string, most: number): string {
  return text.replace(/[^!-~]|["\]=]/g, '_').slice(0, most) || '-';
}

/** 6.3.3: `"`, `\` and `]` are escaped. */
function parameter(text: string): string {
  return oneLine(text, 500).replace(/["\\\]]/g, '\\$&');
}
