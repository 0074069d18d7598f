import { hash } from 'node:crypto';
import type { Scene } from './scene.ts';

/**
 * A recording as one HTML page that stands alone: it loads nothing, sends nothing, and its policy lets no script but its
 * own run. SECURITY: what was recorded stands in the page only as JSON in which no `<` occurs, and is put into the document
 * only as text.
 */
export class Page {
  #begun = false;

  /** What a scene adds to the page. */
  piece(scene: Scene): string {
    const json = JSON.stringify(scene)
      .replaceAll('<', '\\u003c')
      .replaceAll('\u2028', '\\u2028')
      .replaceAll('\u2029', '\\u2029');
    if (this.#begun) return `,\n${json}`;
    this.#begun = true;
    return `${head}${json}`;
  }

  end(): string {
    return this.#begun ? tail : `${head}${tail}`;
  }
}

const style = `
:root{color-scheme:light dark;--ink:#1d2430;--soft:#667085;--line:#e2e5ea;--bg:#f6f7f9;--card:#fff;--ok:#187a44;--no:#b42318;--held:#9a6700;--mark:#ffe58f;--accent:#2f5fd0}
@media(prefers-color-scheme:dark){:root{--ink:#e4e7ec;--soft:#98a2b3;--line:#333a46;--bg:#14171c;--card:#1c2027;--ok:#5bc98c;--no:#ff8a80;--held:#e3b341;--mark:#6b5600;--accent:#8db0ff}}
*{box-sizing:border-box}
html,body{margin:0;height:100%}
body{background:var(--bg);color:var(--ink);font:14px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;display:flex;flex-direction:column}
header{padding:14px 20px 10px;background:var(--card);border-bottom:1px solid var(--line)}
h1{font-size:16px;margin:0;font-weight:650;overflow-wrap:anywhere}
header p{margin:2px 0 0;color:var(--soft);font-size:12.5px;overflow-wrap:anywhere}
main{flex:1;overflow-y:auto;padding:16px 20px 40px;scroll-behavior:auto}
main>div{max-width:1080px;margin:0 auto}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;margin:0 0 12px;content-visibility:auto;contain-intrinsic-size:auto 120px;overflow:hidden}
.card.later{display:none}
.card.now{border-color:var(--accent);box-shadow:0 0 0 1px var(--accent)}
.head{display:flex;gap:10px;align-items:baseline;padding:8px 14px;font-size:12.5px;color:var(--soft);flex-wrap:wrap;border-bottom:1px solid var(--line)}
.head:last-child{border-bottom:0}
.badge{font-weight:700;font-size:11px;letter-spacing:.04em}
.allow{color:var(--ok)}.deny{color:var(--no)}.review{color:var(--held)}
.time{font-variant-numeric:tabular-nums}
pre{margin:0;padding:10px 14px;white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;unicode-bidi:isolate;direction:ltr}
pre.answer,.table{border-top:1px solid var(--line)}
.sent{color:var(--soft)}
.error{color:var(--no)}.note{color:var(--held)}
.table{overflow-x:auto}
table{border-collapse:collapse;font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;min-width:100%}
th,td{text-align:left;padding:5px 14px;border-bottom:1px solid var(--line);vertical-align:top;white-space:pre-wrap;max-width:460px;overflow-wrap:anywhere;unicode-bidi:isolate;direction:ltr}
tr:last-child td{border-bottom:0}
th{color:var(--soft);font-weight:600;background:var(--bg)}
td.null{color:var(--soft);font-style:italic}
.tag{padding:6px 14px;color:var(--soft);font-size:12.5px;border-top:1px solid var(--line)}
.card.gap{border-color:var(--no);color:var(--no);padding:8px 14px}
.cc{color:var(--no);border:1px solid currentColor;border-radius:3px;font-size:.8em;padding:0 2px;margin:0 1px}
mark{background:var(--mark);color:inherit;border-radius:2px}
footer{background:var(--card);border-top:1px solid var(--line);padding:8px 20px 12px}
#line{position:relative;height:26px;touch-action:none;cursor:pointer}
#line .rail{position:absolute;left:0;right:0;top:12px;height:3px;background:var(--line);border-radius:2px}
#line .done{position:absolute;left:0;top:12px;height:3px;background:var(--accent);border-radius:2px}
#line .tick{position:absolute;top:8px;width:2px;height:11px;background:var(--soft);opacity:.55}
#line .tick.deny{background:var(--no);opacity:1}#line .tick.review{background:var(--held);opacity:1}#line .tick.gap{background:var(--no);opacity:1}#line .tick.found{background:var(--held);opacity:1;height:17px;top:5px}
#line .knob{position:absolute;top:6px;width:15px;height:15px;margin-left:-7px;border-radius:50%;background:var(--accent);border:2px solid var(--card)}
.bar{display:flex;gap:10px;align-items:center;flex-wrap:wrap;max-width:1080px;margin:0 auto}
#line{max-width:1080px;margin:0 auto}
button,select,input{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);border-radius:6px;padding:4px 10px}
button{cursor:pointer;min-width:40px}
button:focus-visible,select:focus-visible,input:focus-visible,#line:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
#play{min-width:76px;background:var(--accent);border-color:var(--accent);color:var(--card);font-weight:600}
input{flex:1;min-width:140px}
.soft{color:var(--soft);font-size:12.5px;font-variant-numeric:tabular-nums}
kbd{border:1px solid var(--line);border-radius:4px;padding:0 4px;font:11px ui-monospace,monospace}
`;

// Written without any way from data to markup: elements are made by name, texts are set as text.
const script = `
'use strict';
const scenes = JSON.parse(document.getElementById('scenes').textContent);
const list = document.getElementById('list'), main = document.querySelector('main');
const make = (name, cls, text) => { const e = document.createElement(name); if (cls) e.className = cls; if (text !== undefined) say(e, text); return e; };
const odd = /[\\p{Cc}\\p{Cf}\\p{Co}\\p{Cs}\\u2028\\u2029]/u;
function say(e, text) {
  let run = '';
  const flush = () => { if (run) e.append(run); run = ''; };
  for (const c of text) {
    if (c === '\\n' || c === '\\t' || !odd.test(c)) run += c;
    else { flush(); const s = document.createElement('span'); s.className = 'cc'; s.textContent = 'U+' + c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0'); e.append(s); }
  }
  flush();
}
const clock = (ms) => { const s = Math.floor(ms / 1000), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60; return (h ? h + ':' + String(m).padStart(2, '0') : m) + ':' + String(s % 60).padStart(2, '0') + '.' + Math.floor(ms % 1000 / 100); };
const cards = [];
let open, byId = new Map(), table, text;
function card(at, cls) { const e = make('section', 'card ' + (cls || '')); list.append(e); const c = { at, e, cls: cls || '', words: '' }; cards.push(c); table = text = undefined; return c; }
function headOf(c, scene) {
  const h = make('div', 'head'); h.append(make('span', 'time', clock(scene.at)));
  const d = scene.decided;
  const verdict = d ? d.decision : scene.kind === 'decision' ? scene.decision : undefined;
  if (verdict) { h.append(make('span', 'badge ' + (verdict === 'allow' ? 'allow' : verdict === 'deny' ? 'deny' : 'review'), verdict === 'allow' ? 'ALLOWED' : verdict === 'deny' ? 'DENIED' : 'HELD')); c.cls = verdict; }
  if (d) { h.append(make('span', '', d.verb + ' (' + d.access + ')')); for (const r of d.rules) h.append(make('span', '', r)); const duties = d.duties.filter((x) => !x.startsWith('record:')); if (duties.length) h.append(make('span', '', '[' + duties.join(' ') + ']')); if (d.ended) h.append(make('span', '', d.ended)); }
  c.e.append(h);
}
function put(c, node, words) { c.e.append(node); c.words += ' ' + words; }
function shown(c, s, cls) {
  if (s.kind !== 'text') text = undefined;
  if (s.kind === 'columns') { table = undefined; if (s.names.length) { const box = make('div', 'table'), t = make('table'), tr = make('tr'); for (const n of s.names) tr.append(make('th', '', n)); t.append(tr); box.append(t); table = { box, t, placed: false, words: s.names.join(' ') }; } return; }
  if (s.kind === 'rows') {
    if (!table) { const box = make('div', 'table'), t = make('table'); box.append(t); table = { box, t, placed: false, words: '' }; }
    if (!table.placed) { table.placed = true; put(c, table.box, table.words); }
    for (const row of s.rows) { const tr = make('tr'); for (const cell of row) tr.append(make('td', cell === null ? 'null' : '', cell === null ? 'NULL' : cell)); table.t.append(tr); c.words += ' ' + row.join(' '); }
    return;
  }
  if (s.kind === 'tag') { if (table && !table.placed) put(c, table.box, table.words); table = undefined; return put(c, make('div', 'tag', s.text), s.text); }
  if (s.kind === 'error') { const all = [s.code + '  ' + s.message, s.detail && 'DETAIL  ' + s.detail, s.hint && 'HINT  ' + s.hint].filter(Boolean).join('\\n'); return put(c, make('pre', 'answer error', all), all); }
  if (s.kind === 'notice') return put(c, make('pre', 'answer note', s.text), s.text);
  if (s.kind === 'binary') return put(c, make('div', 'tag', s.bytes + ' bytes that are no text'), '');
  if (s.kind === 'text') { if (!text || text.c !== c || text.cls !== cls) { const e = make('pre', 'answer ' + cls); put(c, e, ''); text = { c, e, cls }; } say(text.e, s.text); c.words += s.text; }
}
for (const scene of scenes) {
  if (scene.kind === 'session') {
    const s = scene.session;
    say(document.querySelector('h1'), s.identity + ' \\u2192 ' + s.resource);
    say(document.querySelector('header p'), 'session ' + s.id + ' \\u00b7 ' + s.protocol + ' \\u00b7 ' + s.startedAt + (s.run ? ' \\u00b7 run ' + s.run : ''));
    document.title = 'Recording ' + s.id;
  } else if (scene.kind === 'statement') {
    open = card(scene.at); open.statement = true; byId.set(scene.id, open); headOf(open, scene); put(open, make('pre', '', scene.text), scene.text);
    if (scene.decided) open.words += ' ' + scene.decided.verb + ' ' + scene.decided.rules.join(' ');
  } else if (scene.kind === 'decision') {
    let c = byId.get(scene.id);
    if (!c) { c = open = card(scene.at); c.statement = true; byId.set(scene.id, c); headOf(c, scene); if (!scene.why) put(c, make('div', 'tag', 'The policy records no text of this'), ''); }
    if (scene.why) put(c, make('pre', 'answer error', scene.why), scene.why);
    if (scene.decision === 'deny') c.cls = 'deny';
  } else if (scene.kind === 'answer' || scene.kind === 'sent') {
    const c = (scene.of && byId.get(scene.of)) || open || (open = card(scene.at));
    c.until = scene.at; shown(c, scene.shown, scene.kind === 'sent' ? 'sent' : '');
  } else if (scene.kind === 'note') { const c = open || (open = card(scene.at)); put(c, make('pre', 'answer note', scene.text), scene.text); }
  else if (scene.kind === 'gap') { open = undefined; const c = card(scene.at, 'gap'); put(c, document.createTextNode((scene.chunk === undefined ? '' : 'chunk ' + scene.chunk + ': ') + scene.why), scene.why); }
  else if (scene.kind === 'end') { open = undefined; const c = card(scene.at); put(c, make('div', 'tag', scene.why), scene.why); }
}
cards.sort((a, b) => a.at - b.at);
const total = Math.max(1, ...cards.map((c) => c.until || c.at));
const line = document.getElementById('line'), done = line.querySelector('.done'), knob = line.querySelector('.knob');
for (const c of cards) { const t = make('div', 'tick ' + (c.cls === 'allow' ? '' : c.cls)); t.style.left = (c.at / total * 100) + '%'; c.tick = t; line.insertBefore(t, knob); }
const $ = (id) => document.getElementById(id);
let at = total, playing = false, last = 0, cut = 2000, speed = 1, shownTo = -1;
function show(follow) {
  let newest = -1;
  cards.forEach((c, i) => { const is = c.at <= at; c.e.classList.toggle('later', !is); if (is) newest = i; });
  if (newest !== shownTo) { if (cards[shownTo]) cards[shownTo].e.classList.remove('now'); shownTo = newest; if (cards[newest]) { if (at < total) cards[newest].e.classList.add('now'); if (follow) cards[newest].e.scrollIntoView({ block: 'end' }); } }
  if (follow && at >= total) main.scrollTop = main.scrollHeight;
  done.style.width = knob.style.left = (at / total * 100) + '%';
  line.setAttribute('aria-valuenow', String(Math.round(at / 1000))); line.setAttribute('aria-valuetext', clock(at));
  $('time').textContent = clock(at) + ' / ' + clock(total);
}
function seek(to, follow) { at = Math.min(total, Math.max(0, to)); show(follow !== false); }
function play(on) { playing = on; $('play').textContent = on ? 'Pause' : 'Play'; if (on) { if (at >= total) seek(0); last = performance.now(); requestAnimationFrame(step); } }
function step(now) {
  if (!playing) return;
  let to = at + (now - last) * speed; last = now;
  const next = cards.find((c) => c.at > at);
  if (next && next.at - at > cut) to = Math.max(to, next.at - cut);
  seek(to);
  if (at >= total) play(false); else requestAnimationFrame(step);
}
function jump(by) { const i = by > 0 ? cards.findIndex((c) => c.at > at) : cards.findLastIndex((c) => c.at < at - (playing ? 700 : 0)); seek(i < 0 ? (by > 0 ? total : 0) : cards[i].at); }
$('play').addEventListener('click', () => play(!playing));
$('speed').addEventListener('change', (e) => { speed = Number(e.target.value); });
$('pause').addEventListener('change', (e) => { cut = Number(e.target.value); });
const point = (e) => { const r = line.getBoundingClientRect(); play(false); seek((e.clientX - r.left) / r.width * total); };
line.addEventListener('pointerdown', (e) => { line.setPointerCapture(e.pointerId); point(e); });
line.addEventListener('pointermove', (e) => { if (e.buttons & 1) point(e); });
let hits = [], hit = -1;
function clear() { for (const m of list.querySelectorAll('mark')) m.replaceWith(m.textContent); list.normalize(); for (const c of cards) c.tick.classList.remove('found'); }
function search() {
  clear(); const q = $('q').value.trim().toLowerCase(); hits = q === '' ? [] : cards.filter((c) => c.words.toLowerCase().includes(q)); hit = -1;
  for (const c of hits) { c.tick.classList.add('found'); paint(c.e, q); }
  $('found').textContent = q === '' ? '' : hits.length + (hits.length === 1 ? ' place' : ' places');
}
function paint(e, q) {
  const w = document.createTreeWalker(e, NodeFilter.SHOW_TEXT), nodes = []; while (w.nextNode()) nodes.push(w.currentNode);
  for (let n of nodes) { let i; while ((i = n.data.toLowerCase().indexOf(q)) >= 0 && n.data.toLowerCase().length === n.data.length) { const m = document.createElement('mark'), rest = n.splitText(i), after = rest.splitText(q.length); rest.replaceWith(m); m.append(rest); n = after; } }
}
function go(by) { if (!hits.length) return; hit = (hit + by + hits.length) % hits.length; if (hits[hit].at > at) seek(hits[hit].at); hits[hit].e.scrollIntoView({ block: 'center' }); $('found').textContent = (hit + 1) + ' of ' + hits.length; }
$('q').addEventListener('input', search);
$('q').addEventListener('keydown', (e) => { if (e.key === 'Enter') go(e.shiftKey ? -1 : 1); if (e.key === 'Escape') { e.target.value = ''; search(); e.target.blur(); } });
addEventListener('keydown', (e) => {
  if (e.target.matches('input,select') || e.ctrlKey || e.metaKey || e.altKey) return;
  const keys = { ' ': () => play(!playing), k: () => play(!playing), ArrowRight: () => seek(at + 5000), ArrowLeft: () => seek(at - 5000), l: () => jump(1), j: () => jump(-1), n: () => go(1), N: () => go(-1), Home: () => seek(0), End: () => seek(total), '/': () => $('q').focus(), '>': () => faster(1), '<': () => faster(-1) };
  if (keys[e.key] && !(e.key === ' ' && e.target.matches('button'))) { e.preventDefault(); keys[e.key](); }
});
function faster(by) { const s = $('speed'); s.selectedIndex = Math.min(s.options.length - 1, Math.max(0, s.selectedIndex + by)); speed = Number(s.value); }
line.setAttribute('aria-valuemax', String(Math.round(total / 1000)));
show(false);
document.documentElement.dataset.ready = 'yes';
`;

const policy = `default-src 'none'; script-src 'sha256-${hash('sha256', script, 'base64')}'; style-src 'sha256-${hash('sha256', style, 'base64')}'; base-uri 'none'; form-action 'none'`;

const head = `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="referrer" content="no-referrer">
<title>Recording</title><style>${style}</style></head><body>
<header><h1></h1><p></p></header>
<main><div id="list"></div></main>
<footer>
<div id="line" tabindex="0" role="slider" aria-label="Time" aria-valuemin="0"><div class="rail"></div><div class="done"></div><div class="knob"></div></div>
<div class="bar">
<button id="play" type="button">Play</button>
<select id="speed" aria-label="Speed"><option value="0.5">0.5\u00d7</option><option value="1" selected>1\u00d7</option><option value="2">2\u00d7</option><option value="4">4\u00d7</option><option value="16">16\u00d7</option></select>
<select id="pause" aria-label="Pauses"><option value="500">pauses 0.5 s</option><option value="2000" selected>pauses 2 s</option><option value="1e12">pauses whole</option></select>
<span id="time" class="soft"></span>
<input id="q" type="search" placeholder="Search statements and answers" aria-label="Search">
<span id="found" class="soft" aria-live="polite"></span>
<span class="soft"><kbd>space</kbd> play <kbd>\u2190</kbd><kbd>\u2192</kbd> 5 s <kbd>j</kbd><kbd>l</kbd> statement <kbd>/</kbd> search <kbd>n</kbd> next <kbd>&lt;</kbd><kbd>&gt;</kbd> speed</span>
</div></footer>
<script type="application/json" id="scenes">[`;

const tail = `]</script>
<script>${script}</script>
</body></html>
`;
