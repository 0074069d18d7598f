import type { SessionRecords } from '../../stores/sessions.ts';

export type { DecisionRecord, SessionDetail, SessionSummary } from '../../stores/sessions.ts';

/** What the API asks of the record. */
export type Records = Pick<SessionRecords, 'sessions' | 'session' | 'decision'>;
