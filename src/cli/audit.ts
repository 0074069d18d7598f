import { existsSync, readFileSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../base/errors.ts';
import {
  decodeBundle,
  leafHash,
  parseVerifierKey,
  type Report,
  tilePath,
  tileWidth,
  type VerifierKey,
  verifyLedger,
} from '../ledger/index.ts';
import { diskFolder } from '../stores/folder.ts';
import { type Command, safe } from './command.ts';

/** Where a command speaks to: the answer goes to `out`, all else to `err`. */
export interface AuditIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const usage = `Usage:
  sallyport audit verify --data DIR [--key KEY|FILE] [--checkpoint FILE] [--json]
  sallyport audit export --data DIR [--from N] [--to N]

verify   Checks a ledger offline: DIR is a data folder or a copy of one; only its ledger/ is read.
           --key         the key its heads must be signed with, as in ledger/key.pub (text or file)
           --checkpoint  a signed head that was kept elsewhere: the ledger must contain what it committed to
         Exit code 0: verified, 1: not verified, 2: could not run.
export   Prints the entries as JSON Lines {index, leaf, entry}; personal parts stay sealed. What it prints is not
         verified: run verify first.
`;

/** The command as the program knows it. */
export const auditCommand: Command = {
  help: usage,
  run: (args) =>
    audit(args, {
      out: (text) => {
        process.stdout.write(text);
      },
      err: (text) => {
        process.stderr.write(text);
      },
    }),
};

/** `sallyport audit …`. Gives the exit code: 0 yes, 1 no, 2 could not run. */
export async function audit(args: readonly string[], io: AuditIo): Promise<number> {
  const [command, ...rest] = args;
  try {
    if (command === 'verify') return await verify(rest, io);
    if (command === 'export') return await exportEntries(rest, io);
  } catch (thrown) {
    io.err(`${messageOf(thrown)}\n`);
    return 2;
  }
  const asked = command === undefined || command === '--help' || command === 'help';
  (asked ? io.out : io.err)(asked ? usage : `Unknown command "audit ${command}"\n\n${usage}`);
  return asked && command !== undefined ? 0 : 2;
}

async function verify(args: readonly string[], io: AuditIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      key: { type: 'string' },
      checkpoint: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    io.out(usage);
    return 0;
  }
  const folder = diskFolder(ledgerFolder(values.data));
  const pinned = values.key === undefined ? undefined : keyFrom(values.key);
  const kept = values.checkpoint === undefined ? undefined : readFileSync(values.checkpoint, 'utf8');
  const report = await verifyLedger(folder, {
    ...(pinned === undefined ? {} : { pinned }),
    ...(kept === undefined ? {} : { kept }),
  });
  io.out(values.json === true ? `${JSON.stringify(report, undefined, 2)}\n` : told(report));
  return report.verified ? 0 : 1;
}

function ledgerFolder(data: string | undefined): string {
  if (data === undefined) throw new Error('Say which data folder: --data DIR');
  for (const folder of [`${data}/ledger`, data]) {
    const isLedger = folder !== data || existsSync(`${folder}/checkpoint`);
    if (isLedger && existsSync(folder) && statSync(folder).isDirectory()) return folder;
  }
  throw new Error(`There is no ledger in ${data}: expected a data folder with ledger/ in it`);
}

function keyFrom(given: string): VerifierKey {
  const parsed = parseVerifierKey(existsSync(given) ? readFileSync(given, 'utf8') : given);
  if (!parsed.ok) throw new Error(`--key: ${parsed.error}`);
  return parsed.value;
}

/** The report for a person. */
function told(report: Report): string {
  const { signer, sessions, clock } = report;
  const lines = [
    report.verified ? 'Verified, as far as the lines below say.' : 'NOT VERIFIED.',
    '',
    `ledger     ${report.origin ?? 'unknown'}`,
    `signer     ${signerLine(signer)}`,
    `size       ${report.size ?? 'unknown'} entries under the signed head`,
    `root       ${report.root ?? 'unknown'}`,
    `anchored   ${anchorLine(report)}`,
  ];
  if (report.unsigned > 0)
    lines.push(`unsigned   ${report.unsigned} entries beyond the head: published, not signed yet`);
  if (report.unproven.length > 0)
    lines.push(`unproven   ${report.unproven.length} files beyond the head that nothing in this copy proves`);
  lines.push(
    `sessions   ${sessions.opened} opened, ${sessions.closed} closed, ${sessions.unclosedCount} still open, ${sessions.abandoned} cut off by a stop of the gateway`,
    `outcomes   ${sessions.withoutOutcome} allowed requests without a written outcome`,
    `clock      ${clock.steps === 0 ? 'never ran backwards' : `ran backwards ${clock.steps} times, by up to ${clock.largestMs} ms, first at entry ${clock.firstAt}`}`,
    `gaps       ${report.gapCount}`,
    ...report.gaps.map((gap) => `           entry ${gap.index}, session ${gap.session}: ${gap.what}`),
    `problems   ${report.problemCount}`,
    ...report.problems.map(
      ({ where, index, what }) =>
        `           ${where}${index === undefined ? '' : `, entry ${index}`}: ${what}`,
    ),
  );
  if (report.firstBad !== null) lines.push(`first bad  entry ${report.firstBad}`);
  return safe(`${lines.join('\n')}\n`); // a tampered ledger could hold anything
}

function signerLine(signer: Report['signer']): string {
  if (signer === null) return 'unknown';
  const name = `${signer.name}+${signer.keyId}`;
  return signer.trust === 'pinned'
    ? `${name} (the key you gave)`
    : `${name} (the key in the folder itself: whoever can replace the folder can replace it; pin it with --key)`;
}

function anchorLine({ anchoredTo, unanchored, size }: Report): string {
  if (anchoredTo === null) {
    return 'nothing: without a head kept elsewhere (--checkpoint) a cut tail or an older copy cannot be noticed';
  }
  return unanchored === 0 && size !== null
    ? `all ${anchoredTo} entries`
    : `the first ${anchoredTo} entries; the ${unanchored} after them are not`;
}

async function exportEntries(args: readonly string[], io: AuditIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const folder = diskFolder(ledgerFolder(values.data));
  const [from, to] = [whole(values.from, 0, '--from'), whole(values.to, Number.MAX_SAFE_INTEGER, '--to')];
  const { files } = await folder.list();
  const present = new Set(files);
  for (let bundle = Math.floor(from / tileWidth); bundle * tileWidth < to; bundle++) {
    const path = widest(present, bundle);
    if (path === undefined) break;
    const entries = decodeBundle((await folder.read(path, 2 ** 25)) ?? new Uint8Array());
    if (entries === undefined) throw new Error(`${path} is damaged: run audit verify`);
    for (const [at, entry] of entries.entries()) {
      const index = bundle * tileWidth + at;
      if (index < from || index >= to) continue;
      const leaf = Buffer.from(leafHash(entry)).toString('base64');
      io.out(`{"index":${index},"leaf":"${leaf}","entry":${Buffer.from(entry).toString()}}\n`);
    }
  }
  return 0;
}

function widest(present: ReadonlySet<string>, index: number): string | undefined {
  for (let width = tileWidth; width >= 1; width--) {
    const path = tilePath({ kind: 'entries', index, width });
    if (present.has(path)) return path;
  }
  return undefined;
}

function whole(text: string | undefined, otherwise: number, name: string): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,15}$/.test(text)) throw new Error(`${name}: expected a whole number`);
  return Number(text);
}
