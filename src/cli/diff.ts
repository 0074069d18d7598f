import { parseArgs } from 'node:util';
import { messageOf } from '../base/errors.ts';
import type { Decision } from '../core/decision.ts';
import { type Change, compare, type Comparison, type Difference } from '../policy/compare.ts';
import { witnessFile } from '../policy/witness.ts';
import { explanation, safe } from './command.ts';
import { detectorsHelp, kindsOfFile } from './own-kinds.ts';
import { readPolicy } from './policy-files.ts';
import type { Io } from './test.ts';

const help = `Usage: sallyport diff OLD NEW [--requests N] [--fail-on any|weaker|none] [--detectors FILE]
                      [--json]

Says what a change of a policy means: which requests are newly allowed, newly denied, or come with a weaker or a stronger
duty. OLD and NEW are directories, files made by \`sallyport bundle build\` (their signature is not looked at), or Git
revisions: main, or HEAD:some/path (from the top of the repository). Of a revision alone it is policy/, or the top where
policy.yaml stands there.
It asks both policies N requests (default 30000) made from what their rules speak of, aimed at the rules that changed.
That is a search and no proof: what it does not find may still be there. Each difference comes with a witness, which is
a whole test file as the new policy answers it.
--fail-on weaker lets a change pass that only denies more or demands more; none lets all pass and only says it.
${detectorsHelp}
Exit code: 0 no difference found that counts, 1 there are some, 2 could not run.
`;

/** Which changes make it fail. */
const counted: Readonly<Record<string, readonly Change[]>> = {
  any: ['newly allowed', 'duty weakened', 'newly denied', 'duty strengthened'],
  weaker: ['newly allowed', 'duty weakened'],
  none: [],
};

/** The command `sallyport diff`. Gives its exit code: 0 no difference found that counts, 1 there are some, 2 could not run. */
export async function diff(args: readonly string[], io: Io): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        requests: { type: 'string', default: '30000' },
        'fail-on': { type: 'string', default: 'any' },
        detectors: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      io.out(help);
      return 0;
    }
    const [before, now, ...others] = positionals;
    if (before === undefined || now === undefined || others.length > 0) {
      throw new Error('Expected OLD and NEW; see --help');
    }
    if (!/^[1-9]\d{0,6}$/.test(values.requests))
      throw new Error('--requests: expected a number from 1 to 9999999');
    const counts = Object.hasOwn(counted, values['fail-on']) ? counted[values['fail-on']] : undefined;
    if (counts === undefined) throw new Error('--fail-on: expected any, weaker or none');
    const kinds = await kindsOfFile(values.detectors);
    const found = compare(
      await readPolicy(before, kinds),
      await readPolicy(now, kinds),
      Number(values.requests),
    );
    io.out(values.json ? json(found) : safe(text(found)));
    return found.differences.some(({ change }) => counts.includes(change)) ? 1 : 0;
  } catch (thrown) {
    io.err(`${explanation(thrown) ?? messageOf(thrown)}\n`);
    return 2;
  }
}

function text({ compared, changed, differences }: Comparison): string {
  const lines = differences.flatMap((difference) => [
    `${difference.change}  ${difference.requests} of the requests`,
    ...difference.duties.map((line) => `  duty   ${line}`),
    `  old    ${said(difference.before)}`,
    `  new    ${said(difference.now)}`,
    '  witness',
    ...witness(difference)
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`),
    '',
  ]);
  const rules = changed.length === 0 ? 'No rule differs' : `Rules that differ: ${changed.join(', ')}`;
  const by = [...Map.groupBy(differences, ({ change }) => change)].map(
    ([change, same]) => `${same.length} ${change}`,
  );
  const what = differences.length === 0 ? 'no difference found' : by.join(', ');
  return `${[...lines, rules].join('\n')}\n${what} in ${compared} requests; this is a search, not a proof\n`;
}

function said({ kind, code, because, why }: Decision): string {
  const [first] = because; // the headline
  const place = first === undefined ? '' : ` (${first.at.file}:${first.at.line}:${first.at.col})`;
  return `${kind} by ${first?.id ?? code ?? 'no rule'}${place}: ${why}`;
}

function witness({ change, witness: question, now, duties }: Difference): string {
  return witnessFile(`${change}: ${question.action.verb}`, { question, decision: now, duties });
}

function json({ compared, changed, differences }: Comparison): string {
  const report = {
    compared,
    changed,
    differences: differences.map((difference) => ({
      change: difference.change,
      requests: difference.requests,
      duties: difference.duties,
      before: decisionOf(difference.before),
      now: decisionOf(difference.now),
      witness: witness(difference),
    })),
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

function decisionOf({ kind, code, because, why }: Decision): object {
  return {
    kind,
    code,
    by: because.map(({ id, at }) => ({ id, at: `${at.file}:${at.line}:${at.col}` })),
    why,
  };
}
