import { messageOf } from '../base/errors.ts';
import type { AuditIo } from './audit-folder.ts';
import { explanation, safe } from './command.ts';

const usage = `Usage:
  sallyport audit verify --data DIR [--key KEY|FILE] [--checkpoint FILE]… [--anchor FILE|DIR]… [--git REPO]… [--witness KEY]… [--json]
  sallyport audit prove ENTRY --data DIR [--out FILE]
  sallyport audit prove --from OLD [--to NEW] --data DIR [--out FILE]
  sallyport audit check-proof FILE --key KEY|FILE [--witness KEY]… [--entry FILE] [--json]
  sallyport audit anchor --data DIR [--config FILE] [--file DIR]… [--git REPO]… [--witness-url URL --witness KEY]… [--json]
  sallyport audit rotate-key [--data DIR] [--json]
  sallyport audit reconcile --resource NAME (--config FILE | --url URL --role NAME) [--log FILE]… [--data DIR] [--json]
  sallyport audit reindex [--data DIR] [--config FILE] [--json]
  sallyport audit hold add|list|remove …
  sallyport audit erase --session ID|--identity WHO|--resource NAME|--expired [--reason TEXT] [--dry-run] [--json]
  sallyport audit export --data DIR [--from N] [--to N] [--clear]

verify       Checks a ledger offline: DIR is a data folder or a copy of one. Its ledger/ is checked, and its recordings/,
             where they are, against the digests in the ledger.
               --key         the key its heads must be signed with, as in ledger/key.pub (text or file), or an earlier
                             key of the same ledger: the entries that change the key are followed
               --checkpoint  a signed head that was kept elsewhere: the ledger must contain what it committed to
               --anchor      the same; of a directory, every *.note in it
               --git         a repository in which \`audit anchor\` tags heads
               --witness     the key of a witness: heads that it cosigned (DATA/anchors) count as kept elsewhere
prove        Writes a proof that stands alone: that the entry of this number is in the ledger (C2SP tlog-proof), or that
             the head NEW (a file; the newest when absent) contains OLD (a file with a head, or a size).
check-proof  Checks such a file with nothing but the key.
anchor       Keeps the newest head where the configuration (\`ledger.anchors\`, \`ledger.witnesses\`) or the options say.
rotate-key   Asks a gateway to let a new key follow the ledger's while it goes on; with --data, does it to the ledger of a
             gateway that does not run. The old key signs the new one.
export       Prints the entries as JSON Lines {index, leaf, entry}. Personal parts stay sealed; with --clear they are
             opened with the keys of the data folder, where these still exist. What it prints is not verified: run
             verify first.
reconcile    Compares what the gateway let through with what PostgreSQL counted (pg_stat_statements, as the role of the
             configuration or of --url, with PGPASSWORD), and with its logs (csvlog, jsonlog, stderr: --log-format,
             --log-prefix), and shows the calls that went past the gateway. --role is the role the gateway signs in as.
reindex      Builds the index of entries anew from the ledger, beside the one that is in use, while the gateway may run; what
             was interrupted goes on where it stopped. With --config, the index that this configuration names.
hold         Legal holds, asked of a gateway: add --session ID|--identity WHO|--resource NAME --reason TEXT, list [--json],
             remove ID --reason TEXT. What is held is erased neither by retention nor by order.
erase        Erases sessions at a gateway by destroying their keys: --session ID|--identity WHO|--resource NAME|--expired
             [--reason TEXT] [--dry-run] [--json]. The ledger verifies as before, and says what was erased by whom.
search       Asks a gateway for entries, newest first: [WORDS] --identity --agent --run --resource --session --kind --verb
             --access --effect --object --rule --risk --review --from --to --before --limit [--json].
Exit code 0: yes, 1: no, 2: could not run.
`;

type Run = (args: readonly string[], io: AuditIo) => Promise<number>;

const commands: Readonly<Record<string, () => Promise<Run>>> = {
  verify: async () => (await import('./audit-verify.ts')).verify,
  prove: async () => (await import('./audit-proof.ts')).prove,
  'check-proof': async () => (await import('./audit-proof.ts')).checkProofFile,
  anchor: async () => (await import('./audit-anchor.ts')).anchor,
  'rotate-key': async () => (await import('./audit-key.ts')).rotateKey,
  export: async () => (await import('./audit-export.ts')).exportEntries,
  reconcile: async () => (await import('./audit-reconcile.ts')).reconcile,
  reindex: async () => (await import('./audit-reindex.ts')).reindex,
  hold: async () => (await import('./custody.ts')).hold,
  erase: async () => (await import('./custody.ts')).erase,
  search: async () => (await import('./search.ts')).search,
};

/** `sallyport audit …`. Gives the exit code: 0 yes, 1 no, 2 could not run. */
export async function audit(args: readonly string[], io: AuditIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help' || rest.includes('--help')) {
    io.out(usage);
    return 0;
  }
  const load = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) {
    io.err(`${name === undefined ? '' : `Unknown command "audit ${safe(name)}"\n\n`}${usage}`);
    return 2;
  }
  try {
    return await (
      await load()
    )(rest, io);
  } catch (thrown) {
    io.err(`${safe(explanation(thrown) ?? messageOf(thrown))}\n`);
    return 2;
  }
}
