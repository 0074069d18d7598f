import { timestamp, instant } from '../base/time.ts';
import type { Actor, Entry } from '../core/entry.ts';
import { personalFields, type Stored } from '../ledger/index.ts';
import type { MaskKey } from '../mask/index.ts';
import { oneLine, safeJson } from './escape.ts';
import { ocsfOf } from './ocsf.ts';
import type { Item } from './sink.ts';
import { maskedText } from './text.ts';

export interface ItemTerms {
  readonly origin: string;
  readonly version: string;
  readonly format: 'ocsf' | 'entry';
  /** Whether addresses, run names, reasons and other personal fields go out. Texts of statements are not among them. */
  readonly personal: boolean;
  readonly texts: 'none' | 'masked';
  readonly maskKey: MaskKey;
}

/** SECURITY: whatever stands under a seal stays here unless the configuration says so, and a text goes out masked or not at all. */
export function itemOf({ index, entry }: Stored, terms: ItemTerms): Item {
  const clear = clearOf(entry, terms);
  const id = `${terms.origin}/${index}`;
  const event: Readonly<Record<string, unknown>> =
    terms.format === 'entry'
      ? { uid: id, n: index, ...clear, at: timestamp(instant(entry.at)) }
      : ocsfOf(clear, { id, index, origin: terms.origin, version: terms.version });
  return {
    index,
    at: entry.at,
    kind: entry.kind,
    id,
    event,
    json: safeJson(event),
    facts: factsOf(clear),
    refused:
      (entry.kind === 'decision' && entry.decision === 'deny') ||
      entry.kind === 'sign-in.refused' ||
      (entry.kind === 'record.read' && !entry.allowed) ||
      (entry.kind === 'review.answered' && !entry.counted),
  };
}

/** An entry without what is personal, as plain data; `kind` and `at` are always there. */
export type ClearEntry = { readonly kind: Entry['kind']; readonly at: number } & Readonly<
  Record<string, unknown>
>;

function clearOf(entry: Entry, terms: ItemTerms): ClearEntry {
  const personal = personalFields(entry.kind);
  const fields = Object.entries(entry).filter(
    ([name]) => !personal.includes(name) || (terms.personal && name !== 'sealed'),
  );
  const text =
    entry.kind === 'decision' && terms.texts === 'masked' && entry.sealed.text !== ''
      ? { text: maskedText(entry.verb, entry.sealed.text, terms.maskKey) }
      : {};
  return { kind: entry.kind, at: entry.at, ...Object.fromEntries(fields), ...text };
}

const named = ['session', 'resource', 'decision', 'verb', 'access', 'review', 'policy'] as const;

function factsOf(clear: ClearEntry): Readonly<Record<string, string>> {
  const facts: Record<string, string> = {};
  for (const name of named) {
    const value = clear[name];
    if (typeof value === 'string') facts[name] = oneLine(value, 500);
  }
  const who = (clear['identity'] ?? clear['by']) as Actor | undefined; // both are actors in every kind that has them
  if (who !== undefined) facts['subject'] = oneLine(who.subject, 500);
  return facts;
}
