import { createHash } from 'node:crypto';

// The pages of the gateway itself: static HTML, no script. Whatever is put in is escaped.

/** What the sign-in page shows. */
export interface SignInPage {
  /** Where to go back to: a path of the same origin. */
  readonly to: string;
  /** Why it is shown again, as a sentence. */
  readonly problem?: string;
}

export function signInPage({ to, problem }: SignInPage): string {
  const said = problem === undefined ? '' : `<p class="problem" role="alert">${escaped(problem)}.</p>`;
  const goal =
    to === ''
      ? '<p>Sign in to reach the services behind this gateway.</p>'
      : `<p>To open <code>${escaped(shortened(to))}</code>, say who you are.</p>`;
  return page(
    'Sign in',
    `${goal}${said}
<form method="post" action="${signInPath}" autocomplete="on">
<input type="hidden" name="to" value="${escaped(to)}">
<input type="hidden" name="way" value="token">
<label for="name">Name</label>
<input id="name" name="name" required maxlength="200" autocomplete="username" autocapitalize="none" spellcheck="false" autofocus>
<label for="token">Token</label>
<input id="token" name="token" type="password" required maxlength="4096" autocomplete="current-password">
<button>Sign in</button>
</form>
<p class="hint">A token is made by <code>sallyport token NAME</code>, or by whoever runs this gateway. What you do is judged by rules and written down.</p>`,
  );
}

/** Who has signed in already sees where to go on, and how to leave. */
export function signedInPage(subject: string, to: string): string {
  const on =
    to === '' ? '' : `<p><a class="go" href="${escaped(to)}">Go on to ${escaped(shortened(to))}</a></p>`;
  return page(
    'Signed in',
    `<p>You are signed in as <strong>${escaped(subject)}</strong>.</p>${on}
<form method="post" action="${signOutPath}"><button class="quiet">Sign out</button></form>`,
  );
}

export function signedOutPage(): string {
  return page(
    'Signed out',
    `<p>You are signed out, and what was open is closed.</p><p><a class="go" href="${signInPath}">Sign in again</a></p>`,
  );
}

/** Everything under it is the gateway's own. No resource can be called so: names begin with a letter or a digit. */
export const ownPath = '/.sallyport/';
export const signInPath: string = `${ownPath}sign-in`;
export const signOutPath: string = `${ownPath}sign-out`;

const style = `
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5b6675;--paper:#fff;--ground:#eef1f5;--line:#c3cad4;--act:#14538a;--bad:#a3231f;--badground:#fdecea}
@media (prefers-color-scheme:dark){:root{--ink:#e8ecf2;--soft:#a3aebd;--paper:#1b222c;--ground:#11161d;--line:#465162;--act:#7db8ee;--bad:#ffb4ae;--badground:#43201f}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{width:100%;max-width:25rem;background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:2rem;box-shadow:0 8px 30px rgb(0 0 0/8%)}
.mark{margin:0 0 .25rem;color:var(--soft);font-size:.8rem;font-weight:600;letter-spacing:.12em;text-transform:uppercase}
h1{margin:0 0 1rem;font-size:1.6rem;line-height:1.2}
p{margin:0 0 1rem;overflow-wrap:anywhere}
code{font:.9em ui-monospace,monospace;background:var(--ground);padding:.1em .35em;border-radius:4px}
label{display:block;margin:0 0 .3rem;font-weight:600}
input{width:100%;margin:0 0 1rem;padding:.65rem .75rem;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);border-radius:8px}
button,.go{display:block;width:100%;padding:.7rem 1rem;font:inherit;font-weight:600;text-align:center;text-decoration:none;color:var(--paper);background:var(--act);border:1px solid var(--act);border-radius:8px;cursor:pointer}
.quiet{color:var(--act);background:none}
input:focus-visible,button:focus-visible,.go:focus-visible{outline:3px solid var(--act);outline-offset:2px}
.problem{padding:.65rem .75rem;color:var(--bad);background:var(--badground);border-radius:8px}
.hint{margin:1.25rem 0 0;color:var(--soft);font-size:.875rem}
`;

const digest = createHash('sha256').update(style).digest('base64');

/**
 * SECURITY: nothing runs and nothing is loaded; nobody frames it; no window of another policy keeps a hand on it. Not
 * `no-referrer`: a browser would then say `Origin: null` of its form.
 */
export const pageFields: readonly (readonly [string, string])[] = [
  ['content-type', 'text/html; charset=utf-8'],
  [
    'content-security-policy',
    `default-src 'none'; style-src 'sha256-${digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  ],
  ['x-frame-options', 'DENY'],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'same-origin'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['cache-control', 'no-store'],
];

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · Sallyport</title>
<style>${style}</style>
</head>
<body>
<main>
<p class="mark">Sallyport</p>
<h1>${title}</h1>
${body}
</main>
</body>
</html>
`;
}

function shortened(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
