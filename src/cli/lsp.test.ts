import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { isObject } from '../base/check.ts';

const module = `apiVersion: sallyport/v1
module: m
owner: team:a
params:
  rows: { type: int, default: 5 }
rules:
  - id: readers
    effect: allow
    match: { resource: { kind: postgres }, identity: { groups: [a] }, action: sql.select }
    why: Readers read.
    fix: Ask.
  - id: little
    effect: require
    match: { resource: { kind: postgres } }
    when: action.byKey
    then: { limit: { rows: '{{params.rows}}' } }
    why: w
    fix: f
`;

type Fields = Readonly<Record<string, unknown>>;

/** A client of the real process, by the protocol's own framing. */
function client(...args: readonly string[]): {
  readonly ask: (method: string, params: unknown) => Promise<unknown>;
  readonly tell: (method: string, params: unknown) => void;
  readonly diagnostics: (
    uri: string,
    wanted: (list: readonly Fields[]) => boolean,
  ) => Promise<readonly Fields[]>;
  readonly ended: Promise<number | null>;
  readonly kill: () => void;
} {
  const main = join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, [main, 'lsp', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = new Map<number, (result: unknown) => void>();
  const known = new Map<string, readonly Fields[]>();
  let waiting: (() => void)[] = [];
  let rest = Buffer.alloc(0);
  child.stdout.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const head = /^Content-Length: (\d+)\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(rest.toString('latin1'));
      const length = Number(head?.[1]);
      const start = head?.[0].length ?? 0;
      if (head === null || rest.length < start + length) return;
      const message = JSON.parse(rest.toString('utf8', start, start + length)) as Fields;
      rest = rest.subarray(start + length);
      if (typeof message['id'] === 'number') answers.get(message['id'])?.(message['result']);
      const params = message['params'];
      if (message['method'] === 'textDocument/publishDiagnostics' && isObject(params)) {
        known.set(params['uri'] as string, params['diagnostics'] as readonly Fields[]);
        for (const each of waiting.splice(0)) each();
      }
    }
  });
  const send = (message: object): void => {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message });
    child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  };
  let last = 0;
  return {
    tell: (method, params) => send({ method, params }),
    ask: (method, params) =>
      new Promise((resolve) => {
        last += 1;
        answers.set(last, resolve);
        send({ id: last, method, params });
      }),
    diagnostics: async (uri, wanted) => {
      for (;;) {
        const list = known.get(uri);
        if (list !== undefined && wanted(list)) return list;
        await new Promise<void>((resolve) => {
          waiting = [...waiting, resolve];
        });
      }
    },
    ended: new Promise((resolve) => child.on('exit', resolve)),
    kill: () => void child.kill(),
  };
}

