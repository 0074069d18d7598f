import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { property, array, assert as check, constantFrom, integer } from 'fast-check';
import { Fault } from '../../base/errors.ts';
import { AnswerReader } from './answer-reader.ts';

interface Read {
  readonly status: number;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly keeps: boolean;
  readonly behind: boolean;
}

/** Reads an answer that comes in these pieces. The memory of each is used again as a wire does. */
function read(pieces: readonly string[], method: string = 'GET'): Read {
  const reader = new AnswerReader(method);
  let at = 0;
  let memory = Buffer.alloc(0);
  const fill = (): void => {
    reader.keep();
    memory.fill('!');
    const piece = pieces[at++];
    if (piece === undefined) return reader.close();
    memory = Buffer.from(piece, 'latin1');
    reader.push(memory);
  };
  let head = reader.head();
  for (; head === undefined; head = reader.head()) fill();
  const body: Uint8Array[] = [];
  for (let piece = reader.piece(); piece !== 'end'; piece = reader.piece()) {
    if (piece === 'more') fill();
    else body.push(piece);
  }
  const { status, fields, keeps } = head;
  return { status, fields, keeps, body: Buffer.concat(body).toString('latin1'), behind: reader.hasMore };
}

const sized =
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: a: b \r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n\r\nhello';
const chunked =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x="y"\r\nlo\r\n0\r\nX-T: 1\r\n\r\n';
const interim = `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${sized}`;

