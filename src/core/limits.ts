/** Every bound against exhaustion: default, unit and what happens beyond it. Each is a key under `limits:` in the configuration. */
export const limits: Readonly<Record<LimitName, Limit>> = {
  connectionsBeforeSignIn: {
    default: 200,
    unit: 'connections',
    beyond: 'the oldest of the address that has most of them is closed, or else the new one',
  },
  connections: { default: 5_000, unit: 'connections', beyond: 'sign-in is refused: too many connections' },
  connectionsPerIdentity: {
    default: 200,
    unit: 'connections',
    beyond: 'sign-in is refused: too many connections',
  },
  signInSeconds: { default: 15, unit: 's', beyond: 'the connection is closed' },
  signInFailuresPerMinute: {
    default: 60,
    unit: 'per address',
    beyond: 'sign-in from that address is refused for a minute',
  },
  idleSeconds: { default: 86_400, unit: 's', beyond: 'the session is closed' },
  stallSeconds: { default: 600, unit: 's', beyond: 'a client that does not take its answer is disconnected' },
  connectSeconds: { default: 10, unit: 's', beyond: 'the resource counts as unreachable' },
  drainSeconds: { default: 10, unit: 's', beyond: 'sessions still busy at a stop are closed' },
  statementBytes: { default: 1_048_576, unit: 'bytes', beyond: 'the statement is refused' },
  statementDepth: { default: 500, unit: 'levels', beyond: 'the statement is refused' },
  statementsPerQuery: { default: 1_000, unit: 'statements', beyond: 'the query is refused' },
  messageBytes: { default: 67_108_864, unit: 'bytes', beyond: 'the session is closed' },
  heldBytes: {
    default: 2_147_483_648,
    unit: 'bytes',
    beyond: 'a request waits for others to end, for 10 s at most, and is refused',
  },
  heldBytesPerIdentity: {
    default: 536_870_912,
    unit: 'bytes',
    beyond: 'a request of it waits for its others to end, for 10 s at most, and is refused',
  },
  preparedStatements: { default: 10_000, unit: 'per session', beyond: 'the statement is refused' },
  pipelined: { default: 10_000, unit: 'requests', beyond: 'the client is not read until answers came' },
  parseMs: { default: 2_000, unit: 'ms', beyond: 'the statement is refused and the parser recycled' },
  analysesCachedBytes: {
    default: 67_108_864,
    unit: 'bytes',
    beyond: 'the analysis used longest ago is forgotten',
  },
};

export type LimitName =
  | 'connectionsBeforeSignIn'
  | 'connections'
  | 'connectionsPerIdentity'
  | 'signInSeconds'
  | 'signInFailuresPerMinute'
  | 'idleSeconds'
  | 'stallSeconds'
  | 'connectSeconds'
  | 'drainSeconds'
  | 'statementBytes'
  | 'statementDepth'
  | 'statementsPerQuery'
  | 'messageBytes'
  | 'heldBytes'
  | 'heldBytesPerIdentity'
  | 'preparedStatements'
  | 'pipelined'
  | 'parseMs'
  | 'analysesCachedBytes';

export interface Limit {
  readonly default: number;
  readonly unit: string;
  readonly beyond: string; // what happens then
}

export type Limits = { readonly [L in LimitName]: number };

export const defaultLimits: Limits = Object.fromEntries(
  Object.entries(limits).map(([name, { default: value }]) => [name, value]),
) as unknown as Limits;
