import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ReplayReader } from '../core/replay.ts';
import {
  Asciicast,
  type Frame,
  Page,
  type Scene,
  SceneReader,
  type StoredKind,
  TerminalPainter,
} from './index.ts';

const asText: ReplayReader = {
  answer: (bytes) => [{ kind: 'text', text: Buffer.from(bytes).toString() }],
  ask: (bytes) => [{ kind: 'text', text: Buffer.from(bytes).toString() }],
};

const frame = (kind: StoredKind, text: string, at = 0): Frame => ({ at, kind, bytes: Buffer.from(text) });
const begins: Scene = {
  at: 0,
  kind: 'session',
  session: {
    id: 's1',
    identity: 'ana',
    resource: 'shop',
    protocol: 'postgres',
    startedAt: '2026-11-21T10:00:00.000Z',
  },
};

const evil = [
  '</script><script>document.title="pwned"</script>',
  '<!--<script>',
  ']]></script >',
  '<img src=x onerror=alert(1)>',
  '\u202egnp.exe\u2066',
  '\u001b]0;title\u0007\u001b[2J\u009b31m',
  '\u2028\u2029\ud800 \u0000',
  '&lt;/script&gt;',
];

test('a frame belongs to the statement that the last turn of its chunk names', () => {
  const reader = new SceneReader(asText);
  const of = (kind: StoredKind, text: string, chunk: number): (string | undefined)[] =>
    reader.read(frame(kind, text), chunk).map((scene) => ('of' in scene ? scene.of : undefined));
  assert.deepEqual(of('answer', 'x', 0), [undefined]);
  assert.deepEqual(of('turn', 's1.1', 0), []);
  assert.deepEqual(of('answer', 'x', 0), ['s1.1']);
  assert.deepEqual(of('answer', 'x', 1), [undefined], 'not in the next chunk');
  of('turn', 's1.2', 1);
  of('turn', '', 1);
  assert.deepEqual(of('answer', 'x', 1), [undefined], 'an empty one ends it');
});

test('frames of any bytes make scenes, and never a throw', () => {
  const kinds: readonly StoredKind[] = ['header', 'statement', 'decision', 'answer', 'ask', 'note', 'turn'];
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...kinds), fc.uint8Array())), (frames) => {
      const reader = new SceneReader(asText);
      const [painter, page, cast] = [
        new TerminalPainter({ columns: 80, colour: false }),
        new Page(),
        new Asciicast(),
      ];
      for (const [kind, bytes] of frames)
        for (const scene of reader.read({ at: 0, kind, bytes }, 0)) {
          painter.paint(scene);
          page.piece(scene);
          cast.line(scene);
        }
    }),
  );
});

test('no text of others acts on a terminal', () => {
  const painter = new TerminalPainter({ columns: 80, colour: false });
  for (const text of evil) {
    const shown = (kind: 'answer', one: Extract<Scene, { kind: 'answer' }>['shown']): Scene => ({
      at: 0,
      kind,
      shown: one,
    });
    const scenes: readonly Scene[] = [
      {
        at: 0,
        kind: 'statement',
        id: 'x',
        text,
        decided: { decision: 'allow', verb: text, access: text, rules: [text], duties: [text] },
      },
      { at: 0, kind: 'decision', id: 'x', decision: 'deny', why: text },
      { at: 0, kind: 'note', text },
      { at: 0, kind: 'gap', why: text },
      { at: 0, kind: 'end', why: text },
      shown('answer', { kind: 'columns', names: [text] }),
      shown('answer', { kind: 'rows', rows: [[text]] }),
      shown('answer', { kind: 'tag', text }),
      shown('answer', { kind: 'error', code: text, message: text, detail: text, hint: text }),
      shown('answer', { kind: 'notice', text }),
      shown('answer', { kind: 'text', text }),
    ];
    for (const scene of scenes)
      assert.doesNotMatch(painter.paint(scene), /[^\P{C}\n\t]/u, `${scene.kind} ${JSON.stringify(text)}`);
  }
});

