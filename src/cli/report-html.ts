import type { ControlFindings, Findings } from './report-gather.ts';

/** One page that stands alone: no script, nothing from elsewhere. */
export function html(report: Findings): string {
  const { title, ledger, policy, controls, entries } = report;
  const satisfied = controls.filter(({ status }) => status === 'satisfied').length;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${e(title)}: evidence</title>
<style>${style}</style>
</head>
<body>
<header>
  <p class="brand">Sallyport · evidence report</p>
  <h1>${e(title)}</h1>
  <p class="period">${e(report.from)} <span>to</span> ${e(report.to)}</p>
</header>
<main>
${ledger.verified ? '' : `<p class="alarm">The ledger does not verify. Nothing on this page can be relied on.<br>${ledger.problems.map(e).join('<br>')}</p>`}
<section class="figures">
  ${figure(`${satisfied} of ${controls.length}`, 'controls with rules and entries behind them')}
  ${figure(whole(entries.inPeriod), 'entries in the period')}
  ${figure(whole(Object.keys(report.proofs).length), 'entries named here, each with its proof')}
  ${figure(ledger.verified ? 'verified' : 'NOT verified', `ledger of ${whole(ledger.size)} entries`)}
</section>
<nav><table class="overview"><thead><tr><th>Control</th><th>Name</th><th>Entries</th><th>State</th></tr></thead><tbody>
${controls.map(overview).join('\n')}
</tbody></table></nav>
${controls.map((control) => section(control, report)).join('\n')}
<section class="card">
  <h2>What this rests on</h2>
  <dl>
    <dt>Ledger</dt><dd>${e(ledger.origin)}</dd>
    <dt>Signed by</dt><dd><code>${e(ledger.key)}</code></dd>
    <dt>Root of ${whole(ledger.size)} entries</dt><dd><code>${e(ledger.root)}</code></dd>
    <dt>Kept elsewhere</dt><dd>${ledger.anchoredTo === null ? 'this run was given no head that was kept elsewhere, so it cannot show that the end was not cut off: run <code>sallyport audit verify --checkpoint</code>' : `the first ${whole(ledger.anchoredTo)} entries`}</dd>
    <dt>Gaps</dt><dd>${whole(ledger.gaps)}</dd>
    <dt>Policy checked</dt><dd><code>${e(policy.digest)}</code>, ${whole(policy.testsPassed)} tests passed, ${whole(policy.testsFailed)} failed</dd>
    <dt>Policies in force</dt><dd>${policy.inForce.length === 0 ? 'no decision in the period' : policy.inForce.map(({ digest, decisions, isThisOne }) => `<code>${e(digest.slice(0, 16))}…</code> ${whole(decisions)} decisions${isThisOne ? ' (the one checked)' : ''}`).join('<br>')}</dd>
    <dt>Made</dt><dd>${e(report.generatedAt)} by ${report.generator.name} ${e(report.generator.version)}</dd>
  </dl>
  <details><summary>Signed head</summary><pre>${e(ledger.checkpoint)}</pre></details>
  <p class="note">Samples are drawn by a seed that framework and period give: the same report draws the same ones. Save a proof
  as a file and check it with nothing but the ledger's key: <code>sallyport audit check-proof FILE --key KEY</code>. Counts are of
  entries; what a gateway cannot see is not claimed.</p>
</section>
</main>
</body>
</html>
`;
}

function figure(value: string, about: string): string {
  return `<div><strong>${e(value)}</strong><span>${e(about)}</span></div>`;
}

function overview({ id, name, status, evidence }: ControlFindings): string {
  const count = evidence.reduce((sum, each) => sum + each.count, 0);
  return `<tr><td><a href="#${anchor(id)}">${e(id)}</a></td><td>${e(name)}</td><td class="n">${whole(count)}</td><td>${badge(status)}</td></tr>`;
}

function badge(status: ControlFindings['status']): string {
  return status === 'satisfied'
    ? '<span class="badge yes">evidence</span>'
    : '<span class="badge no">missing</span>';
}

function section(control: ControlFindings, report: Findings): string {
  const { id, name, how, status, rules, tests, evidence, missing } = control;
  return `<section class="card ${status}" id="${anchor(id)}">
  <h2><span class="id">${e(id)}</span> ${e(name)} ${badge(status)}</h2>
  <p>${words(how)}</p>
  ${missing.length === 0 ? '' : `<div class="missing"><h3>What is missing</h3><ul>${missing.map((each) => `<li>${e(each)}</li>`).join('')}</ul></div>`}
  <h3>Rules</h3>
  <ul class="rules">${rules.map((rule) => `<li class="${rule.live ? 'live' : 'dead'}"><code>${e(rule.id)}</code> <span>${e(rule.at)}</span></li>`).join('')}</ul>
  ${tests.length === 0 ? '' : `<p class="tests">Tested by ${tests.map((each) => `<code>${e(each)}</code>`).join(', ')}</p>`}
  <h3>Entries</h3>
  ${evidence.map((each) => evidenceOf(each, report)).join('\n  ')}
</section>`;
}

function evidenceOf(
  { what, where, count, expect, samples }: ControlFindings['evidence'][number],
  { proofs }: Findings,
): string {
  const query = Object.entries(where)
    .map(([part, values]) => `${part}: ${values.join(' | ')}`)
    .join(', ');
  const rows = samples.map(({ entry, at, about }) => {
    const proof = proofs[String(entry)];
    const link =
      proof === undefined
        ? '<span class="query">not yet under the head</span>'
        : `<details><summary>proof</summary><a download="entry-${entry}.tlog-proof" href="data:text/plain;base64,${Buffer.from(proof).toString('base64')}">save</a><pre>${e(proof)}</pre></details>`;
    return `<tr><td class="n">${entry}</td><td class="at">${e(at.replace('T', ' ').slice(0, 19))}</td><td>${e(about)} ${link}</td></tr>`;
  });
  const none = expect === 'any' ? 'none, which is an answer as well' : 'none';
  return `<div class="evidence"><h4>${e(what)} <b>${count === 0 ? none : whole(count)}</b></h4><p class="query"><code>${e(query)}</code></p>${
    rows.length === 0
      ? ''
      : `<table><thead><tr><th>Entry</th><th>At (UTC)</th><th>About</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
  }</div>`;
}

function anchor(id: string): string {
  return `c-${id.replaceAll(/[^A-Za-z0-9]/g, '-')}`;
}

function whole(value: number): string {
  return value.toLocaleString('en-US');
}

/** What stands between backticks is code. */
function words(text: string): string {
  return e(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

/** SECURITY: entries hold names that clients chose. */
function e(text: string): string {
  return text
    .replaceAll(/[^\P{C}\n\t]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const style = `
:root{color-scheme:light;--ink:#16202b;--soft:#5b6875;--line:#dfe5ea;--paper:#fff;--ground:#f3f5f7;--yes:#0b6b46;--yesbg:#e2f4eb;--no:#9a3412;--nobg:#fdeee3;--deep:#14324a}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header{background:var(--deep);color:#fff;padding:2.6rem max(1.5rem,calc(50vw - 28rem)) 4.6rem}header h1{margin:.2rem 0;font-size:1.7rem;font-weight:650;letter-spacing:-.01em;max-width:46rem}
.brand{margin:0;font-size:.8rem;letter-spacing:.08em;text-transform:uppercase;opacity:.75}.period{margin:0;opacity:.9;font-variant-numeric:tabular-nums}.period span{opacity:.7}
main{max-width:59rem;margin:-2.8rem auto 4rem;padding:0 1.5rem}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:1px;background:var(--line);border:1px solid var(--line);border-radius:10px;overflow:hidden;box-shadow:0 6px 20px #14324a1a}
.figures div{background:var(--paper);padding:1rem 1.2rem}.figures strong{display:block;font-size:1.35rem;font-weight:650;font-variant-numeric:tabular-nums}.figures span{color:var(--soft);font-size:.85rem}
.card,nav{background:var(--paper);border:1px solid var(--line);border-radius:10px;margin:1.2rem 0;padding:1.2rem 1.5rem}nav{padding:.4rem .6rem}
.card.not-satisfied{border-left:4px solid var(--no)}.card.satisfied{border-left:4px solid var(--yes)}
h2{font-size:1.08rem;margin:.1rem 0 .5rem;font-weight:620;line-height:1.4}h2 .id{font-family:ui-monospace,Menlo,Consolas,monospace;color:var(--deep);margin-right:.4rem}
h3{font-size:.78rem;text-transform:uppercase;letter-spacing:.06em;color:var(--soft);margin:1.1rem 0 .3rem}h4{font-size:.95rem;margin:.7rem 0 0;font-weight:550}h4 b{font-weight:650;margin-left:.3rem;font-variant-numeric:tabular-nums}
.badge{display:inline-block;white-space:nowrap;border-radius:99px;padding:.05rem .6rem;font-size:.76rem;font-weight:600;vertical-align:.08em}.badge.yes{background:var(--yesbg);color:var(--yes)}.badge.no{background:var(--nobg);color:var(--no)}
.missing{background:var(--nobg);border-radius:8px;padding:.2rem 1rem .6rem}.missing h3{color:var(--no)}.missing ul{margin:.2rem 0;padding-left:1.2rem}
.alarm{background:#7f1d1d;color:#fff;border-radius:10px;padding:1rem 1.2rem;font-weight:600}
ul.rules{list-style:none;padding:0;margin:.2rem 0}ul.rules li{padding:.12rem 0}ul.rules span,.tests,.query,.note{color:var(--soft);font-size:.86rem}ul.rules li.live::before{content:"✓ ";color:var(--yes)}ul.rules li.dead::before{content:"✕ ";color:var(--no)}.query{margin:.1rem 0 .3rem}
table{width:100%;border-collapse:collapse;font-size:.88rem}th{text-align:left;font-weight:550;color:var(--soft);font-size:.8rem;padding:.3rem .6rem}td{padding:.35rem .6rem;border-top:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}td.n,td.at{font-variant-numeric:tabular-nums;white-space:nowrap}td.n{width:4.5rem}td.at{width:11rem}.overview td:first-child{font-family:ui-monospace,Menlo,Consolas,monospace;white-space:nowrap}a{color:#0b5394}
code,pre{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.86em}dd code{overflow-wrap:anywhere}pre{background:var(--ground);border-radius:6px;padding:.6rem;overflow:auto;max-height:16rem;max-width:min(34rem,70vw);white-space:pre-wrap;overflow-wrap:anywhere}
details{display:inline}details[open]{display:block}summary{cursor:pointer;color:#0b5394;font-size:.86rem}dl{display:grid;grid-template-columns:minmax(9rem,auto) 1fr;gap:.35rem 1.2rem;margin:.3rem 0}dt{color:var(--soft)}dd{margin:0}
@media print{body{background:#fff}header{color:#000;background:none;padding:0 0 1rem}main{margin:0}.card,nav,.figures{box-shadow:none;break-inside:avoid}details{display:none}}
`;
