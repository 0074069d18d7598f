import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { Case } from './cases.ts';
import type { Answer, Part } from './condition.ts';
import type { MatchTest } from './match.ts';
import type { Rule } from './rule.ts';
import { chainOf, type Ruling } from './ruling.ts';
import type { Words } from './words.ts';

/** A question of a case. */
export interface Asked {
  readonly of: Case;
  readonly label: string;
  readonly question: Question;
}

/** How near the rules come to the questions of some cases. */
export interface Reach {
  /** By rule the questions that it matches (under undefined), and those that it would match but for one thing (under that). */
  readonly near: ReadonlyMap<Rule, ReadonlyMap<Lacking, readonly Asked[]>>;
  /** The rules that match a question, for anybody in its chain. */
  readonly matching: ReadonlyMap<Question, ReadonlySet<Rule>>;
  /** `<rule> <part> <yes|no|error>`: what parts of conditions said where the rule's match held. */
  readonly seen: ReadonlySet<string>;
}

/** What a rule lacks to match a question: a test of its match, a part of its condition; or nothing. */
export type Lacking = MatchTest | Part | undefined;

/**
 * Asks every rule about every question, each only until it is clear that two things are lacking. Most rules share their
 * tests and conditions with others: each of these is asked about a question once.
 */
export function reach(ruling: Ruling, cases: readonly Case[]): Reach {
  const near = new Map<Rule, Map<Lacking, Asked[]>>();
  const matching = new Map<Question, Set<Rule>>();
  const seen = new Set<string>();
  const asks = cases.flatMap((of) =>
    of.questions.map(({ label, question }): Asked => ({ of, label, question })),
  );
  for (const { question } of asks) matching.set(question, new Set());
  for (const [kind, ofKind] of Map.groupBy(asks, ({ question }) => question.resource.kind)) {
    const answers = new Answers(ruling, ofKind);
    for (const rule of ruling.rules) {
      if (rule.enforce === 'off' || !rule.match.kinds.includes(kind)) continue;
      const found = near.get(rule) ?? new Map<Lacking, Asked[]>();
      near.set(rule, found);
      for (const { asked, lacks } of answers.near(rule, seen)) {
        if (lacks === undefined) matching.get(asked.question)?.add(rule);
        const all = found.get(lacks);
        if (all === undefined) found.set(lacks, [asked]);
        else all.push(asked);
      }
    }
  }
  return { near, matching, seen };
}

interface Near {
  readonly asked: Asked;
  readonly lacks: Lacking;
}

/** Somebody in the chain of a question, as rules are asked about them. */
interface Meeting {
  readonly asked: Asked;
  readonly identity: Identity;
  words?: Words;
}

/** What the tests and the parts of conditions of all rules say about the questions to one kind. */
class Answers {
  readonly #ruling: Ruling;
  readonly #meetings: readonly Meeting[];
  readonly #passed = new Map<string, Uint8Array>();
  readonly #said = new Map<Part['ask'], Map<Rule['params'], (Answer | undefined)[]>>();

  constructor(ruling: Ruling, asks: readonly Asked[]) {
    this.#ruling = ruling;
    this.#meetings = asks.flatMap((asked) =>
      (chainOf(asked.question.identity) ?? []).map((identity): Meeting => ({ asked, identity })),
    );
  }

  /** The questions that the rule matches or nearly matches; what its condition said where its match held goes into `seen`. */
  near(rule: Rule, seen: Set<string>): readonly Near[] {
    const found: Near[] = [];
    const tests = tellingFirst(rule);
    const rows = tests.map((test) => this.#row(rule, test));
    const parts = (rule.when?.parts ?? []).map((part) => ({ part, said: this.#answers(rule, part) }));
    // A loop over numbers: rules times questions pass here.
    for (let at = 0; at < this.#meetings.length; at++) {
      const meeting = this.#meetings[at];
      const first = failing(rows, at, 0);
      if (meeting === undefined || (first < rows.length && failing(rows, at, first + 1) < rows.length))
        continue;
      const matched = first === rows.length;
      let lacks: Lacking = tests[first];
      let lacking = matched ? 0 : 1;
      for (const [index, { part, said }] of parts.entries()) {
        const answer = (said[at] ??= this.#ask(rule, part, meeting));
        // Every part is looked at where the match holds: each is to be seen true and false.
        if (matched) seen.add(`${rule.ref.id} ${index} ${answer}`);
        // What fails counts as what holds: taken as a match, the rule is looked at closely.
        if (answer !== 'no') continue;
        lacking += 1;
        lacks ??= part;
        if (lacking > 1 && !matched) break;
      }
      if (lacking <= 1) found.push({ asked: meeting.asked, lacks });
    }
    return found;
  }

  /** For each meeting whether it passes the test. */
  #row({ match }: Rule, { key, passes }: MatchTest): Uint8Array {
    const name = `${key}\n${match.items.get(key)?.join('\n') ?? ''}`;
    const known = this.#passed.get(name);
    if (known !== undefined) return known;
    const row = new Uint8Array(this.#meetings.length);
    for (let at = 0; at < row.length; at++) {
      const meeting = this.#meetings[at];
      if (meeting !== undefined && passes(meeting.asked.question, meeting.identity)) row[at] = 1;
    }
    this.#passed.set(name, row);
    return row;
  }

  #answers({ params }: Rule, { ask }: Part): (Answer | undefined)[] {
    const byParams = this.#said.get(ask) ?? new Map<Rule['params'], (Answer | undefined)[]>();
    this.#said.set(ask, byParams);
    const row = byParams.get(params) ?? this.#meetings.map(() => undefined);
    byParams.set(params, row);
    return row;
  }

  #ask(rule: Rule, part: Part, meeting: Meeting): Answer {
    meeting.words ??= this.#ruling.words(meeting.asked.question, meeting.identity);
    meeting.words.params = rule.params;
    return part.ask(meeting.words);
  }
}

/** The first row from `from` on that `at` does not pass; how many rows there are where it passes all. */
function failing(rows: readonly Uint8Array[], at: number, from: number): number {
  for (let row = from; row < rows.length; row++) if (rows[row]?.[at] === 0) return row;
  return rows.length;
}

/** Most questions are asked by others than the rule is for, and do something else; the kind has been looked at. */
function tellingFirst({ match }: Rule): readonly MatchTest[] {
  const others = match.tests.filter(({ key }) => key !== 'resource.kind');
  const at = ({ key }: MatchTest): number => {
    if (key.startsWith('identity.')) return 0;
    return key === 'access' || key === 'action' ? 1 : 2;
  };
  return others.toSorted((a, b) => at(a) - at(b));
}
