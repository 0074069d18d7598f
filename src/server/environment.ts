import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Secret } from '../base/secret.ts';

// Apart from the configuration, which knows every room of the house: a command that only asks the API loads this alone.

/** What the program takes from its environment. */
export interface Environment {
  /** Where state lives: SALLYPORT_HOME; else `.sallyport` in a clone; else the XDG state folder. */
  readonly home: string;
  readonly api: string | undefined; // SALLYPORT_API
  readonly token: Secret | undefined; // SALLYPORT_TOKEN
}

export function environment(): Environment {
  const { SALLYPORT_HOME: home, SALLYPORT_API: api, SALLYPORT_TOKEN: token } = process.env;
  return {
    home: given(home) === undefined ? defaultHome() : resolve(home ?? ''),
    api: given(api)?.replace(/\/+$/, ''),
    token: given(token) === undefined ? undefined : new Secret(token ?? ''),
  };
}

export const version = '0.1.0';

/** The folder of this package: a clone's root, or where npm put it. */
export const packageFolder: string = resolve(import.meta.dirname, '..', '..');

function defaultHome(): string {
  const isClone = existsSync(join(packageFolder, 'tools', 'setup.js')); // not among the published files
  if (isClone) return join(packageFolder, '.sallyport');
  const state = given(process.env['XDG_STATE_HOME']) ?? join(homedir(), '.local', 'state');
  return join(state, 'sallyport');
}

function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
