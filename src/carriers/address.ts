import type { Socket } from 'node:net';

/** `host:port` or `[v6]:port`; `undefined` when it is neither. */
export function parseAddress(address: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%[^\]]+)?)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** As entries and logs name a peer: an IPv4 address as such, also where it came over an IPv6 socket. */
export function peerOf(socket: Socket): string {
  return joinAddress(
    (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, ''),
    socket.remotePort ?? 0,
  );
}

/** `host:port`, an IPv6 address in brackets. */
export function joinAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
