// npm run fuzz -- [--minutes N] [--seed S] [--target NAME] [--case JSON]
import { parseArgs } from 'node:util';
import { type Failure, failureOf, run } from './run.ts';
import { type Case, targets } from './targets.ts';

const usage = `Usage: npm run fuzz -- [--minutes N] [--seed S] [--target NAME] [--case JSON]

${targets.map(({ name, about }) => `  ${name.padEnd(16)}${about}`).join('\n')}

--minutes   how long, over all targets (1)
--seed      a whole number; the same seed plays the same cases (chosen by the clock, and printed)
--target    only this one
--case      plays one case that was reported, instead
`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_007) },
    target: { type: 'string' },
    case: { type: 'string' },
    help: { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ options });
  const minutes = Number(values.minutes);
  const seed = Number(values.seed);
  const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
  if (values.help || chosen.length === 0 || !(minutes > 0) || !Number.isSafeInteger(seed)) {
    process.stdout.write(usage);
    return values.help ? 0 : 2;
  }
  if (values.case !== undefined) {
    const [only] = chosen;
    const why = only === undefined ? undefined : await failureOf(only, JSON.parse(values.case) as Case); // as printed
    process.stdout.write(`${why ?? 'All promises hold'}\n`);
    return why === undefined ? 0 : 1;
  }
  process.stdout.write(`seed ${seed}\n`);
  const each = (minutes * 60_000) / chosen.length;
  let failed = false;
  for (const target of chosen) {
    const started = performance.now();
    const seconds = (): number => (performance.now() - started) / 1_000;
    const line = (iterations: number): string =>
      `${target.name.padEnd(16)}${String(iterations).padStart(9)} cases ${(iterations / seconds()).toFixed(0).padStart(7)}/s`;
    let told = 0;
    const ran = await run(target, {
      seed,
      goesOn: () => performance.now() - started < each,
      progress: (at) => {
        if (!process.stdout.isTTY || seconds() - told < 0.2) return;
        told = seconds();
        process.stdout.write(`\r${line(at)}`);
      },
    });
    const { first, most } = ran.memory;
    const memory = most === 0 ? '' : `  memory ${mib(first)} to ${mib(most)} MiB`;
    process.stdout.write(`${process.stdout.isTTY ? '\r' : ''}${line(ran.iterations)}${memory}\n`);
    if (ran.failure !== undefined) {
      failed = true;
      process.stdout.write(reported(ran.failure));
    }
  }
  return failed ? 1 : 0;
}

function mib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1);
}

function reported({ target, seed, iteration, why, shrunk }: Failure): string {
  return `\nBroken: ${why}
seed ${seed}, case ${iteration}; again with:
  npm run fuzz -- --target ${target} --case '${JSON.stringify(shrunk)}'\n\n`;
}
