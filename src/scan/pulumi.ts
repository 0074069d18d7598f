import type { Access, Action } from '../core/action.ts';
import { isRecord, listOf, plannedAction, type ReadDocument, textOf, under, valuesOf } from './documents.ts';
import type { Finding, Piece, Verdict } from './finding.ts';
import { type ElementPlace, elementPlaces, linePlaces } from './json-place.ts';

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
const pulumiLevels: Readonly<Record<string, Verdict | undefined>> = {
  mandatory: 'refused',
  remediate: 'refused',
  advisory: 'warned',
  disabled: undefined,
  remedied: 'noted',
};

/** Not a level of Pulumi's: a remedy that its policy has applied. */
const remedied = 'remedied';

/** Undefined: it is nothing of Pulumi's. */
export function readPulumi(file: string, source: string, json: unknown): ReadDocument | undefined {
  if (!isRecord(json)) return undefined;
  const from = stepsIn(source, json);
  if (from === undefined) return undefined;
  const violations = ['policyEvents', 'policyViolations'].flatMap((key) => {
    const placeOf = elementPlaces(source, [key]);
    return listOf(json[key]).map((event, at) => ({ event, piece: placeOf(at, 'resourceUrn') }));
  });
  const said = [...from.violations, ...violations];
  return {
    kind: 'pulumi',
    actions: from.steps.flatMap(({ step, piece }) =>
      isRecord(step) ? [{ piece: { file, ...piece }, action: stepAction(step) }] : [],
    ),
    findings: said.flatMap(({ event, piece }) =>
      isRecord(event) ? violation({ file, ...piece }, event) : [],
    ),
    unread: [],
  };
}

type Place = ReturnType<ElementPlace>;

interface Steps {
  readonly steps: readonly { readonly step: unknown; readonly piece: Place }[];
  readonly violations: readonly { readonly event: unknown; readonly piece: Place }[];
}

/** Of a preview, an exported stack, or the engine's events; undefined where it is none of them. */
function stepsIn(source: string, json: Readonly<Record<string, unknown>>): Steps | undefined {
  if (Array.isArray(json['steps'])) {
    const placeOf = elementPlaces(source, ['steps']);
    return {
      steps: listOf(json['steps']).map((step, at) => ({ step, piece: placeOf(at, 'urn') })),
      violations: [],
    };
  }
  const deployment = isRecord(json['deployment']) ? json['deployment'] : undefined;
  if (Array.isArray(deployment?.['resources'])) {
    const placeOf = elementPlaces(source, ['deployment', 'resources']);
    const steps = listOf(deployment['resources']).map((newState, at) => ({
      step: { op: 'create', newState },
      piece: placeOf(at, 'urn'),
    }));
    return { steps, violations: [] };
  }
  const events = listOf(json['events']);
  const keys = ['resourcePreEvent', 'policyEvent', 'policyRemediateEvent', 'summaryEvent', 'preludeEvent'];
  if (!events.some((each) => isRecord(each) && keys.some((key) => isRecord(each[key])))) return undefined;
  const placeOf = json[eachLine] === true ? linePlaces(source) : elementPlaces(source, ['events']);
  const steps: Steps['steps'][number][] = [];
  const violations: Steps['violations'][number][] = [];
  for (const [at, each] of events.entries()) {
    if (!isRecord(each)) continue;
    const step = isRecord(each['resourcePreEvent']) ? each['resourcePreEvent']['metadata'] : undefined;
    if (step !== undefined) steps.push({ step, piece: placeOf(at, 'urn') });
    if (isRecord(each['policyEvent'])) {
      violations.push({ event: each['policyEvent'], piece: placeOf(at, 'resourceUrn') });
    }
    if (isRecord(each['policyRemediateEvent'])) {
      const event = { ...each['policyRemediateEvent'], enforcementLevel: remedied };
      violations.push({ event, piece: placeOf(at, 'resourceUrn') });
    }
  }
  return { steps, violations };
}

/** Says of a document that joinEvents() has put it together. */
const eachLine = 'sallyport:eachLine';

