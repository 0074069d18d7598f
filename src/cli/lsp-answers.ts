import { isObject } from '../base/check.ts';
import type { Place } from '../core/decision.ts';
import type { Kinds } from '../policy/kinds.ts';
import type { LoadedPolicy } from '../policy/load.ts';
import { accesses, identityKinds } from '../policy/words.ts';

/** A policy as the editor has it. */
export interface Opened {
  readonly files: ReadonlyMap<string, string>;
  readonly kinds: Kinds;
  /** The last one that loaded: what is half typed is answered with it. */
  readonly policy?: LoadedPolicy;
}

/** A place in a text: line and character from 0, as the protocol counts. */
export interface Spot {
  readonly line: number;
  readonly character: number;
}

/** What a rule does, in Markdown, for a spot inside of it; also for its id elsewhere. */
export function hover(opened: Opened, file: string, spot: Spot): string | undefined {
  const named = ruleNamed(opened, wordAt(opened, file, spot));
  const rule = named ?? ruleAround(opened, file, spot.line + 1);
  if (rule === undefined) return undefined;
  const { ref, enforce, match, when, layer } = rule;
  const matched = match.tests.map(({ source }) => `- ${source}`);
  return [
    `**${ref.effect}** \`${ref.id}\`${enforce === 'enforce' ? '' : ` (${enforce}: ${about[enforce] ?? ''})`}, layer \`${layer}\``,
    ...(ref.why === undefined ? [] : ['', ref.why]),
    '',
    ...(matched.length === 0 ? ['- every request'] : matched),
    ...(when === undefined ? [] : [`- when \`${when.source.replaceAll(/\s+/g, ' ').trim()}\``]),
    ...(ref.demands === undefined || ref.demands.length === 0
      ? []
      : ['', `Demands: ${ref.demands.join(', ')}`]),
    ...(ref.fix === undefined ? [] : ['', `_Fix_: ${ref.fix}`]),
    ...(ref.owner === undefined ? [] : ['', `_Owner_: ${ref.owner}`]),
  ].join('\n');
}

const about: Readonly<Record<string, string>> = {
  soft: 'a person in need can go past it',
  warn: 'said, never refused',
  shadow: 'only written down',
  off: 'not asked',
};

type Rule = LoadedPolicy['ruling']['rules'][number];

function ruleNamed({ policy }: Opened, word: string | undefined): Rule | undefined {
  return word?.includes('/') === true ? policy?.ruling.rules.find(({ ref }) => ref.id === word) : undefined;
}

/** The last rule that begins at or before the line. */
function ruleAround({ policy }: Opened, file: string, line: number): Rule | undefined {
  return policy?.ruling.rules
    .filter(({ ref }) => ref.at.file === file && ref.at.line <= line)
    .sort((a, b) => b.ref.at.line - a.ref.at.line)[0];
}

function wordAt({ files }: Opened, file: string, { line, character }: Spot): string | undefined {
  const text = files.get(file)?.split('\n')[line] ?? '';
  for (const { 0: word, index } of text.matchAll(/[\w./-]+/g)) {
    if (index <= character && character <= index + word.length) return word;
  }
  return undefined;
}

