// The whole suite: `npm run leaks [-- --count N --seed N --major 15|18 --compare N]`.
import { parseArgs } from 'node:util';
import type { Major } from '../e2e/harness/postgres.ts';
import { openPlace } from './place.ts';
import { compare, search } from './suite.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    compare: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    major: { type: 'string', default: '18' },
  },
});

const major: Major = values.major === '15' ? 15 : 18;
await using place = await openPlace(major);
const seed = Number(values.seed);
const found = await search(place, { count: Number(values.count), seed }, (line) => console.log(line));
console.log(`PostgreSQL ${major}: ${JSON.stringify(found.tally)}`);
for (const leak of found.leaks) console.log(`LEAK ${leak}`);
const compared = await compare(place, { count: Number(values.compare), seed });
console.log(`compared: ${JSON.stringify(compared.tally)}`);
for (const each of compared.different) console.log(`DIFFERENT ${each}`);
console.log(`${found.leaks.length} leaks, ${compared.different.length} differences`);
if (found.leaks.length + compared.different.length > 0) process.exitCode = 1;
