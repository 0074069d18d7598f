import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { duration } from '../base/time.ts';
import type { Scene } from '../record/index.ts';
import { TerminalPainter } from '../record/index.ts';
import { openStream } from './api.ts';
import { CouldNotRun, say, visible } from './command.ts';

export interface PlayOptions {
  readonly speed?: string | undefined;
  readonly 'max-pause'?: string | undefined;
  readonly from?: string | undefined;
  readonly data?: string | undefined;
  readonly json: boolean;
}

/** `sessions play ID`: as it was seen, in its own time, with pauses cut. */
export async function play(id: string, options: PlayOptions): Promise<number> {
  const speed = Number(options.speed ?? '1');
  if (!(speed > 0 && speed <= 1_000)) throw new CouldNotRun('--speed takes a number above 0, 1000 at most');
  const maxPauseMs = timeOf(options['max-pause'] ?? '2s', '--max-pause');
  const fromMs = timeOf(options.from ?? '0s', '--from');
  const opened = await open(id, options.data);
  if (!opened.ok) return refused(opened.refusal);
  const painter = painterOf();
  let at = fromMs;
  for await (const scene of opened.scenes) {
    if (options.json) {
      if (scene.at >= fromMs || scene.kind === 'session') await put(`${visible(JSON.stringify(scene))}\n`);
      continue;
    }
    const drawn = painter.paint(scene);
    // What a table or a text looked like before is needed to go on in the middle of it.
    if (scene.at < fromMs && scene.kind !== 'session') continue;
    // Nobody waits where nobody looks.
    const pause = Math.min(Math.max(0, scene.at - at), maxPauseMs) / speed;
    if (process.stdout.isTTY || options.speed !== undefined) await wait(pause);
    at = Math.max(at, scene.at);
    await put(drawn);
  }
  return 0;
}

/** `sessions watch ID`: from its beginning and on as it happens. */
export async function watch(id: string, options: { readonly json: boolean }): Promise<number> {
  const opened = await openStream(`/api/v1/sessions/${encodeURIComponent(id)}/watch`);
  if (!opened.ok) return refused(opened.refusal);
  const painter = painterOf();
  for await (const scene of scenesIn(opened.pieces))
    await put(options.json ? `${visible(JSON.stringify(scene))}\n` : painter.paint(scene));
  return 0;
}

const formats = ['asciicast', 'jsonl', 'html'];

/** `sessions export ID --format F [-o FILE]`. */
export async function exportSession(
  id: string,
  options: {
    readonly format?: string | undefined;
    readonly output?: string | undefined;
    readonly data?: string | undefined;
  },
): Promise<number> {
  const { format = 'jsonl', output } = options;
  if (!formats.includes(format)) throw new CouldNotRun('--format takes asciicast, jsonl or html');
  const opened =
    options.data === undefined
      ? await openStream(`/api/v1/sessions/${encodeURIComponent(id)}/recording?export=true&format=${format}`)
      : await offlineFile(id, options.data, format);
  if (!opened.ok) return refused(opened.refusal);
  if (output === undefined || output === '-') {
    for await (const piece of opened.pieces) await put(piece);
    return 0;
  }
  // What one person may see is not for whoever else is on this machine.
  const file = createWriteStream(output, { mode: 0o600 });
  try {
    await once(file, 'open');
    for await (const piece of opened.pieces) if (!file.write(piece)) await once(file, 'drain');
    file.end();
    await once(file, 'finish');
  } catch (thrown) {
    file.destroy();
    const code = thrown instanceof Error && 'code' in thrown ? ` (${String(thrown.code)})` : '';
    throw thrown instanceof CouldNotRun ? thrown : new CouldNotRun(`Cannot write ${output}${code}`);
  }
  say(`Written to ${output}`);
  return 0;
}

type Opened<T> = T & { readonly ok: true };
type Refused = { readonly ok: false; readonly refusal: string };

async function open(
  id: string,
  data: string | undefined,
): Promise<Opened<{ readonly scenes: AsyncIterable<Scene> }> | Refused> {
  if (data !== undefined) {
    const { offlineScenes } = await import('./offline.ts');
    return { ok: true, scenes: await offlineScenes(data, id, 'recording.read') };
  }
  const opened = await openStream(`/api/v1/sessions/${encodeURIComponent(id)}/recording`);
  return opened.ok ? { ok: true, scenes: scenesIn(opened.pieces) } : opened;
}

async function offlineFile(
  id: string,
  data: string,
  format: string,
): Promise<Opened<{ readonly pieces: AsyncIterable<string> }>> {
  const [{ offlineScenes }, { asciicast, jsonLines, page }] = await Promise.all([
    import('./offline.ts'),
    import('../server/api/recordings.ts'),
  ]);
  const scenes = await offlineScenes(data, id, 'recording.export');
  const pieces =
    format === 'html' ? page(scenes) : format === 'asciicast' ? asciicast(scenes) : jsonLines(scenes);
  return { ok: true, pieces };
}

async function* scenesIn(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Scene> {
  for await (const line of createInterface({ input: Readable.from(pieces), crlfDelay: Infinity }))
    if (line !== '') yield JSON.parse(line) as Scene; // the API's own schema
}

function painterOf(): TerminalPainter {
  return new TerminalPainter({
    columns: process.stdout.columns ?? 120,
    colour: process.stdout.isTTY && process.stdout.hasColors(),
  });
}

function timeOf(text: string, option: string): number {
  const clock = /^(?:(\d+):)?(\d{1,3}):(\d{2}(?:\.\d+)?)$/.exec(text); // as `play` shows it
  if (clock !== null)
    return Math.round((Number(clock[1] ?? 0) * 3_600 + Number(clock[2]) * 60 + Number(clock[3])) * 1_000);
  const ms = duration(text);
  if (ms === undefined) throw new CouldNotRun(`${option} takes a time such as 500ms, 2s, 5m or 1:30`);
  return ms;
}

async function put(text: string | Uint8Array): Promise<void> {
  if (text.length > 0 && !process.stdout.write(text)) await once(process.stdout, 'drain');
}

function refused(refusal: string): number {
  say(refusal);
  return 1;
}