/** Where the thing under the cursor is defined: a rule, a module, a param. */
export function definition(opened: Opened, file: string, spot: Spot): Place | undefined {
  const word = wordAt(opened, file, spot);
  const line = opened.files.get(file)?.split('\n')[spot.line] ?? '';
  if (word === undefined) return undefined;
  const rule = ruleNamed(opened, word);
  if (rule !== undefined) return rule.ref.at;
  if (/\bmodule:\s*['"]?[a-z0-9-]*/.test(line) && opened.files.has(`modules/${word}.policy.yaml`)) {
    return { file: `modules/${word}.policy.yaml`, line: 1, col: 1 };
  }
  const param = /^params\.(\w+)$/.exec(word)?.[1];
  return param === undefined ? undefined : paramOf(opened, file, param);
}

function paramOf({ files }: Opened, file: string, name: string): Place | undefined {
  const lines = files.get(file)?.split('\n') ?? [];
  const start = lines.findIndex((each) => each.startsWith('params:'));
  const at =
    start < 0
      ? -1
      : lines.findIndex((each, index) => index > start && new RegExp(`^\\s+${name}:`).test(each));
  return at < 0 ? undefined : { file, line: at + 1, col: (lines[at]?.search(/\S/) ?? 0) + 1 };
}

export interface Choice {
  readonly label: string;
  readonly about?: string;
}

const effects: readonly Choice[] = [
  { label: 'allow', about: 'Lets it pass, unless a deny matches too' },
  { label: 'deny', about: 'Refuses it, whatever else allows it' },
  { label: 'require', about: 'Adds duties under `then`; never allows' },
];
const enforcements: readonly Choice[] = ['enforce', 'soft', 'warn', 'shadow', 'off'].map((label) => ({
  label,
  ...(about[label] === undefined ? {} : { about: about[label] }),
}));
const ruleKeys = [
  'id',
  'effect',
  'enforce',
  'match',
  'when',
  'then',
  'why',
  'fix',
  'owner',
  'exemptible',
  'breakGlass',
];
const duties = [
  'mask',
  'limit',
  'approve',
  'record',
  'window',
  'notify',
  'unknownLineage',
  'columns',
  'predicates',
  'readOnly',
  'justify',
  'ticket',
];

/** What can stand at the cursor. */
export function completion(opened: Opened, file: string, { line, character }: Spot): readonly Choice[] {
  const lines = opened.files.get(file)?.split('\n') ?? [];
  const before = (lines[line] ?? '').slice(0, character);
  const dotted = /\b(identity|resource|action|session|params)\.(\w*)$/.exec(before)?.[1];
  if (dotted !== undefined) return members(opened, file, dotted, line);
  // The innermost key whose value is being written: `match: { resource: { kind: po`.
  const key = /(?:^|[\s{,[-])([A-Za-z]+):\s*\[?(?:[\w.*/-]+\s*,\s*)*['"]?[\w.*/-]*$/.exec(before)?.[1];
  switch (key) {
    case 'effect':
      return effects;
    case 'enforce':
      return enforcements;
    case 'access':
      return accesses.map((label) => ({ label }));
    case 'action':
      return verbsOf(opened);
    case 'kind':
      return (/identity/.test(context(lines, line, before)) ? identityKinds : [...opened.kinds.keys()]).map(
        (label) => ({ label }),
      );
    case 'module':
      return modulesOf(opened);
    case 'role':
      return ['ceiling', 'grant', 'restrict'].map((label) => ({ label }));
    case 'with':
      return ['redact', 'partial', 'noise', 'generalise', 'hash', 'null', 'token', 'fake'].map((label) => ({
        label,
      }));
    case 'tag':
      return tagsOf(opened);
    case 'record':
      return ['meta', 'statements', 'full'].map((label) => ({ label }));
    case 'by':
    case 'wouldBe':
    case 'rule':
      return (opened.policy?.ruling.rules ?? []).map(({ ref }) => ({
        label: ref.id,
        ...(ref.why === undefined ? {} : { about: ref.why }),
      }));
    case 'when':
      return ['identity', 'resource', 'action', 'session', 'now', 'params'].map((label) => ({ label }));
    default:
  }
  if (/^\s*(?:-\s+)?\w*$/.test(before) && file.startsWith('modules/')) {
    return (/^\s{6,}/.test(before) && /then:\s*$/.test(parent(lines, line)) ? duties : ruleKeys).map(
      (label) => ({ label }),
    );
  }
  return [];
}

/** The line that a nested line belongs to, and what of its own stands before the cursor. */
function context(lines: readonly string[], line: number, before: string): string {
  const inline = before.slice(Math.max(before.lastIndexOf('identity:'), before.lastIndexOf('resource:'), 0));
  return /identity:|resource:/.test(inline) ? inline : parent(lines, line);
}

function parent(lines: readonly string[], line: number): string {
  const indent = (lines[line] ?? '').search(/\S|$/);
  for (let at = line - 1; at >= 0; at--) {
    const text = lines[at] ?? '';
    if (text.trim() !== '' && text.search(/\S/) < indent) return text;
  }
  return '';
}

function verbsOf({ kinds }: Opened): readonly Choice[] {
  const all = new Map([...kinds.values()].flatMap(({ verbs }) => Object.entries(verbs)));
  return [...all].map(([label, text]) => ({ label, about: text }));
}

function modulesOf({ files }: Opened): readonly Choice[] {
  const own = [...files.keys()].flatMap((path) => /^modules\/(.+)\.policy\.yaml$/.exec(path)?.[1] ?? []);
  const shipped = [
    'authentication-requirements',
    'data-retention',
    'pii-baseline',
    'production-change-control',
    'quotas',
  ];
  return [...new Set([...own, ...shipped])].map((label) => ({
    label,
    ...(shipped.includes(label) ? { about: 'Comes with Sallyport' } : {}),
  }));
}

function tagsOf({ policy }: Opened): readonly Choice[] {
  const tags = new Set(policy?.schema.tags.flatMap((each) => each.tags));
  const groups = [...tags].map((tag) => `${tag.split('/')[0] ?? tag}/*`);
  return [...new Set([...tags, ...groups])].sort().map((label) => ({ label }));
}

function members(opened: Opened, file: string, word: string, line: number): readonly Choice[] {
  const { policy, kinds } = opened;
  switch (word) {
    case 'identity':
      return ['subject', 'kind', 'groups', 'actingFor', ...(policy?.schema.identity.keys() ?? [])].map(
        (label) => ({ label }),
      );
    case 'resource':
      return ['name', 'kind', 'tags'].map((label) => ({ label }));
    case 'session':
      return ['id', 'startedAt', 'run'].map((label) => ({ label }));
    case 'params':
      return paramsOf(opened.files.get(file));
    default: {
      const met = ruleAround(opened, file, line + 1)?.match.kinds ?? [...kinds.keys()];
      const own = met.map((kind) => kinds.get(kind)?.attributes ?? {});
      const all = Object.entries(own[0] ?? {}).filter(([name]) =>
        own.every((each) => isObject(each) && name in each),
      );
      return [
        ...['verb', 'access', 'objects', 'columns', 'opaque'].map((label) => ({ label })),
        ...all.map(([label, type]) => ({ label, about: type })),
      ];
    }
  }
}

function paramsOf(text: string | undefined): readonly Choice[] {
  const block = /^params:\n((?:[ \t]+.*\n|\n|#.*\n)*)/m.exec(text ?? '')?.[1] ?? '';
  return [...block.matchAll(/^ {2}(\w+):/gm)].map(([, label = '']) => ({ label }));
}
