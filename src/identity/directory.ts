import { err, ok, type Result } from '../base/result.ts';
import type { Identity, Subject } from '../core/identity.ts';

/** One identity as the configuration has it. */
export interface DirectoryRecord {
  readonly subject: Subject;
  readonly kind: Identity['kind'];
  readonly groups: readonly string[];
  /** The subject on whose behalf this one acts; its rights are the intersection of both. */
  readonly actingFor?: Subject;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Other subjects that are the same human. */
  readonly links?: readonly string[];
}

/** An identity as the directory knows it: everything but the proof, which each sign-in brings. */
export type Known = Omit<Identity, 'proof' | 'actingFor'> & { readonly actingFor?: Identity };

/** All identities, by subject. Groups and delegation come from here at use, never from a token. */
export interface Directory {
  readonly find: (subject: string) => Known | undefined;
  readonly subjects: readonly Subject[];
  /** The same text for two subjects that are one human; a subject that is not known is its own human. */
  readonly human: (subject: string) => string;
}

export const nobody: Directory = {
  find: () => undefined,
  subjects: [],
  human: (subject) => subject,
};

export interface DirectoryProblem {
  readonly index: number; // of the record
  readonly message: string;
}

/** Makes a directory; a subject given twice, a delegation to nobody and a delegation in a circle are problems. */
export function directory(
  records: readonly DirectoryRecord[],
): Result<Directory, readonly DirectoryProblem[]> {
  const bySubject = new Map(records.map((record) => [record.subject as string, record]));
  const problems = records.flatMap((record, index) => {
    const message = fault(record, bySubject);
    return message === undefined ? [] : [{ index, message }];
  });
  if (problems.length > 0) return err(problems);
  const known = new Map(records.map((record) => [record.subject as string, resolve(record, bySubject)]));
  const humans = humansOf(records);
  return ok({
    find: (subject) => known.get(subject),
    subjects: records.map(({ subject }) => subject),
    human: (subject) => humans.get(subject) ?? subject,
  });
}

/** Links hold in both directions and over any number of steps: all accounts of one human get one name. */
function humansOf(records: readonly DirectoryRecord[]): ReadonlyMap<string, string> {
  const humans = new Map<string, string>(records.map(({ subject }) => [subject, subject]));
  for (const { subject, links = [] } of records) {
    for (const other of links) {
      const [from, to] = [humans.get(other), humans.get(subject)];
      if (from === undefined || to === undefined || from === to) continue;
      for (const [each, human] of humans) if (human === from) humans.set(each, to);
    }
  }
  return humans;
}

type BySubject = ReadonlyMap<string, DirectoryRecord>;

function fault(record: DirectoryRecord, bySubject: BySubject): string | undefined {
  if (bySubject.get(record.subject) !== record) return `The subject "${record.subject}" is given twice`;
  for (const link of record.links ?? []) {
    if (!bySubject.has(link)) return `Linked to "${link}", who is not among the identities`;
  }
  const seen = new Set<string>([record.subject]);
  for (let at = record; at.actingFor !== undefined;) {
    if (seen.has(at.actingFor)) return `"${record.subject}" acts for itself in a circle`;
    seen.add(at.actingFor);
    const next = bySubject.get(at.actingFor);
    if (next === undefined) return `Acts for "${at.actingFor}", who is not among the identities`;
    at = next;
  }
  return undefined;
}

function resolve(record: DirectoryRecord, bySubject: BySubject): Known {
  const { subject, kind, groups, attributes } = record;
  const owner = record.actingFor === undefined ? undefined : bySubject.get(record.actingFor);
  return {
    subject,
    kind,
    groups,
    attributes,
    ...(owner === undefined ? {} : { actingFor: delegator(resolve(owner, bySubject)) }),
  };
}

/** Someone in the chain has shown nothing in this session: only the one who signed in has a proof that counts. */
function delegator(known: Known): Identity {
  return { ...known, proof: { kind: 'token', tokenId: '', expiresAt: noProof } };
}

const noProof = 0 as Identity['proof']['expiresAt'];
