import type { Wire } from '../../base/stream.ts';
import {
  decodeBind,
  decodeClose,
  decodeDescribe,
  decodeExecute,
  decodeParse,
  decodeQuery,
} from './decode.ts';
import * as encode from './encode.ts';
import { type Frame, Frames, frontendBounds } from './frames.ts';
import { backend, frontend } from './messages.ts';

/**
 * A server for tests that does nothing but keep the protocol's state as PostgreSQL does: transaction blocks, skipping to
 * Sync, COPY modes, names of statements and portals. Its statements are words, several of them divided by `;`:
 * `rows N`, `fail`, `begin`, `commit`, `rollback`, `copyin`, `copyout N`, `prepare NAME=TEXT`, `execute NAME`,
 * `deallocate NAME`, anything that starts with `sallyport` or holds `denied` fails (54.2 of PostgreSQL's documentation is
 * what it is a model of).
 */
export class ModelServer {
  readonly #wire: Wire;
  readonly #statements: Map<string, string> = new Map();
  readonly #portals: Map<string, { readonly text: string; left: number }> = new Map();
  #status: 'I' | 'T' | 'E' = 'I';
  #skipping = false;
  #copying: 'simple' | 'extended' | undefined;
  #rest: string[] = [];
  #out: Uint8Array[] = [];
  /** PostgreSQL keeps answers to itself until Sync, Flush, the end of a Query, an error or its wish for COPY data. */
  #due = false;
  /** What it was sent, statement by statement: for looking what has arrived. */
  readonly seen: string[] = [];
  /** It was sent a request while it read COPY data: what the gateway ends the session for. */
  broken = false;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  async run(): Promise<void> {
    const frames = new Frames(frontendBounds(1_000_000));
    for (;;) {
      const chunk = await this.#wire.read();
      if (chunk === undefined) return;
      frames.push(chunk);
      while (frames.next()) {
        if (frames.type === frontend.Terminate) {
          await this.#flush();
          return this.#wire.end();
        }
        this.#message(frames);
      }
      await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    if (!this.#due) return;
    this.#due = false;
    if (this.#out.length > 0) await this.#wire.write(encode.join(this.#out.splice(0)));
  }

  #say(bytes: Uint8Array): void {
    this.#out.push(bytes);
  }

  #message(frame: Frame): void {
    if (this.#copying !== undefined) return this.#copyData(frame);
    if (this.#skipping && frame.type !== frontend.Sync) return;
    if (dueAfter.has(frame.type)) this.#due = true;
    switch (frame.type) {
      case frontend.Query:
        this.#statements.delete('');
        this.#rest = decodeQuery(frame)
          .text.split(';')
          .map((each) => each.trim())
          .filter((each) => each !== '');
        if (this.#rest.length === 0) this.#say(encode.emptyQueryResponse);
        return this.#simple();
      case frontend.Parse: {
        const { name, text } = decodeParse(frame);
        if (name === '') this.#statements.delete('');
        if (text.startsWith('sallyport') || text.includes('denied')) return this.#fail('42601');
        if (name !== '' && this.#statements.has(name)) return this.#fail('42P05');
        this.#statements.set(name, text);
        return this.#say(encode.parseComplete);
      }
      case frontend.Bind: {
        const { statement, portal } = decodeBind(frame);
        const text = this.#statements.get(statement);
        if (text === undefined) return this.#fail('26000');
        if (portal !== '' && this.#portals.has(portal)) return this.#fail('42P03');
        this.#portals.set(portal, { text, left: rowsOf(text) });
        return this.#say(encode.bindComplete);
      }
      case frontend.Describe: {
        const { of, name } = decodeDescribe(frame);
        const text = of === 'statement' ? this.#statements.get(name) : this.#portals.get(name)?.text;
        if (text === undefined) return this.#fail('26000');
        if (of === 'statement') this.#say(encode.parameterDescription([]));
        return this.#say(rowsOf(text) > 0 ? description : encode.noData);
      }
      case frontend.Execute:
        return this.#execute(decodeExecute(frame));
      case frontend.Close: {
        const { of, name } = decodeClose(frame);
        (of === 'statement' ? this.#statements : this.#portals).delete(name);
        return this.#say(encode.closeComplete);
      }
      case frontend.Sync:
        this.#skipping = false;
        return this.#ready();
      default: // Flush, and COPY data without a COPY
    }
  }

  #ready(): void {
    if (this.#status === 'I') this.#portals.clear();
    this.#say(encode.readyForQuery(this.#status));
  }

  #fail(sqlstate: string): void {
    this.#due = true;
    this.#say(encode.errorResponse({ severity: 'ERROR', sqlstate, message: 'failed' }));
    if (this.#status === 'T') this.#status = 'E';
    this.#skipping = true;
  }

  #simple(): void {
    for (let text = this.#rest.shift(); text !== undefined; text = this.#rest.shift()) {
      const meant = this.#meant(text);
      if (!this.#runs(meant)) {
        this.#fail('XX001');
        this.#rest = [];
        break;
      }
      if (meant === 'copyin') {
        this.#copying = 'simple';
        this.#due = true;
        return this.#say(encode.copyResponse(backend.CopyInResponse, 0, [0]));
      }
      if (rowsOf(meant) > 0 && !meant.startsWith('copyout')) this.#say(description);
      this.#answer(meant, rowsOf(meant));
    }
    this.#skipping = false;
    this.#ready();
  }

  #execute({ portal: name, maxRows }: { readonly portal: string; readonly maxRows: number }): void {
    const portal = this.#portals.get(name);
    if (portal === undefined) return this.#fail('34000');
    const { text } = portal;
    if (text === '') return this.#say(encode.emptyQueryResponse);
    const meant = this.#meant(text);
    if (!this.#runs(meant)) return this.#fail('XX001');
    if (meant !== text) return this.#answer(meant, rowsOf(meant));
    if (text === 'copyin') {
      if (portal.left < 0) return this.#fail('55000'); // a utility runs once
      portal.left = -1;
      this.#copying = 'extended';
      this.#due = true;
      return this.#say(encode.copyResponse(backend.CopyInResponse, 0, [0]));
    }
    const now = maxRows === 0 ? portal.left : Math.min(maxRows, portal.left);
    portal.left -= now;
    if (portal.left > 0) {
      this.#rows(now);
      return this.#say(encode.portalSuspended);
    }
    this.#answer(text, now);
  }

  /** Whether a statement runs; what only the state can refuse is refused. */
  #runs(text: string): boolean {
    this.seen.push(text);
    if (text === 'rollback' || text === 'commit') return true;
    if (this.#status === 'E' || text === 'fail' || text.startsWith('sallyport') || text.includes('denied'))
      return false;
    const [verb, name = '', inner = ''] = /^(\w+) (\w+)(?:=(.*))?$/.exec(text)?.slice(1) ?? [];
    if (verb === 'execute') return false; // #meant found nothing of this name that can run
    if (verb === 'deallocate') return this.#statements.delete(name);
    if (verb !== 'prepare') return true;
    if (this.#statements.has(name)) return false;
    this.#statements.set(name, inner);
    return true;
  }

  /** `execute NAME` as what it runs: `execute NAME -- TEXT`. Only of rows, as the gateway allows it. */
  #meant(text: string): string {
    const name = /^execute (\w+)$/.exec(text)?.[1];
    const inner = name === undefined ? undefined : this.#statements.get(name);
    return inner?.startsWith('rows') === true ? `${text} -- ${inner}` : text;
  }

  #answer(text: string, rows: number): void {
    if (text.startsWith('copyout')) {
      this.#say(encode.copyResponse(backend.CopyOutResponse, 0, [0]));
      for (let at = 0; at < rows; at++) this.#say(encode.copyData(Buffer.from('row\n')));
      this.#say(encode.copyDone);
    } else {
      this.#rows(rows);
    }
    if (text === 'begin') this.#status = 'T';
    if (text === 'commit' || text === 'rollback') this.#status = 'I';
    this.#say(encode.commandComplete(text.toUpperCase()));
  }

  #rows(count: number): void {
    for (let at = 0; at < count; at++) this.#say(encode.dataRow(['row']));
  }

  #copyData(frame: Frame): void {
    switch (frame.type) {
      case frontend.CopyData:
      case frontend.Flush:
      case frontend.Sync:
        return;
      case frontend.CopyDone:
        this.#due = true;
        this.#say(encode.commandComplete('COPY'));
        return this.#copyOver();
      default:
        this.broken ||= frame.type !== frontend.CopyFail;
        this.#fail('57014');
        this.#rest = [];
        return this.#copyOver();
    }
  }

  #copyOver(): void {
    const how = this.#copying;
    this.#copying = undefined;
    if (how === 'simple') this.#simple();
  }
}

const dueAfter: ReadonlySet<number> = new Set([frontend.Query, frontend.Sync, frontend.Flush]);

function rowsOf(text: string): number {
  const match = /^(?:execute \w+ -- )?(?:rows|copyout) (\d+)$/.exec(text);
  return match === null ? 0 : Number(match[1]);
}

const description = encode.rowDescription([encode.textField('value')]);
