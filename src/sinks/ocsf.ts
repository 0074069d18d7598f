import type { Actor } from '../core/entry.ts';
import type { ClearEntry } from './item.ts';

/** The version of the schema that events follow: https://schema.ocsf.io/1.8.0 */
export const ocsfVersion = '1.8.0';

interface From {
  readonly id: string;
  readonly index: number;
  readonly origin: string;
  readonly version: string;
}

type Event = Readonly<Record<string, unknown>>;
type Map = (entry: ClearEntry) => Event & { readonly activity_id: number; readonly severity_id: number };

const datastore = { category_uid: 6, class_uid: 6005 } as const;
const api = { category_uid: 6, class_uid: 6003 } as const;
const lifecycle = { category_uid: 6, class_uid: 6002 } as const;
const authentication = { category_uid: 3, class_uid: 3002 } as const;
const entity = { category_uid: 3, class_uid: 3004 } as const;

/**
 * An entry as an event of OCSF 1.8.0. What has no place in its class stands whole under `unmapped`, so that nothing of the
 * entry is lost; `metadata.uid` is `<ledger>/<number>`, by which a duplicate is known.
 */
export function ocsfOf(entry: ClearEntry, from: From): Event {
  const { class_uid: classUid, ...event } = { class_uid: 0, ...maps[entry.kind](entry) };
  return {
    class_uid: classUid,
    type_uid: classUid * 100 + event.activity_id,
    time: entry.at,
    ...event,
    metadata: {
      version: ocsfVersion,
      uid: from.id,
      sequence: from.index,
      original_event_uid: String(from.index),
      log_name: from.origin,
      event_code: entry.kind,
      profiles: ['security_control'],
      product: { name: 'Sallyport', vendor_name: 'Sallyport', version: from.version },
    },
    unmapped: { ...entry },
  };
}

