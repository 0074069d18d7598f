import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { Agent, request as ask } from 'node:http';
import { join, resolve } from 'node:path';
import { startConfigured } from '../e2e/harness/gateway.ts';
import { freePort, freePorts, temporaryFolder } from '../e2e/harness/place.ts';
import { end } from '../e2e/harness/postgres.ts';
import { cpuOf } from './process.ts';
import {
  type Bench,
  type BenchOptions,
  inTurn,
  percentile,
  progress,
  type Report,
  Runs,
  shown,
  table,
} from './report.ts';

const policy = {
  'policy.yaml': `
apiVersion: sallyport/v1
layers:
  - { name: base, role: restrict, use: [{ module: masks }] }
  - { name: all, role: grant, use: [{ module: all }] }
record: full
`,
  'modules/all.policy.yaml': `
apiVersion: sallyport/v1
module: all
about: Who may ask.
owner: team:platform
rules:
  - { id: web, effect: allow, match: { resource: { kind: http } }, why: Everybody may., fix: Ask. }
  - { id: model, effect: allow, match: { resource: { kind: llm } }, why: Everybody may., fix: Ask. }
`,
  'modules/masks.policy.yaml': `
apiVersion: sallyport/v1
module: masks
about: What is hidden.
owner: team:platform
rules:
  - id: web
    effect: require
    match: { resource: { kind: http } }
    then: { mask: [{ tag: pii/*, with: redact }, { find: '*', with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
  - id: model
    effect: require
    match: { resource: { kind: llm } }
    then: { mask: [{ find: '*', with: redact }] }
    why: Personal data is masked.
    fix: Use ids.
`,
  'schema.yaml': `
apiVersion: sallyport/v1
tags: { web: { '*.name': [pii/name] } }
`,
};

interface Place {
  readonly port: number;
  readonly prefix: string;
  readonly token?: string;
}

interface Contender {
  readonly name: string;
  readonly web: Place;
  readonly model: Place;
  readonly pid?: number;
}

interface Case {
  readonly name: string;
  readonly at: 'web' | 'model';
  readonly path: string;
  readonly body?: string;
  readonly clients: number;
  /** What stands in each answer of a gateway that masks. */
  readonly masked: string;
}

const prompt = (stream: boolean): string =>
  JSON.stringify({ model: 'demo-1', stream, messages: [{ role: 'user', content: 'Who is customer 7?' }] });

const ofHttp: readonly Case[] = [
  { name: 'GET small JSON', at: 'web', path: '/small', clients: 16, masked: '***' },
  { name: 'GET 1 MB JSON', at: 'web', path: '/large', clients: 4, masked: '***' },
];
const chat = { at: 'model', path: '/v1/chat/completions', masked: '[EMAIL_ADDRESS]' } as const;
const ofLlm: readonly Case[] = [
  { name: 'answer at once', body: prompt(false), clients: 16, ...chat },
  { name: 'stream', body: prompt(true), clients: 1, ...chat },
];

/** Small and large JSON with masks on, against direct, nginx where it is installed, and a plain proxy of Node. */
export const http: Bench = (options) => run(ofHttp, options);
/** Answers of a model at once and streamed, with masks on, against the same. */
export const llm: Bench = (options) => run(ofLlm, options);

async function run(cases: readonly Case[], options: BenchOptions): Promise<Report> {
  const rounds = options.rounds ?? (options.quick ? 2 : 5);
  const seconds = options.seconds ?? (options.quick ? 1 : 3);
  const runs = new Runs();
  await using contenders = await startContenders(options.against);
  const chosen = cases.filter(({ name }) => name.includes(options.only));
  // Until code is compiled well, what is measured is the compiler.
  const warm = options.quick ? 3 : 8;
  for (const one of chosen) for (const contender of contenders.all) await load(contender, one, warm);
  for (let round = 0; round < rounds; round++) {
    for (const one of chosen) {
      const told: string[] = [];
      for (const contender of inTurn(contenders.all, round)) {
        const figures = await load(contender, one, seconds);
        runs.add({ case: one.name, contender: contender.name, round, figures });
        told.push(`${contender.name} ${shown(figures['rps'] ?? 0)}`);
      }
      progress(`${round + 1}/${rounds} ${one.name}: ${told.join(', ')} a second`);
    }
  }
  return {
    settings: { quick: options.quick, rounds, seconds, warm },
    runs: runs.all,
    facts: {},
    tables: chosen.map((one) => tableOf(runs, one, contenders.all)).join('\n\n'),
  };
}

