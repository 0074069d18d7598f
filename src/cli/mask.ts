import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { object, optional, string } from '../base/check.ts';
import { messageOf } from '../base/errors.ts';
import {
  type ColumnVote,
  columnVote,
  type Detector,
  detectorsInUse,
  entityNames,
  type Finding,
  findMasker,
  maskKey,
  scanner,
  useDetectors,
  verdictOn,
  votedScore,
} from '../mask/index.ts';
import type { FindMask } from '../core/decision.ts';
import { problemLine } from '../policy/problem.ts';
import { explanation } from './command.ts';
import { readDetectorsFile } from './detectors-file.ts';
import { nerReader } from './mask-ner.ts';

export interface MaskIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const usage = `Usage: sallyport mask --input FILE.jsonl [--entities TYPE,…] [--detectors FILE] [--ner DIR] [--unit utf16|characters] [--json]

Reads lines {"id", "text", "column"?} ("-": standard input) and writes, in the same order,
{"id", "masked", "findings": [{"type", "start", "end", "score"}]}; start and end count UTF-16 code
units of the text, as JavaScript, Java and .NET do; with --unit characters, Unicode code points, as Python does.
column     the column's or key's name: context for what stands in the text
--entities only these types:
${wrapped(entityNames)}
--detectors YAML or JSON with more detectors, as under "detectors" of the configuration
--ner      a model that finds names: its folder (model.onnx, tokenizer.json, config.json), or a YAML file with
           model, packages, labels, threshold and withinMs; needs the packages onnxruntime-node and
           @huggingface/tokenizers, installed beside Sallyport or in the folder "packages"
Exit code 0: done, 2: could not run, or a line could not be read.
`;

/** Names with commas, in lines that fit a terminal. */
function wrapped(names: readonly string[]): string {
  const lines: string[] = [];
  for (const [at, name] of names.entries()) {
    const word = at === names.length - 1 ? name : `${name},`;
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 110) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`           ${word}`);
  }
  return lines.join('\n');
}

const longest = 268_435_456; // characters of one text

const line = object({
  id: (raw: unknown) => ({ ok: true, value: raw }),
  text: string({ max: longest }),
  column: optional(string({ max: 1_024 })),
});

/** `sallyport mask`: masks texts with the detectors that the gateway uses. Gives the exit code. */
export async function mask(args: readonly string[], io: MaskIo): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        input: { type: 'string' },
        entities: { type: 'string' },
        detectors: { type: 'string' },
        ner: { type: 'string' },
        unit: { type: 'string', default: 'utf16' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      io.out(usage);
      return 0;
    }
    if (values.input === undefined) throw new Error('Say what to read: --input FILE.jsonl');
    if (values.unit !== 'utf16' && values.unit !== 'characters')
      throw new Error('--unit is utf16 or characters');
    const own = values.detectors === undefined ? [] : ownDetectors(values.detectors);
    await using ner = values.ner === undefined ? undefined : await nerReader(values.ner);
    useDetectors([...own, ...(ner?.detectors ?? [])]);
    const show = shower(entitiesOf(values.entities), values.unit === 'characters');
    const lines = voted(entitiesOf(values.entities), (each, type) =>
      io.out(`${JSON.stringify(show(each, type))}\n`),
    );
    const input = values.input === '-' ? process.stdin : createReadStream(values.input);
    let number = 0;
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      number++;
      if (text.trim() === '') continue;
      const each = read(text, number);
      await ner?.read(each.text);
      lines.add(each);
    }
    lines.end();
    return 0;
  } catch (thrown) {
    io.err(`${explanation(thrown) ?? messageOf(thrown)}\n`);
    return 2;
  }
}

function ownDetectors(file: string): readonly Detector[] {
  const { detectors, problems } = readDetectorsFile(file);
  if (problems.length > 0) throw new Error(problems.map((problem) => problemLine(problem)).join('\n'));
  return detectors;
}

function entitiesOf(list: string | undefined): readonly string[] {
  if (list === undefined) return ['*'];
  const entities = list.split(',').map((each) => each.trim());
  for (const entity of entities) {
    if (!detectorsInUse().some(({ name }) => name === entity)) throw new Error(`No detector for "${entity}"`);
  }
  return entities;
}

