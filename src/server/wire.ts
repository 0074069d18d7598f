/**
 * The map of the running program: which real part stands where. Read it from top to bottom.
 *
 *   home/keys     the key of tokens, the key of hashes, the revoked tokens
 *   home/tls      our own CA, where no certificate is configured
 *   home/reviews  requests that wait for people, and those that did; access for a time
 *   home/sinks    how far each sink is
 *   home/witness  the key that cosigns others' ledgers, and what was seen of each
 *   home/kept     what protocols must know again: pinned definitions of tools
 *   home/channels.db   where cards of reviews stand
 *   home/data     ledger, recordings, their keys and indexes; custody.db: what is kept how long, held, erased
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { instant, realWorld } from '../base/time.ts';
import { dialTcp, listenTcp } from '../carriers/tcp.ts';
import { worker } from '../carriers/worker.ts';
import type { Log, Policy } from '../core/ports.ts';
import type { Protocol } from '../core/protocol.ts';
import { detectorsInUse, useDetectors } from '../mask/index.ts';
import { opaEngines } from '../opa/index.ts';
import { kindsOf } from '../policy/kinds.ts';
import type { LoadedPolicy } from '../policy/load.ts';
import { searchIndex, type SearchIndex } from '../stores/index-search.ts';
import { openLedger } from '../stores/ledger.ts';
import { openGrants } from '../stores/grants.ts';
import { openReviews } from '../stores/reviews.ts';
import { recordings } from '../stores/recordings.ts';
import { sessionRecords } from '../stores/sessions.ts';
import { startAnchoring, witnessHooks } from './anchoring.ts';
import { ownCertificate, type Certificate } from './certificates.ts';
import { channelsOf } from './channels.ts';
import type { Config } from './config.ts';
import { startGateway, type Gateway, type GatewayParts } from './gateway.ts';
import { maskKeys, resultKey, revokedTokens, tokenKeys, type TokenKeys } from './keys.ts';
import { indexStoreOf } from './index-config.ts';
import { keptIn } from './kept.ts';
import { logger } from './logs.ts';
import { metricsPage, type MetricsPage } from './metrics.ts';
import { openNamesModel } from './names-model.ts';
import { policyTrial } from './policy-trial.ts';
import { policyNotes, type PolicySource, watchPolicy } from './policy-source.ts';
import { readerOf } from './policy-wire.ts';
import { RulePlaces } from './rule-places.ts';
import { custodian } from './custodian.ts';
import { newSessionId } from './ids.ts';
import { openArchive } from '../stores/archive.ts';
import { bucket } from '../stores/s3.ts';
import { openCustody } from '../stores/custody.ts';
import { RecentDecisions, scenesOf } from './scenes.ts';
import { sinksOf } from './sinks.ts';
import { version } from './environment.ts';

export interface Wiring {
  readonly config: Config;
  /** The caller has locked it: `lock.ts`. */
  readonly home: string;
  readonly protocols: readonly Protocol[];
  /** What signs tokens; the key under `home` when absent. */
  readonly keys?: TokenKeys;
  /** SECURITY: puts another policy in the place of the one in force; only `observe` does. */
  readonly watch?: (policy: LoadedPolicy) => Policy;
}

/** A gateway with everything under it, and what a command needs to run it. */
export interface Running {
  readonly gateway: Gateway;
  readonly log: Log;
  readonly metrics: MetricsPage;
  readonly certificate: Certificate;
  /** The data folder. */
  readonly data: string;
  /** Stops the gateway, then what is under it, in order. */
  readonly stop: (why: string) => Promise<void>;
}

