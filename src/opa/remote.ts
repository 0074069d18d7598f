import type { Log, Opinion } from '../core/ports.ts';
import { Lru } from '../base/lru.ts';
import { err, type Result } from '../base/result.ts';
import type { Instant, World } from '../base/time.ts';
import { openBundle } from '../policy/opa/bundle.ts';
import type { Evaluation, OpaEngines, RemoteWanted } from '../policy/opa/engine.ts';
import { planEvaluation } from '../policy/opa/plan/index.ts';
import type { Reach } from './reach.ts';

const mostBytes = 16_777_216;
const patienceMs = 10_000;
const shortMs = 1_000;
const addressesKept = 32;
const layersKept = 64;

export interface RemoteParts {
  readonly world: World;
  readonly reach: Reach;
  readonly wasm: OpaEngines['wasm'];
  readonly log: Log;
}

/**
 * Bundles at an address. It is asked when a question comes and the last look is longer ago than the layer says, and the
 * question waits for it; nothing runs in between. A bundle that cannot be had, or cannot be used, leaves the last good one in
 * force until its age; from then on there is no answer.
 */
export function remoteEngine(parts: RemoteParts): NonNullable<OpaEngines['remote']> {
  const addresses = new Lru<string, Address>(addressesKept);
  const layers = new Lru<string, RemoteLayer>(layersKept);
  return (wanted) => {
    const key = JSON.stringify(wanted); // a policy that is loaded anew finds the last good bundle again
    const known = layers.get(key);
    if (known !== undefined) return (input, at) => known.ask(input, at);
    const address = addresses.get(wanted.url.href) ?? new Address(parts, wanted.url);
    addresses.set(wanted.url.href, address);
    const layer = new RemoteLayer(parts, wanted, address);
    layers.set(key, layer);
    return (input, at) => layer.ask(input, at);
  };
}

interface Fetched {
  readonly text: string; // base64, as a policy holds bundles
  readonly etag?: string;
  /** When the address last said that this is its bundle. */
  readonly seenAt: Instant;
}

/** One address, whoever uses what is there. */
class Address {
  readonly #parts: RemoteParts;
  readonly #url: URL;
  #fetched: Fetched | undefined;
  #lookedAt: Instant | undefined;
  #looking: Promise<void> | undefined;

  constructor(parts: RemoteParts, url: URL) {
    this.#parts = parts;
    this.#url = url;
  }

  /** What is there, or was there last; looks where the last look is longer ago than `pollMs`. */
  async current(pollMs: number): Promise<Fetched | undefined> {
    const now = this.#parts.world.now();
    // A clock that was set back makes nothing young.
    const due = this.#lookedAt === undefined || now - this.#lookedAt >= pollMs || now < this.#lookedAt;
    if (due || this.#looking !== undefined) {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
      await (this.#fetched === undefined ? this.#looking : this.#shortly(this.#looking));
    }
    return this.#fetched;
  }

  /** An address that is silent holds nobody up for long while there is a bundle to go on with. */
  async #shortly(looking: Promise<void>): Promise<void> {
    const { world } = this.#parts;
    let timer: Disposable | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = world.after(shortMs, resolve);
    });
    await Promise.race([looking, enough]);
    timer?.[Symbol.dispose]();
  }

  async #look(): Promise<void> {
    const { world, reach, log } = this.#parts;
    const stop = new AbortController();
    using _patience = world.after(patienceMs, () => stop.abort());
    const etag = this.#fetched?.etag;
    let why = 'cannot be reached';
    try {
      const answer = await reach(this.#url, {
        method: 'GET',
        headers: etag === undefined ? {} : { 'if-none-match': etag },
        mostBytes,
        signal: stop.signal,
      });
      const seenAt = world.now();
      if (answer.status === 304 && this.#fetched !== undefined) {
        this.#fetched = { ...this.#fetched, seenAt };
        return;
      }
      if (answer.status === 200 && answer.body !== undefined) {
        const text = Buffer.from(answer.body).toString('base64');
        this.#fetched = { text, seenAt, ...(answer.etag === undefined ? {} : { etag: answer.etag }) };
        return;
      }
      why =
        answer.status === 200 ? `has more than ${mostBytes} bytes` : `answered with status ${answer.status}`;
    } catch {
      // why it is as it was
    } finally {
      this.#lookedAt = world.now();
    }
    log('error', 'opa.bundle', { address: this.#url.host, why });
  }
}

/** What one layer makes of an address: the last bundle that it could use. */
class RemoteLayer {
  readonly #parts: RemoteParts;
  readonly #wanted: RemoteWanted;
  readonly #address: Address;
  #text: string | undefined;
  #good: { readonly text: string; readonly evaluation: Evaluation; seenAt: Instant } | undefined;

  constructor(parts: RemoteParts, wanted: RemoteWanted, address: Address) {
    this.#parts = parts;
    this.#wanted = wanted;
    this.#address = address;
  }

  async ask(input: string, at: Instant): Promise<Opinion> {
    const { pollMs, maxAgeMs } = this.#wanted;
    this.#take(await this.#address.current(pollMs));
    const good = this.#good;
    if (good === undefined) return failed('There is no bundle that can be used');
    const age = this.#parts.world.now() - good.seenAt;
    // SECURITY: nothing is younger than now, either.
    if (!(age >= 0 && age <= maxAgeMs))
      return failed(`The last bundle that can be used is older than ${maxAgeMs} ms`);
    return good.evaluation.consult?.(input, at) ?? good.evaluation.ask(input, at);
  }

  #take(fetched: Fetched | undefined): void {
    if (fetched === undefined) return;
    if (this.#good?.text === fetched.text) this.#good.seenAt = fetched.seenAt;
    if (this.#text === fetched.text) return;
    this.#text = fetched.text; // looked at once, whatever comes of it
    const made = this.#made(fetched.text);
    if (made.ok) this.#good = { text: fetched.text, evaluation: made.value, seenAt: fetched.seenAt };
    else this.#parts.log('error', 'opa.bundle', { address: this.#wanted.url.host, why: made.error });
  }

  #made(text: string): Result<Evaluation, string> {
    const { digest, entrypoint, deadlineMs, strict } = this.#wanted;
    const opened = openBundle(text);
    if (!opened.ok) return opened;
    const { plan, wasm, data, digest: found } = opened.value;
    if (digest !== undefined && digest !== `sha256:${found}`)
      return err('it is not the bundle that is pinned');
    if (plan !== undefined) return planEvaluation({ plan, data, entrypoint, deadlineMs, strict });
    if (wasm === undefined || strict) return err('it holds no plan.json');
    return this.#parts.wasm({ wasm, data: JSON.stringify(data), digest: found, entrypoint, deadlineMs });
  }
}

function failed(why: string): Opinion {
  return { kind: 'failed', why };
}
