import { readFile } from 'node:fs/promises';
import { Fault } from '../../../base/errors.ts';

const mostCharacters = 16_384;

/** What the platform says of the workload: a signed JWT, as the file has it now. Throws a Fault `upstream-auth` where it is none. */
export async function assertionOf(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Fault('upstream-auth', 'The assertion for an authorization server cannot be read', { cause });
  });
  const jwt = text.trim();
  // SECURITY: a file of another kind, named by mistake, is not sent to anybody.
  if (jwt.length > mostCharacters || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(jwt))
    throw new Fault('upstream-auth', 'The assertion for an authorization server is no signed JWT');
  return jwt;
}