/** Engine events, one a line, as `pulumi preview --json --event-log` and streaming previews write them. */
export function joinEvents(source: string): unknown {
  const lines = source.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 2) return undefined;
  try {
    return { events: lines.map((line) => JSON.parse(line) as unknown), [eachLine]: true };
  } catch {
    return undefined;
  }
}

function stepAction(step: Readonly<Record<string, unknown>>): Action {
  const op = textOf(step['op']);
  const states = ['newState', 'new', 'oldState', 'old'].map((key) => step[key]).filter(isRecord);
  const state = states[0] ?? {};
  const urn = textOf(step['urn']) || textOf(state['urn']);
  const type = textOf(state['type']) || textOf(step['type']);
  const does = verbs[op] ?? { verb: 'pulumi.update', access: 'unknown' as const };
  const inputs = isRecord(state['inputs']) ? state['inputs'] : {};
  const values = valuesOf(inputs, (keys) => isSecret(under(inputs, keys, isSecret)));
  const known = values?.filter((each) => !isUnknown(each)) ?? [];
  return plannedAction({
    verb: does.verb,
    access: values === undefined ? 'unknown' : does.access,
    kind: type,
    name: urn,
    attributes: {
      type,
      address: urn,
      provider: textOf(step['provider']) || textOf(state['provider']),
      values: known,
      changed: changedPaths(step),
      unknown: values?.filter(isUnknown).map((each) => each.slice(0, each.lastIndexOf('='))) ?? [],
    },
    ...(does.access === 'unknown' ? { note: 'The preview names an operation that is not known' } : {}),
  });
}

function changedPaths(step: Readonly<Record<string, unknown>>): readonly string[] {
  const detailed = isRecord(step['detailedDiff']) ? Object.keys(step['detailedDiff']) : [];
  const said = ['diffReasons', 'replaceReasons', 'diffs', 'keys'].flatMap((key) => listOf(step[key]));
  return [...new Set([...said.map(textOf), ...detailed])].filter((each) => each !== '').sort();
}

// sdk/go/common/resource: a secret is an object with this signature.
const signature = '4dabf18193072939515e22adb298388d';

/** SECURITY: whatever has the signature is taken for a secret, of what kind it says it is. */
function isSecret(value: unknown): boolean {
  return isRecord(value) && Object.hasOwn(value, signature);
}

// sdk/go/common/resource/plugin/rpc.go: what stands in a preview for a value that only the deployment will make.
const unknowns: readonly string[] = [
  '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7', // a boolean
  '3eeb2bf0-c639-47a8-9e75-3b44932eb421', // a number
  '04da6b54-80e4-46f7-96ec-b56ff0331ba9', // a text
  '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2', // a list
  '030794c1-ac77-496b-92df-f27374a8bd58', // an asset
  'e48ece36-62e2-4504-bad9-02848725956a', // an archive
  'dd056dcd-154b-4c76-9bd3-c8f88648b5ff', // an object
];

function isUnknown(pathAndValue: string): boolean {
  return unknowns.some((each) => pathAndValue.endsWith(`=${each}`));
}

function violation(piece: Piece, event: Readonly<Record<string, unknown>>): readonly Finding[] {
  const level = textOf(event['enforcementLevel']);
  // A level that is not known is taken for the gravest.
  const verdict = Object.hasOwn(pulumiLevels, level) ? pulumiLevels[level] : 'refused';
  if (verdict === undefined) return [];
  const urn = textOf(event['resourceUrn']) || textOf(event['urn']);
  const pack = textOf(event['policyPackName']);
  const why =
    level === remedied
      ? 'A policy of Pulumi has changed this by itself'
      : `Pulumi's policy is ${level === '' ? 'of no known level' : level}`;
  return [
    {
      ...piece,
      rule: `pulumi/${pack === '' ? '' : `${pack}/`}${textOf(event['policyName'])}`,
      verdict,
      message:
        plain(textOf(event['message'])) ||
        (level === remedied ? 'Remedied' : 'A policy of Pulumi is violated'),
      why: `${why}${urn === '' ? '' : `, on ${urn}`}`,
      tool: 'pulumi',
    },
  ];
}

/** Without the marks of colour that Pulumi puts into messages: `<{%red%}>`. */
function plain(message: string): string {
  return message.replaceAll(/<\{%[^%]*%\}>/g, '').trim();
}
