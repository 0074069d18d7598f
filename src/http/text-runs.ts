import { isObject } from '../base/check.ts';

/**
 * Texts of a JSON value that stand one after the other as parts of one content, `{"type": "text", "text": …}`: a reader makes
 * one text of them. Those of messages that follow each other are one run. Only runs of two or more, each of one type.
 */
export function textRuns(value: unknown): readonly (readonly string[])[] {
  const runs: string[][] = [];
  gather(value, runs);
  return runs.filter((run) => run.length > 1);
}

function gather(value: unknown, runs: string[][]): void {
  if (Array.isArray(value)) {
    let type: string | undefined;
    for (const leaf of leavesOf(value)) {
      const open = leaf !== undefined && leaf.type === type ? runs.at(-1) : undefined;
      if (leaf !== undefined && open !== undefined) open.push(leaf.text);
      else if (leaf !== undefined) runs.push([leaf.text]);
      type = leaf?.type;
    }
    // A run of messages is not looked at again message by message, but what stands beside their texts is.
    for (const each of value) if (isObject(each)) inFields(each, runs, isMessage(each));
  } else if (isObject(value)) inFields(value, runs, false);
}

function inFields(value: Readonly<Record<string, unknown>>, runs: string[][], known: boolean): void {
  for (const [key, each] of Object.entries(value)) {
    if (typeof each !== 'object' || each === null) continue;
    if (known && key === 'content')
      for (const part of each as unknown[])
        inFields(part as object as Readonly<Record<string, unknown>>, runs, false);
    else gather(each, runs);
  }
}

interface Leaf {
  readonly type: string;
  readonly text: string;
}

function* leavesOf(list: readonly unknown[]): Generator<Leaf | undefined> {
  for (const each of list) {
    if (isObject(each) && isMessage(each))
      for (const part of each['content'] as readonly unknown[]) yield leafOf(part);
    else yield leafOf(each);
  }
}

function leafOf(value: unknown): Leaf | undefined {
  if (!isObject(value)) return undefined;
  const { type, text } = value;
  return typeof type === 'string' && typeof text === 'string' && type.endsWith('text')
    ? { type, text }
    : undefined;
}

/** An item of OpenAI Responses that holds nothing but parts. */
function isMessage(value: Readonly<Record<string, unknown>>): boolean {
  return value['type'] === 'message' && Array.isArray(value['content']) && value['content'].every(isObject);
}
