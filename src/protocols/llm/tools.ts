/** One tool that the model asks its client to call. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: string; // JSON, as far as the model kept to it
}

/** Judges a call: undefined where it may be asked for, else the sentence that stands in its place. */
export type JudgeCall = (call: ToolCall) => Promise<string | undefined>;
