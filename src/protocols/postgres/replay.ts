import type { ReplayReader, Shown } from '../../core/replay.ts';
import { decodeCommandComplete, decodeDataRow, decodeErrorFields, decodeRowDescription } from './decode.ts';
import { backendBounds, type Frame, Frames } from './frames.ts';
import { backend, type Field } from './messages.ts';

/** A longer message was not recorded as one. */
const messageBytes = 1_073_741_823;

/** Reads recorded answers: messages towards the client, cut anywhere. */
export function postgresReplay(): ReplayReader {
  const frames = new Frames(backendBounds(messageBytes));
  const types = new TextDecoder('utf-8', { fatal: true });
  let fields: readonly Field[] = [];
  let lost = false;
  return {
    answer: (bytes) => {
      if (lost) return [{ kind: 'binary', bytes: bytes.length }];
      const shown: Shown[] = [];
      try {
        frames.push(Uint8Array.from(bytes));
        while (frames.next()) {
          if (frames.type === backend.RowDescription) fields = decodeRowDescription(frames);
          add(shown, shownOf(frames, { fields, types }));
        }
      } catch {
        // Behind a message that cannot be read nothing can be: where the next begins is not known.
        lost = true;
        shown.push({ kind: 'binary', bytes: bytes.length });
      }
      return shown;
    },
    ask: (bytes) => [textOrBytes(bytes, types)],
  };
}

/** Rows that follow each other are one piece. */
function add(shown: Shown[], next: Shown | undefined): void {
  if (next === undefined) return;
  const last = shown.at(-1);
  if (next.kind === 'rows' && last?.kind === 'rows')
    shown[shown.length - 1] = { kind: 'rows', rows: push(last.rows, next.rows) };
  else shown.push(next);
}

/** Adds in place: the list was made here, and a copy for each row would take the square of their number. */
function push<T>(list: readonly T[], more: readonly T[]): readonly T[] {
  (list as T[]).push(...more);
  return list;
}

interface Reading {
  readonly fields: readonly Field[];
  readonly types: InstanceType<typeof TextDecoder>;
}

function shownOf(frame: Frame, { fields, types }: Reading): Shown | undefined {
  switch (frame.type) {
    case backend.RowDescription:
      return { kind: 'columns', names: fields.map(({ name }) => name) };
    case backend.DataRow:
      return {
        kind: 'rows',
        rows: [decodeDataRow(frame).map((cell, at) => (cell === null ? null : cellText(cell, fields[at])))],
      };
    case backend.CommandComplete:
      return { kind: 'tag', text: decodeCommandComplete(frame) };
    case backend.ErrorResponse: {
      const of = decodeErrorFields(frame, { lossy: true });
      const [detail, hint] = [of.get('D'), of.get('H')];
      return {
        kind: 'error',
        code: of.get('C') ?? '',
        message: of.get('M') ?? '',
        ...(detail === undefined ? {} : { detail }),
        ...(hint === undefined ? {} : { hint }),
      };
    }
    case backend.NoticeResponse:
      return { kind: 'notice', text: decodeErrorFields(frame, { lossy: true }).get('M') ?? '' };
    case backend.CopyData:
      return textOrBytes(frame.bytes.subarray(frame.start + 5, frame.end), types);
    case backend.NotificationResponse:
      return { kind: 'notice', text: 'a notification' };
    default:
      return undefined;
  }
}

function textOrBytes(bytes: Uint8Array, types: InstanceType<typeof TextDecoder>): Shown {
  try {
    return { kind: 'text', text: types.decode(bytes) };
  } catch {
    return { kind: 'binary', bytes: bytes.length };
  }
}

// Types whose binary form is no text (PostgreSQL, src/include/catalog/pg_type.dat).
const binaryForms: Readonly<Record<number, (bytes: Buffer) => string>> = {
  16: (bytes) => (bytes[0] === 1 ? 't' : 'f'),
  20: (bytes) => bytes.readBigInt64BE().toString(),
  21: (bytes) => String(bytes.readInt16BE()),
  23: (bytes) => String(bytes.readInt32BE()),
  26: (bytes) => String(bytes.readUInt32BE()),
  700: (bytes) => String(Math.fround(bytes.readFloatBE())),
  701: (bytes) => String(bytes.readDoubleBE()),
  2950: (bytes) => bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
};

const texts: ReadonlySet<number> = new Set([18, 19, 25, 114, 142, 1042, 1043]);

/** In text format as it is; in binary the common types as text, the others in hex. */
function cellText(cell: Uint8Array, field: Field | undefined): string {
  const bytes = Buffer.from(cell.buffer, cell.byteOffset, cell.length);
  const binary = field === undefined ? undefined : binaryForms[field.typeOid];
  if (field?.format === 1 && !texts.has(field.typeOid)) {
    try {
      if (binary !== undefined) return binary(bytes);
    } catch {
      // Not as long as its type: shown as what it is.
    }
    return `\\x${bytes.toString('hex')}`;
  }
  const text = bytes.toString('utf8');
  if (field !== undefined) return text;
  // A row whose description was not recorded may be binary.
  // oxlint-disable-next-line no-control-regex
  return text.includes('\uFFFD') || /[\0-\x08\x0e-\x1f]/.test(text) ? `\\x${bytes.toString('hex')}` : text;
}
