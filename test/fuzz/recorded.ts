import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Talks = readonly [readonly Uint8Array[], ...(readonly Uint8Array[])[]];

const file = join(import.meta.dirname, 'testdata', 'recorded.json');
const raw = JSON.parse(readFileSync(file, 'utf8')) as Readonly<
  Record<'client' | 'server', readonly string[]>
>; // our own file

/** What real clients and a real server said to each other after the sign-in; made by record.ts. */
export const recorded: Readonly<Record<'client' | 'server', Talks>> = {
  client: talks(raw.client),
  server: talks(raw.server),
};

function talks(all: readonly string[]): Talks {
  const [first = [], ...rest] = all.map((hex) => messagesOf(Buffer.from(hex, 'hex')));
  return [first, ...rest];
}

function messagesOf(bytes: Buffer): readonly Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0; at + 5 <= bytes.length;) {
    const end = at + 1 + bytes.readUInt32BE(at + 1);
    out.push(bytes.subarray(at, end));
    at = end;
  }
  return out;
}
