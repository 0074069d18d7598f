// npm run bench -- NAME [--quick] [--json FILE] [--write] [--only TEXT] [--rounds N] [--seconds N] [--against DIR]
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { type Bench, machine, progress, writeTables } from './report.ts';

const benches: Readonly<Record<string, { readonly about: string; readonly load: () => Promise<Bench> }>> = {
  postgres: {
    about: 'direct, PgBouncer, a plain splice and Sallyport with everything on',
    load: async () => (await import('./postgres.ts')).postgres,
  },
  ledger: {
    about: 'appends and their waits, against raw grouped writes of the same bytes',
    load: async () => (await import('./ledger.ts')).ledger,
  },
  recording: {
    about: '10 GB (1 with --quick) through one recorded session, read back and compared, in how much memory',
    load: async () => (await import('./recording.ts')).recording,
  },
  policy: {
    about:
      'microseconds for a decision, beside @bufbuild/cel and Cedar, and milliseconds to load 1,000 rules',
    load: async () => (await import('./policy-bench.ts')).policy,
  },
  http: {
    about: 'small and large JSON, masked, beside direct, nginx and a plain proxy of Node',
    load: async () => (await import('./http.ts')).http,
  },
  llm: {
    about: 'answers of a model, masked, at once and streamed: time to the first token, requests a second',
    load: async () => (await import('./http.ts')).llm,
  },
  mask: {
    about: 'nanoseconds for each cell of a row',
    load: async () => (await import('./mask.ts')).mask,
  },
};

const usage = `Usage: npm run bench -- NAME [--quick] [--json FILE] [--write] [--only TEXT] [--rounds N] [--seconds N]

${Object.entries(benches)
  .map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`)
  .join('\n')}

--quick     under three minutes, for a first look: too few rounds to quote
--json      every run's figures, the machine, and the tables
--write     puts the tables into docs/performance.md
--only      the cases whose name contains this
--against   another checkout: its gateway takes part as "other"
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string', default: '' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      against: { type: 'string' },
    },
  });
  const [name = ''] = positionals;
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (bench === undefined || values.help) {
    process.stderr.write(usage);
    return values.help ? 0 : 2;
  }
  try {
    // What is started from here on inherits it: on a busy machine all contenders are preferred alike.
    if (process.getuid?.() === 0) setPriority(-5);
  } catch {
    progress('The priority cannot be raised here');
  }
  const before = machine();
  const started = new Date();
  const run = await bench.load();
  const report = await run({
    quick: values.quick,
    only: values.only,
    ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
    ...(values.seconds === undefined ? {} : { seconds: Number(values.seconds) }),
    ...(values.against === undefined ? {} : { against: values.against }),
  });
  const seconds = Math.round((Date.now() - started.getTime()) / 1_000);
  const { cpu, cores, memoryGb, linux, node } = before;
  const where = `${cores} × ${cpu}, ${memoryGb} GB, Linux ${linux}, Node ${node}`;
  const how = Object.entries(report.settings)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
  const tables = `Measured ${started.toISOString().slice(0, 10)} on ${where}; ${how}.\n\n${report.tables}`;
  process.stdout.write(`${tables}\n`);
  if (values.json !== undefined) {
    const whole = {
      bench: name,
      at: started.toISOString(),
      seconds,
      quick: values.quick,
      machine: before,
      ...report,
      loadAfter: machine().load,
    };
    writeFileSync(values.json, `${JSON.stringify(whole, undefined, 1)}\n`);
  }
  if (values.write) writeTables(name, tables);
  return 0;
}
