import { type Ending, outcomeOf } from '../../carriers/http/outcome.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../carriers/http/client.ts';
import { costs } from '../../carriers/http/costs.ts';
import { decoded, wholeOf } from '../../carriers/http/decoded.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { keyless, searched } from '../../carriers/http/keyless.ts';
import { documentMask, type DocumentMask } from '../../carriers/http/masks.ts';
import { sayFull } from '../../carriers/http/full.ts';
import { sayProblem } from '../../carriers/http/problem.ts';
import { Fault } from '../../base/errors.ts';
import { Full } from '../../core/held.ts';
import type { Outcome, Permit } from '../../core/decision.ts';
import { denialOfDemand } from '../../core/denial.ts';
import type { House } from '../../core/protocol.ts';
import { shareOf } from '../../core/session.ts';
import type { MaskKey } from '../../mask/index.ts';
import { type Content, contentOf, isMarkup, tableOf, typeFits } from '../../http/content.ts';
import { all, type Fields, first } from '../../http/headers.ts';
import type { Operation } from '../../http/openapi.ts';
import { jarOf } from './cookies.ts';
import { recorded, towards, towardsAsker } from './head.ts';
import type { HttpSettings } from './settings.ts';
import { columnsBy, taggedBy } from './documented.ts';
import { type Aliases, aliasedBy } from './graphql.ts';
import { Shown } from './shown.ts';
import { readByModel, type Showing } from './shown-read.ts';

export interface SiteParts {
  readonly house: House;
  readonly settings: HttpSettings;
  readonly client: HttpClient;
  readonly maskKey: MaskKey;
}

/** What was asked for: its route, and the operation of the service's document that it is. */
export interface Asked {
  readonly name: string;
  readonly operation: Operation | undefined;
  readonly aliases?: Aliases | undefined;
}

/** One permitted request, from the resource's first byte to the client's last. */
export class Pass {
  readonly #parts: SiteParts;
  readonly #exchange: Exchange;
  readonly #permit: Permit;
  readonly #mask: DocumentMask;
  readonly #shown: Showing;
  /** What comes later says itself where it belongs: no tag knows it. */
  readonly #unplaced: boolean;
  #bytes = 0;
  #withheld = 0;

  constructor(parts: SiteParts, exchange: Exchange, permit: Permit, of: Asked) {
    this.#parts = parts;
    this.#exchange = exchange;
    this.#permit = permit;
    const { aliases } = of;
    const tagged = aliasedBy(taggedBy(permit, of.operation), aliases === undefined ? [] : [aliases]);
    this.#unplaced = aliases?.incremental === true && permit.duties.masks.length > 0;
    this.#mask = documentMask(tagged, of.name, parts.maskKey);
    const about = {
      mask: this.#mask,
      most: parts.house.limits.messageBytes,
      signal: exchange.signal,
      held: exchange.held,
    };
    const columnOf = columnsBy(tagged, of.name, parts.maskKey);
    this.#shown = readByModel(new Shown({ ...about, columnOf }), about);
  }

