/** A labelled or a found range, half-open, in UTF-16 units. */
export interface Mark {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

export interface Tally {
  gold: number;
  right: number; // labelled, and found as the same type where they overlap by half or more
  wrong: number; // found as this type, and no such label there
  leaks: number; // labelled, and at least one letter or digit of it stays
}

export interface Score {
  readonly types: Map<string, Tally>;
  /** Characters that are masked though no label covers them, and all characters of all texts. */
  over: number;
  chars: number;
  /** The first few that went wrong, for whoever mends a detector. */
  readonly misses: string[];
}

export function emptyScore(): Score {
  return { types: new Map(), over: 0, chars: 0, misses: [] };
}

/** Adds one text. A value found under another type than its label's is wrong for the one and missed for the other, yet no leak. */
export function addText(
  score: Score,
  text: string,
  marks: { readonly gold: readonly Mark[]; readonly found: readonly Mark[] },
): void {
  const { gold, found } = marks;
  score.chars += text.length;
  const covered = new Uint8Array(text.length);
  for (const { start, end } of found) covered.fill(1, start, end);
  const labelled = new Uint8Array(text.length);
  for (const { start, end } of gold) labelled.fill(1, start, end);
  for (let at = 0; at < text.length; at++) if (covered[at] === 1 && labelled[at] === 0) score.over++;
  const taken = new Set<Mark>();
  for (const label of gold) {
    const tally = tallyOf(score, label.type);
    tally.gold++;
    const match = found.find(
      (each) => each.type === label.type && !taken.has(each) && overlap(each, label) >= 0.5,
    );
    if (match !== undefined) {
      taken.add(match);
      tally.right++;
    } else score.misses.push(`- ${label.type} ${text.slice(Math.max(0, label.start - 30), label.end + 10)}`);
    for (let at = label.start; at < label.end; at++) {
      if (covered[at] === 1 || !/[\p{L}\p{N}]/u.test(text[at] ?? '')) continue;
      tally.leaks++;
      break;
    }
  }
  for (const each of found) {
    if (taken.has(each)) continue;
    tallyOf(score, each.type).wrong++;
    score.misses.push(`+ ${each.type} ${text.slice(Math.max(0, each.start - 30), each.end + 10)}`);
  }
}

function tallyOf(score: Score, type: string): Tally {
  let tally = score.types.get(type);
  if (tally === undefined) {
    tally = { gold: 0, right: 0, wrong: 0, leaks: 0 };
    score.types.set(type, tally);
  }
  return tally;
}

/** Intersection over union. */
function overlap(a: Mark, b: Mark): number {
  const both = Math.min(a.end, b.end) - Math.max(a.start, b.start);
  return both <= 0 ? 0 : both / (Math.max(a.end, b.end) - Math.min(a.start, b.start));
}

export interface Figures {
  readonly gold: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly leakRate: number;
}

export function figuresOf({ gold, right, wrong, leaks }: Tally): Figures {
  const precision = right + wrong === 0 ? 0 : right / (right + wrong);
  const recall = gold === 0 ? 0 : right / gold;
  const f1 = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { gold, precision, recall, f1, leakRate: gold === 0 ? 0 : leaks / gold };
}
