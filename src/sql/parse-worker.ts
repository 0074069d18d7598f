import { isMainThread } from 'node:worker_threads';
import { isBroken, load, parse as parseNow, type Parsed, type ParseLimits } from './parse.ts';

const ready = load();

/** parse() for a worker thread: one argument, plain data in and out. */
export async function parse(argument: {
  readonly text: string;
  readonly limits: ParseLimits;
}): Promise<Parsed> {
  await ready;
  const parsed = parseNow(argument.text, argument.limits);
  // The answer goes out first; whoever runs this thread starts another one.
  if (isBroken() && !isMainThread) setTimeout(() => process.exit(1), 10);
  return parsed;
}
