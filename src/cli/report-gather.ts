import { hash } from 'node:crypto';
import { isObject } from '../base/check.ts';
import {
  decodeBundle,
  encodeInclusion,
  type Envelope,
  inclusionProof,
  parseCheckpoint,
  type Report as Verification,
  tileWidth,
  verifyLedger,
} from '../ledger/index.ts';
import type { Control, ControlSet, ControlState, EvidenceQuery, Framework } from '../policy/controls.ts';
import { diskFolder } from '../stores/folder.ts';
import { checkpointIn, tilesOf } from './audit-folder.ts';

/** Everything that a report says; the formats only lay it out. */
export interface Findings {
  readonly framework: Framework;
  readonly title: string;
  readonly from: string; // RFC 3339, inclusive
  readonly to: string; // exclusive
  readonly generatedAt: string;
  readonly generator: { readonly name: 'Sallyport'; readonly version: string };
  readonly ledger: LedgerFacts;
  readonly policy: PolicyFacts;
  readonly entries: { readonly inPeriod: number; readonly byKind: Readonly<Record<string, number>> };
  readonly controls: readonly ControlFindings[];
  /** Proofs (C2SP tlog-proof) of the entries that are named, by number: `sallyport audit check-proof` checks each alone. */
  readonly proofs: Readonly<Record<string, string>>;
}

export interface LedgerFacts {
  readonly verified: boolean;
  readonly origin: string;
  readonly key: string; // name and id
  readonly size: number;
  readonly root: string; // base64
  readonly checkpoint: string;
  readonly anchoredTo: number | null;
  readonly problems: readonly string[];
  readonly gaps: number;
}

export interface PolicyFacts {
  readonly directory: string;
  readonly digest: string;
  readonly testsPassed: number;
  readonly testsFailed: number;
  /** Policies under which decisions of the period were made. */
  readonly inForce: readonly {
    readonly digest: string;
    readonly decisions: number;
    readonly isThisOne: boolean;
  }[];
}

export interface ControlFindings {
  readonly id: string;
  readonly name: string;
  readonly how: string;
  readonly status: 'satisfied' | 'not-satisfied';
  readonly rules: readonly { readonly id: string; readonly at: string; readonly live: boolean }[];
  readonly tests: readonly string[];
  readonly evidence: readonly EvidenceFindings[];
  /** Why it is not satisfied; empty where it is. */
  readonly missing: readonly string[];
}

interface EvidenceFindings {
  readonly what: string;
  readonly where: EvidenceQuery;
  readonly expect: 'some' | 'any';
  readonly count: number;
  readonly first: number | null; // entries
  readonly last: number | null;
  /** Some of them, drawn by a seed that the report's framework and period give. */
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly entry: number;
  readonly at: string;
  readonly about: string;
}

const samplesEach = 5;

interface Tally {
  readonly control: Control;
  readonly queries: readonly Counted[];
}

interface Counted {
  readonly of: Control['evidence'][number];
  count: number;
  first: number | null;
  last: number | null;
  /** The lowest draws so far. */
  drawn: (Sample & { readonly draw: string })[];
}

export interface GatherParts {
  readonly ledger: string; // its directory
  readonly set: ControlSet;
  readonly from: number; // ms
  readonly to: number;
  readonly now: number;
  readonly version: string;
  readonly policy: Omit<PolicyFacts, 'inForce'>;
  readonly stateOf: (control: Control) => ControlState;
  readonly placeOf: (rule: string) => string | undefined;
}

/** Verifies the ledger, and in the same pass counts what speaks for each control. */
export async function gather(parts: GatherParts): Promise<Findings> {
  const { set, from, to } = parts;
  const folder = diskFolder(parts.ledger);
  const seed = `${set.framework} ${from} ${to}`;
  const byKind = new Map<string, number>();
  const policies = new Map<string, number>();
  const tallies = set.controls.map((control): Tally => ({
    control,
    queries: control.evidence.map((of) => ({ of, count: 0, first: null, last: null, drawn: [] })),
  }));
  const see = (entry: Envelope): undefined => {
    if (entry.at < from || entry.at >= to) return;
    byKind.set(entry.kind, (byKind.get(entry.kind) ?? 0) + 1);
    if (entry.kind === 'decision') {
      const policy = String(entry.fields['policy']);
      policies.set(policy, (policies.get(policy) ?? 0) + 1);
    }
    for (const { queries } of tallies)
      for (const counted of queries) if (fits(entry, counted.of.where)) count(counted, entry, seed);
  };
  // The head is read before its entries: they are what it is about.
  const head = await checkpointIn(folder);
  const verification = await verifyLedger(folder, {
    see,
    kept: head === '' ? [] : [{ text: head, where: 'checkpoint, as it was first read', elsewhere: false }],
  });
  const controls = tallies.map((tally) => concluded(tally, parts, verification.verified));
  const named = [
    ...new Set(
      controls
        .flatMap(({ evidence }) => evidence)
        .flatMap(({ samples }) => samples.map(({ entry }) => entry)),
    ),
  ].sort((a, b) => a - b);
  return {
    framework: set.framework,
    title: set.title,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    generatedAt: new Date(parts.now).toISOString(),
    generator: { name: 'Sallyport', version: parts.version },
    ledger: factsOf(verification, head),
    policy: {
      ...parts.policy,
      inForce: [...policies]
        .sort((a, b) => b[1] - a[1])
        .map(([digest, decisions]) => ({ digest, decisions, isThisOne: digest === parts.policy.digest })),
    },
    entries: {
      inPeriod: [...byKind.values()].reduce((sum, each) => sum + each, 0),
      byKind: Object.fromEntries([...byKind].sort(([a], [b]) => (a < b ? -1 : 1))),
    },
    controls,
    proofs: await proofsOf(parts.ledger, head, named),
  };
}

