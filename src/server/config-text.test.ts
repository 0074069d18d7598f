import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { object, optional, record, string, unknown } from '../base/check.ts';
import { configKeys, readIdentities } from './config-identities.ts';
import { parseConfig } from './config.ts';
import { parseYaml } from './config-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-text-'));
after(() => rmSync(folder, { recursive: true }));

/** What is said of a text by a check with these keys. */
function said(text: string): string {
  const check = object({
    name: optional(string()),
    list: optional(unknown),
    hosts: optional(record(object({ to: string() }))),
  });
  const read = parseYaml(text, 'f.yaml', check);
  return read.ok ? '' : read.error.join('\n');
}

const places: readonly (readonly [string, string, string])[] = [
  ['a value', 'list: 1\nname:   7\n', 'f.yaml:2:9: name: Expected a text'],
  ['a value below its key', 'name:\n  - 7\n', 'f.yaml:1:1: name: Expected a text'],
  ['a value left empty', 'list: 1\nname:\n', 'f.yaml:2:1: name: Expected a text'],
  ['a key', 'name: a\n  \nnmae: b\n', 'f.yaml:3:1: nmae: Unknown key; did you mean "name"?'],
  [
    'a key with dots',
    'hosts:\n  a: { to: b }\n  a.b:\n    too: c\n',
    'f.yaml:4:5: hosts.a.b.too: Unknown key',
  ],
  ['what is missing', 'hosts:\n  a.b: { }\n', 'f.yaml:2:3: hosts.a.b.to: Missing'],
];

for (const [name, text, expected] of places) {
  test(`parseYaml() says line and column of ${name}`, () => {
    assert.equal(said(text).split('\n')[0]?.slice(0, expected.length), expected);
  });
}

const broken: readonly (readonly [string, string, RegExp])[] = [
  ['an open list', 'list: [', /^f\.yaml:1:\d+: Not YAML: \S/],
  ['an alias without an anchor', 'name: *hunter2', /^f\.yaml: Not YAML: An alias .*quote values/],
  ['a stray word', 'name: "a" hunter2', /^f\.yaml:1:\d+: Not YAML: \S/],
  ['an escape', 'name: "\\hunter2"', /^f\.yaml:1:\d+: Not YAML/],
  ['a tab', 'list:\n\thunter2: a', /^f\.yaml:2:\d+: Not YAML: \S/],
  ['a key twice', 'name: a\nname: hunter2', /^f\.yaml:2:1: Not YAML: Map keys must be unique/],
];

for (const [name, text, expected] of broken) {
  test(`parseYaml() says what is wrong with ${name}, without the text`, () => {
    assert.match(said(text), expected);
    assert.doesNotMatch(said(text), /hunter/);
  });
}

test('readIdentities() needs no secret, no file and no kind of the rest', () => {
  const file = join(folder, 'sallyport.yaml');
  writeFileSync(
    file,
    `name: gate-1
listen: { postgres: 127.0.0.1:5432 }
policy: ./nowhere
resources: [{ name: a, kind: postgres, password: { env: SALLYPORT_NEVER_SET } }]
identities: [{ subject: ana, kind: human }]
`,
  );
  const read = readIdentities(file);
  assert.ok(read.ok);
  assert.equal(read.value.name, 'gate-1');
  assert.deepEqual(read.value.directory.subjects, ['ana']);
});

test('readIdentities() refuses what the configuration refuses', () => {
  const file = join(folder, 'wrong.yaml');
  for (const [text, expected] of [
    ['identites: []', /wrong\.yaml:1:1: identites: Unknown key; did you mean "identities"/],
    ['identities: [{ subject: ana, kind: humann }]', /wrong\.yaml:1:36: identities\[0\]\.kind: Expected/],
    ['[]', /Expected a mapping/],
  ] as const) {
    writeFileSync(file, text);
    const read = readIdentities(file);
    assert.match(read.ok ? '' : read.error.join('\n'), expected);
  }
  assert.match(JSON.stringify(readIdentities(join(folder, 'none.yaml'))), /There is no such file; --config/);
  assert.match(JSON.stringify(readIdentities(folder)), /Cannot be read: EISDIR/);
});

test('configKeys are the keys that the configuration knows', () => {
  const read = parseConfig('zzzzzzzz: 1', join(folder, 'x.yaml'), { protocols: [] });
  const told = /known keys: (.*)/.exec(read.ok ? '' : read.error.join('\n'))?.[1];
  assert.deepEqual(told?.split(', ').sort(), configKeys.toSorted());
});