describe('AnswerReader reads', () => {
  const cases: readonly (readonly [what: string, text: string, body: string, keeps: boolean, method?: string])[] = [
    ['a length', sized, 'hello', true],
    ['chunks', chunked, 'hello', true],
    ['what is said before', interim, 'hello', true],
    ['to the end', 'HTTP/1.1 200 OK\r\n\r\nhello', 'hello', false],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello', false],
    ['a connection that ends', 'HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n', '', false],
    ['no reason', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', '', true],
    ['no body of 204', 'HTTP/1.1 204 No Content\r\n\r\n', '', true],
    ['no body of 304', 'HTTP/1.1 304 Not Modified\r\n\r\n', '', true],
    ['no body of 304 that speaks of one', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', '', false],
    ['no body of HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', '', false, 'HEAD'],
  ]; // prettier-ignore
  for (const [what, text, body, keeps, method] of cases)
    test(what, () => {
      const whole = read([text], method);
      assert.equal(whole.body, body);
      assert.equal(whole.keeps, keeps);
      assert.equal(whole.behind, false);
      assert.deepEqual(read(text.split(''), method), whole, 'byte by byte');
      for (let at = 1; at < text.length; at++)
        assert.deepEqual(read([text.slice(0, at), text.slice(at)], method), whole, `split at ${at}`);
    });

  test('fields in their order, names in lower case', () => {
    assert.deepEqual(read([sized]).fields, [
      ['content-length', '5'],
      ['x-a', 'a: b'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
  });

  test('no further than the answer goes', () => {
    for (const text of [sized, chunked]) {
      const both = read([`${text}HTTP/1.1 200 OK\r\n`]);
      assert.equal(both.body, 'hello');
      assert.equal(both.behind, true);
    }
  });
});

const ok = 'HTTP/1.1 200 OK\r\n';
/** Only grows: what one reader could take for something else than another. */
const refused: Readonly<Record<string, string>> = {
  'two lengths': `${ok}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
  'a list of lengths': `${ok}Content-Length: 5, 5\r\n\r\nhello`,
  'a signed length': `${ok}Content-Length: +5\r\n\r\nhello`,
  'an empty length': `${ok}Content-Length:\r\n\r\nhello`,
  'a length in hexadecimal': `${ok}Content-Length: 0x5\r\n\r\nhello`,
  'a length and chunks': `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'another coding': `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'a coding that is not said last': `${ok}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'chunks twice': `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunks of HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a space before the colon': `${ok}Content-Length : 5\r\n\r\nhello`,
  'a folded line': `${ok}X-A: b\r\n Content-Length: 5\r\n\r\nhello`,
  'a field without a name': `${ok}: 5\r\n\r\nhello`,
  'a line that is no field': `${ok}Content-Length\r\n\r\nhello`,
  'a bare line feed': `${ok}X-A: b\nContent-Length: 5\r\n\r\nhello`,
  'a bare carriage return': `${ok}X-A: b\rContent-Length: 5\r\n\r\nhello`,
  'a NUL': `${ok}X-A: b\0\r\n\r\nhello`,
  'another protocol unasked': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n',
  'another version': 'HTTP/2.0 200 OK\r\n\r\n',
  'no status': 'HTTP/1.1 OK\r\n\r\n',
  'a status that there is not': 'HTTP/1.1 999 Odd\r\n\r\n',
  'a status of four digits': 'HTTP/1.1 2000 OK\r\n\r\n',
  'no HTTP': 'SSH-2.0-OpenSSH\r\n\r\n',
  'a line before': `\r\n${ok}\r\n`,
  'half a head': `${ok}X-A: b`,
  'half a body': `${ok}Content-Length: 5\r\n\r\nhell`,
  'half a chunk': `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhell`,
  'no last chunk': `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
  'a chunk that is longer than it says': `${ok}Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n`,
  'a length of a chunk that is none': `${ok}Transfer-Encoding: chunked\r\n\r\n5 5\r\nhello\r\n0\r\n\r\n`,
  'a signed length of a chunk': `${ok}Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n`,
  'an endless length of a chunk': `${ok}Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(20)}\r\nhello`,
  'a chunk that ends with a line feed': `${ok}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`,
  'a trailer that is none': `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\nx y\r\n\r\n`,
  'an endless head': `${ok}${`X-A: ${'a'.repeat(1_000)}\r\n`.repeat(70)}\r\n`,
  'an endless line': `${ok}X-A: ${'a'.repeat(70_000)}`,
  'too many fields': `${ok}${'a:b\r\n'.repeat(600)}\r\n`,
  'an endless trailer': `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\n${`X-A: ${'a'.repeat(1_000)}\r\n`.repeat(70)}\r\n`,
  'nothing but interim answers': 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(30),
  nothing: '',
};

describe('AnswerReader refuses', () => {
  for (const [what, text] of Object.entries(refused))
    test(what, () => {
      const fails = (thrown: unknown): boolean =>
        thrown instanceof Fault && thrown.code === 'upstream-closed';
      assert.throws(() => read([text]), fails);
      if (text.length < 500) assert.throws(() => read(text.split('')), fails, 'byte by byte');
    });
});

test('who speaks otherwise is not waited for', () => {
  for (const text of [
    'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello',
    '<html>',
    'hello',
    '\n',
    'HTTP/2',
    'HTTP/1.1 200 OK\n',
    'HTTP/1.1 200 OK\r\nA: b\n\n',
  ]) {
    const reader = new AnswerReader('GET');
    reader.push(Buffer.from(text));
    assert.throws(() => reader.head(), Fault, text);
  }
  for (const text of ['', 'H', 'HTTP/1.', 'HTTP/1.1 200 OK\r', 'HTTP/1.1 200 OK\r\n', interim.slice(0, 30)]) {
    const reader = new AnswerReader('GET');
    reader.push(Buffer.from(text));
    assert.equal(reader.head(), undefined, text);
  }
});

/** What Node's own client makes of it; undefined where it refuses. */
async function readByNode(text: string): Promise<Pick<Read, 'status' | 'body'> | undefined> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(Buffer.from(text, 'latin1')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve) => {
      const asked = request({ host: '127.0.0.1', port, agent: new Agent() }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('error', () => resolve(undefined));
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(parts).toString('latin1') }),
        );
      });
      asked.on('error', () => resolve(undefined));
      asked.end();
    });
  } finally {
    server.close();
  }
}

const words = ['HTTP/1.1 ', '200', ' OK', '\r\n', '\r\n\r\n', 'Content-Length', ': ', '5', '0', ',', ' ', '\t', 'hello',
  'Transfer-Encoding', 'chunked', 'Connection', 'close', ';', '\n', '\r', 'a', '\0', sized, chunked]; // prettier-ignore

test('what AnswerReader takes, Node takes for the same', async () => {
  const texts: string[] = [];
  check(
    property(
      constantFrom(sized, chunked, interim),
      array(
        constantFrom(...words).chain((word) => integer({ min: 0, max: 120 }).map((at) => ({ word, at }))),
        { minLength: 1, maxLength: 3 },
      ),
      integer({ min: 0, max: 3 }),
      (base, changes, cut) => {
        let text = base;
        for (const { word, at } of changes) text = text.slice(0, at) + word + text.slice(at + cut);
        texts.push(text);
      },
    ),
    { numRuns: 1_500, seed: 7 },
  );
  let taken = 0;
  for (const text of texts) {
    let own: Read;
    try {
      own = read([text]);
    } catch {
      continue; // stricter is no fault
    }
    if (own.behind) continue; // such a connection is closed
    taken++;
    assert.deepEqual(await readByNode(text), { status: own.status, body: own.body }, JSON.stringify(text));
  }
  assert.ok(taken > 50, `${taken} were taken`);
});
