import { ok } from '../../../src/base/result.ts';
import { Secret } from '../../../src/base/secret.ts';
import { instant, realWorld } from '../../../src/base/time.ts';
import { dialTcp, listenTcp } from '../../../src/carriers/tcp.ts';
import { worker } from '../../../src/carriers/worker.ts';
import { noDuties } from '../../../src/core/decision.ts';
import type { Identity, Subject } from '../../../src/core/identity.ts';
import { heldBy } from '../../../src/core/held.ts';
import { defaultLimits } from '../../../src/core/limits.ts';
import type { Policy } from '../../../src/core/ports.ts';
import type { House } from '../../../src/core/protocol.ts';
import type { Resource, ResourceName, SessionId } from '../../../src/core/session.ts';
import { gate } from '../../../src/gate/gate.ts';
import { mcp } from '../../../src/protocols/mcp/index.ts';
import type { Broker } from '../../../src/protocols/mcp/oauth/broker.ts';
import { brokerOf } from '../../../src/protocols/mcp/oauth/index.ts';
import type { McpSettings } from '../../../src/protocols/mcp/settings.ts';

export interface Room extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** As `sallyport mcp-login` lets the gateway in. */
  readonly broker: () => Broker;
}

const token = 'room';
const visitor: Identity = {
  kind: 'human',
  subject: 'analyst' as Subject,
  groups: [],
  attributes: {},
  proof: { kind: 'token', tokenId: 't', expiresAt: instant(Date.UTC(2100, 0, 1)) },
};
const allowing: Policy = {
  id: { digest: 'all' },
  tagsOf: () => [],
  decide: ({ action }) => ({
    kind: action.access === 'unknown' ? 'deny' : 'allow',
    because: [],
    why: 'Everybody may',
    fix: [],
    duties: { ...noDuties, record: 'meta' },
    policy: { digest: 'all' },
    wouldBe: [],
    cacheable: true,
  }),
};
const nothing = (): void => undefined;

/**
 * The gateway's door, gate and room for MCP in this process, with connections, sign-in and all that MCP is, and without what lies
 * around them: files, ledger, recordings. Everything is allowed. For suites with many servers, one after the other.
 */
export async function openRoom(raw: object): Promise<Room> {
  const checked = mcp.settings(raw, 'resource');
  if (!checked.ok) throw new Error(JSON.stringify(checked.error));
  const settings = checked.value as McpSettings;
  const resource: Resource = { name: 'suite' as ResourceName, kind: 'mcp', tags: [], settings };
  const kept = new Map<string, string>();
  const metrics = { count: nothing, gauge: nothing, observe: nothing };
  const house: House = {
    resources: [resource],
    world: realWorld,
    // Of a slow machine, too, whatever the schemas of a suite take.
    limits: { ...defaultLimits, parseMs: 60_000 },
    held: heldBy(defaultLimits, realWorld),
    log: nothing,
    metrics,
    dial: (address, signal) => dialTcp(address, signal, 10_000),
    worker: (module) => worker(module, { metrics }),
    maskKey: new Secret('00'.repeat(32)),
    kept: { get: (name) => kept.get(name), set: (name, text) => void kept.set(name, text) },
  };
  const session = {
    id: 'room' as SessionId,
    identity: visitor,
    resource,
    startedAt: realWorld.now(),
    peer: '127.0.0.1',
  };
  const ledger = { append: () => Promise.resolve() };
  const chamber = gate({ policy: () => allowing, ledger, world: realWorld, metrics: house.metrics }, session);
  const recorder = { frame: (): undefined => undefined, close: () => Promise.resolve(0) };
  const never = new AbortController().signal;
  const room = mcp.start(house);
  const listener = await listenTcp({
    host: '127.0.0.1',
    port: 0,
    onWire: (wire) =>
      void room
        .serve({
          client: wire,
          plainAllowed: true,
          admit: () => Promise.resolve(ok({ session, gate: chamber, recorder })),
          join: () =>
            Promise.resolve(
              ok({ session, gate: chamber, recorder, signal: never, [Symbol.dispose]: nothing }),
            ),
          signal: never,
          draining: never,
        })
        .catch(nothing),
  });
  return {
    url: `http://127.0.0.1:${listener.port}/suite`,
    token,
    broker: () => {
      const server = settings.servers.get('');
      if (server?.kind !== 'http' || server.oauth === undefined) throw new Error('It does not sign in');
      const about = { resource: 'suite', server: '', upstream: server.upstream, settings: server.oauth };
      return brokerOf(house, about);
    },
    [Symbol.asyncDispose]: async () => {
      await listener.close();
      await room[Symbol.asyncDispose]();
    },
  };
}
