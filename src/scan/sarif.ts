import { normalize, relative } from 'node:path';
import {
  type DocumentAction,
  isRecord,
  listOf,
  plannedAction,
  type ReadDocument,
  textOf,
} from './documents.ts';
import type { Finding, Piece, Verdict } from './finding.ts';

/** SARIF 2.1.0's levels (3.27.10) as ours. A result without one has its rule's, else `warning`. */
const verdictOf: Readonly<Record<string, Verdict>> = {
  error: 'refused',
  warning: 'warned',
  note: 'noted',
  none: 'noted',
};

type Fields = Readonly<Record<string, unknown>>;

/** Undefined: it is no SARIF. */
export function readSarif(file: string, json: unknown): ReadDocument | undefined {
  if (!isRecord(json) || !Array.isArray(json['runs'])) return undefined;
  const version = textOf(json['version']);
  if (!version.startsWith('2.') && !textOf(json['$schema']).includes('sarif')) return undefined;
  const actions = listOf(json['runs'])
    .filter(isRecord)
    .flatMap((run) => runOf(file, run));
  return { kind: 'scanner', actions, findings: [], unread: [] };
}

function runOf(file: string, run: Fields): readonly DocumentAction[] {
  const { driver, extensions } = isRecord(run['tool']) ? run['tool'] : {};
  const components = [driver, ...listOf(extensions)].map((each) => (isRecord(each) ? each : {}));
  const tool = textOf(components[0]?.['name']) || 'unknown';
  const whereabouts = { file, artifacts: listOf(run['artifacts']), bases: run['originalUriBaseIds'] };
  return listOf(run['results'])
    .filter(isRecord)
    .filter((result) => fails(result) && !isSuppressed(result))
    .map((result) => {
      const nested = isRecord(result['rule']) ? result['rule'] : {};
      const index = result['ruleIndex'] ?? nested['index'];
      const id = textOf(result['ruleId']) || textOf(nested['id']);
      const rules = componentOf(components, nested);
      // `a/b` is a case of the rule `a` (3.27.5).
      const rule =
        (typeof index === 'number' ? rules[index] : undefined) ??
        rules.find((each) => each['id'] === id) ??
        rules.find((each) => id.startsWith(`${textOf(each['id'])}/`)) ??
        {};
      return resultOf(whereabouts, { tool, rule, id: id || textOf(rule['id']), result });
    });
}

/** The rules of the part of a tool that a result names (3.54.2), else of its driver. */
function componentOf(components: readonly Fields[], reference: Fields): readonly Fields[] {
  const of = isRecord(reference['toolComponent']) ? reference['toolComponent'] : {};
  const index = typeof of['index'] === 'number' ? of['index'] + 1 : undefined;
  const named = components.find((each) => of['name'] !== undefined && each['name'] === of['name']);
  const component = named ?? components[index ?? 0] ?? components[0];
  return listOf(component?.['rules']).filter(isRecord);
}

/** Not what passed, does not apply or is for information (3.27.9), nor what is there no longer (3.27.24). */
function fails({ kind, baselineState }: Fields): boolean {
  return (
    (kind === undefined || kind === 'fail' || kind === 'open' || kind === 'review') &&
    baselineState !== 'absent'
  );
}

/** Somebody has looked at it and accepted it (3.27.23). */
function isSuppressed(result: Fields): boolean {
  const given = listOf(result['suppressions']).filter(isRecord);
  return given.length > 0 && given.every(({ status }) => status === undefined || status === 'accepted');
}

interface Result {
  readonly tool: string;
  readonly rule: Fields;
  readonly id: string;
  readonly result: Fields;
}

function resultOf(whereabouts: Whereabouts, { tool, rule, id, result }: Result): DocumentAction {
  const configured = isRecord(rule['defaultConfiguration'])
    ? rule['defaultConfiguration']['level']
    : undefined;
  const level = textOf(result['level']) || textOf(configured) || 'warning';
  const message = messageOf(result['message'], rule);
  const piece = placeOf(whereabouts, result);
  const properties = isRecord(rule['properties']) ? rule['properties'] : {};
  const severity = Number(properties['security-severity'] ?? 0);
  const help = isRecord(rule['help']) ? textOf(rule['help']['text']) : '';
  const about = isRecord(rule['shortDescription']) ? textOf(rule['shortDescription']['text']) : '';
  const own: Finding = {
    ...piece,
    rule: `${tool}/${id === '' ? 'unnamed' : id}`,
    verdict: verdictOf[level] ?? 'refused',
    message: message || about || 'A finding without a message',
    why: about || `${tool} found it`,
    ...(help === '' || help.length > 300 ? {} : { fix: help }),
    tool,
  };
  return {
    piece,
    own,
    action: plannedAction({
      verb: 'scanner.finding',
      access: 'read',
      kind: 'finding',
      name: own.rule,
      attributes: {
        tool,
        rule: id,
        level,
        severity: Number.isFinite(severity) ? severity : 10,
        path: piece.file,
      },
    }),
  };
}

interface Whereabouts {
  readonly file: string;
  readonly artifacts: readonly unknown[];
  readonly bases: unknown;
}

/** Its own text, or one of its rule's with the arguments put in (3.11.5). */
function messageOf(message: unknown, rule: Fields): string {
  if (!isRecord(message)) return '';
  if (typeof message['text'] === 'string') return message['text'];
  const texts = isRecord(rule['messageStrings']) ? rule['messageStrings'] : {};
  const template = texts[textOf(message['id'])];
  const given = listOf(message['arguments']).map(textOf);
  const text = isRecord(template) ? textOf(template['text']) : '';
  return text.replaceAll(/\{(\d+)\}/g, (all, at: string) => given[Number(at)] ?? all);
}

function placeOf({ file, artifacts, bases }: Whereabouts, result: Fields): Piece {
  const [first] = listOf(result['locations']).filter(isRecord);
  const physical = isRecord(first?.['physicalLocation']) ? first['physicalLocation'] : {};
  const named = isRecord(physical['artifactLocation']) ? physical['artifactLocation'] : {};
  const listed = typeof named['index'] === 'number' ? artifacts[named['index']] : undefined;
  const artifact =
    named['uri'] === undefined && isRecord(listed) && isRecord(listed['location'])
      ? listed['location']
      : named;
  const region = isRecord(physical['region']) ? physical['region'] : {};
  const uri = pathOf(artifact, bases);
  return {
    file: uri === '' ? file : uri,
    line: whole(region['startLine']),
    col: whole(region['startColumn']),
    ...(typeof region['endLine'] === 'number' ? { endLine: region['endLine'] } : {}),
  };
}

/** Relative to where the scan runs, wherever the other scanner ran: `file:///repo/src/a.ts`, `/repo/src/a.ts`, `./src/a.ts`. */
function pathOf({ uri: given, uriBaseId }: Fields, bases: unknown): string {
  const uri = textOf(given);
  if (uri === '') return '';
  const base = isRecord(bases) ? bases[textOf(uriBaseId)] : undefined;
  const root = isRecord(base) ? textOf(base['uri']) : '';
  const isWhole = /^(?:[a-z][a-z0-9+.-]*:|\/)/i.test(uri);
  // A base of file:///…/ is the checkout of the other scanner, which need not lie where this one does.
  const path = decoded(
    (isWhole || root.startsWith('file:') ? uri : `${root}${uri}`).replace(/^file:\/\//, ''),
  );
  const here = path.startsWith('/')
    ? relative(process.cwd(), path).replaceAll('\\', '/')
    : normalize(path).replaceAll('\\', '/');
  return here.startsWith('../') ? path : here;
}

function whole(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 1;
}

function decoded(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}
