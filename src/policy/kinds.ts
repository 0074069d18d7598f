import type { AttributeType, Protocol } from '../core/protocol.ts';

/** What rules may say of the actions of one resource kind. */
export type Kind = Pick<Protocol, 'verbs' | 'attributes'>;

/** Resource kind -> its verbs and attributes. */
export type Kinds = ReadonlyMap<string, Kind>;

/** The gateway's own API, judged by the same rules: reading the record is an action like any other. */
const sallyport: Kind = {
  verbs: {
    'record.list': 'List sessions or decisions',
    'record.read': 'Read one recording, decision or session',
    'record.verify': 'Verify the ledger',
    'decision.explain': 'Explain a decision',
    'policy.read': 'Read the policy in force and its state',
  },
  attributes: { own: 'boolean' }, // the record is of the caller's own session
};

/** The kinds of these protocols, and the gateway's own. */
export function kindsOf(protocols: readonly Pick<Protocol, 'name' | 'verbs' | 'attributes'>[]): Kinds {
  return new Map<string, Kind>([
    ['sallyport', sallyport],
    ...protocols.map(({ name, verbs, attributes }) => [name, { verbs, attributes }] as const),
  ]);
}

export type { AttributeType };
