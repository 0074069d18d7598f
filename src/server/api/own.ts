import type { Attribute } from '../../core/action.ts';
import type { Resource, ResourceName } from '../../core/session.ts';

/** What can be asked of the gateway's own API; the policy knows these as the verbs of the kind `sallyport`. */
export type OwnVerb =
  | 'record.list'
  | 'record.read'
  | 'record.verify'
  | 'decision.explain'
  | 'policy.read'
  | 'policy.push'
  | 'session.kill'
  | 'access.revoke'
  | 'recording.read'
  | 'recording.watch'
  | 'recording.export'
  | 'record.hold'
  | 'record.erase'
  | 'record.rotate'
  | 'mask.reveal';

/** The gateway itself, as rules see it. */
export const gatewayResource: Resource = {
  name: 'sallyport' as ResourceName, // reserved: no configured resource can have it
  kind: 'sallyport',
  tags: [],
  settings: undefined,
};

/** What is asked for: of whose session, with which resource. */
export interface Recorded {
  readonly identity: string; // a subject
  readonly resource: string;
  readonly tags: readonly string[];
}

/** `own`: whether what is asked for is of the caller's own session. */
export function ownAttributes(own: boolean, recorded?: Recorded): Readonly<Record<string, Attribute>> {
  return {
    own,
    ofIdentity: recorded?.identity ?? '',
    ofResource: recorded?.resource ?? '',
    ofTags: recorded?.tags ?? [],
    count: 0,
    types: [],
    forms: [],
    columnTags: [],
  };
}
