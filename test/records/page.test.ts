import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Page, type Scene } from '../../src/record/index.ts';
import { end } from '../e2e/harness/postgres.ts';
import { temporaryFolder } from '../e2e/harness/place.ts';

const browser = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

const evil = `</script><script>document.title='pwned'</script><img src=x onerror="document.title='pwned'"><svg onload=document.title='pwned'>`;

const scenes: readonly Scene[] = [
  {
    at: 0,
    kind: 'session',
    session: {
      id: 's1',
      identity: 'ana',
      resource: 'shop',
      protocol: 'postgres',
      startedAt: '2026-11-21T10:00:00.000Z',
    },
  },
  { at: 500, kind: 'statement', id: 's1.1', text: `SELECT '${evil}'` },
  { at: 510, kind: 'answer', shown: { kind: 'columns', names: [evil, 'b'] } },
  {
    at: 520,
    kind: 'answer',
    shown: {
      kind: 'rows',
      rows: [
        [evil, '\u202eevil\u0007'],
        ['needle', null],
      ],
    },
  },
  { at: 530, kind: 'answer', shown: { kind: 'tag', text: 'SELECT 2' } },
  { at: 60_000, kind: 'statement', id: 's1.2', text: 'DROP TABLE orders' },
  { at: 60_001, kind: 'decision', id: 's1.2', decision: 'deny', why: evil },
  { at: 61_000, kind: 'end', why: evil },
];

/** A page of a real browser, spoken to over its DevTools protocol. */
async function inBrowser(path: string, run: (page: Tab) => Promise<void>): Promise<void> {
  using profile = temporaryFolder('browser');
  const child = spawn(
    browser ?? '',
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile.path}`,
      'about:blank',
    ],
    { stdio: 'ignore' },
  );
  try {
    const port = join(profile.path, 'DevToolsActivePort');
    while (!existsSync(port) || readFileSync(port, 'utf8').split('\n').length < 2) await sleep(50);
    const at = `127.0.0.1:${readFileSync(port, 'utf8').split('\n')[0]}`;
    const tabs = (await (await fetch(`http://${at}/json`)).json()) as {
      type: string;
      webSocketDebuggerUrl: string;
    }[];
    const url = tabs.find(({ type }) => type === 'page')?.webSocketDebuggerUrl;
    assert.ok(url);
    const socket = new WebSocket(url);
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
    const tab = new Tab(socket);
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await tab.call(`${domain}.enable`);
    await tab.call('Page.navigate', { url: pathToFileURL(path).href });
    while ((await tab.value('document.documentElement.dataset.ready')) !== 'yes') await sleep(50);
    await run(tab);
    socket.close();
  } finally {
    await end(child, 'SIGKILL', 10_000);
  }
}

class Tab {
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

  async value(expression: string): Promise<unknown> {
    const { result } = (await this.call('Runtime.evaluate', { expression })) as {
      result: { value: unknown };
    };
    return result.value;
  }

  async press(key: string): Promise<void> {
    const text = key.length === 1 ? { text: key } : {};
    await this.call('Input.dispatchKeyEvent', { type: 'keyDown', key, ...text });
    await this.call('Input.dispatchKeyEvent', { type: 'keyUp', key });
  }
}

test(
  'the page runs in a real browser: nothing of what was recorded runs, nothing is loaded, keys and search work',
  { skip: browser === undefined ? 'no Chromium here' : false, timeout: 120_000 },
  async () => {
    using folder = temporaryFolder('page');
    const file = join(folder.path, 'page.html');
    const page = new Page();
    writeFileSync(file, scenes.map((scene) => page.piece(scene)).join('') + page.end());
    await inBrowser(file, async (tab) => {
      assert.equal(await tab.value('document.title'), 'Recording s1');
      assert.equal(await tab.value('document.querySelectorAll("img,svg,iframe,a").length'), 0);
      assert.equal(await tab.value('document.querySelectorAll("td")[0].textContent'), evil);
      assert.equal(await tab.value('document.querySelectorAll("td")[1].textContent'), 'U+202EevilU+0007');
      const seen = 'document.querySelectorAll(".card:not(.later)").length';
      assert.equal(await tab.value(seen), 3, 'opened at its end: all of it can be read');
      await tab.press('Home');
      assert.equal(await tab.value(seen), 0);
      await tab.press('l');
      assert.equal(await tab.value(seen), 1);
      await tab.press('l');
      assert.equal(await tab.value(seen), 2);
      await tab.press('j');
      assert.equal(await tab.value(seen), 1);
      await tab.press('/');
      for (const key of 'needle') await tab.press(key);
      assert.equal(await tab.value('document.querySelector("mark").textContent'), 'needle');
      assert.equal(await tab.value('document.getElementById("found").textContent'), '1 place');
      await tab.press('Escape');
      assert.equal(await tab.value('document.querySelectorAll("mark").length'), 0);
      await tab.press('Home');
      await tab.value(
        'document.getElementById("speed").value = "16"; document.getElementById("speed").dispatchEvent(new Event("change"))',
      );
      await tab.press('k');
      assert.equal(await tab.value('document.getElementById("play").textContent'), 'Pause');
      // A minute of pause is cut to two seconds, at sixteen times the speed.
      while ((await tab.value('document.getElementById("play").textContent')) !== 'Play') await sleep(20);
      assert.equal(await tab.value(seen), 3);
      assert.equal(await tab.value('document.title'), 'Recording s1');
      assert.deepEqual(
        tab.requests.filter((url) => !url.startsWith('file:')),
        [],
      );
      assert.deepEqual(
        tab.violations.filter((text) => !text.includes('frame-ancestors')),
        [],
      );
    });
  },
);
