// Long runs by hand: node test/oracle/main.ts --count N --seed S [--version 15|18] [--temper wild] [--user app_user] [--builtins] [--all]
import { parseArgs } from 'node:util';
import { startPostgres } from '../e2e/harness/postgres.ts';
import { oracle, oracleOfBuiltins, prepareServer, serverSettings, summary } from './run.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    version: { type: 'string', default: '18' },
    temper: { type: 'string', default: 'mild' },
    user: { type: 'string', default: 'postgres' },
    builtins: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
  },
});

await using server = await startPostgres({
  version: values.version === '15' ? 15 : 18,
  settings: serverSettings,
});
const temper = values.temper === 'wild' ? 'wild' : 'mild';
await prepareServer(server, temper);
const started = performance.now();
const report = values.builtins
  ? await oracleOfBuiltins(server)
  : await oracle(server, {
      count: Number(values.count),
      seed: Number(values.seed),
      temper,
      user: values.user,
    });
process.stdout.write(`${summary(report)}\n${((performance.now() - started) / 1000).toFixed(1)} s\n`);
const top = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, values.all ? undefined : 25)
    .map(([key, count]) => `${String(count).padStart(6)} ${key}`)
    .join('\n');
process.stdout.write(`\nHeld back though nothing changed:\n${top(report.heldReads)}\n`);
process.stdout.write(`\nNever taken by the server: ${report.never.join(', ')}\n`);
if (values.all) process.stdout.write(`\nNot taken:\n${top(report.failedForms)}\n`);
process.exitCode = report.under.length === 0 ? 0 : 1;
