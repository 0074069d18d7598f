import type { Identity } from '../../core/identity.ts';
import type { Resource, SessionId } from '../../core/session.ts';
import { Asciicast, Page, type Scene } from '../../record/index.ts';
import { decideOwn, judge, type JudgeParts, writeDown } from './judge.ts';
import type { OwnVerb, Recorded } from './own.ts';
import type { Records, SessionSummary } from './records.ts';
import { problem, type Answer, type ApiRequest, type ProblemAnswer, type Route } from './route.ts';

export interface RecordingParts extends JudgeParts {
  readonly records: Records;
  readonly resources: readonly Resource[];
  /** Absent: nothing is recorded here. */
  readonly scenes?: Scenes | undefined;
}

/** A recording as it was seen; with a signal also what comes, until it aborts or the session ends. */
export type Scenes = (id: string, live?: AbortSignal) => Promise<AsyncIterable<Scene> | undefined>;

const formats = {
  jsonl: { type: 'application/x-ndjson; charset=utf-8', pieces: jsonLines },
  asciicast: { type: 'application/x-asciicast; charset=utf-8', pieces: asciicast },
  html: { type: 'text/html; charset=utf-8', pieces: page },
} as const;
type Format = keyof typeof formats;

/** A page holds no more than this: browsers give up before. JSON Lines and asciicast have no such end. */
const pageBytes = 64_000_000;

const errors = {
  401: 'No token, or one that is not accepted',
  403: 'The policy denies it',
  404: 'There is none by this id, or the policy lets the caller see none of it',
  503: 'No policy is in force, or the ledger cannot be written',
};

/** Playing, exporting and watching recordings: each is judged by policy and written down before the first byte. */
export function recordingRoutes(parts: RecordingParts): readonly Route[] {
  const { scenes } = parts;
  if (scenes === undefined) return [];
  return [
    {
      method: 'get',
      path: '/api/v1/sessions/:id/recording',
      summary:
        'A recording as it was seen, after masking; judged as `recording.read`, as a file as `recording.export`',
      query: {
        format: {
          about:
            '`jsonl` (default; scenes, one a line), `asciicast` (version 3) or `html` (a page that stands alone)',
          schema: { type: 'string', enum: Object.keys(formats) },
        },
        export: {
          about: '`true`: it is taken away as a file',
          schema: { type: 'string', enum: ['true', 'false'] },
        },
      },
      gives: { schema: { type: 'string' }, type: 'application/x-ndjson', about: 'The recording' },
      errors: { 400: 'A parameter is not as described', ...errors },
      run: (request) => read(parts, scenes, request),
    },
    {
      method: 'get',
      path: '/api/v1/sessions/:id/watch',
      summary:
        'A session from its beginning and on as it happens, until it ends; judged as `recording.watch`',
      gives: { schema: { type: 'string' }, type: 'application/x-ndjson', about: 'Scenes, one a line' },
      errors: { ...errors, 409: 'The session is not open' },
      run: (request) => watch(parts, scenes, request),
    },
  ];
}

async function read(parts: RecordingParts, scenes: Scenes, request: ApiRequest): Promise<Answer> {
  const { format = 'jsonl', export: taken = 'false' } = request.query;
  if (!isFormat(format)) return problem(400, 'format: Expected jsonl, asciicast or html');
  if (taken !== 'true' && taken !== 'false') return problem(400, 'export: Expected true or false');
  const isExport = taken === 'true' || format !== 'jsonl';
  const found = await allowed(parts, request, isExport ? 'recording.export' : 'recording.read');
  if ('problem' in found) return found;
  const stop = new AbortController();
  const made = await scenes(found.id);
  if (made === undefined) return missing;
  const { type, pieces } = formats[format];
  return { status: 200, pieces: pieces(made), type, stop: () => stop.abort() };
}

/** How often it is looked whether who watches still may. */
const checkMs = 1_000;