test('a page holds what was recorded as JSON without a tag in it, and nothing that loads', () => {
  const page = new Page();
  const scenes: readonly Scene[] = [
    begins,
    ...evil.map((text, at): Scene => ({ at, kind: 'statement', id: text, text })),
  ];
  const html = scenes.map((scene) => page.piece(scene)).join('') + page.end();
  assert.equal(html.match(/<\/?script/gi)?.length, 4, 'two scripts of its own');
  const json = /<script type="application\/json" id="scenes">(.*?)<\/script>/s.exec(html)?.[1] ?? '';
  assert.ok(!json.includes('<'));
  assert.deepEqual(
    (JSON.parse(json) as Scene[]).map((scene) => (scene.kind === 'statement' ? scene.text : '')),
    ['', ...evil],
  );
  assert.doesNotMatch(html.replace(json, ''), /https?:|\bsrc=|@import|url\(/i);
  assert.match(
    html,
    /default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'/,
  );
});

test('asciicast v3: a header, then relative intervals that add up', () => {
  const cast = new Asciicast();
  const scenes: readonly Scene[] = [
    begins,
    { at: 1_234, kind: 'note', text: 'one\ntwo' },
    { at: 1_234, kind: 'note', text: 'at once' },
    { at: 61_235, kind: 'end', why: 'over' },
  ];
  const [head, ...events] = (scenes.map((scene) => cast.line(scene)).join('') + cast.end())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  assert.deepEqual(Object.keys(head as object), ['version', 'term', 'timestamp', 'idle_time_limit', 'title']);
  assert.equal((head as { version: number }).version, 3);
  assert.deepEqual(
    (events as [number, string, string][]).map(([interval]) => interval),
    [0, 1.234, 0, 60.001, 0],
  );
  for (const [, code, data] of events as [number, string, string][]) {
    assert.ok(code === 'o' || (code === 'x' && data === '0'));
    assert.doesNotMatch(data, /(?<!\r)\n/, 'a terminal in raw mode needs both');
  }
});

test('answers of several statements at once say whose they are', () => {
  const painter = new TerminalPainter({ columns: 80, colour: false });
  const text = (of: string, said: string): Scene => ({
    at: 0,
    kind: 'answer',
    of,
    shown: { kind: 'text', text: said },
  });
  const drawn = [
    { at: 0, kind: 'statement', id: 's1.1', text: 'GET /a' } as const,
    { at: 0, kind: 'statement', id: 's1.2', text: 'GET /b' } as const,
    text('s1.1', 'one'),
    text('s1.1', ' more'),
    text('s1.2', 'two'),
  ]
    .map((scene) => painter.paint(scene))
    .join('');
  assert.match(drawn, /\[to s1\.1\]\none more\n {2}\[to s1\.2\]\ntwo$/);
});

test('a table fits the terminal, rows that come later fit its columns, NULL is not an empty text', () => {
  const painter = new TerminalPainter({ columns: 40, colour: false });
  const drawn = [
    { kind: 'columns', names: ['id', 'a long name of a column', '\u65e5\u672c'] } as const,
    {
      kind: 'rows',
      rows: [
        ['1', 'x'.repeat(100), ''],
        ['2', null, '\u65e5\u672c\u8a9e'],
      ],
    } as const,
    { kind: 'rows', rows: [['3', 'y', 'z'.repeat(50)]] } as const,
    { kind: 'tag', text: 'SELECT 3' } as const,
  ]
    .map((shown) => painter.paint({ at: 0, kind: 'answer', shown }))
    .join('');
  const widths = drawn
    .split('\n')
    .map((line) => Array.from(line).reduce((sum, c) => sum + (c > '\u2e80' ? 2 : 1), 0));
  assert.ok(
    widths.every((width) => width <= 40),
    drawn,
  );
  assert.match(drawn, /\u2205/);
  assert.match(drawn, /SELECT 3 \(3 rows shown\)/);
});
