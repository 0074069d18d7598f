import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import {
  type CodeAction,
  CodeActionKind,
  createConnection,
  type Diagnostic,
  DiagnosticSeverity,
  FileChangeType,
  StreamMessageReader,
  StreamMessageWriter,
  TextDocumentSyncKind,
} from 'vscode-languageserver/node';
import { messageOf } from '../base/errors.ts';
import { realWorld } from '../base/time.ts';
import type { Kinds } from '../policy/kinds.ts';
import { type LoadedPolicy, loadPolicy } from '../policy/load.ts';
import { type PolicyProblem, problemCodes } from '../policy/problem.ts';
import { review } from '../policy/review.ts';
import { readPolicyFiles, withShipped } from '../server/policy-files.ts';
import { mend } from './check-fix.ts';
import type { Command } from './command.ts';
import { detectorsHelp, kindsOfFile } from './own-kinds.ts';
import { completion, definition, hover, type Opened, type Spot } from './lsp-answers.ts';

const help = `Usage: sallyport lsp [--detectors FILE]

Speaks the Language Server Protocol on standard input and output, for editors: findings of sallyport check while you type,
what a rule does when you point at it, completion, going to a rule, module or param, and quick fixes.
editors/vscode has a client for Visual Studio Code.
${detectorsHelp}
`;

export const lsp: Command = { help, run };

const waitMs = 200;

/** One policy's directory, as the editor has it: open texts over what lies on disk. */
interface Room {
  readonly directory: string;
  opened: Opened;
  problems: readonly PolicyProblem[];
  told: ReadonlySet<string>; // files with diagnostics now
  timer?: NodeJS.Timeout;
}

async function run(args: readonly string[]): Promise<number> {
  // Editors add words of their own, such as --stdio.
  const { values } = parseArgs({
    args: [...args],
    strict: false,
    options: { detectors: { type: 'string' } },
  });
  const { detectors } = values;
  const kinds = await kindsOfFile(typeof detectors === 'string' ? detectors : undefined);
  const connection = createConnection(
    new StreamMessageReader(process.stdin),
    new StreamMessageWriter(process.stdout),
  );
  const texts = new Map<string, string>(); // path -> what the editor shows
  const rooms = new Map<string, Room>();

  const roomOf = (uri: string): { readonly room: Room; readonly file: string } | undefined => {
    const path = pathOf(uri);
    const directory = path === undefined ? undefined : policyAbove(path, texts);
    if (path === undefined || directory === undefined) return undefined;
    const room = rooms.get(directory) ?? {
      directory,
      opened: { files: new Map(), kinds },
      problems: [],
      told: new Set<string>(),
    };
    rooms.set(directory, room);
    return { room, file: relative(directory, path).replaceAll('\\', '/') };
  };

  const look = async (room: Room): Promise<void> => {
    const found = await readPolicyFiles(room.directory).catch(() => undefined);
    const files = new Map(found?.files);
    for (const [path, text] of texts) {
      const file = relative(room.directory, path).replaceAll('\\', '/');
      if (!file.startsWith('../') && !file.startsWith('/')) files.set(file, text);
    }
    const all = await withShipped(files);
    const said = review(all, kinds, realWorld.now());
    // A file that is opened half-written: what lies on disk may have loaded.
    const policy = said.policy ?? room.opened.policy ?? (await lying(found?.files, kinds));
    room.opened = { files: all, kinds, ...(policy === undefined ? {} : { policy }) };
    room.problems = [...(found?.problems ?? []), ...said.problems];
    const byFile = Map.groupBy(room.problems, ({ file }) => file);
    for (const file of new Set([...byFile.keys(), ...room.told])) {
      const diagnostics = (byFile.get(file) ?? []).map(diagnosticOf);
      await connection.sendDiagnostics({ uri: uriOf(room, file), diagnostics });
    }
    room.told = new Set(byFile.keys());
  };

  const later = (uri: string, ms: number = waitMs): void => {
    const at = roomOf(uri);
    if (at === undefined) return;
    clearTimeout(at.room.timer);
    at.room.timer = setTimeout(() => {
      look(at.room).catch((thrown: unknown) => connection.console.error(messageOf(thrown)));
    }, ms);
  };
  /** The room with what the editor shows now, so that no answer is about an older text. */
  const now = (
    uri: string,
  ): { readonly opened: Opened; readonly room: Room; readonly file: string } | undefined => {
    const at = roomOf(uri);
    if (at === undefined) return undefined;
    const path = pathOf(uri) ?? '';
    const text = texts.get(path);
    const files = new Map(at.room.opened.files);
    if (text !== undefined) files.set(at.file, text);
    return { ...at, opened: { ...at.room.opened, files } };
  };

  connection.onInitialize(() => ({
    serverInfo: { name: 'sallyport' },
    capabilities: {
      textDocumentSync: TextDocumentSyncKind.Full,
      hoverProvider: true,
      definitionProvider: true,
      completionProvider: { triggerCharacters: ['.', ':', ' ', '[', '/'] },
      codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
    },
  }));
  connection.onDidOpenTextDocument(({ textDocument: { uri, text } }) => {
    texts.set(pathOf(uri) ?? uri, text);
    later(uri, 0);
  });
  connection.onDidChangeTextDocument(({ textDocument: { uri }, contentChanges }) => {
    texts.set(pathOf(uri) ?? uri, contentChanges.at(-1)?.text ?? '');
    later(uri);
  });
  connection.onDidSaveTextDocument(({ textDocument: { uri } }) => later(uri, 0));
  connection.onDidCloseTextDocument(({ textDocument: { uri } }) => {
    texts.delete(pathOf(uri) ?? uri);
    later(uri, 0);
  });
  connection.onDidChangeWatchedFiles(({ changes }) => {
    for (const { uri, type } of changes)
      if (type !== FileChangeType.Changed || !texts.has(pathOf(uri) ?? uri)) later(uri);
  });
  connection.onHover(({ textDocument: { uri }, position }) => {
    const at = now(uri);
    const value = at === undefined ? undefined : hover(at.opened, at.file, position);
    return value === undefined ? null : { contents: { kind: 'markdown', value } };
  });
  connection.onDefinition(({ textDocument: { uri }, position }) => {
    const at = now(uri);
    const place = at === undefined ? undefined : definition(at.opened, at.file, position);
    if (at === undefined || place === undefined) return null;
    const start = { line: place.line - 1, character: place.col - 1 };
    return { uri: uriOf(at.room, place.file), range: { start, end: start } };
  });
  connection.onCompletion(({ textDocument: { uri }, position }) => {
    const at = now(uri);
    const choices = at === undefined ? [] : completion(at.opened, at.file, position);
    return choices.map(({ label, about }) => ({ label, ...(about === undefined ? {} : { detail: about }) }));
  });
  connection.onCodeAction(({ textDocument: { uri }, range }) => {
    const at = now(uri);
    if (at === undefined) return [];
    return at.room.problems
      .filter(
        ({ file, line }) => file === at.file && line - 1 >= range.start.line && line - 1 <= range.end.line,
      )
      .flatMap((problem) => quickFix(uri, at.opened, problem));
  });

  const ended = Promise.withResolvers<number>();
  let stopping = false;
  connection.onShutdown(() => {
    stopping = true;
  });
  connection.onExit(() => ended.resolve(stopping ? 0 : 1));
  process.stdin.on('end', () => ended.resolve(0));
  connection.listen();
  const code = await ended.promise;
  for (const { timer } of rooms.values()) clearTimeout(timer);
  connection.dispose();
  process.stdin.destroy();
  return code;
}

