import type { Access } from '../core/action.ts';
import {
  type DocumentAction,
  isRecord,
  listOf,
  plannedAction,
  type ReadDocument,
  textOf,
  valuesOf,
} from './documents.ts';
import type { Finding, Verdict } from './finding.ts';
import { lineOfText } from './json-place.ts';

// `pulumi preview --json` (one document, or one engine event a line) and `pulumi stack export`.

const verbs: Readonly<Record<string, { readonly verb: string; readonly access: Access }>> = {
  same: { verb: 'pulumi.keep', access: 'read' },
  refresh: { verb: 'pulumi.read', access: 'read' },
  read: { verb: 'pulumi.read', access: 'read' },
  'read-replacement': { verb: 'pulumi.read', access: 'read' },
  create: { verb: 'pulumi.create', access: 'define' },
  import: { verb: 'pulumi.create', access: 'define' },
  'create-replacement': { verb: 'pulumi.replace', access: 'define' },
  'import-replacement': { verb: 'pulumi.replace', access: 'define' },
  replace: { verb: 'pulumi.replace', access: 'define' },
  update: { verb: 'pulumi.update', access: 'define' },
  delete: { verb: 'pulumi.delete', access: 'define' },
  'delete-replaced': { verb: 'pulumi.delete', access: 'define' },
  discard: { verb: 'pulumi.delete', access: 'define' },
};

/**
 * Pulumi's enforcement levels as ours: `mandatory` stops a deployment, and so does `remediate` where the remedy was not
 * applied; `advisory` is said; `disabled` is not looked at.
 */
export const pulumiLevels: Readonly<Record<string, Verdict | undefined>> = {
  mandatory: 'refused',
  remediate: 'refused',
  advisory: 'warned',
  disabled: undefined,
};

/** Undefined: it is nothing of Pulumi's. */
export function readPulumi(file: string, source: string, json: unknown): ReadDocument | undefined {
  if (!isRecord(json)) return undefined;
  const events = listOf(json['events']).filter(isRecord);
  const isPreview = Array.isArray(json['steps']);
  const deployment = isRecord(json['deployment']) ? json['deployment'] : undefined;
  const isStack = Array.isArray(deployment?.['resources']);
  const isEvents = events.some((each) => isRecord(each['policyEvent']) || isRecord(each['resourcePreEvent']));
  if (!isPreview && !isStack && !isEvents) return undefined;
  const steps = isPreview
    ? listOf(json['steps'])
    : events.flatMap((each) =>
        isRecord(each['resourcePreEvent']) ? [each['resourcePreEvent']['metadata']] : [],
      );
  const resources = isStack
    ? listOf(deployment?.['resources']).map((each) => ({ op: 'create', newState: each }))
    : steps;
  const violations = [
    ...events.map((each) => each['policyEvent']),
    ...listOf(json['policyEvents']),
    ...listOf(json['policyViolations']),
  ].filter(isRecord);
  return {
    kind: 'pulumi',
    actions: resources.flatMap((each) => (isRecord(each) ? [stepAction(file, source, each)] : [])),
    findings: violations.flatMap((each) => violation(file, source, each)),
    unread: [],
  };
}

/** Engine events, one a line, as `pulumi preview --json --event-log` and streaming previews write them. */
export function joinEvents(source: string): unknown {
  const lines = source.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 2) return undefined;
  try {
    return { events: lines.map((line) => JSON.parse(line) as unknown) };
  } catch {
    return undefined;
  }
}

function stepAction(file: string, source: string, step: Readonly<Record<string, unknown>>): DocumentAction {
  const op = textOf(step['op']);
  const states = ['newState', 'new', 'oldState', 'old'].map((key) => step[key]).filter(isRecord);
  const state = states[0] ?? {};
  const urn = textOf(step['urn']) || textOf(state['urn']);
  const type = textOf(state['type']) || textOf(step['type']);
  const does = verbs[op] ?? { verb: 'pulumi.update', access: 'unknown' as const };
  const inputs = isRecord(state['inputs']) ? state['inputs'] : {};
  const values = valuesOf(inputs, (path) => isSecret(inputs, path));
  return {
    piece: { file, ...lineOfText(source, 'urn', urn) },
    action: plannedAction({
      verb: does.verb,
      access: values === undefined ? 'unknown' : does.access,
      kind: type,
      name: urn,
      attributes: {
        type,
        address: urn,
        provider: textOf(step['provider']) || textOf(state['provider']),
        values: values ?? [],
        changed: listOf(step['diffReasons']).map(textOf),
      },
      ...(does.access === 'unknown' ? { note: 'The preview names an operation that is not known' } : {}),
    }),
  };
}

// sdk/go/common/resource: a secret is an object with this signature.
const signature = '4dabf18193072939515e22adb298388d';

function isSecret(inputs: Readonly<Record<string, unknown>>, path: string): boolean {
  let here: unknown = inputs;
  for (const [, key, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    here = Array.isArray(here)
      ? (here as readonly unknown[])[Number(index)]
      : isRecord(here) && key !== undefined
        ? here[key]
        : undefined;
  }
  return isRecord(here) && signature in here;
}

function violation(
  file: string,
  source: string,
  event: Readonly<Record<string, unknown>>,
): readonly Finding[] {
  const level = textOf(event['enforcementLevel']);
  // A level that is not known is taken for the gravest.
  const verdict = Object.hasOwn(pulumiLevels, level) ? pulumiLevels[level] : 'refused';
  if (verdict === undefined) return [];
  const urn = textOf(event['resourceUrn']) || textOf(event['urn']);
  const pack = textOf(event['policyPackName']);
  return [
    {
      file,
      ...lineOfText(source, event['resourceUrn'] === undefined ? 'urn' : 'resourceUrn', urn),
      rule: `pulumi/${pack === '' ? '' : `${pack}/`}${textOf(event['policyName'])}`,
      verdict,
      message: plain(textOf(event['message'])) || 'A policy of Pulumi is violated',
      why: `Pulumi's policy is ${level === '' ? 'of no known level' : level}${urn === '' ? '' : `, on ${urn}`}`,
      tool: 'pulumi',
    },
  ];
}

/** Without the marks of colour that Pulumi puts into messages: `<{%red%}>`. */
function plain(message: string): string {
  return message.replaceAll(/<\{%[^%]*%\}>/g, '').trim();
}
