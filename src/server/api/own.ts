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
  | 'session.kill';

/** The gateway itself, as rules see it. */
export const gatewayResource: Resource = {
  name: 'sallyport' as ResourceName, // reserved: no configured resource can have it
  kind: 'sallyport',
  tags: [],
  settings: undefined,
};

/** `own`: whether what is asked for is of the caller's own session. */
export function ownAttributes(own: boolean): Readonly<Record<string, Attribute>> {
  return { own };
}
