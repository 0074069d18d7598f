import { fitting, type Fitting, type Given } from './schema.ts';

/** For a worker thread: one argument, plain data in and out. */
export function fit(argument: Given): Fitting {
  return fitting(argument);
}
