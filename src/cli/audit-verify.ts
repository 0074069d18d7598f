import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type KeptHead, type Report, verifyLedger } from '../ledger/index.ts';
import { taggedHeads } from '../stores/anchors.ts';
import { diskFolder } from '../stores/folder.ts';
import { Recorded, type RecordedReport } from '../stores/recorded.ts';
import { type AuditIo, headsIn, keyFrom, ledgerFolder, witnessesFrom } from './audit-folder.ts';
import { safe } from './command.ts';

/** `sallyport audit verify`: 0 verified, 1 not verified. */
export async function verify(args: readonly string[], io: AuditIo): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      key: { type: 'string' },
      checkpoint: { type: 'string', multiple: true },
      anchor: { type: 'string', multiple: true },
      git: { type: 'string', multiple: true },
      witness: { type: 'string', multiple: true },
      json: { type: 'boolean' },
    },
  });
  const ledger = ledgerFolder(values.data);
  const data = ledger === values.data ? undefined : values.data;
  const pinned = values.key === undefined ? undefined : keyFrom(values.key);
  const given = [...(values.checkpoint ?? []), ...(values.anchor ?? [])];
  const own = `${data}/anchors`;
  const kept: KeptHead[] = [
    ...given.flatMap((path) => headsIn(path, { elsewhere: true })),
    ...(values.git ?? []).flatMap((repository) => taggedHeads(repository)),
    ...(data !== undefined && existsSync(own) ? headsIn(own, { elsewhere: false }) : []),
  ];
  const recorded = data === undefined ? undefined : new Recorded(data);
  const report = await verifyLedger(diskFolder(ledger), {
    ...(pinned === undefined ? {} : { pinned }),
    kept,
    witnesses: witnessesFrom(values.witness),
    ...(recorded === undefined ? {} : { see: recorded.see }),
  });
  const recordings = recorded?.report() ?? null;
  const verified = report.verified && (recordings === null || recordings.problemCount === 0);
  const whole = { ...report, verified, recordings };
  io.out(values.json === true ? `${JSON.stringify(whole, undefined, 2)}\n` : told(whole));
  return verified ? 0 : 1;
}

type Whole = Report & { readonly recordings: RecordedReport | null };

/** The report for a person. */
function told(report: Whole): string {
  const { sessions, clock, recordings } = report;
  const lines = [
    report.verified ? 'Verified, as far as the lines below say.' : 'NOT VERIFIED.',
    '',
    `ledger     ${report.origin ?? 'unknown'}`,
    `signer     ${signerLine(report)}`,
    ...(report.keys.length < 2
      ? []
      : report.keys.map(
          ({ name, keyId, from }) => `           ${name}+${keyId} signs heads from size ${from}`,
        )),
    `size       ${report.size ?? 'unknown'} entries under the signed head`,
    `root       ${report.root ?? 'unknown'}`,
    `anchored   ${anchorLine(report)}`,
    ...report.anchors.map((anchor) => `           ${anchorTold(anchor)}`),
  ];
  if (report.unsigned > 0)
    lines.push(`unsigned   ${report.unsigned} entries beyond the head: published, not signed yet`);
  if (report.unproven.length > 0)
    lines.push(`unproven   ${report.unproven.length} files beyond the head that nothing in this copy proves`);
  lines.push(
    `sessions   ${sessions.opened} opened, ${sessions.closed} closed, ${sessions.unclosedCount} still open, ${sessions.abandoned} cut off by a stop of the gateway`,
    `outcomes   ${sessions.withoutOutcome} allowed requests without a written outcome`,
    `recordings ${recordings === null ? 'not looked at: this is no whole data folder' : recordingLine(recordings)}`,
    ...(recordings?.problems ?? []).map(
      ({ where, index, what }) => `           ${where}, entry ${index}: ${what}`,
    ),
    `erased     ${recordings === null ? 'not looked at' : `${recordings.erasedCount} sessions: their keys were destroyed, the proofs hold`}`,
    ...(recordings?.erased ?? []).map(
      ({ session, at, by, rule, why, index }) =>
        `           ${session} at ${at} by ${by} (${rule}), entry ${index}: ${why}`,
    ),
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

function signerLine({ signer }: Report): string {
  if (signer === null) return 'unknown';
  const name = `${signer.name}+${signer.keyId}`;
  return signer.trust === 'pinned'
    ? `${name} (the key you gave, or one that it handed over to)`
    : `${name} (the key in the folder itself: whoever can replace the folder can replace it; pin it with --key)`;
}

function anchorLine({ anchoredTo, unanchored, size }: Report): string {
  if (anchoredTo === null) {
    return 'nothing: without a head kept elsewhere (--checkpoint, --anchor, --git) or the key of a witness (--witness) a cut tail or an older copy cannot be noticed';
  }
  return unanchored === 0 && size !== null
    ? `all ${anchoredTo} entries`
    : `the first ${anchoredTo} entries; the ${unanchored} after them are not`;
}

function anchorTold({ where, size, holds, counts, cosigned }: Report['anchors'][number]): string {
  const by = cosigned.map(({ name, at }) => `${name} at ${new Date(at * 1_000).toISOString()}`).join(', ');
  const state = holds
    ? counts
      ? 'holds'
      : 'holds; lies beside the ledger, without a witness you know'
    : 'DOES NOT HOLD';
  return `${where}: ${size ?? 'unreadable'} ${state}${by === '' ? '' : `; cosigned by ${by}`}`;
}

function recordingLine({ chunks, checked, archived, absent }: RecordedReport): string {
  const moved = archived === 0 ? '' : `; ${archived} are in the store of recordings, not looked at`;
  return `${checked} of ${chunks} chunks are as the ledger knows them${moved}; ${absent} sessions have none in this copy`;
}