export async function wire({ config, home, protocols, keys, watch }: Wiring): Promise<Running> {
  const world = realWorld;
  const metrics = metricsPage();
  const log = logger({
    world,
    level: config.log.level,
    format: config.log.format ?? (process.stderr.isTTY ? 'human' : 'json'),
    write: (line) => process.stderr.write(line),
  });
  const under = new AsyncDisposableStack();
  try {
    const data = join(home, 'data');
    mkdirSync(data, { recursive: true, mode: 0o700 });

    const hosts = [config.listen.api, ...Object.values(config.listen.protocols)].map(({ host }) => host);
    const certificate = config.tls ?? (await ownCertificate(home, hosts, world));

    let ledgerState = 'ok';
    const ledger = under.use(
      await openLedger({
        directory: data,
        origin: config.name,
        world,
        log,
        metrics,
        failed: () => {
          ledgerState = 'cannot be written';
        },
      }),
    );

    const places = new RulePlaces();
    const sessions = await sessionRecords(ledger, log, (id) => placeOf(index, id)); // before the first entry
    const records = places.on(sessions);
    const index = under.use(
      searchIndex({ store: indexStoreOf(config.index, data), folder: data, ledger, log }),
    );

    useDetectors(config.detectors ?? []); // before anything is searched
    if (config.ner !== undefined) under.use(await openNamesModel(config.ner, { metrics, log }));
    const notes = policyNotes(ledger, world);
    const policy = under.use(
      await watchPolicy({
        from: config.policySource === undefined ? config.policy : readerOf(config.policySource, home, world),
        ...(config.policySource?.maxAgeMs === undefined ? {} : { maxAgeMs: config.policySource.maxAgeMs }),
        ...(config.policySource?.params === undefined ? {} : { params: config.policySource.params }),
        kinds: kindsOf(protocols, detectorsInUse(), opaEngines(world, { origins: config.opa ?? [], log })),
        trial: policyTrial({
          metrics,
          entities: detectorsInUse().map(({ name }) => name),
          ...(config.policySource?.params === undefined ? {} : { params: config.policySource.params }),
        }),
        world,
        log,
        metrics,
        onRefuse: notes.onRefuse,
        onLoad: (loaded) => {
          places.add(
            loaded.id.digest,
            loaded.ruling.rules.map(({ ref }) => ref),
          );
          return notes.onLoad(loaded);
        },
      }),
    );
    const reviews = under.use(openReviews(join(home, 'reviews'), resultKey(home)));
    reviews.prune(
      instant(world.now() - config.reviews.keepMs),
      instant(world.now() - config.reviews.resultForMs),
    );
    const grants = under.use(openGrants(join(home, 'reviews')));
    const archive =
      config.recordings === undefined
        ? undefined
        : under.use(
            openArchive({
              directory: data,
              name: ledger.key.name,
              bucket: bucket(config.recordings.bucket),
              ...config.recordings.sizes,
              recording: async (session) => {
                const [of, about] = [await sessions.recording(session), await sessions.summary(session)];
                return of === undefined || about === undefined
                  ? undefined
                  : { ...of, over: about.state !== 'open' };
              },
              world,
              log,
            }),
          );
    const taped = recordings({ directory: data, ledger, world, log, archive });
    const recent = new RecentDecisions();
    ledger.watch(recent.see);
    const kept = under.use(
      custodian({
        custody: openCustody(join(data, 'custody.db'), ledger),
        ledger,
        forget: async (session, startedAt) => {
          await index.forget(session);
          await taped.remove(session, startedAt);
          sessions.forget(session);
        },
        newId: () => newSessionId(world),
        world,
        log,
      }),
    );

    const { current: hashKey, earlier } = maskKeys(home);
    const sinks =
      config.sinks.length === 0
        ? undefined
        : under.use(
            await sinksOf(config, {
              ledger,
              folder: join(home, 'sinks'),
              maskKey: hashKey,
              version,
              world,
              log,
              metrics,
            }),
          );

    if (config.ledger !== undefined)
      under.use(startAnchoring({ settings: config.ledger, data, world, log, metrics }));

    const gateway = await startGateway({
      version,
      config,
      world,
      log,
      metrics,
      certificate,
      keys: keys ?? tokenKeys(home),
      maskKey: hashKey,
      earlierMaskKeys: earlier,
      revoked: revokedTokens(home),
      protocols,
      policy: watch === undefined ? policy : watchedBy(policy, watch),
      ledger,
      ledgerState: () => ledgerState,
      records,
      recorded: ledger,
      findEntries: index.entries,
      recorder: taped.recorder,
      scenes: (id, live) =>
        scenesOf(
          { records: sessions, recordings: taped, protocols, recent: recent.find, erased: kept.erased },
          id,
          live,
        ),
      custodian: kept,
      findSessions: { ids: index.sessions, summary: sessions.summary, open: sessions.open },
      reviews,
      grants,
      ...(config.channels === undefined
        ? {}
        : {
            channels: (desk) =>
              channelsOf(config, { desk, file: join(home, 'channels.db'), world, log, metrics }),
          }),
      ...(sinks === undefined ? {} : { guard: sinks.guard }),
      hooks: witnessHooks({ settings: config.ledger, home, name: config.name, world, log }),
      listen: listenTcp,
      dial: (address, signal) => dialTcp(address, signal, config.limits.connectSeconds * 1_000),
      worker: (module) => worker(module, { metrics }),
      kept: (protocol) => keptIn(join(home, 'kept', protocol)),
    });
    const held = under.move();
    return {
      gateway,
      log,
      metrics,
      certificate,
      data,
      stop: async (why) => {
        await gateway.stop(why);
        await held.disposeAsync();
      },
    };
  } catch (thrown) {
    await under.disposeAsync();
    throw thrown;
  }
}

/** Where the entries of a session begin and end, as the index knows. */
async function placeOf(
  index: SearchIndex,
  session: string,
): Promise<{ readonly first: number; readonly last: number } | undefined> {
  const [opened] = await index.entries({ session, kind: 'session.opened', limit: 1 }, false);
  const [closed] = await index.entries({ session, kind: 'session.closed', limit: 1 }, false);
  const [newest] = closed === undefined ? await index.entries({ session, limit: 1 }, false) : [closed];
  return opened === undefined ? undefined : { first: opened.entry, last: (newest ?? opened).entry };
}

function watchedBy(source: PolicySource, watch: (policy: LoadedPolicy) => Policy): GatewayParts['policy'] {
  return {
    status: source.status,
    current: () => {
      const policy = source.current();
      return policy === undefined ? undefined : watch(policy);
    },
  };
}