function tableOf(runs: Runs, { name, clients }: Case, all: readonly Contender[]): string {
  const rows = all.map(({ name: contender }) => {
    const of = { case: name, contender };
    const added = (figure: string): string =>
      contender === 'direct'
        ? ''
        : shown(runs.compared(figure, { ...of, base: 'direct' }, (value, base) => value - base));
    return [
      contender,
      shown(runs.figure('rps', of)),
      shown(runs.figure('p50 ms', of)),
      shown(runs.figure('p99 ms', of)),
      shown(runs.figure('first p50 ms', of)),
      added('first p50 ms'),
      shown(runs.figure('per core', of)),
      shown(runs.figure('CPU µs', of)),
    ];
  });
  const head = [
    '',
    'requests/s',
    'p50 ms',
    'p99 ms',
    'first byte ms',
    'added to first',
    'requests/s per core',
    'CPU µs of a request',
  ];
  return `${name}, ${clients} ${clients === 1 ? 'client' : 'clients'}:\n\n${table(head, rows)}`;
}

/** Keeps `clients` requests under way for so long. */
async function load(
  contender: Contender,
  one: Case,
  seconds: number,
): Promise<Readonly<Record<string, number>>> {
  const agent = new Agent({ keepAlive: true, maxSockets: one.clients });
  const whole: number[] = [];
  const first: number[] = [];
  const before = contender.pid === undefined ? 0 : cpuOf(contender.pid);
  const started = performance.now();
  const until = started + seconds * 1_000;
  await Promise.all(
    Array.from({ length: one.clients }, async () => {
      while (performance.now() < until) {
        const told = await once(contender, one, agent);
        whole.push(told.whole);
        first.push(told.first);
      }
    }),
  );
  const took = (performance.now() - started) / 1_000;
  const cpuUs = contender.pid === undefined ? Number.NaN : cpuOf(contender.pid) - before;
  agent.destroy();
  whole.sort((a, b) => a - b);
  first.sort((a, b) => a - b);
  return {
    rps: whole.length / took,
    'p50 ms': percentile(whole, 0.5),
    'p99 ms': percentile(whole, 0.99),
    'first p50 ms': percentile(first, 0.5),
    'per core': (whole.length / cpuUs) * 1e6,
    'CPU µs': cpuUs / whole.length,
  };
}

/** Milliseconds to the first token (or byte) and to the end. An answer that is not whole, or not masked, ends the bench. */
function once(
  contender: Contender,
  { at, path, body, masked }: Case,
  agent: Agent,
): Promise<{ readonly first: number; readonly whole: number }> {
  const { port, prefix, token } = contender[at];
  const { promise, resolve, reject } = Promise.withResolvers<{ first: number; whole: number }>();
  const started = performance.now();
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
  };
  const method = body === undefined ? 'GET' : 'POST';
  const request = ask({ host: '127.0.0.1', port, path: prefix + path, method, agent, headers }, (answer) => {
    let first = 0;
    const parts: Buffer[] = [];
    answer.on('data', (part: Buffer) => {
      if (first === 0 && (body === undefined || part.includes('"content"')))
        first = performance.now() - started;
      parts.push(part);
    });
    answer.on('error', reject);
    answer.on('end', () => {
      const told = Buffer.concat(parts);
      if (answer.statusCode !== 200 || (token !== undefined && !told.includes(masked)))
        return reject(new Error(`${contender.name} ${path}: HTTP ${answer.statusCode ?? 0}, or not masked`));
      resolve({ first, whole: performance.now() - started });
    });
  });
  request.on('error', reject);
  request.end(body);
  return promise;
}

