import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `attest` speaks of, in tests: a policy of one tested rule, and an artifact. */
export function putAttested(folder: string): void {
  mkdirSync(join(folder, 'policy', 'modules'), { recursive: true });
  mkdirSync(join(folder, 'policy', 'tests'));
  const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
  write(
    'policy/policy.yaml',
    'apiVersion: sallyport/v1\nlayers: [{ name: a, role: grant, use: [{ module: m }] }]\n',
  );
  write(
    'policy/modules/m.policy.yaml',
    'apiVersion: sallyport/v1\nmodule: m\nowner: team:a\nrules: [{ id: a, effect: allow, match: { identity: { groups: [dba] }, resource: { kind: postgres }, access: [read, define] }, why: w, fix: f }]\n',
  );
  write(
    'policy/tests/m.test.yaml',
    'apiVersion: sallyport/v1\nfixtures: { identities: { d: { groups: [dba] } }, resources: { shop: { kind: postgres } } }\ncases: [{ name: c, as: d, do: { action: sql.select, on: shop, access: read }, expect: { decision: allow } }]\n',
  );
  write('app.tgz', 'artifact');
}
