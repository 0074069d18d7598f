/** What a recorded answer shows, part by part, the same for all protocols. */
export type Shown =
  /** A table begins. */
  | { readonly kind: 'columns'; readonly names: readonly string[] }
  | { readonly kind: 'rows'; readonly rows: readonly (readonly (string | null)[])[] }
  /** How a statement ended: `SELECT 3`. */
  | { readonly kind: 'tag'; readonly text: string }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly message: string;
      readonly detail?: string;
      readonly hint?: string;
    }
  /** What the resource or the gateway said beside the answer. */
  | { readonly kind: 'notice'; readonly text: string }
  /** A piece of text that goes on where the last one of the same statement ended. */
  | { readonly kind: 'text'; readonly text: string }
  /** Bytes that are no text. */
  | { readonly kind: 'binary'; readonly bytes: number };

/** Reads the frames of one recording in order, to show them again. Never throws: what it cannot read it shows as bytes. */
export interface ReplayReader {
  /** Bytes towards the client, of the statement `of` where the recording says which. */
  readonly answer: (bytes: Uint8Array, of: string | undefined) => readonly Shown[];
  /** Content from the client. */
  readonly ask: (bytes: Uint8Array, of: string | undefined) => readonly Shown[];
}
