import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Page, type Scene } from '../../src/record/index.ts';
import { inBrowser } from '../e2e/harness/browser.ts';
import { needs } from '../e2e/harness/needs.ts';
import { temporaryFolder } from '../e2e/harness/place.ts';

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

test(
  'the page runs in a real browser: nothing of what was recorded runs, nothing is loaded, keys and search work',
  { timeout: 900_000 },
  async (t) => {
    if (!needs(t, 'chromium')) return;
    using folder = temporaryFolder('page');
    const file = join(folder.path, 'page.html');
    const page = new Page();
    writeFileSync(file, scenes.map((scene) => page.piece(scene)).join('') + page.end());
    await inBrowser(async (tab) => {
      await tab.call('Page.navigate', { url: pathToFileURL(file).href });
      while ((await tab.value('document.documentElement.dataset.ready')) !== 'yes') await sleep(50);
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
      // A minute of pause is cut to two seconds, at sixteen times the speed: too quick for who asks now and then.
      await tab.value(
        'window.said = []; new MutationObserver(() => window.said.push(document.getElementById("play").textContent)).observe(document.getElementById("play"), { childList: true, characterData: true, subtree: true })',
      );
      await tab.press('k');
      while ((await tab.value('window.said.at(-1)')) !== 'Play') await sleep(20);
      assert.equal(await tab.value('window.said.join()'), 'Pause,Play');
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
