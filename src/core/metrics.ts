/** Counters, gauges and histograms, by the names below. Exposed to Prometheus as `sallyport_<name>`. */
export interface Metrics {
  readonly count: (name: CounterName, labels?: Readonly<Record<string, string>>, by?: number) => void;
  readonly gauge: (name: GaugeName, value: number, labels?: Readonly<Record<string, string>>) => void;
  readonly observe: (name: HistogramName, seconds: number, labels?: Readonly<Record<string, string>>) => void;
}

/** name: [help, labels] */
type Table<Name extends string> = Readonly<Record<Name, readonly [string, readonly string[]]>>;

export type CounterName =
  | 'decisions_total'
  | 'sign_ins_total'
  | 'limits_total'
  | 'rows_total'
  | 'masked_values_total'
  | 'withheld_values_total'
  | 'wire_errors_total'
  | 'faults_total'
  | 'parser_restarts_total'
  | 'policy_loads_total'
  | 'ledger_entries_total'
  | 'cancels_total'
  | 'reviews_total'
  | 'review_answers_total'
  | 'glass_broken_total'
  | 'breakers_total'
  | 'channel_answers_total'
  | 'channel_faults_total'
  | 'sink_entries_total'
  | 'sink_faults_total'
  | 'sink_refused_total'
  | 'model_texts_total';

export const counters: Table<CounterName> = {
  decisions_total: ['Decisions', ['resource', 'decision']],
  sign_ins_total: ['Sign-ins', ['result']],
  limits_total: ['Requests refused by a limit', ['limit']],
  rows_total: ['Rows sent to clients', ['resource']],
  masked_values_total: ['Values masked', ['resource']],
  withheld_values_total: ['Values withheld because their lineage or type was unknown', ['resource']],
  wire_errors_total: ['Sessions ended by a peer that broke its protocol', ['code']],
  faults_total: ['Failures of the gateway or a resource', ['code']],
  parser_restarts_total: ['Parser workers recycled after a crash or a missed deadline', []],
  policy_loads_total: ['Policy loads', ['result']],
  ledger_entries_total: ['Entries on disk', []],
  cancels_total: ['Cancel requests', ['result']],
  reviews_total: ['Reviews that have ended, by their state', ['resource', 'state']],
  glass_broken_total: ['Requests that went past soft rules in an emergency', ['resource']],
  breakers_total: ['Requests that were denied again and again until the breaker tripped', ['resource']],
  review_answers_total: ['Answers to reviews: what counted, and why the others did not', ['result']],
  channel_answers_total: ['Answers to reviews that came through a channel', ['channel', 'result']],
  channel_faults_total: ['Reviews that a channel could not tell', ['channel']],
  sink_entries_total: ['Entries that a sink has taken, those sent again included', ['sink']],
  sink_faults_total: ['Batches that a sink did not take; they are sent again', ['sink']],
  sink_refused_total: [
    'Entries that a sink refuses for good; they are kept in its file of refused entries',
    ['sink'],
  ],
  model_texts_total: [
    'Texts that a model was to read for names: done, or late or failed and so masked whole',
    ['result'],
  ],
};

export type GaugeName =
  | 'sink_lag_entries'
  | 'sink_lag_seconds'
  | 'reviews_waiting'
  | 'access_grants'
  | 'sessions'
  | 'connections'
  | 'held_bytes'
  | 'analyses_cached'
  | 'ledger_size'
  | 'ledger_unanchored'
  | 'policy_age_seconds'
  | 'policy_drift_seconds';

export const gauges: Table<GaugeName> = {
  sink_lag_entries: ['Entries on disk that a sink has not taken', ['sink']],
  sink_lag_seconds: ['Age of the oldest entry that a sink has not taken', ['sink']],
  reviews_waiting: ['Requests that wait for a person now', []],
  access_grants: ['Grants of access for a time that are live now', []],
  sessions: ['Open sessions', ['resource']],
  connections: ['Open client connections, signed in or not', []],
  held_bytes: ['Memory that requests and answers take which are held whole (limit heldBytes)', []],
  analyses_cached: ['Statement analyses in the cache', ['resource']],
  ledger_size: ['Entries in the ledger', []],
  ledger_unanchored: ['Entries under the newest head that some anchor or witness does not have yet', []],
  policy_age_seconds: ['Seconds since the policy was last loaded or confirmed', []],
  policy_drift_seconds: [
    'Seconds for which the source of the policy has held another one than is enforced',
    [],
  ],
};

export type HistogramName = 'review_seconds' | 'decide_seconds' | 'parse_seconds' | 'ledger_wait_seconds';

export const histograms: Table<HistogramName> = {
  decide_seconds: ['Time to decide, uncached', []],
  review_seconds: ['Time from a request for review to its end, by the state it ended in', ['state']],
  parse_seconds: ['Time to parse and analyse a statement that was not in the cache', []],
  ledger_wait_seconds: ['Time from append to disk', []],
};
