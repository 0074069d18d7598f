import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shellCommands } from './shell.ts';

const read: readonly (readonly [string, readonly string[]])[] = [
  ['ls -la /tmp', ['ls']],
  ['git log --oneline | head -5', ['git', 'head']],
  ["grep 'a; rm -rf /' notes.txt && wc -l notes.txt", ['grep', 'wc']],
  ['echo "two words" || true; pwd', ['echo', 'true', 'pwd']],
  ['cat a.txt;ls', ['cat', 'ls']],
  ["echo 'it''s'", ['echo']],
];

for (const [text, programs] of read) {
  test(`shellCommands() reads ${text}`, () => {
    const found = shellCommands(text);
    assert.ok(found.ok, JSON.stringify(found));
    assert.deepEqual(
      found.value.map(({ program }) => program),
      programs,
    );
  });
}

test('shellCommands() gives the words as they are after quoting', () => {
  const found = shellCommands(`g'i't "com"mit -m 'a b'`);
  assert.deepEqual(found, { ok: true, value: [{ program: 'git', words: ['commit', '-m', 'a b'] }] });
});

const refused: readonly (readonly [what: string, text: string])[] = [
  ['nothing', ''],
  ['an expansion', 'echo $HOME'],
  ['an expansion in quotes', 'echo "$(id)"'],
  ['a substitution', 'echo `id`'],
  ['a process substitution', 'diff <(ls) <(ls)'],
  ['a redirection', 'echo x > /etc/passwd'],
  ['a here-document', 'cat << EOF'],
  ['the background', 'sleep 1 & id'],
  ['a line break', 'ls\nid'],
  ['a carriage return', 'ls\rid'],
  ['a pattern', 'cat *'],
  ['a class of characters', 'cat /etc/pass[w]d'],
  ['one character', 'cat /etc/passw?'],
  ['braces', '{ id; }'],
  ['brace expansion', 'echo {a,b}'],
  ['a subshell', '(id)'],
  ['a tilde', 'cat ~/.ssh/id_rsa'],
  ['a comment', 'ls # && id'],
  ['an escape', 'l\\s'],
  ['an escape in quotes', 'echo "\\x"'],
  ['history', 'ls !1'],
  ['an assignment', 'LD_PRELOAD=x.so ls'],
  ['an empty command', 'ls | | wc'],
  ['a list that ends in the air', 'ls &&'],
  ['a keyword', 'if true; then id; fi'],
  ['a builtin that runs', 'eval id'],
  ['the dot', '. x.sh'],
  ['a shell', 'sh -c id'],
  ['a shell by its path', '/bin/sh -c id'],
  ['a wrapper', 'env id'],
  ['another wrapper', 'timeout 5 id'],
  ['an interpreter with a version', 'python3.12 -c 1'],
  ['sudo', 'sudo ls'],
  ['xargs', 'ls | xargs rm'],
  ['find', 'find . -delete'],
  ['awk', "awk 'BEGIN{system(1)}'"],
  ['an option that runs', 'git -c alias.x=y log'],
  ['an archiver that runs others', 'tar --to-command=id -xf a'],
  ['rsync over something else', 'rsync -e id a b'],
  ['an open quote', "echo 'x"],
  ['letters that look alike', 'сat notes.txt'],
  ['a zero width joiner', 'c\u200dat x'],
  ['a NUL', 'ls\u0000id'],
  ['an empty program', "'' x"],
  ['a quoted keyword', "'eval' id"],
];

for (const [what, text] of refused) {
  test(`shellCommands() refuses ${what}`, () => {
    assert.equal(shellCommands(text).ok, false);
  });
}

test('shellCommands() refuses what is too long', () => {
  assert.equal(shellCommands(`echo ${'a'.repeat(9_000)}`).ok, false);
  assert.equal(shellCommands(Array.from({ length: 60 }, () => 'ls').join(';')).ok, false);
});
