import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { temporaryFolder } from './place.ts';
import { end } from './postgres.ts';
import { until } from './wait.ts';

/** A page of a real browser, spoken to over its DevTools protocol. */
export async function inBrowser(
  run: (page: Tab) => Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  using profile = temporaryFolder('browser');
  const child = spawn(
    '/usr/bin/chromium',
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile.path}`,
      ...args,
      'about:blank',
    ],
    { stdio: 'ignore' },
  );
  try {
    const port = join(profile.path, 'DevToolsActivePort');
    while (!existsSync(port) || readFileSync(port, 'utf8').split('\n').length < 2) await sleep(50);
    const at = `127.0.0.1:${readFileSync(port, 'utf8').split('\n')[0]}`;
    let url = '';
    await until(async () => {
      // The port is open before the first page is there.
      const tabs = (await (await fetch(`http://${at}/json`)).json()) as {
        type: string;
        webSocketDebuggerUrl: string;
      }[];
      url = tabs.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? '';
      return url !== '';
    }, 'the browser has no page');
    const socket = new WebSocket(url);
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
    const tab = new Tab(socket);
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await tab.call(`${domain}.enable`);
    await run(tab);
    socket.close();
  } finally {
    await end(child, 'SIGKILL', 10_000);
  }
}

export class Tab {
  readonly #socket: WebSocket;
  readonly #waiting: Map<number, (answer: unknown) => void> = new Map();
  readonly requests: string[] = [];
  readonly violations: string[] = [];
  #calls = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const said = JSON.parse(String(data)) as {
        id?: number;
        result?: unknown;
        method?: string;
        params?: Record<string, Record<string, string>>;
      };
      if (said.id !== undefined) this.#waiting.get(said.id)?.(said.result);
      if (said.method === 'Network.requestWillBeSent')
        this.requests.push(said.params?.['request']?.['url'] ?? '');
      if (said.method === 'Log.entryAdded') this.violations.push(said.params?.['entry']?.['text'] ?? '');
    });
  }

  call(method: string, params: object = {}): Promise<unknown> {
    this.#calls += 1;
    const id = this.#calls;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** Undefined too where the page is just left. */
  async value(expression: string): Promise<unknown> {
    const said = (await this.call('Runtime.evaluate', { expression })) as
      | { result?: { value: unknown } }
      | undefined;
    return said?.result?.value;
  }

  async press(key: string): Promise<void> {
    const text = key.length === 1 ? { text: key } : {};
    await this.call('Input.dispatchKeyEvent', { type: 'keyDown', key, ...text });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', key });
  }
}