function configuration(api: number, behind: number): string {
  return `
listen: { api: 127.0.0.1:${api}, http: 127.0.0.1:${api + 1}, llm: 127.0.0.1:${api + 2} }
policy: ./policy
identities: [{ subject: analyst, kind: human, groups: [analysts] }]
resources:
  - { name: web, kind: http, url: 'http://127.0.0.1:${behind}' }
  - { name: model, kind: llm, url: 'http://127.0.0.1:${behind}', credentials: { bearer: key } }
`;
}

/** `against`: another checkout, whose gateway takes part too. */
async function startContenders(
  against?: string,
): Promise<AsyncDisposable & { readonly all: readonly Contender[] }> {
  const starting = new AsyncDisposableStack();
  try {
    const behind = await program(starting, []);
    const plain = (port: number): Pick<Contender, 'web' | 'model'> => ({
      web: { port, prefix: '' },
      model: { port, prefix: '' },
    });
    const proxy = await program(starting, [String(behind.port)]);
    const nginx = await nginxBefore(starting, behind.port);
    const gateway = async (name: string, start: typeof startConfigured): Promise<Contender> => {
      const api = await freePorts(3);
      const running = starting.use(await start({ api, policy, text: configuration(api, behind.port) }));
      const token = await running.token('analyst');
      return {
        name,
        web: { port: api + 1, prefix: '/web', token },
        model: { port: api + 2, prefix: '/model', token },
        pid: running.pid,
      };
    };
    const all: Contender[] = [
      { name: 'direct', ...plain(behind.port) },
      ...(nginx === undefined ? [] : [{ name: 'nginx', ...plain(nginx.port), pid: nginx.pid }]),
      { name: 'node proxy', ...plain(proxy.port), pid: proxy.pid },
      await gateway('sallyport', startConfigured),
    ];
    if (against !== undefined) {
      const path = resolve(against, 'test/e2e/harness/gateway.ts');
      const other = (await import(path)) as { readonly startConfigured: typeof startConfigured };
      all.push(await gateway('other', other.startConfigured));
    }
    return { all, [Symbol.asyncDispose]: () => starting.disposeAsync() };
  } catch (error) {
    await starting.disposeAsync();
    throw error;
  }
}

async function program(
  starting: AsyncDisposableStack,
  args: readonly string[],
): Promise<{ readonly port: number; readonly pid: number }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'http-behind.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  starting.defer(() => end(child, 'SIGTERM'));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())));
    child.once('exit', () => reject(new Error('A part of the bench did not start')));
  });
  return { port, pid: child.pid ?? 0 };
}

/** Debian's, one worker that keeps its connections; undefined where it is not installed. */
async function nginxBefore(
  starting: AsyncDisposableStack,
  to: number,
): Promise<{ readonly port: number; readonly pid: number } | undefined> {
  const path = '/usr/sbin/nginx';
  if (!existsSync(path)) {
    progress('nginx is not installed here: it does not take part');
    return undefined;
  }
  const folder = starting.use(temporaryFolder('nginx'));
  const port = await freePort();
  const config = join(folder.path, 'nginx.conf');
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder.path}/${name};`)
    .join(' ');
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${folder.path}/pid; error_log stderr crit;
events { worker_connections 1024; }
http { access_log off; ${places}
  upstream behind { server 127.0.0.1:${to}; keepalive 64; }
  server { listen 127.0.0.1:${port}; location / {
    proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } } }
`,
  );
  const child: ChildProcess = spawn(path, ['-c', config, '-p', folder.path], { stdio: 'ignore' });
  starting.defer(() => end(child, 'SIGTERM'));
  for (let at = 0; at < 100; at++) {
    const answers = await fetch(`http://127.0.0.1:${port}/small`).then(
      () => true,
      () => false,
    );
    if (answers) return { port, pid: child.pid ?? 0 };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('nginx does not answer');
}
