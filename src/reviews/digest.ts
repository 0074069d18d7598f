import { hash } from 'node:crypto';
import type { Action } from '../core/action.ts';
import type { Duties } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { ReviewDigest, ReviewId } from '../core/review.ts';
import type { Resource } from '../core/session.ts';

/** All that must be the same when an approved request runs. */
export interface Bound {
  readonly identity: Identity;
  readonly resource: Resource;
  readonly action: Action;
  /** What is really sent. */
  readonly text: string;
  /** The whole text it came in, where other statements come with it. */
  readonly within?: string;
  /** Digest of bound values and their formats. */
  readonly values?: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly duties: Duties;
  readonly policy: string;
}

/** SHA-256, hex, of what a request is: two requests that differ in anything that matters have two of them. */
export function bindingOf(bound: Bound): string {
  const { identity, resource, action, text, within, values, settings, duties, policy } = bound;
  const { verb, access, targets, columns, attributes } = action;
  return digest({
    v: 1,
    identity: whoOf(identity),
    resource: { name: resource.name, kind: resource.kind, tags: resource.tags },
    action: { verb, access, targets, columns, attributes },
    text,
    within,
    values,
    settings,
    duties,
    policy,
  });
}

/**
 * SHA-256, hex, of what all requests of one class have in common: everything that a request is bound to but the constants that
 * `shape` leaves out. No class where other statements come with it: they are part of what happens.
 */
export function classOf({ shape, ...bound }: Bound & { readonly shape: string }): string | undefined {
  return bound.within === undefined
    ? digest({ v: 1, class: bindingOf({ ...bound, text: shape }) })
    : undefined;
}

/** What an answer names: the binding and the review, so that it fits no other request, not even an equal one. */
export function reviewDigest(id: ReviewId, binding: string): ReviewDigest {
  return digest({ v: 1, review: id, binding }) as ReviewDigest; // the one place where it is made
}

/** The same for requests on the same objects that differ in constants, white space and who asks: for history and for what is alike, never for what may run. */
export function fingerprintOf({
  resource,
  action,
  text,
}: Pick<Bound, 'resource' | 'action' | 'text'>): string {
  const on = action.targets.map(({ kind, name, access }) => `${kind} ${name} ${access}`).sort();
  const shape = text
    .replaceAll(/'(?:[^']|'')*'/g, '?')
    .replaceAll(/\b\d+(?:\.\d+)?\b/g, '?')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return digest({ v: 1, resource: resource.name, verb: action.verb, on, shape });
}

/** Who it is, without the proof of this sign-in: another token of the same person is no other person. */
export function whoOf({
  subject,
  kind,
  groups,
  attributes,
  actingFor,
}: Pick<Identity, 'subject' | 'kind' | 'groups' | 'attributes' | 'actingFor'>): unknown {
  return {
    subject,
    kind,
    groups: groups.toSorted(),
    attributes,
    actingFor: actingFor === undefined ? undefined : whoOf(actingFor),
  };
}

function digest(value: unknown): string {
  return hash('sha256', canonical(value), 'hex');
}

/** JSON with sorted keys; what is absent is left out. */
export function canonical(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map((each: unknown) => canonical(each)).join(',')}]`;
  const fields = Object.entries(value as Readonly<Record<string, unknown>>)
    .filter(([, each]) => each !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${fields.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
}