  async run(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const { gate } = this.#exchange.stay;
    if (this.#unplaced) {
      gate.done(this.#permit, { kind: 'unsent' });
      this.#withhold('An answer of GraphQL in parts (@defer, @stream) cannot be masked by its tags');
      return;
    }
    let outcome: Outcome = this.#outcome({ kind: 'error', code: 'closed' });
    try {
      const answer = await gate.guardCalls((request: HttpRequest) => this.#parts.client.call(request))(
        this.#permit,
        this.#request(body),
      );
      // SECURITY: no byte of an answer before its entry is on disk.
      await this.#permit.written;
      outcome = await this.#answer(answer);
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'mask' && !this.#exchange.reply.started) {
        outcome = this.#withhold(thrown.message);
        return;
      }
      if (thrown instanceof Full) {
        outcome = this.#tooFull(thrown);
        return;
      }
      outcome = this.#outcome({ kind: 'error', code: thrown instanceof Fault ? thrown.code : 'closed' });
      throw thrown;
    } finally {
      gate.done(this.#permit, outcome);
    }
  }

  #outcome(how: Ending): Outcome {
    const masked = this.#mask.masked + this.#shown.masked;
    return outcomeOf(how, { bytes: this.#bytes, masked, withheld: this.#withheld });
  }

  #request(body: Uint8Array | AsyncIterable<Uint8Array>): HttpRequest {
    const { method, fields, signal, stay } = this.#exchange;
    const { path, fields: out } = towards(this.#parts, this.#exchange);
    // Coded bytes can only be passed on where nobody has to look into them.
    const looks = this.#mask.needed || this.#parts.settings.upstream.credential !== undefined;
    const coding = looks ? 'identity' : (first(fields, 'accept-encoding') ?? 'identity');
    out.push(['accept-encoding', coding]);
    const empty = body instanceof Uint8Array && body.length === 0;
    const bodiless =
      empty && (method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'DELETE');
    return {
      method,
      path,
      fields: out,
      signal,
      whose: shareOf(stay.session),
      ...(bodiless ? {} : { body }),
    };
  }

  async #answer(answer: HttpResponse): Promise<Outcome> {
    const { status, fields } = answer;
    const declared = first(fields, 'content-type');
    const bodiless = this.#exchange.method === 'HEAD' || status === 204 || status === 304;
    const passes = this.#parts.settings.uninspected.some((pattern) => typeFits(pattern, declared));
    const { credential } = this.#parts.settings.upstream;
    if (bodiless)
      return this.#stream(answer.body, status, this.#fields(fields, { changed: this.#mask.needed }));
    if (!this.#mask.needed || passes) {
      const open = keyless(answer, credential);
      if (open !== undefined)
        return this.#stream(open.body, status, this.#fields(fields, { changed: open.recoded }));
      return this.#withhold(
        'The answer cannot be looked into, so it may repeat the credential of the gateway',
      );
    }
    // Of two types nobody can say which the client believes; of a piece nobody can say what it is cut from.
    const piece = status === 206 || first(fields, 'content-range') !== undefined;
    const content = piece || all(fields, 'content-type').length > 1 ? 'opaque' : contentOf(declared);
    const plain = content === 'opaque' ? undefined : decoded(answer);
    const body = plain === undefined ? undefined : searched(plain, credential);
    if (body !== undefined && content !== 'opaque') return this.#inspected(body, content, answer);
    if (await isEmpty(answer.body))
      return this.#stream(nothing(), status, this.#fields(fields, { changed: true }));
    return this.#withhold('The answer cannot be looked into, so it cannot be masked');
  }

