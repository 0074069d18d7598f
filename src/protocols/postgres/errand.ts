import { object, string } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import type { Wire } from '../../base/stream.ts';
import type { Action } from '../../core/action.ts';
import type { Errand, TicketResult } from '../../core/protocol.ts';
import { decodeBackend, decodeDataRow } from './decode.ts';
import * as encode from './encode.ts';
import { backendBounds, Frames } from './frames.ts';
import { backend, startupCode } from './messages.ts';
import { allowedParameters } from './parameters.ts';

// What a ticket keeps of a statement, and the client that says it again: over memory, through the same session, masks
// and gate as any other client's.

/** Statements whose meaning is all in their text: no state of the session, no data from the client, no second half. */
const wholeVerbs: ReadonlySet<string> = new Set([
  'sql.select',
  'sql.insert',
  'sql.update',
  'sql.delete',
  'sql.merge',
  'sql.truncate',
  'sql.create',
  'sql.alter',
  'sql.drop',
  'sql.grant',
  'sql.comment',
  'sql.maintain',
]);

/** What was asked, as far as it matters here. */
export interface Kept {
  readonly action: Action;
  readonly text: string;
  readonly within?: string;
  readonly alone: boolean;
}

/** `{ errand }` where the statement can be sent again without its client; else nothing. */
export function errandOf(
  { action, text, within, alone }: Kept,
  database: string,
  settings: Readonly<Record<string, string>>,
): { readonly errand?: string } {
  const { role, session_authorization: own, search_path: path, schemas, database: _, ...changed } = settings;
  if (!alone || within !== undefined || role === undefined || role !== own) return {};
  if (!wholeVerbs.has(action.verb) || /^\s*(?:EXECUTE|FETCH|DECLARE)\b/i.test(text)) return {};
  if (action.attributes['temporary'] === true || /(?:^|, )pg_temp/.test(schemas ?? '')) return {};
  const parameters = { ...changed, search_path: path ?? '' };
  if (!allowedParameters(new Map(Object.entries(parameters))).ok) return {};
  return { errand: JSON.stringify({ text, database, parameters: JSON.stringify(parameters) }) };
}

const form = object({
  text: string({ max: Number.MAX_SAFE_INTEGER }),
  database: string({}),
  parameters: string({}),
});

/** Says it again, once, and listens to the end. */
export async function runErrand(wire: Wire, errand: Errand): Promise<TicketResult> {
  const kept = form(JSON.parse(errand.kept), 'ticket');
  if (!kept.ok) throw new Fault('bug', 'A ticket keeps what cannot be read');
  const { text, database, parameters } = kept.value;
  const stop = (): void => wire.destroy(new Fault('stopping', 'The ticket took too long to run'));
  errand.signal.addEventListener('abort', stop, { once: true });
  if (errand.signal.aborted) stop();
  try {
    const startup: readonly (readonly [string, string])[] = [
      ...Object.entries(JSON.parse(parameters) as Readonly<Record<string, string>>), // errandOf wrote it
      ['user', errand.subject],
      ['database', `${errand.resource}/${database}`],
      ['application_name', 'ticket'],
    ];
    await wire.write(encode.startupMessage(startupCode.protocol30, startup));
    // Who asks is known: the seat says so, not this.
    return await converse(wire, { ask: encode.query(text), password: 'ticket', bytes: errand.bytes });
  } finally {
    errand.signal.removeEventListener('abort', stop);
    wire.end();
  }
}

export interface Conversation {
  /** Everything that is said once the session is ready; its answer ends with one ReadyForQuery. */
  readonly ask: Uint8Array;
  readonly password: string;
  readonly rows?: number;
  readonly bytes: number;
  readonly tell?: (line: string) => void;
}

/** Signs in, says one thing, and listens to the end. */
export async function converse(
  wire: Wire,
  { ask, password, rows: mostRows = Infinity, bytes, tell }: Conversation,
): Promise<TicketResult> {
  const frames = new Frames(backendBounds(67_108_864));
  /** One for each statement that ended. */
  const answers: Answer[] = [];
  let answer: Answer = empty();
  let error: TicketResult['error'];
  let [asked, held] = [false, 0];
  for (;;) {
    while (frames.next()) {
      if (frames.type === backend.DataRow) {
        const row = decodeDataRow(frames).map(textOrNull);
        held += row.reduce((sum, cell) => sum + (cell?.length ?? 0) + 8, 0);
        if (held <= bytes && answer.rows.length < mostRows) answer.rows.push(row);
        else answer.cut += 1;
        continue;
      }
      const message = decodeBackend(frames);
      switch (message.kind) {
        case 'Authentication':
          if (message.request.kind === 'CleartextPassword')
            await wire.write(encode.passwordMessage(password));
          break;
        case 'RowDescription':
          answer.columns = message.fields.map(({ name }) => name);
          break;
        case 'CommandComplete':
          answers.push({ ...answer, tag: message.tag });
          answer = empty();
          break;
        case 'NoticeResponse':
          tell?.(message.fields.get('M') ?? '');
          break;
        case 'ErrorResponse':
          error ??= errorOf(message.fields);
          break;
        case 'ReadyForQuery':
          if (asked) {
            // What did not end holds what came of it before its error.
            const last = error === undefined ? (answers.at(-1) ?? answer) : answer;
            return {
              ...last,
              ...(answers.length > 1 ? { answers } : {}),
              ...(error === undefined ? {} : { error }),
            };
          }
          asked = true;
          await wire.write(ask);
          break;
        case 'CopyInResponse':
          await wire.write(encode.copyFail('A ticket brings no data'));
          break;
        default:
      }
    }
    const chunk = await wire.read();
    if (chunk === undefined) {
      if (error !== undefined && !asked) return { ...answer, error }; // it was not let in
      throw new Fault(
        'upstream-closed',
        error === undefined ? 'The session ended before the answer did' : error.message,
      );
    }
    frames.push(chunk);
  }
}

interface Answer {
  columns: readonly string[];
  readonly rows: (string | null)[][];
  tag?: string;
  cut: number;
}

function empty(): Answer {
  return { columns: [], rows: [], cut: 0 };
}

function errorOf(fields: ReadonlyMap<string, string>): NonNullable<TicketResult['error']> {
  const [detail, hint] = [fields.get('D'), fields.get('H')];
  return {
    code: fields.get('C') ?? 'XX000',
    message: fields.get('M') ?? '',
    ...(detail === undefined ? {} : { detail }),
    ...(hint === undefined ? {} : { hint }),
  };
}

function textOrNull(value: Uint8Array | null): string | null {
  return value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8');
}
