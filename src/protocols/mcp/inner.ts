import { isObject } from '../../base/check.ts';
import { Fault } from '../../base/errors.ts';
import type { Exchange } from '../../carriers/http/exchange.ts';
import { statedBy } from '../../carriers/http/stated.ts';
import type { Action } from '../../core/action.ts';
import type { Denial, FindMask, Outcome, Permit } from '../../core/decision.ts';
import { denial } from '../../core/denial.ts';
import type { Stay, Waiting } from '../../core/protocol.ts';
import type { Json } from './message.ts';
import type { ToolSettings } from './settings.ts';
import { shellCommands } from './shell.ts';
import type { ToolboxParts } from './talk.ts';

/** What the arguments of one call mean to other resources, permitted there; ended with the call. */
export interface Inner {
  /** More items than this in its answer are too many. */
  readonly rowLimit: number | undefined;
  /** What must not be in its answer in clear, besides what the call's own permit says. */
  readonly finds: readonly FindMask[];
  readonly done: (outcome: Outcome) => void;
  /** The same as the policy in force has it, for an answer that comes later. */
  readonly again: (exchange: Exchange) => Promise<Found>;
}

type Found =
  | { readonly kind: 'permitted'; readonly inner: Inner }
  | { readonly kind: 'refused'; readonly denial: Denial };

export const noInner: Inner = {
  rowLimit: undefined,
  finds: [],
  done: () => undefined,
  again: () => Promise.resolve({ kind: 'permitted', inner: noInner }),
};

interface About {
  readonly exchange: Exchange;
  readonly tool: ToolSettings;
  readonly given: Json;
  readonly wait: () => Waiting;
}

/**
 * Judges what a tool's arguments say to another resource, by the engines and rules of that resource: the SQL that a tool runs is
 * judged as if it had come to the database by itself, in a session of its own.
 */
export async function innerOf(parts: ToolboxParts, about: About): Promise<Found> {
  const { tool, given } = about;
  const asked = { sql: tool.sql, http: tool.http };
  if (asked.sql === undefined && asked.http === undefined) return { kind: 'permitted', inner: noInner };
  const said = asked.sql === undefined ? httpSaid(tool, given) : sqlSaid(tool, given);
  if (said.kind === 'refused') return { kind: 'refused', denial: notRead(said.why) };
  const { inside } = parts.house;
  if (inside === undefined) throw new Fault('config', 'Arguments cannot be judged here');
  const found = await inside.actions(said.resource, said.text);
  if (found === undefined)
    return { kind: 'refused', denial: notRead('There is no such resource to judge it by') };
  const joined = await about.exchange.join(said.resource, found.kind);
  if (!joined.ok) return { kind: 'refused', denial: joined.error };
  return judged(about, joined.value, { actions: found.actions, text: said.text });
}

async function judged(
  { exchange, wait }: About,
  stay: Stay,
  { actions, text }: { readonly actions: readonly Action[]; readonly text: string },
): Promise<Found> {
  const permits: Permit[] = [];
  let over = false;
  const end = (outcome: Outcome): void => {
    if (over) return;
    over = true;
    for (const permit of permits) stay.gate.done(permit, outcome);
    stay[Symbol.dispose]();
  };
  try {
    for (const action of actions) {
      const verdict = await stay.gate.ask({
        action,
        ...(actions.length === 1 ? { text } : {}),
        ...statedBy(exchange.fields),
        wait: () => wait(),
      });
      if (verdict.kind === 'refusal') {
        end({ kind: 'unsent' });
        return { kind: 'refused', denial: verdict.denial };
      }
      permits.push(verdict);
      await verdict.written;
      if (isUntraceable(verdict)) {
        end({ kind: 'unsent' });
        return { kind: 'refused', denial: untraceable(verdict) };
      }
    }
  } catch (thrown) {
    end({ kind: 'unsent' });
    throw thrown;
  }
  if (permits.length === 0) {
    end({ kind: 'unsent' });
    return { kind: 'refused', denial: notRead('It says nothing') };
  }
  const { name, kind } = stay.session.resource;
  return { kind: 'permitted', inner: innerBy(permits, { name, kind }, end) };
}

function innerBy(
  permits: readonly Permit[],
  resource: { readonly name: string; readonly kind: string },
  done: Inner['done'],
): Inner {
  const limits = permits.flatMap(({ duties }) => (duties.rowLimit === undefined ? [] : [duties.rowLimit]));
  return {
    rowLimit: limits.length === 0 ? undefined : Math.min(...limits),
    finds: permits.flatMap(({ duties }) => duties.finds),
    done,
    again: async (exchange) => {
      const joined = await exchange.join(resource.name, resource.kind);
      if (!joined.ok) return { kind: 'refused', denial: joined.error };
      using stay = joined.value;
      const now: Permit[] = [];
      for (const permit of permits) {
        const verdict = await stay.gate.again(permit);
        if (verdict.kind === 'refusal') return { kind: 'refused', denial: verdict.denial };
        if (isUntraceable(verdict)) return { kind: 'refused', denial: untraceable(verdict) };
        now.push(verdict);
      }
      return { kind: 'permitted', inner: innerBy(now, resource, done) };
    },
  };
}

