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
  const driver = isRecord(run['tool']) && isRecord(run['tool']['driver']) ? run['tool']['driver'] : {};
  const tool = textOf(driver['name']) || 'unknown';
  const rules = listOf(driver['rules']).filter(isRecord);
  return listOf(run['results'])
    .filter(isRecord)
    .filter((result) => !isSuppressed(result))
    .map((result) => {
      const nested = isRecord(result['rule']) ? result['rule'] : {};
      const index = result['ruleIndex'] ?? nested['index'];
      const id = textOf(result['ruleId']) || textOf(nested['id']);
      const rule =
        (typeof index === 'number' ? rules[index] : undefined) ??
        rules.find((each) => each['id'] === id) ??
        {};
      return resultOf(file, { tool, rule, id: id || textOf(rule['id']), result });
    });
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

function resultOf(file: string, { tool, rule, id, result }: Result): DocumentAction {
  const configured = isRecord(rule['defaultConfiguration'])
    ? rule['defaultConfiguration']['level']
    : undefined;
  const level = textOf(result['level']) || textOf(configured) || 'warning';
  const message = isRecord(result['message']) ? textOf(result['message']['text']) : '';
  const piece = placeOf(file, result);
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

function placeOf(file: string, result: Fields): Piece {
  const [first] = listOf(result['locations']).filter(isRecord);
  const physical = isRecord(first?.['physicalLocation']) ? first['physicalLocation'] : {};
  const artifact = isRecord(physical['artifactLocation']) ? physical['artifactLocation'] : {};
  const region = isRecord(physical['region']) ? physical['region'] : {};
  const uri = decoded(textOf(artifact['uri']).replace(/^file:\/\//, ''));
  return {
    file: uri === '' ? file : uri,
    line: whole(region['startLine']),
    col: whole(region['startColumn']),
    ...(typeof region['endLine'] === 'number' ? { endLine: region['endLine'] } : {}),
  };
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
