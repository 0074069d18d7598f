import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parseArgs } from 'node:util';
import { Fault } from '../base/errors.ts';
import { CouldNotRun, explanation } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-command-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'file');
writeFileSync(file, '');

function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('Nothing was thrown');
}

/** As the system throws it where nobody may write. */
const forbidden = Object.assign(new Error("EACCES: permission denied, mkdir '/srv/x'"), {
  code: 'EACCES',
  syscall: 'mkdir',
  path: '/srv/x',
});

const cases: readonly (readonly [string, unknown, string | undefined])[] = [
  [
    'a folder below a file',
    thrownBy(() => mkdirSync(join(file, 'x'), { recursive: true })),
    `Cannot make the folder ${join(file, 'x')}: a part of the path is a file, not a folder`,
  ],
  [
    'a folder where a file is',
    thrownBy(() => mkdirSync(file)),
    `Cannot make the folder ${file}: a file of this name is in the way`,
  ],
  ['a folder as a file', thrownBy(() => readFileSync(folder)), 'Cannot read: it is a folder, not a file'],
  [
    'a file that is not there',
    thrownBy(() => readFileSync(join(folder, 'none'))),
    `Cannot open ${join(folder, 'none')}: there is no such file or folder`,
  ],
  [
    'no right',
    forbidden,
    'Cannot make the folder /srv/x: this user has no right to; see who owns it, or name another place',
  ],
  [
    'a fault and its reason',
    new Fault('config', 'Cannot write k', { cause: forbidden }),
    'Cannot write k: this user has no right to; see who owns it, or name another place',
  ],
  [
    'an unknown option',
    thrownBy(() => parseArgs({ args: ['--x'], options: {}, allowPositionals: true })),
    "Unknown option '--x'; see --help",
  ],
  [
    'an option without its value',
    thrownBy(() => parseArgs({ args: ['--x'], options: { x: { type: 'string' } } })),
    "Option '--x <value>' argument missing; see --help",
  ],
  ['what was said', new CouldNotRun('Say where to'), 'Say where to'],
  ['a fault of ours', new TypeError('x is not a function'), undefined],
  ['no error at all', 'x', undefined],
];

for (const [name, thrown, expected] of cases) {
  test(`explanation() of ${name}`, () => {
    assert.equal(explanation(thrown), expected);
  });
}