function fits(entry: Envelope, where: EvidenceQuery): boolean {
  const own = ownParts(entry);
  return Object.entries(where).every(([part, wanted]) => {
    const has = own[part as keyof EvidenceQuery];
    return wanted.some((value) => has.includes(value));
  });
}

function ownParts({ kind, fields }: Envelope): Readonly<Record<keyof EvidenceQuery, readonly string[]>> {
  const one = (value: unknown): readonly string[] => (typeof value === 'string' ? [value] : []);
  const many = (value: unknown): readonly string[] =>
    Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
  const { resource, risk, allowed } = fields;
  return {
    kind: [kind],
    effect: typeof allowed === 'boolean' ? [allowed ? 'allow' : 'deny'] : one(fields['decision']),
    verb: one(fields['verb']),
    access: one(fields['access']),
    resource: one(isObject(resource) ? resource['name'] : resource),
    rule: [...many(fields['rules']), ...many(fields['wouldBe'])],
    duty: many(fields['duties']),
    risk: one(isObject(risk) ? risk['level'] : risk),
  };
}

function count(counted: Counted, entry: Envelope, seed: string): void {
  counted.count += 1;
  counted.first ??= entry.index;
  counted.last = entry.index;
  const draw = hash('sha256', `${seed} ${entry.index}`, 'hex');
  const highest = counted.drawn.at(-1);
  if (counted.drawn.length === samplesEach && highest !== undefined && draw > highest.draw) return;
  counted.drawn = [
    ...counted.drawn,
    { entry: entry.index, at: new Date(entry.at).toISOString(), about: aboutOf(entry), draw },
  ]
    .sort((a, b) => (a.draw < b.draw ? -1 : 1))
    .slice(0, samplesEach);
}

/** What stands in clear in the entry; nothing that is sealed. */
function aboutOf({ kind, fields }: Envelope): string {
  const { identity, by, resource, verb, decision, allowed, rules, digest } = fields;
  const actor = isObject(identity) ? identity : isObject(by) ? by : {};
  const said = [
    actor['subject'],
    isObject(resource) ? resource['name'] : resource,
    verb,
    typeof allowed === 'boolean' ? (allowed ? 'allow' : 'deny') : decision,
    Array.isArray(rules) && rules.length > 0 ? `by ${rules.slice(0, 3).join(', ')}` : undefined,
    kind === 'policy.loaded' && typeof digest === 'string' ? digest.slice(0, 12) : undefined,
  ].filter((each) => typeof each === 'string');
  return [kind, ...said].join(' · ');
}

// oxlint-disable-next-line max-params
function concluded(
  { control, queries }: Tally,
  { stateOf, placeOf }: GatherParts,
  verified: boolean,
): ControlFindings {
  const state = stateOf(control);
  const evidence = queries.map(({ of, count: found, first, last, drawn }): EvidenceFindings => ({
    what: of.what,
    where: of.where,
    expect: of.expect,
    count: found,
    first,
    last,
    samples: drawn.map(({ entry, at, about }) => ({ entry, at, about })).sort((a, b) => a.entry - b.entry),
  }));
  const missing = [
    ...(verified ? [] : ['The ledger does not verify, so its entries show nothing']),
    ...state.problems.map(
      ({ file, line, col, code, message }) => `${message} (${code}, ${file}:${line}:${col})`,
    ),
    ...evidence
      .filter((each) => each.expect === 'some' && each.count === 0)
      .map(({ what }) => `No entry of the period shows: ${what}`),
    ...(evidence.length === 0 ? ['The control names no entries that would show it'] : []),
  ];
  return {
    id: control.id,
    name: control.name,
    how: control.how,
    status: missing.length === 0 ? 'satisfied' : 'not-satisfied',
    rules: control.rules.map(({ name }) => ({
      id: name,
      at: placeOf(name) ?? 'nowhere',
      live: state.live.includes(name),
    })),
    tests: control.tests.map(({ name }) => name),
    evidence,
    missing,
  };
}

function factsOf(report: Verification, checkpoint: string): LedgerFacts {
  return {
    verified: report.verified,
    origin: report.origin ?? '',
    key: report.signer === null ? '' : `${report.signer.name}+${report.signer.keyId}`,
    size: report.size ?? 0,
    root: report.root ?? '',
    checkpoint,
    anchoredTo: report.anchoredTo,
    problems: report.problems.slice(0, 10).map(({ where, what }) => `${where}: ${what}`),
    gaps: report.gapCount,
  };
}

/** Of entries under this head. One that came after it, while the ledger was read, has none in this report. */
async function proofsOf(
  ledger: string,
  checkpoint: string,
  entries: readonly number[],
): Promise<Readonly<Record<string, string>>> {
  const parsed = parseCheckpoint(checkpoint);
  if (!parsed.ok) return {};
  const size = Number(parsed.value.head.size);
  const read = tilesOf(diskFolder(ledger));
  const proofs: [string, string][] = [];
  for (const index of entries.filter((each) => each < size)) {
    const bundle = Math.floor(index / tileWidth);
    const bytes = await read({ kind: 'entries', index: bundle, width: (index % tileWidth) + 1 });
    const entry = bytes === undefined ? undefined : decodeBundle(bytes)?.[index % tileWidth];
    if (entry === undefined) continue;
    const hashes = await inclusionProof(index, size, read);
    proofs.push([String(index), encodeInclusion({ index, entry, hashes, checkpoint })]);
  }
  return Object.fromEntries(proofs);
}
