import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { parse } from 'yaml';

// The commands of the action, of the GitLab template and of the hook, run as they stand there in a repository.

const root = join(import.meta.dirname, '..', '..');
const sallyport = `${process.execPath} ${join(root, 'src', 'cli', 'main.ts')}`;

interface Action {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default: string }>>;
  readonly runs: {
    readonly using: string;
    readonly steps: readonly {
      readonly name: string;
      readonly if?: string;
      readonly shell: string;
      readonly env: Readonly<Record<string, string>>;
      readonly run: string;
    }[];
  };
}

interface Job {
  readonly extends: string;
  readonly script: readonly string[];
  readonly artifacts: { readonly reports: { readonly junit: string } };
}

suite('files for CI', () => {
  const place = mkdtempSync(join(tmpdir(), 'sallyport-ci-'));
  const git = (...args: readonly string[]): void => {
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: place,
      stdio: 'ignore',
    });
  };

  before(() => {
    cpSync(join(root, 'policy'), join(place, 'policy'), { recursive: true });
    mkdirSync(join(place, 'db'));
    writeFileSync(join(place, 'db', 'V1__a.sql'), 'SELECT count(*) FROM public.orders;\n');
    writeFileSync(join(place, 'db', 'V2__with space.sql'), 'DROP TABLE a;\n');
    git('init', '-q', '-b', 'main');
    git('add', '.');
    git('commit', '-q', '-m', 'One');
    const rules = join(place, 'policy', 'policy.yaml');
    const text = readFileSync(rules, 'utf8');
    git('checkout', '-q', '-b', 'loose');
    writeFileSync(rules, text.replace('rows: 500', 'rows: 900'));
    git('commit', '-q', '-a', '-m', 'Loose');
    git('checkout', '-q', 'main');
  });
  after(() => rmSync(place, { recursive: true, force: true }));

  /** A script as a runner runs it: its exit code and what it printed. */
  function shell(
    program: readonly string[],
    script: string,
    env: Readonly<Record<string, string>>,
  ): { readonly code: number | null; readonly out: string } {
    const [name = 'sh', ...args] = program;
    const { status, stdout, stderr } = spawnSync(name, [...args, script], {
      cwd: place,
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
    return { code: status, out: `${stdout}${stderr}` };
  }

  const action = parse(readFileSync(join(root, 'ci', 'action.yml'), 'utf8')) as Action;

  /** Runs the steps in turn until one fails; gives that one's name. */
  function runAction(given: Readonly<Record<string, string>>): {
    readonly failed?: string;
    readonly out: string;
  } {
    const inputs = Object.fromEntries(
      Object.entries(action.inputs).map(([name, each]) => [name, given[name] ?? each.default]),
    );
    const unknown = Object.keys(given).filter((name) => !Object.hasOwn(action.inputs, name));
    assert.deepEqual(unknown, []);
    const [environment, summary] = ['env', 'summary'].map((name) => join(place, '.git', name)) as [
      string,
      string,
    ];
    for (const file of [environment, summary]) writeFileSync(file, '');
    let out = '';
    for (const step of action.runs.steps) {
      const condition = /^inputs\.([\w-]+) != ''$/.exec(step.if ?? '');
      assert.ok(step.if === undefined || condition !== null, step.if);
      if (condition !== null && inputs[condition[1] ?? ''] === '') continue;
      const env = Object.fromEntries(
        Object.entries(step.env).map(([name, text]) => [
          name,
          text.replaceAll(
            /\$\{\{ inputs\.([\w-]+) \}\}/g,
            (_, input: string) => inputs[input] ?? assert.fail(input),
          ),
        ]),
      );
      // SECURITY: what a workflow gives never stands in a script.
      assert.doesNotMatch(step.run, /\$\{\{/);
      const kept = Object.fromEntries(
        readFileSync(environment, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => {
            const [name = '', ...rest] = line.split('=');
            return [name, rest.join('=')];
          }),
      );
      const ran = shell(['bash', '--noprofile', '--norc', '-eo', 'pipefail', '-c'], step.run, {
        ...kept,
        ...env,
        GITHUB_ENV: environment,
        GITHUB_STEP_SUMMARY: summary,
      });
      out += ran.out;
      if (ran.code !== 0) return { failed: step.name, out };
    }
    return { out: out + readFileSync(summary, 'utf8') };
  }

  test('the action checks, scans and compares; what it finds fails the step that found it', () => {
    assert.equal(action.runs.using, 'composite');
    const command = sallyport;
    assert.equal(runAction({ command }).failed, undefined);
    const scanned = runAction({ command, scan: 'db', as: 'dba' });
    assert.equal(scanned.failed, 'Scan what would ship');
    assert.match(scanned.out, /^::error file=db\/V2__with space\.sql,line=1/m);
    assert.equal(runAction({ command, base: 'nope' }).failed, 'Say what the change of the policy means');
    assert.equal(runAction({ command, base: 'main', 'fail-on': 'any' }).failed, undefined);
    const stricter = runAction({ command, base: 'loose', 'fail-on': 'weaker' });
    assert.equal(stricter.failed, undefined);
    assert.match(stricter.out, /duty strengthened[^]*rows: 900 → 500/);
    const any = runAction({ command, base: 'loose', 'fail-on': 'any' });
    assert.equal(any.failed, 'Say what the change of the policy means');
  });

  test('the jobs of the GitLab template end as what they found, and leave a report', () => {
    const template = parse(readFileSync(join(root, 'ci', 'gitlab.yml'), 'utf8')) as Readonly<
      Record<string, unknown>
    >;
    const run = (name: string, env: Readonly<Record<string, string>>): number | null => {
      const job = template[name] as Job;
      const { before_script: first } = template[job.extends] as { readonly before_script: readonly string[] };
      const { code } = shell(['bash', '-eo', 'pipefail', '-c'], [...first, ...job.script].join('\n'), {
        ...(template['variables'] as Readonly<Record<string, string>>),
        ...env,
        SALLYPORT: sallyport,
      });
      if (code !== 2)
        assert.match(
          readFileSync(join(place, job.artifacts.reports.junit), 'utf8'),
          /^<\?xml.*\n<testsuites>/,
        );
      return code;
    };
    assert.equal(run('sallyport check', {}), 0);
    assert.equal(
      run('sallyport scan', {
        SALLYPORT_SCAN: 'db/V1__a.sql',
        SALLYPORT_AS: 'dba',
        SALLYPORT_LEVEL: 'refused',
      }),
      0,
    );
    assert.equal(run('sallyport scan', { SALLYPORT_SCAN: 'db' }), 1);
    assert.equal(run('sallyport scan', { SALLYPORT_SCAN: 'nowhere' }), 2);
  });

  test('the hook stops a commit that would be refused or whose policy has a finding, and no other', () => {
    copyFileSync(join(root, 'ci', 'pre-commit'), join(place, '.git', 'hooks', 'pre-commit'));
    execFileSync('chmod', ['+x', join(place, '.git', 'hooks', 'pre-commit')]);
    const commit = (): number | null =>
      spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '-m', 'x'], {
        cwd: place,
        env: { ...process.env, SALLYPORT: sallyport },
      }).status;
    writeFileSync(join(place, 'notes.txt'), 'x');
    git('add', 'notes.txt');
    assert.equal(commit(), 0, 'nothing to judge');
    writeFileSync(join(place, 'db', "V3__it's; touch x.sql"), 'TRUNCATE a;\n');
    git('add', 'db');
    assert.notEqual(commit(), 0, 'a refused migration');
    writeFileSync(join(place, 'db', "V3__it's; touch x.sql"), 'CREATE TABLE b ();\n');
    git('add', 'db');
    assert.equal(commit(), 0);
    writeFileSync(join(place, 'policy', 'stranger.yaml'), 'a: 1\n');
    git('add', 'policy');
    assert.notEqual(commit(), 0, 'a finding in the policy');
  });
});
