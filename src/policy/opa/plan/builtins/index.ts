import type { Builtins } from '../builtin.ts';
import { collections } from './collections.ts';
import { digests } from './digests.ts';
import { encodings } from './encodings.ts';
import { globs } from './globs.ts';
import { graphs } from './graphs.ts';
import { json } from './json.ts';
import { net } from './net.ts';
import { numbers } from './numbers.ts';
import { objects } from './objects.ts';
import { patterns } from './patterns.ts';
import { strings } from './strings.ts';
import { time } from './time.ts';
import { tokens } from './tokens.ts';
import { types } from './types.ts';
import { units } from './units.ts';
import { versions } from './versions.ts';

/** Every builtin of OPA's that is evaluated here; a plan that calls another one is refused when it is loaded. */
export const builtins: Builtins = {
  ...collections,
  ...digests,
  ...encodings,
  ...globs,
  ...graphs,
  ...json,
  ...net,
  ...numbers,
  ...objects,
  ...patterns,
  ...strings,
  ...time,
  ...tokens,
  ...types,
  ...units,
  ...versions,
};