interface Line {
  readonly id: unknown;
  readonly text: string;
  readonly column?: string;
}

function read(text: string, number: number): Line {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    // JSON's own message quotes the line: it may hold what is to be masked.
    throw new Error(`Line ${number} is not JSON`);
  }
  const checked = line(raw, '');
  if (checked.ok) return checked.value;
  throw new Error(
    `Line ${number}: ${checked.error.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
  );
}

/** Lines held at most while a column's vote is open; beyond, it is decided by what is likely. */
const mostHeld = 1_000;
const mostVotes = 10_000;
const mostHeldCharacters = 16_777_216;

/**
 * Gives lines in their order, each with the type that its column was found to hold, if it was. The first lines of a column
 * of numbers wait until it is known, so that none is shown too early.
 */
function voted(
  entities: readonly string[],
  give: (line: Line, type: string | undefined) => void,
): { readonly add: (line: Line) => void; readonly end: () => void } {
  const votes = new Map<string, ColumnVote>();
  const held: Line[] = [];
  let characters = 0; // of all that is held
  const release = (until: number): void => {
    let count = 0;
    for (const each of held) {
      const vote = each.column === undefined ? undefined : votes.get(each.column);
      const full = held.length - count > until || characters > mostHeldCharacters;
      if (vote?.verdict() === 'open' && full) vote.settle();
      const verdict = vote?.verdict();
      if (verdict === 'open') break;
      give(each, verdict);
      characters -= each.text.length;
      count++;
    }
    held.splice(0, count);
  };
  return {
    add: (line) => {
      if (line.column !== undefined) {
        let vote = votes.get(line.column);
        if (vote === undefined && votes.size < mostVotes) {
          vote = columnVote(entities);
          votes.set(line.column, vote);
        }
        vote?.see(line.text);
      }
      held.push(line);
      characters += line.text.length;
      release(mostHeld);
    },
    end: () => release(0),
  };
}

type Shower = (line: Line, type?: string) => Masked & { readonly id: unknown };

interface Masked {
  readonly masked: string;
  readonly findings: readonly Finding[];
}

/** Scanners are made once for each column's name. */
function shower(entities: readonly string[], inCharacters: boolean): Shower {
  const finds: readonly FindMask[] = entities.map((entity) => ({ entity, operator: { kind: 'redact' } }));
  // Redaction uses no key; a fresh one says so.
  const key = maskKey(randomBytes(32));
  const ready = new Map<string | undefined, (text: string) => Masked>();
  const by = (column: string | undefined): ((text: string) => Masked) => {
    const known = ready.get(column);
    if (known !== undefined) return known;
    const search = column === undefined ? {} : { column };
    const find = scanner({ entities, ...search });
    const masker = findMasker(finds, { key, ...search });
    const made = (each: string): Masked => ({
      masked: masker(each).text,
      findings: inCharacters ? counted(each, find(each)) : find(each),
    });
    if (ready.size < 10_000) ready.set(column, made);
    return made;
  };
  return ({ id, text, column }, type) => {
    const bytes = type === undefined ? none : Buffer.from(text);
    const says = verdictOn(bytes, 0, bytes.length);
    if (type === undefined || says !== 'whole')
      return { id, ...by(says === 'within' ? `${column ?? ''} ${type}` : column)(text) };
    const shown = by(column)(text);
    // What its column's vote says stands for the whole value, unless it was found whole by itself.
    const end = inCharacters ? Array.from(text).length : text.length;
    if (shown.findings.some((each) => each.start === 0 && each.end >= end)) return { id, ...shown };
    return { id, masked: `[${type}]`, findings: [{ type, start: 0, end, score: votedScore }] };
  };
}

const none = Buffer.alloc(0);

/** The same places counted in code points. */
function counted(text: string, findings: readonly Finding[]): readonly Finding[] {
  let unit = 0;
  let count = 0;
  const at = (wanted: number): number => {
    for (; unit < wanted; count++) unit += (text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1;
    return count;
  };
  return findings.map((each) => ({ ...each, start: at(each.start), end: at(each.end) }));
}