/** A policy of one module, in a folder that is removed in the end. */
function policyOf(
  role: 'grant' | 'restrict',
  text: string,
): Disposable & {
  readonly folder: string;
  readonly layers: string;
  /** Of the policy, and of its module. */
  readonly main: string;
  readonly uri: string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-lsp-'));
  const layers = `apiVersion: sallyport/v1\nlayers: [{ name: a, role: ${role}, use: [{ module: m }] }]\n`;
  const [main, file] = [join(folder, 'policy.yaml'), join(folder, 'modules', 'm.policy.yaml')];
  mkdirSync(join(folder, 'modules'));
  writeFileSync(main, layers);
  writeFileSync(file, text);
  return {
    folder,
    layers,
    main: pathToFileURL(main).href,
    uri: pathToFileURL(file).href,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

test('lsp: findings while one types, hover, completion, definition, quick fix', async () => {
  using policy = policyOf('grant', module);
  const { layers, main, uri } = policy;
  const { ask, tell, diagnostics, ended, kill } = client();
  try {
    const started = (await ask('initialize', { processId: null, rootUri: null, capabilities: {} })) as Fields;
    assert.ok(isObject(started['capabilities']) && started['capabilities']['hoverProvider'] === true);
    tell('initialized', {});
    const open = (at: string, text: string): void =>
      tell('textDocument/didOpen', { textDocument: { uri: at, languageId: 'yaml', version: 1, text } });
    const change = (text: string): void =>
      tell('textDocument/didChange', { textDocument: { uri, version: 2 }, contentChanges: [{ text }] });

    const broken = module.replace('action.byKey', 'action.byKye');
    open(uri, broken);
    const found = await diagnostics(uri, (list) => list.some(({ code }) => code === 'SP-T101'));
    const [unknown] = found;
    assert.deepEqual(unknown?.['range'], {
      start: { line: 14, character: 10 },
      end: { line: 14, character: 22 },
    });

    // Opened half-written: what lies on disk answers.
    const early = (await ask('textDocument/hover', {
      textDocument: { uri },
      position: { line: 6, character: 12 },
    })) as { readonly contents: { readonly value: string } } | null;
    assert.match(early?.contents.value ?? '', /`m\/readers`/);

    const actions = (await ask('textDocument/codeAction', {
      textDocument: { uri },
      range: unknown['range'],
      context: { diagnostics: found },
    })) as readonly Fields[];
    assert.equal(actions[0]?.['title'], 'action.byKye → action.byKey');
    assert.deepEqual(actions[0]['edit'], {
      changes: { [uri]: [{ range: unknown['range'], newText: 'action.byKey' }] },
    });

    change(module);
    await diagnostics(uri, (list) => list.every(({ code }) => code !== 'SP-T101'));
    const at = (line: number, character: number): object => ({
      textDocument: { uri },
      position: { line, character },
    });
    const shown = (await ask('textDocument/hover', at(6, 12))) as {
      readonly contents: { readonly value: string };
    };
    assert.match(
      shown.contents.value,
      /\*\*allow\*\* `m\/readers`[\s\S]*Readers read\.[\s\S]*identity\.groups: a/,
    );
    assert.equal(await ask('textDocument/hover', at(0, 0)), null);

    const labels = async (text: string): Promise<readonly string[]> => {
      const lines = module.split('\n');
      const line = lines.findIndex((each) => each.includes('when:'));
      lines[line] = text;
      change(lines.join('\n'));
      const list = (await ask('textDocument/completion', at(line, text.length))) as readonly Fields[];
      return list.map(({ label }) => label as string);
    };
    assert.ok((await labels('    when: action.b')).includes('byKey'));
    assert.ok((await labels('    when: params.')).includes('rows'));
    assert.ok((await labels('    effect: ')).includes('require'));
    assert.ok((await labels('    match: { action: [sql.select, sql.d')).includes('sql.drop'));
    assert.ok((await labels('    match: { identity: { kind: ')).includes('agent'));
    assert.ok((await labels('    match: { resource: { kind: ')).includes('postgres'));
    change(module);

    const param = (await ask('textDocument/definition', at(15, 41))) as Fields;
    assert.deepEqual(param, {
      uri,
      range: { start: { line: 4, character: 2 }, end: { line: 4, character: 2 } },
    });
    open(main, layers);
    const place = (await ask('textDocument/definition', {
      textDocument: { uri: main },
      position: { line: 1, character: 49 },
    })) as Fields;
    assert.equal(place['uri'], uri);

    await ask('shutdown', null);
    tell('exit', null);
    assert.equal(await ended, 0);
  } finally {
    kill();
  }
});

test('lsp --detectors: rules may name what the detectors of a file find', async () => {
  const masks = (entity: string): string =>
    `apiVersion: sallyport/v1\nmodule: m\nabout: x\nowner: team:x\nrules:\n  - id: r\n    effect: require\n    match: {}\n    then: { mask: [{ find: ${entity}, with: redact }] }\n    why: x\n    fix: y\n`;
  using policy = policyOf('restrict', masks('PLANT_NUMBER'));
  const { folder, uri } = policy;
  const own = join(folder, 'own.yaml');
  writeFileSync(own, "- { name: PLANT_NUMBER, pattern: 'QX-[0-9]{4}', examples: { yes: [QX-1234] } }\n");
  const unknown = (list: readonly Fields[]): boolean =>
    list.some(({ message }) => String(message).includes('No detector finds'));
  for (const [args, entity] of [
    [[], 'PLANT_NUMBER'],
    [['--stdio', '--detectors', own], 'PLANT_NUMBRE'],
  ] as const) {
    const { ask, tell, diagnostics, ended, kill } = client(...args);
    try {
      await ask('initialize', { processId: null, rootUri: null, capabilities: {} });
      tell('initialized', {});
      const textDocument = { uri, languageId: 'yaml', version: 1 };
      tell('textDocument/didOpen', { textDocument: { ...textDocument, text: masks(entity) } });
      await diagnostics(uri, unknown);
      if (args.length > 0) {
        tell('textDocument/didChange', {
          textDocument: { uri, version: 2 },
          contentChanges: [{ text: masks('PLANT_NUMBER') }],
        });
        await diagnostics(uri, (list) => !unknown(list));
      }
      await ask('shutdown', null);
      tell('exit', null);
      assert.equal(await ended, 0);
    } finally {
      kill();
    }
  }
});
