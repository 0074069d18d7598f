import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { instant } from '../base/time.ts';
import type { Identity, Subject } from '../core/identity.ts';
import type { ResourceName } from '../core/session.ts';
import { kindsOf } from '../policy/kinds.ts';
import { type LoadedPolicy, loadPolicy } from '../policy/load.ts';
import { attributes, verbs } from '../sql/verbs.ts';
import { scan, scanned, type ScanParts, type ScanReport } from './scan.ts';

const module = `apiVersion: sallyport/v1
module: m
owner: team:a
rules:
  - id: all
    effect: allow
    match: { identity: { groups: [dba] }, resource: { kind: postgres } }
  - id: no-drop
    effect: deny
    match: { resource: { kind: postgres }, action: [sql.drop, sql.truncate] }
    why: Nobody drops.
    fix: Rename it.
  - id: wide
    effect: require
    match: { resource: { kind: postgres }, action: [sql.update, sql.delete] }
    when: '!action.byKey'
    then: { approve: { from: [dba], count: 1, ttl: 5m } }
  - id: code
    effect: require
    match: { resource: { kind: postgres }, access: execute }
    then: { approve: { from: [dba], count: 1, ttl: 5m } }
  - id: orders-stay
    effect: deny
    match: { resource: { kind: postgres }, access: write }
    when: action.objects.exists(o, o.name == "public.orders" && o.access == "write")
  - id: soon
    effect: deny
    enforce: warn
    match: { resource: { kind: postgres }, action: sql.comment }
  - id: ship
    effect: allow
    match: { identity: { groups: [dba] }, resource: { kind: [kubernetes, terraform, pulumi] } }
  - id: no-privileged
    effect: deny
    match: { resource: { kind: kubernetes } }
    when: action.privileged || action.hostAccess
  - id: no-public-bucket
    effect: deny
    match: { resource: { kind: [terraform, pulumi] } }
    when: action.values.exists(v, v == "acl=public-read")
`;

/** A policy for scans, and rules beside it. */
export function policy(extra = ''): LoadedPolicy {
  const files = new Map([
    ['policy.yaml', 'apiVersion: sallyport/v1\nlayers: [{ name: a, role: grant, use: [{ module: m }] }]\n'],
    ['modules/m.policy.yaml', module + extra],
  ]);
  const loaded = loadPolicy(files, kindsOf([{ name: 'postgres', verbs, attributes }]));
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.value;
}

const dba: Identity = {
  kind: 'human',
  subject: 'd' as Subject,
  groups: ['dba'],
  attributes: {},
  proof: { kind: 'token', tokenId: 't', expiresAt: instant(0) },
};

/** Scans these files in a folder of their own. */
export async function scanning(
  files: Readonly<Record<string, string>>,
  more: Partial<ScanParts> & { readonly git?: boolean } = {},
): Promise<ScanReport> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-scan-'));
  const before = process.cwd();
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    if (more.git === true) {
      const git = (...args: readonly string[]): void => {
        execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=a@b', ...args], { cwd: folder });
      };
      git('init', '-q');
      git('add', '.');
      git('commit', '-q', '-m', 'Bring the migrations');
    }
    process.chdir(folder);
    return await scan({
      policy: policy(),
      identity: dba,
      at: instant(0),
      database: { name: 'shop' as ResourceName, kind: 'postgres', tags: [], settings: undefined },
      tags: [],
      paths: ['.'],
      only: new Set(scanned),
      down: false,
      ...more,
    });
  } finally {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `file:line verdict rule` */
export function lines({ findings }: ScanReport): readonly string[] {
  return findings.map(({ file, line, verdict, rule }) => `${file}:${line} ${verdict} ${rule}`);
}