/** It would bring values that must be masked by their columns, which an answer of a tool does not have. */
function isUntraceable({ action, duties, operatorOf }: Permit): boolean {
  const hidden = action.columns.some((column) => column.use === 'output' && operatorOf(column) !== undefined);
  return hidden || duties.onlyColumns !== undefined || (action.opaque === true && duties.masks.length > 0);
}

type Said =
  | { readonly kind: 'said'; readonly resource: string; readonly text: string }
  | { readonly kind: 'refused'; readonly why: string };

function sqlSaid({ sql }: ToolSettings, given: Json): Said {
  const text = sql === undefined ? undefined : at(given, sql.path);
  if (sql === undefined || typeof text !== 'string')
    return { kind: 'refused', why: 'The argument with the SQL is no text' };
  return { kind: 'said', resource: sql.resource, text };
}

/** SECURITY: the URL must be written in its one form: what a second reader could take for another host or path is refused. */
function httpSaid({ http }: ToolSettings, given: Json): Said {
  const refused = (why: string): Said => ({ kind: 'refused', why });
  const raw = http === undefined ? undefined : at(given, http.path);
  if (http === undefined || typeof raw !== 'string') return refused('The argument with the URL is no text');
  const parts = /^https?:\/\/([a-z0-9.-]+(?::\d{1,5})?)(\/[\x21-\x7e]*)$/.exec(raw);
  const [, host = '', target = ''] = parts ?? [];
  if (parts === null || !URL.canParse(raw) || new URL(raw).href !== raw)
    return refused('The URL is not in its plain form');
  const resource = Object.hasOwn(http.hosts, host) ? http.hosts[host] : undefined;
  if (resource === undefined) return refused('The host of the URL is none of those that this tool may reach');
  const method = http.method === undefined ? 'GET' : at(given, http.method);
  const named = method === undefined ? 'GET' : method;
  if (typeof named !== 'string' || !/^[A-Za-z]{1,10}$/.test(named)) return refused('The method is none');
  return { kind: 'said', resource, text: `${named.toUpperCase()} ${target}` };
}

/** The programs of a command line, for rules; undefined where the tool has none. */
export function programsIn(
  tool: ToolSettings | undefined,
  given: Json,
):
  | { readonly kind: 'none' }
  | { readonly kind: 'programs'; readonly programs: readonly string[] }
  | { readonly kind: 'refused'; readonly why: string } {
  if (tool?.shell === undefined) return { kind: 'none' };
  const text = at(given, tool.shell.path);
  if (typeof text !== 'string')
    return { kind: 'refused', why: 'The argument with the command line is no text' };
  const read = shellCommands(text);
  if (!read.ok) return { kind: 'refused', why: read.error };
  return { kind: 'programs', programs: [...new Set(read.value.map(({ program }) => program))] };
}

/** `$.a.b` of the arguments: the only place that is looked at, so a path that leads nowhere is refused by its reader. */
function at(given: Json, path: string): unknown {
  let value: unknown = given;
  for (const key of path.split('.').slice(1)) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

function notRead(why: string): Denial {
  return denial('NOT_UNDERSTOOD', '', why, 'What is not understood is refused: say it plainly');
}

function untraceable({ id, because }: Permit): Denial {
  const rule = because.find(({ demands }) => demands?.includes('mask') === true);
  return {
    ...denial(
      'LINEAGE',
      id,
      'The answer of a tool cannot be masked by columns, and this would bring values that must be',
      'Leave these columns out, or ask the database itself through the gateway',
    ),
    ...(rule === undefined ? {} : { rule: rule.id, at: `${rule.at.file}:${rule.at.line}:${rule.at.col}` }),
  };
}

/** The permit of a call as its answer is to be masked: by what its arguments reach, too. */
export function maskedBy(permit: Permit, { finds }: Inner): Permit {
  if (finds.length === 0) return permit;
  return { ...permit, duties: { ...permit.duties, finds: [...permit.duties.finds, ...finds] } };
}

/** How many items an answer may have at most: the longest list in it, or the lines of its text. */
export function itemsIn(result: Json): number {
  const content: unknown = result['content'];
  const texts = (Array.isArray(content) ? content : []).flatMap((part: unknown) =>
    isObject(part) && typeof part['text'] === 'string' ? [part['text']] : [],
  );
  return Math.max(longestIn(result['structuredContent']), ...texts.map(itemsInText));
}

function itemsInText(text: string): number {
  try {
    return longestIn(JSON.parse(text) as unknown);
  } catch {
    return text.split('\n').filter((line) => line.trim() !== '').length;
  }
}

function longestIn(value: unknown): number {
  if (Array.isArray(value)) return Math.max(value.length, ...value.map(longestIn), 0);
  return isObject(value) ? Math.max(0, ...Object.values(value).map(longestIn)) : 0;
}
