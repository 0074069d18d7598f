/**
 * A text of others as a reviewer may safely read it: nothing in it can move the cursor, turn the direction of writing,
 * hide, or push its end out of sight. What is not printed stands as `\u{202e}`; long empty stretches say how long they are.
 *
 * SECURITY: what is shown is made from the same text that runs, so the shown text must not be able to look like another:
 * a backslash before `u{` is itself escaped.
 */
export function visible(text: string): string {
  return text
    .replaceAll('\\u{', '\\u{5c}u{')
    .replaceAll(unseen, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`)
    .replaceAll(emptyLines, (run) => `\n… ${run.split('\n').length - 2} empty lines …\n`)
    .replaceAll(blanks, (run) => ` … ${run.length} blanks … `);
}

// Controls (line feed and tab stay), format characters (bidirectional, zero width, tags), surrogates without a partner, unassigned,
// separators of lines and paragraphs, every space but the usual one, and letters that show nothing.
const unseen =
  /[^\P{C}\n\t]|[\u2028\u2029]|(?! )\p{Zs}|\u034f|[\u115f\u1160]|\u17b4|\u17b5|\u3164|\uffa0|\p{Variation_Selector}/gu;
const emptyLines = /\n(?:[ \t]*\n){4,}/g;
const blanks = /[ \t]{64,}/g;
