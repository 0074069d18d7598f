// What characters a text has: in one pass, so that a detector whose values all have one that is not there is not asked.

/** Which marks of ASCII (`@`, `:`, …) stand in a text, a bit for each; its digits; whether it has a letter or anything beyond ASCII. */
export interface Signs {
  readonly marks: number;
  readonly digits: number;
  readonly letters: boolean;
}

const digit = 0;
const letter = 1;
const blank = 2;
const firstMark = 3;

/** 0 to 2, or 3 and the number of a mark's bit. ASCII has 32 marks. */
const kinds = new Uint8Array(256).fill(letter);
kinds.fill(blank, 0, 0x21);
kinds[0x7f] = blank;
kinds.fill(digit, 0x30, 0x3a);
for (const [bit, mark] of Array.from('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~').entries())
  kinds[mark.charCodeAt(0)] = firstMark + bit;

/** `bytes`: see bytesOf. */
export function signsOf(bytes: Uint8Array): Signs {
  let marks = 0;
  let digits = 0;
  let letters = false;
  for (let at = 0; at < bytes.length; at++) {
    const kind = kinds[bytes[at] ?? 0] ?? letter;
    if (kind === letter) letters = true;
    else if (kind === digit) digits++;
    else if (kind >= firstMark) marks |= 1 << (kind - firstMark);
  }
  return { marks, digits, letters };
}

/** For a detector that says nothing of marks: it is asked of every text. */
export const anyMarks = 0;

/** The bits of some marks. */
export function marksOf(marks: string | undefined): number {
  if (marks === undefined) return anyMarks;
  return signsOf(Uint8Array.from(marks, (mark) => mark.charCodeAt(0))).marks;
}