function pathOf(uri: string): string | undefined {
  try {
    return uri.startsWith('file:') ? fileURLToPath(uri) : undefined;
  } catch {
    return undefined;
  }
}

function uriOf({ directory }: Room, file: string): string {
  return pathToFileURL(join(directory, file)).href;
}

const highest = 4;

/** The policy on disk, where it loads. */
async function lying(
  files: ReadonlyMap<string, string> | undefined,
  kinds: Kinds,
): Promise<LoadedPolicy | undefined> {
  if (files === undefined) return undefined;
  const loaded = loadPolicy(await withShipped(files), kinds);
  return loaded.ok ? loaded.value : undefined;
}

/** The folder with the policy.yaml that this file belongs to. */
function policyAbove(path: string, texts: ReadonlyMap<string, string>): string | undefined {
  let folder = dirname(path);
  for (let up = 0; up < highest; up++) {
    const main = join(folder, 'policy.yaml');
    if (texts.has(main) || existsSync(main)) return folder;
    folder = dirname(folder);
  }
  return undefined;
}

function diagnosticOf({ line, col, length = 1, code, message, fix }: PolicyProblem): Diagnostic {
  const start = { line: line - 1, character: col - 1 };
  return {
    range: { start, end: { line: start.line, character: start.character + length } },
    severity: DiagnosticSeverity.Error,
    code,
    source: 'sallyport',
    message: [message, problemCodes[code], ...(fix === undefined ? [] : [`Fix: ${fix}`])].join('\n'),
  };
}

/** The one word that was meant, where there is one. */
function quickFix(uri: string, { files }: Opened, problem: PolicyProblem): readonly CodeAction[] {
  const [fixed] = mend(files, [problem]).fixed;
  if (fixed === undefined) return [];
  const start: Spot = { line: problem.line - 1, character: problem.col - 1 };
  const end = { line: start.line, character: start.character + fixed.from.length };
  return [
    {
      title: `${fixed.from} → ${fixed.to}`,
      kind: CodeActionKind.QuickFix,
      diagnostics: [diagnosticOf(problem)],
      isPreferred: true,
      edit: { changes: { [uri]: [{ range: { start, end }, newText: fixed.to }] } },
    },
  ];
}
