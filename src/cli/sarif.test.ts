import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';

// SARIF that only looks like it is thrown away by who takes it, silently: so it is held against the published schema.

const main = join(import.meta.dirname, 'main.ts');
const sample = join(import.meta.dirname, '..', '..', 'policy');
const schemaFile = createRequire(import.meta.url).resolve(
  '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json',
);

interface Log {
  readonly runs: readonly {
    readonly results: readonly {
      readonly ruleId: string;
      readonly locations: readonly {
        readonly physicalLocation: {
          readonly region: { readonly startLine: number; readonly startColumn: number };
        };
      }[];
    }[];
  }[];
}

let folder = '';
let valid: (log: unknown) => readonly string[];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-sarif-'));
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats.default(ajv);
  // It is written in draft 04, and has none of what later drafts changed but these two names.
  const {
    $schema: _,
    id: __,
    ...schema
  } = JSON.parse(await readFile(schemaFile, 'utf8')) as Record<string, unknown>;
  assert.doesNotMatch(JSON.stringify(schema), /"exclusive(?:Min|Max)imum"/);
  const compiled = ajv.compile(schema);
  valid = (log) =>
    compiled(log)
      ? []
      : (compiled.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
});
after(() => rm(folder, { recursive: true }));

async function sarifOf(...args: readonly string[]): Promise<Log> {
  const out = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [main, ...args, '--format', 'sarif'],
      { cwd: folder, maxBuffer: 1e8 },
      (_, stdout) => {
        resolve(stdout);
      },
    );
  });
  const log = JSON.parse(out) as Log;
  assert.deepEqual(valid(log), []);
  return log;
}

function ruleIds(log: Log): readonly string[] {
  const results = log.runs.flatMap((run) => run.results);
  for (const { locations, ruleId } of results) {
    const [at] = locations;
    assert.ok(at !== undefined, ruleId);
    const { startLine, startColumn } = at.physicalLocation.region;
    assert.ok(startLine >= 1 && startColumn >= 1, ruleId);
  }
  return results.map(({ ruleId }) => ruleId);
}

test('the schema refuses what is not SARIF', () => {
  assert.notDeepEqual(valid({ version: '2.1.0' }), []);
  assert.notDeepEqual(
    valid({ version: '2.1.0', runs: [{ tool: { driver: { name: 'x' } }, results: [{}] }] }),
    [],
  );
});

test('sallyport check writes SARIF 2.1.0, with a region for each finding, also of a policy that does not load', async () => {
  await cp(sample, join(folder, 'policy'), { recursive: true });
  assert.deepEqual(ruleIds(await sarifOf('check', 'policy')), []);
  const baseline = join(folder, 'policy/modules/baseline.policy.yaml');
  const text = await readFile(baseline, 'utf8');
  await writeFile(baseline, text.replace(/^owner: .*$/m, ''));
  assert.ok(ruleIds(await sarifOf('check', 'policy')).includes('SP-M101'));
  await writeFile(baseline, text.replace('effect: deny', 'effect: dney'));
  assert.ok(ruleIds(await sarifOf('check', 'policy')).length > 0);
  await writeFile(baseline, Buffer.from([0xff, 0xfe]));
  assert.ok(ruleIds(await sarifOf('check', 'policy')).includes('SP-Y010'));
});

test('sallyport scan writes SARIF 2.1.0, with what other scanners found beside its own', async () => {
  await rm(join(folder, 'policy'), { recursive: true, force: true });
  await cp(sample, join(folder, 'policy'), { recursive: true });
  await mkdir(join(folder, 'migrations'));
  await writeFile(join(folder, 'migrations/001 öne.sql'), 'CREATE TABLE t (a int);\nDROP TABLE customers;\n');
  const other = {
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'grype' } },
        results: [
          {
            ruleId: 'CVE-1',
            level: 'error',
            message: { text: 'bad' },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: 'package-lock.json' },
                  region: { startLine: 3 },
                },
              },
            ],
          },
        ],
      },
    ],
  };
  await writeFile(join(folder, 'grype.sarif'), JSON.stringify(other));
  const log = await sarifOf(
    'scan',
    'migrations',
    'grype.sarif',
    '--policy',
    'policy',
    '--on',
    'shop',
    '--as',
    'dba',
  );
  assert.ok(ruleIds(log).length >= 2, JSON.stringify(log));
  assert.deepEqual(log.runs.length, 2);
});
