import type { AttributeType, Protocol } from '../core/protocol.ts';
import type { OpaEngines } from './opa/engine.ts';
import { planned } from './planned.ts';

/** What rules may say of the actions of one resource kind. */
export type Kind = Pick<Protocol, 'verbs' | 'attributes'>;

/** Resource kind -> its verbs and attributes. */
export interface Kinds extends ReadonlyMap<string, Kind> {
  /** What detectors find, by Presidio's names; absent where nobody told. */
  readonly entities?: readonly string[];
  /** What evaluates policies of OPA outside; absent where nothing does. */
  readonly opa?: OpaEngines;
}

/** The gateway's own API, judged by the same rules: reading the record is an action like any other. */
const sallyport: Kind = {
  verbs: {
    'record.list': 'List sessions or decisions',
    'record.read': 'Read one recording, decision or session',
    'record.verify': 'Verify the ledger',
    'decision.explain': 'Explain a decision',
    'policy.read': 'Read the policy in force and its state',
    'session.kill': 'End a session that is open now',
    'recording.read': 'Play a recording: statements and answers as they were seen',
    'recording.watch': 'Watch a session while it goes on',
    'recording.export': 'Take a recording away as a file',
    'record.hold': 'Add, list or remove a legal hold',
    'record.erase': 'Erase sessions by destroying their keys',
    'record.rotate': "Let a new key follow the ledger's",
    'access.revoke': 'End access that somebody was granted for a time',
    'policy.push': 'Bring a signed policy into force',
    'mask.reveal': 'See what tokens in masked answers stand for',
  },
  attributes: {
    own: 'boolean', // the record is of the caller's own session
    ofIdentity: 'string', // whose it is; empty where it is about no one session
    ofResource: 'string',
    ofTags: 'strings', // of that resource
    count: 'number', // of mask.reveal: tokens
    types: 'strings', // of mask.reveal: what they stand for, as detectors say; OTHER where they do not know it
    forms: 'strings', // of mask.reveal: text, digits
    columnTags: 'strings', // of mask.reveal: of the column that they are said to come from
  },
};

/** The kinds of these protocols, the gateway's own, and those of what is judged before it ships. */
export function kindsOf(
  protocols: readonly Pick<Protocol, 'name' | 'verbs' | 'attributes'>[],
  detectors?: readonly { readonly name: string }[],
  opa?: OpaEngines,
): Kinds {
  const kinds = new Map<string, Kind>([['sallyport', sallyport], ...planned]);
  for (const { name, verbs, attributes } of protocols) {
    const before = planned.get(name);
    kinds.set(name, {
      verbs: { ...before?.verbs, ...verbs },
      attributes: { ...before?.attributes, ...attributes },
    });
  }
  return Object.assign(kinds, {
    ...(detectors === undefined ? {} : { entities: [...new Set(detectors.map(({ name }) => name))].sort() }),
    ...(opa === undefined ? {} : { opa }),
  });
}

export type { AttributeType };