async function watch(parts: RecordingParts, scenes: Scenes, request: ApiRequest): Promise<Answer> {
  const caller = request.caller();
  const found = await allowed(parts, request, 'recording.watch');
  if ('problem' in found) return found;
  if (found.state !== 'open') return problem(409, 'The session is not open: play its recording');
  const stop = new AbortController();
  let timer: Disposable | undefined;
  const look = (): void => {
    // SECURITY: a token that ends and a policy that changes end what was begun under them.
    const asked = askedOf(parts, caller, { verb: 'recording.watch', found });
    const may =
      caller.proof.expiresAt > parts.world.now() && decideOwn(parts, caller, asked).kind === 'allow';
    if (!may) stop.abort();
    else if (!stop.signal.aborted) timer = parts.world.after(checkMs, look);
  };
  timer = parts.world.after(checkMs, look);
  const end = (): void => {
    timer?.[Symbol.dispose]();
    stop.abort();
  };
  const made = await scenes(found.id, stop.signal);
  if (made === undefined) return missing;
  return { status: 200, pieces: untilEnd(jsonLines(made), end), type: formats.jsonl.type, stop: end };
}

async function* untilEnd(pieces: AsyncIterable<string>, end: () => void): AsyncGenerator<string> {
  try {
    yield* pieces;
  } finally {
    end();
  }
}

const missing = problem(404, 'There is no such record, or it is not yours to see');

/** The session, when the policy lets the caller do this with its recording. The entry is on disk when this answers. */
async function allowed(
  parts: RecordingParts,
  request: ApiRequest,
  verb: OwnVerb,
): Promise<SessionSummary | ProblemAnswer> {
  const caller = request.caller();
  const given = request.parameter('id').slice(0, 64);
  const id =
    given === 'last' ? (await parts.records.sessions({ limit: 1, identity: caller.subject }))[0]?.id : given;
  const found = id === undefined ? undefined : await parts.records.session(id);
  if (found === undefined) return (await writeDown(parts, caller, { verb }, false)) ?? missing;
  const asked = askedOf(parts, caller, { verb, found });
  const refused = await judge(parts, caller, asked);
  if (refused === undefined) return found;
  // Who may not see others' recordings learns nothing from a wrong id; who may see the session is told why.
  const sees = asked.own || decideOwn(parts, caller, { ...asked, verb: 'record.read' }).kind === 'allow';
  return sees || refused.problem.status !== 403 ? refused : missing;
}

function askedOf(
  parts: RecordingParts,
  caller: Identity,
  { verb, found }: { readonly verb: OwnVerb; readonly found: SessionSummary },
): Parameters<typeof judge>[2] & { readonly recorded: Recorded } {
  return {
    verb,
    own: found.identity.subject === caller.subject,
    of: found.id as SessionId, // the store has it
    recorded: {
      identity: found.identity.subject,
      resource: found.resource,
      tags: parts.resources.find(({ name }) => name === found.resource)?.tags ?? [],
    },
  };
}

function isFormat(text: string): text is Format {
  return Object.hasOwn(formats, text);
}

/** One scene a line. SECURITY: it is looked at on terminals, and some take U+009B for ESC [, which JSON leaves as it is. */
export async function* jsonLines(scenes: AsyncIterable<Scene>): AsyncGenerator<string> {
  for await (const scene of scenes) yield `${JSON.stringify(scene).replaceAll(onTerminals, escaped)}\n`;
}

const onTerminals = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

export async function* asciicast(scenes: AsyncIterable<Scene>): AsyncGenerator<string> {
  const cast = new Asciicast();
  for await (const scene of scenes) yield cast.line(scene);
  yield cast.end();
}

export async function* page(scenes: AsyncIterable<Scene>): AsyncGenerator<string> {
  const made = new Page();
  let bytes = 0;
  for await (const scene of scenes) {
    const piece = made.piece(scene);
    bytes += piece.length;
    if (bytes > pageBytes) {
      const why = 'A page holds no more than this: export the recording as JSON Lines to have all of it';
      yield made.piece({ at: scene.at, kind: 'gap', why });
      break;
    }
    yield piece;
  }
  yield made.end();
}