const maps: Readonly<Record<ClearEntry['kind'], Map>> = {
  'gateway.started': (entry) => ({
    ...lifecycle,
    activity_id: 3,
    severity_id: 1,
    status_id: 1,
    app: app(entry),
  }),
  'gateway.stopped': (entry) => ({
    ...lifecycle,
    activity_id: 4,
    severity_id: 1,
    status_id: 1,
    app: app(entry),
  }),
  'policy.loaded': (entry) => ({
    ...entity,
    activity_id: 3,
    severity_id: 1,
    status_id: 1,
    entity: {
      type: 'Policy',
      uid: text(entry['digest']),
      policy: { uid: text(entry['digest']), name: 'policy' },
    },
  }),
  'policy.refused': () => ({
    ...entity,
    activity_id: 3,
    severity_id: 4,
    status_id: 2,
    entity: { type: 'Policy', name: 'policy', policy: { name: 'policy' } },
  }),
  'key.rotated': (entry) => ({
    ...entity,
    activity_id: 3,
    severity_id: 3,
    status_id: 1,
    entity: { type: 'Key', name: text(entry['to']) },
  }),
  'sign-in.refused': (entry) => ({
    ...authentication,
    activity_id: 1,
    severity_id: 3,
    status_id: 2,
    ...control('deny'),
    user: { name: typeof entry['subject'] === 'string' ? entry['subject'] : 'unknown' },
    service: { name: text(entry['resource']) },
    status_detail: text(entry['why']),
  }),
  'sign-in.accepted': (entry) => ({
    ...authentication,
    activity_id: 1,
    severity_id: 1,
    status_id: 1,
    ...control('allow'),
    user: user(entry['identity']),
    session: { uid: text(entry['visit']) },
    service: { name: 'sallyport' },
  }),
  'sign-in.ended': (entry) => ({
    ...authentication,
    activity_id: 2,
    severity_id: 1,
    status_id: 1,
    user: user(entry['identity']),
    session: { uid: text(entry['visit']) },
    service: { name: 'sallyport' },
    status_detail: text(entry['why']),
  }),
  'session.opened': (entry) => ({
    ...authentication,
    activity_id: 1,
    severity_id: 1,
    status_id: 1,
    ...control('allow'),
    user: user(entry['identity']),
    session: { uid: text(entry['session']) },
    service: { name: text((entry['resource'] as { readonly name?: unknown } | undefined)?.name) },
  }),
  'session.closed': (entry) => ({
    ...authentication,
    activity_id: 2,
    severity_id: 1,
    status_id: 1,
    user: { uid: text(entry['session']), name: 'of the session' },
    session: { uid: text(entry['session']) },
    service: { name: 'sallyport' },
    status_detail: text(entry['why']),
  }),
  decision: (entry) =>
    text(entry['verb']).startsWith('sql.')
      ? decided(entry, inDatabase(entry))
      : decided(entry, throughApi(entry)),
  outcomes: (entry) => ({ ...api, activity_id: 99, severity_id: 1, ...called('outcomes', entry) }),
  'recording.chunk': (entry) => ({
    ...api,
    activity_id: 1,
    severity_id: 1,
    ...called('recording.chunk', entry),
  }),
  'recording.gap': (entry) => ({
    ...api,
    activity_id: 4,
    severity_id: 4,
    status_id: 2,
    ...called('recording.gap', entry),
    status_detail: text(entry['why']),
  }),
  'hold.added': (entry) => ({ ...api, activity_id: 1, severity_id: 2, ...called('hold.added', byOf(entry)) }),
  'hold.removed': (entry) => ({
    ...api,
    activity_id: 4,
    severity_id: 3,
    ...called('hold.removed', byOf(entry)),
  }),
  'record.erased': (entry) => ({
    ...api,
    activity_id: 4,
    severity_id: 3,
    ...called('record.erased', byOf(entry)),
    status_detail: text(entry['why']),
  }),
  'record.read': (entry) => ({
    ...api,
    activity_id: 2,
    severity_id: entry['allowed'] === true ? 1 : 3,
    status_id: entry['allowed'] === true ? 1 : 2,
    ...control(entry['allowed'] === true ? 'allow' : 'deny'),
    ...called(text(entry['verb']), entry),
  }),
  'tool.pin': (entry) => ({
    ...entity,
    activity_id: 99,
    activity_name: `Definitions of tools: ${text(entry['state'])}`,
    severity_id: entry['state'] === 'changed' ? 4 : 1,
    status_id: 1,
    entity: { type: 'Tools', uid: text(entry['resource']), name: text(entry['resource']) },
  }),
  incident: (entry) => ({
    ...entity,
    activity_id: 99,
    activity_name: 'Denied again and again',
    severity_id: 4,
    status_id: 2,
    entity: { type: 'Incident', uid: text(entry['decision']), name: text(entry['what']) },
    actor: { user: user(entry['identity']) },
  }),
  'break-glass': (entry) => ({
    ...entity,
    activity_id: 99,
    activity_name: 'Break glass',
    severity_id: 5,
    status_id: 1,
    ...reviewed(entry, entry['identity']),
  }),
  'review.asked': (entry) => ({
    ...entity,
    activity_id: 1,
    severity_id: 2,
    status_id: 1,
    ...reviewed(entry, entry['identity']),
  }),
  'review.answered': (entry) => ({
    ...entity,
    activity_id: 3,
    severity_id: entry['counted'] === true ? 2 : 4,
    status_id: entry['counted'] === true ? 1 : 2,
    ...reviewed(entry, entry['by']),
  }),
  'review.used': (entry) => ({
    ...entity,
    activity_id: 10,
    severity_id: 2,
    status_id: 1,
    ...reviewed(entry, undefined),
  }),
  'class.granted': (entry) => ({
    ...entity,
    activity_id: 10,
    activity_name: 'Class granted',
    severity_id: 3,
    status_id: 1,
    ...reviewed(entry, undefined),
  }),
  'class.revoked': (entry) => ({
    ...entity,
    activity_id: 11,
    activity_name: 'Class revoked',
    severity_id: 2,
    status_id: 1,
    ...reviewed(entry, entry['by']),
  }),
  'access.granted': (entry) => ({
    ...entity,
    activity_id: 10,
    activity_name: 'Access granted',
    severity_id: 3,
    status_id: 1,
    ...reviewed(entry, entry['identity']),
  }),
  'review.escalated': (entry) => ({
    ...entity,
    activity_id: 99,
    activity_name: 'Review escalated',
    severity_id: 2,
    status_id: 1,
    ...reviewed(entry, undefined),
  }),
  'review.ended': (entry) => ({
    ...entity,
    activity_id: 11,
    severity_id: entry['state'] === 'unknown' ? 4 : 1,
    status_detail: text(entry['state']),
    ...reviewed(entry, undefined),
  }),
};

