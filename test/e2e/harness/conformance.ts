import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './place.ts';

// MCP's conformance suite, and the page that says what was seen of it.

const suite = join(root, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const page = join(root, 'docs/protocols/mcp-conformance.md');

/** Checks of one scenario in one run. */
export interface Seen {
  readonly passed: number;
  readonly failed: number;
}

/** What the suite prints. */
export async function runSuite(
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const child = spawn(process.execPath, [suite, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += String(chunk)));
  await once(child, 'close');
  if (process.env['MCP_SHOW'] !== undefined) process.stderr.write(text);
  return text;
}

/** Every scenario of a kind that the suite lists, with the revisions that have it; an extension has `extension` for one. */
export async function listed(
  kind: 'server' | 'client' | 'authorization',
): Promise<ReadonlyMap<string, readonly string[]>> {
  const text = await runSuite(['list', `--${kind}`]);
  const all = [...text.matchAll(/^ {2}- (\S+) \[([\w,-]+)\]$/gm)].map(
    ([, name = '', revisions = '']) => [name, revisions.split(',')] as const,
  );
  assert.ok(all.length > 1, `The suite lists nothing: ${text}`);
  return new Map(all);
}

/** Of a run of many scenarios: its summary. Of one: the only result it has. */
export function seenOf(text: string): ReadonlyMap<string, Seen> {
  const many = [...text.matchAll(/^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed$/gm)];
  return new Map(
    many.map(([, name = '', passed, failed]) => [name, { passed: Number(passed), failed: Number(failed) }]),
  );
}

export function oneOf(text: string): Seen {
  const found = /Passed: (\d+)\/\d+, (\d+) failed/.exec(text);
  assert.ok(found !== null, `No result: ${text.slice(-2_000)}`);
  return { passed: Number(found[1]), failed: Number(found[2]) };
}

export function passes({ passed, failed }: Seen): boolean {
  return passed > 0 && failed === 0;
}

/** Without how many passed: suites count some checks once for each request that they see. */
export function said({ passed, failed }: Seen): string {
  return passed + failed === 0 ? 'no check' : failed === 0 ? 'all' : `${failed} failed`;
}

/** Of two runs of one scenario the better one: some measure time, and a slow machine spoils what it does not next time. */
export function better(one: Seen, other: Seen): Seen {
  return other.failed < one.failed || (other.failed === one.failed && other.passed > one.passed)
    ? other
    : one;
}

/** The cells of one table of the page, row by row, with its head. */
export function tableOf(name: string): readonly (readonly string[])[] {
  const { text, from, to } = placeOf(name);
  return text
    .slice(from, to)
    .split('\n')
    .map((line) => line.slice(2, -2).split(' | '));
}

function placeOf(name: string): { readonly text: string; readonly from: number; readonly to: number } {
  const text = readFileSync(page, 'utf8');
  const begin = `<!-- ${name} -->\n\n`;
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(`\n\n<!-- end of ${name} -->`);
  assert.ok(from >= begin.length && to >= from, `docs/protocols/mcp-conformance.md has no table "${name}"`);
  return { text, from, to };
}

/** One table of the page is these rows; with `SALLYPORT_WRITE_DOCS` in the environment it becomes them. */
export function assertTable(
  name: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const table = [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
  const { text, from, to } = placeOf(name);
  if (process.env['SALLYPORT_WRITE_DOCS'] !== undefined)
    return writeFileSync(page, text.slice(0, from) + table + text.slice(to));
  assert.deepEqual(
    text.slice(from, to).split('\n'),
    table.split('\n'),
    'docs/protocols/mcp-conformance.md says something else: run this test once with SALLYPORT_WRITE_DOCS=1',
  );
}
