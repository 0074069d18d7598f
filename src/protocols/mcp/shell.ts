import { err, ok, type Result } from '../../base/result.ts';

/** One program that a command line would run, with its words as they are after quoting. */
export interface ShellCommand {
  readonly program: string;
  readonly words: readonly string[];
}

const longest = 8_192;
const mostCommands = 50;

/**
 * The programs of a command line for sh. SECURITY: only what every shell reads alike is read: words, quotes, pipes and lists.
 * Whatever makes a word out of something else (expansions, substitutions, patterns, redirections, assignments), runs what is not
 * named (interpreters, wrappers, `find -exec`) or continues elsewhere is refused.
 */
export function shellCommands(text: string): Result<readonly ShellCommand[], string> {
  if (text.length > longest) return err(`The command line is longer than ${longest} characters`);
  if (/[^\x20-\x7e]/.test(text))
    return err('The command line has a character that is not plain ASCII, or a line break');
  const tokens = tokensOf(text);
  if (!tokens.ok) return tokens;
  const commands: ShellCommand[] = [];
  let words: string[] = [];
  const finish = (): string | undefined => {
    const [program, ...rest] = words;
    words = [];
    if (program === undefined) return 'A command is missing beside an operator';
    const bad = notNamed(program, rest);
    if (bad !== undefined) return bad;
    commands.push({ program, words: rest });
    return commands.length > mostCommands ? 'There are too many commands in one line' : undefined;
  };
  for (const token of tokens.value) {
    if (token.kind === 'word') {
      words.push(token.text);
      continue;
    }
    const bad = finish();
    if (bad !== undefined) return err(bad);
  }
  const bad = finish();
  return bad === undefined ? ok(commands) : err(bad);
}

type Token = { readonly kind: 'word'; readonly text: string } | { readonly kind: 'operator' };

function tokensOf(text: string): Result<readonly Token[], string> {
  const tokens: Token[] = [];
  let word: string | undefined;
  let at = 0;
  const end = (): void => {
    if (word !== undefined) tokens.push({ kind: 'word', text: word });
    word = undefined;
  };
  while (at < text.length) {
    const char = text[at] ?? '';
    if (char === ' ') {
      end();
      at++;
    } else if (char === "'") {
      const close = text.indexOf("'", at + 1);
      if (close < 0) return err('A quote is not closed');
      word = `${word ?? ''}${text.slice(at + 1, close)}`;
      at = close + 1;
    } else if (char === '"') {
      const close = text.indexOf('"', at + 1);
      if (close < 0) return err('A quote is not closed');
      const inner = text.slice(at + 1, close);
      if (/[$`\\!]/.test(inner)) return err('Something is expanded inside quotes');
      word = `${word ?? ''}${inner}`;
      at = close + 1;
    } else {
      const operator = /^(?:&&|\|\||\||;)/.exec(text.slice(at, at + 2))?.[0];
      if (operator !== undefined) {
        end();
        tokens.push({ kind: 'operator' });
        at += operator.length;
      } else if (plain.test(char)) {
        word = `${word ?? ''}${char}`;
        at++;
      } else return err('There is an expansion, a redirection, a pattern, a comment, or another construct');
    }
  }
  end();
  return ok(tokens);
}

const plain = /[A-Za-z0-9_./:@%+,=^-]/;

/** Why what would run is not what is named. */
function notNamed(program: string, words: readonly string[]): string | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(program))
    return 'A program is named by its plain name only, without a path';
  if (keywords.has(program)) return 'A word of the shell itself is used';
  if (runners.has(program.replace(/[\d.]+$/, ''))) return 'A program is used that runs others, or code';
  if (words.some((word) => runningOptions.test(word))) return 'An option is used that runs another program';
  return undefined;
}

const keywords: ReadonlySet<string> = new Set(
  'alias bg bind break builtin case cd command continue coproc declare dirs disown do done elif else enable esac eval exec exit export fc fg fi for function getopts hash history if in jobs let local logout mapfile popd pushd read readonly return select set shift shopt source suspend then times trap type typeset ulimit umask unalias unset until wait while'.split(
    ' ',
  ),
);

const runners: ReadonlySet<string> = new Set(
  'ash at awk bash batch busybox chroot crontab csh dash deno docker doas ed emacs env ex expect find flock fish gawk gdb ionice ksh less lua make man mawk mksh more nc ncat nice node nohup npm npx nsenter parallel perl php pip pkexec podman pwsh python runuser rsync ruby rscript scp script sed sftp setpriv setsid sh socat ssh stdbuf strace su sudo systemd-run tar tclsh tcpdump tee tcsh time timeout unshare vi view vim watch xargs yash zsh zip'.split(
    ' ',
  ),
);

// git -c alias.x=!sh, rsync -e, ssh-like -o ProxyCommand, pagers and hooks: options that name a program.
const runningOptions =
  /^-{1,2}(?:c|e|x|exec|execdir|ok|okdir|rsh|eval|command|upload-pack|receive-pack|config|config-env|pager|paginate|editor|use-compress-program|to-command|checkpoint-action|init-command|proxycommand)(?:=.*)?$/i;