function decided(entry: ClearEntry, what: Event & { readonly activity_id: number }): ReturnType<Map> {
  const decision = text(entry['decision']);
  return {
    ...what,
    severity_id: decision === 'allow' ? 1 : decision === 'review' ? 2 : 3,
    status_id: decision === 'allow' ? 1 : decision === 'review' ? 99 : 2,
    ...(decision === 'review' ? { status: 'Held for review' } : {}),
    ...control(decision),
    actor: { user: user(entry['identity']), session: { uid: text(entry['session']) } },
    src_endpoint: { uid: text(entry['session']), name: 'session' },
    policy: { uid: text(entry['policy']), name: 'policy' },
    ...message(entry),
  };
}

function message(entry: ClearEntry): Event {
  const denial = entry['denial'] as { readonly why?: unknown } | undefined;
  return denial === undefined ? {} : { message: text(denial.why) };
}

const activities: Readonly<Record<string, number>> = {
  read: 1,
  write: 2,
  define: 6,
  administer: 99,
  execute: 4,
  unknown: 0,
};

function inDatabase(entry: ClearEntry): Event & { readonly activity_id: number } {
  const id = text(entry['id']);
  const query =
    typeof entry['text'] === 'string' ? { query_info: { uid: id, query_string: entry['text'] } } : {};
  return {
    ...datastore,
    activity_id: activities[text(entry['access'])] ?? 0,
    type_id: 1,
    database: { name: text(entry['resource']), type_id: 1 },
    ...query,
  };
}

function throughApi(entry: ClearEntry): Event & { readonly activity_id: number } {
  const crud: Readonly<Record<string, number>> = { read: 2, write: 3, define: 1 };
  return {
    ...api,
    activity_id: crud[text(entry['access'])] ?? 99,
    api: {
      operation: text(entry['verb']),
      service: { name: text(entry['resource']) },
      request: { uid: text(entry['id']) },
    },
  };
}

function called(operation: string, entry: ClearEntry): Event {
  const session = text(entry['session'] ?? entry['of'] ?? 'none');
  const identity = entry['identity'];
  return {
    api: { operation, service: { name: 'sallyport' } },
    actor: identity === undefined ? { app_name: 'sallyport' } : { user: user(identity) },
    src_endpoint: { uid: session, name: 'session' },
  };
}

function byOf(entry: ClearEntry): ClearEntry {
  return { ...entry, identity: entry['by'] };
}

function reviewed(entry: ClearEntry, who: unknown): Event {
  return {
    entity: { type: 'Review', uid: text(entry['review']), name: 'review' },
    ...(who === undefined ? {} : { actor: { user: user(who) } }),
  };
}

/** The profile `security_control`: what was decided about it. */
function control(decision: string): Event {
  if (decision === 'allow') return { action_id: 1, disposition_id: 1 };
  return decision === 'review'
    ? { action_id: 99, action: 'Held', disposition_id: 14 }
    : { action_id: 2, disposition_id: 2 };
}

function user(raw: unknown): Event {
  const { subject, kind, groups } = raw as Actor; // every kind of entry that names somebody names an actor
  return {
    uid: subject,
    name: subject,
    type_id: kind === 'human' ? 1 : 4,
    ...(groups.length > 0 ? { groups: groups.map((name) => ({ name })) } : {}),
  };
}

function app({ version }: ClearEntry): Event {
  return { name: 'Sallyport', vendor_name: 'Sallyport', ...(typeof version === 'string' ? { version } : {}) };
}

function text(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : 'unknown';
}