  async #inspected(
    body: AsyncIterable<Uint8Array>,
    content: Exclude<Content, 'opaque'>,
    answer: HttpResponse,
  ): Promise<Outcome> {
    const fields = this.#fields(answer.fields, { changed: true });
    if (content === 'events') {
      // Whoever waits for events must see at once that they will come.
      if (this.#permit.duties.byteLimit === undefined) this.#exchange.reply.start(answer.status, fields);
      return this.#stream(this.#shown.events(body), answer.status, fields);
    }
    if (content === 'lines') return this.#stream(this.#shown.lines(body), answer.status, fields);
    const table = content === 'text' ? tableOf(first(answer.fields, 'content-type')) : undefined;
    if (table !== undefined) return this.#stream(this.#shown.table(body, table), answer.status, fields);
    // Markup can spell one value in many ways and places: it is looked at whole.
    if (content === 'text' && !isMarkup(first(answer.fields, 'content-type')))
      return this.#stream(
        this.#shown.text(body, first(answer.fields, 'content-type')),
        answer.status,
        fields,
      );
    const most = this.#parts.house.limits.messageBytes;
    const bytes = await wholeOf(body, most, this.#exchange.held.counting(costs.answer));
    if (bytes === undefined)
      return this.#withhold(`The answer is longer than ${most} bytes, so it cannot be masked`);
    const shown =
      content === 'multipart'
        ? await this.#shown.parts(
            bytes,
            first(answer.fields, 'content-type') ?? '',
            this.#parts.settings.uninspected,
          )
        : content === 'text'
          ? await this.#shown.markup(bytes, first(answer.fields, 'content-type') ?? '')
          : await this.#shown.document(bytes, content);
    if (shown === undefined)
      return this.#withhold('The answer is not what its Content-Type says, so it cannot be masked');
    const length = shown.reduce((sum, part) => sum + part.length, 0);
    return this.#stream(shown, answer.status, [...fields, ['content-length', String(length)]]);
  }

  async #stream(
    body: AsyncIterable<Uint8Array> | readonly Uint8Array[],
    status: number,
    fields: Fields,
  ): Promise<Outcome> {
    const { reply, stay } = this.#exchange;
    if (this.#permit.duties.record === 'full') {
      const head = Buffer.from(`${status}\n${recorded(fields)}\n`);
      void stay.recorder.frame('answer', head, this.#permit.id);
    }
    // What is here already is not waited for piece by piece.
    if (Symbol.asyncIterator in body) {
      for await (const chunk of body) if (!(await this.#give(chunk, status, fields))) return this.#cut();
    } else {
      for (const chunk of body) {
        const given = this.#give(chunk, status, fields);
        if (!(typeof given === 'boolean' ? given : await given)) return this.#cut();
      }
    }
    if (!reply.started) reply.start(status, fields);
    reply.end();
    return this.#outcome({ kind: 'ok' });
  }

  /** Gives a piece of the answer to the recording and the client, and waits where one of them must catch up; false where it would be too long. */
  #give(chunk: Uint8Array, status: number, fields: Fields): boolean | Promise<boolean> {
    const { reply, stay, signal } = this.#exchange;
    const { byteLimit, record } = this.#permit.duties;
    if (byteLimit !== undefined && this.#bytes + chunk.length > byteLimit) return false;
    if (!reply.started) reply.start(status, fields);
    this.#bytes += chunk.length;
    const full = record === 'full' ? stay.recorder.frame('answer', chunk, this.#permit.id) : undefined;
    if (full !== undefined) return this.#giveLater(full, chunk);
    const waiting = reply.write(chunk);
    if (waiting !== undefined) return this.#giveLater(waiting);
    if (signal.aborted) throw signal.reason;
    return true;
  }

  async #giveLater(waiting: Promise<void>, chunk?: Uint8Array): Promise<boolean> {
    const { reply, signal } = this.#exchange;
    await waiting;
    if (chunk !== undefined) await reply.write(chunk);
    if (signal.aborted) throw signal.reason;
    return true;
  }

  #cut(): Outcome {
    const { reply } = this.#exchange;
    const { byteLimit = 0 } = this.#permit.duties;
    const why = denialOfDemand(
      this.#permit,
      'LIMIT',
      'limit',
      `The answer is longer than ${byteLimit} bytes`,
    );
    if (reply.started) reply.destroy();
    else sayProblem(reply, 403, why);
    return this.#outcome({ kind: 'cut', why: 'LIMIT' });
  }

  /** Nobody can say when there will be room: what was begun is broken off. */
  #tooFull(full: Full): Outcome {
    const { reply, stay } = this.#exchange;
    const { id } = this.#permit;
    void stay.recorder.frame('decision', json({ id, decision: 'deny', why: full.message }), id);
    if (reply.started) reply.destroy();
    else sayFull(reply, full, id);
    return this.#outcome({ kind: 'cut', why: 'LIMIT' });
  }

  #withhold(why: string): Outcome {
    this.#withheld++;
    const said = denialOfDemand(this.#permit, 'LINEAGE', 'mask', why);
    const { id } = this.#permit;
    void this.#exchange.stay.recorder.frame('decision', json({ id, decision: 'deny', why }), id);
    sayProblem(this.#exchange.reply, 403, said);
    return this.#outcome({ kind: 'cut', why: 'LINEAGE' });
  }

  #fields(fields: Fields, how: { readonly changed: boolean }): Fields {
    const { settings, maskKey } = this.#parts;
    const { upstream, cookies } = settings;
    const jar = jarOf(cookies, maskKey, this.#exchange);
    const behind = { upstream, prefix: this.#exchange.prefix, mask: this.#mask, jar };
    return this.#mask.aside(() => towardsAsker(fields, how, behind));
  }
}

async function isEmpty(body: AsyncIterable<Uint8Array>): Promise<boolean> {
  for await (const _ of body) return false;
  return true;
}

async function* nothing(): AsyncIterable<Uint8Array> {
  // An answer without a body.
}

export function json(facts: Readonly<Record<string, string>>): Uint8Array {
  return Buffer.from(JSON.stringify(facts));
}
