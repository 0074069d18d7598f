import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { test } from 'node:test';

// A lower floor never imports an upper one, and rooms on one floor never import each other. Type-only imports count.
const floors: readonly (readonly string[])[] = [
  ['base'],
  ['core'],
  ['policy', 'mask', 'sql', 'http', 'ledger', 'record', 'reviews', 'ner'],
  ['gate', 'carriers', 'stores', 'sinks', 'channels', 'identity', 'link', 'opa'],
  ['protocols'],
  ['server', 'connector', 'scan'],
  ['cli'],
];

const src = join(import.meta.dirname, '..', 'src');

function floorOf(room: string): number {
  return floors.findIndex((rooms) => rooms.includes(room));
}

/** The room of a file: its top folder, and inside protocols/ the protocol's folder too. */
function roomOf(file: string): string {
  const [top = '', second = '', ...rest] = file.split('/');
  return top === 'protocols' && rest.length > 0 ? `${top}/${second}` : top;
}

function violation(from: string, to: string): string | undefined {
  const [fromRoom, toRoom] = [roomOf(from), roomOf(to)];
  if (fromRoom === toRoom) return undefined;
  const [fromFloor, toFloor] = [floorOf(fromRoom.split('/')[0] ?? ''), floorOf(toRoom.split('/')[0] ?? '')];
  if (fromFloor < 0 || toFloor < 0) return `${from} -> ${to} (a folder on no floor)`;
  const climbs = toFloor > fromFloor;
  // The list of protocols and the suite over it see their own rooms; a protocol does not see the list or its neighbours.
  const isList = fromRoom === 'protocols' && toRoom.startsWith('protocols/');
  const crosses = toFloor === fromFloor && !isList;
  return climbs || crosses ? `${from} -> ${to}` : undefined;
}

function imports(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8');
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'|new URL\(\s*'(\.[^']+\.ts)'/g);
  return [...found].map((match) => normalize(join(dirname(file), match[1] ?? match[2] ?? '')));
}

function files(): string[] {
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(src, join(entry.parentPath, entry.name)));
}

test('the floors test sees a climb, a crossing and a stranger', () => {
  assert.equal(violation('base/result.ts', 'core/protocol.ts'), 'base/result.ts -> core/protocol.ts');
  assert.equal(violation('sql/access.ts', 'mask/detect.ts'), 'sql/access.ts -> mask/detect.ts');
  assert.equal(
    violation('protocols/postgres/session.ts', 'protocols/mysql/decode.ts'),
    'protocols/postgres/session.ts -> protocols/mysql/decode.ts',
  );
  assert.ok(violation('utils/a.ts', 'base/result.ts'));
  assert.equal(violation('protocols/index.ts', 'protocols/postgres/index.ts'), undefined);
  assert.equal(violation('gate/gate.ts', 'core/action.ts'), undefined);
});

test('no file imports an upper floor or a neighbour', () => {
  const all = files();
  const edges = all.flatMap((file) => imports(file).map((to) => [file, to] as const));
  assert.ok(
    all.length > 15 && edges.length > 20,
    'found no files or no imports: the test would pass on nothing',
  );
  assert.deepEqual(
    edges.map(([from, to]) => violation(from, to)).filter((each) => each !== undefined),
    [],
  );
});
