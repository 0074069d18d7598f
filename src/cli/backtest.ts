import { parseArgs } from 'node:util';
import { isObject } from '../base/check.ts';
import { messageOf } from '../base/errors.ts';
import type { Duties } from '../core/decision.ts';
import type { Actor } from '../core/entry.ts';
import type { Opinions } from '../core/ports.ts';
import { asked, Probes } from '../gate/predicates.ts';
import {
  type Conditions,
  consulter,
  type Fate,
  type Recorded,
  type Replay,
  replayer,
} from '../policy/backtest.ts';
import { explanation, safe, table } from './command.ts';
import { kindsAsking } from './opa-url.ts';
import { kindsWith } from './kinds.ts';
import { detectorsHelp, detectorsOfFile } from './own-kinds.ts';
import { readPolicy } from './policy-files.ts';
import { readRecords } from './records.ts';
import type { Io } from './test.ts';

const help = `Usage: sallyport backtest [DIR] --from FILE|DIR|URL [--keep FILE] [--opa-url URL] [--ack RULE]…
                          [--detectors FILE] [--json]

Judges recorded decisions with the policy in DIR (default: policy; or a Git revision such as HEAD:policy), and says what
would have been otherwise, by rule and identity. --from is a data folder of a gateway, or what \`audit export\` printed
(\`audit verify\` says whether to believe it), or the address of a gateway's API, which is read with SALLYPORT_TOKEN as far as
its rules let you read everybody's record. --keep FILE keeps what came from there; a run that was interrupted goes on with
it, and --from FILE judges it again. What a rule reads and the record does not hold is not replayable.
--opa-url URL asks the OPA server there what layers with an OPA server would say now; without it what they judge is not
replayable.
--ack RULE says that what this rule loosens is meant.
${detectorsHelp}
Exit code: 0 nothing is loosened but what is acknowledged, 1 a deny→ALLOW or a lost duty, 2 could not run.
`;

/** The command `sallyport backtest`. Gives its exit code: 0 nothing is loosened, 1 something is, 2 could not run. */
export async function backtest(args: readonly string[], io: Io): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        from: { type: 'string' },
        keep: { type: 'string' },
        'opa-url': { type: 'string' },
        detectors: { type: 'string' },
        ack: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      io.out(help);
      return 0;
    }
    const [directory = 'policy', ...others] = positionals;
    if (values.from === undefined || others.length > 0)
      throw new Error('Expected --from FILE|DIR|URL; see --help');
    const report = await replayAll(directory, values.from, {
      keep: values.keep,
      opaUrl: values['opa-url'],
      detectors: values.detectors,
    });
    const loosened = report.groups.filter(({ fate, by }) => loosening.has(fate) && !values.ack.includes(by));
    io.out(values.json ? json(report, loosened) : safe(text(report, loosened)));
    return loosened.length > 0 ? 1 : 0;
  } catch (thrown) {
    io.err(`${explanation(thrown) ?? messageOf(thrown)}\n`);
    return 2;
  }
}

const loosening: ReadonlySet<Fate> = new Set<Fate>(['deny→ALLOW', 'duty lost']);

interface Group extends Replay {
  readonly identity: string;
  count: number;
  readonly examples: string[];
}

interface Report {
  readonly decisions: number;
  readonly counts: Readonly<Record<Fate, number>>;
  readonly groups: readonly Group[];
}

const conditions: Conditions = {
  asked,
  counter: () => {
    const probes = new Probes();
    return (...of) => probes.count(...of);
  },
};

const mostExamples = 3;

interface Ways {
  readonly keep: string | undefined;
  readonly opaUrl: string | undefined;
  readonly detectors: string | undefined;
}

/** Decisions whose servers are asked at the same time. */
const askedAtOnce = 32;

async function replayAll(
  directory: string,
  from: string,
  { keep, opaUrl, detectors }: Ways,
): Promise<Report> {
  const own = detectors === undefined ? [] : await detectorsOfFile(detectors);
  const asking = opaUrl === undefined ? undefined : kindsAsking(opaUrl, own);
  const policy = await readPolicy(directory, asking?.kinds ?? kindsWith(own));
  const replay = replayer(policy, conditions);
  const consult = asking === undefined ? () => undefined : consulter(policy);
  const sessions = new Map<string, Opened>();
  const demands = new Map<string, Duties>();
  const groups = new Map<string, Group>();
  const counts: Record<Fate, number> = {
    same: 0,
    'allow→deny': 0,
    'deny→ALLOW': 0,
    'duty lost': 0,
    'duty gained': 0,
    'not replayable': 0,
  };
  let decisions = 0;
  const bar = progressBar();
  try {
    for await (const batch of readRecords(from, bar.show, keep)) {
      const asked: (readonly [Recorded | undefined, Promise<Opinions> | undefined])[] = [];
      const judge = async (): Promise<void> => {
        for (const [recorded, opinions] of asked.splice(0)) {
          const said = await opinions;
          asking?.checkAnswers();
          const result = recorded === undefined ? unreadable : replay(recorded, said);
          counts[result.fate] += 1;
          if (result.fate !== 'same') put(groups, result, recorded?.entry);
        }
      };
      for (const raw of batch) {
        if (raw['kind'] === 'session.opened') open(raw, sessions);
        if (raw['kind'] !== 'decision') continue;
        decisions += 1;
        const recorded = recordedOf(raw, sessions, demands);
        asked.push([recorded, recorded === undefined ? undefined : consult(recorded)]);
        if (asked.length >= askedAtOnce) await judge();
      }
      await judge();
    }
  } finally {
    bar.clear();
  }
  if (decisions === 0) throw new Error(`There is no decision in ${from}`);
  const order = Object.keys(counts);
  return {
    decisions,
    counts,
    groups: [...groups.values()].sort(
      (a, b) => order.indexOf(a.fate) - order.indexOf(b.fate) || b.count - a.count || (a.by < b.by ? -1 : 1),
    ),
  };
}

const unreadable: Replay = { fate: 'not replayable', by: 'the entry is not one of this version', duties: [] };

function put(groups: Map<string, Group>, replay: Replay, entry: Recorded['entry'] | undefined): void {
  const identity = entry?.identity.subject ?? '?';
  const key = JSON.stringify([replay.fate, replay.by, replay.duties, identity]);
  const group = groups.get(key) ?? { ...replay, identity, count: 0, examples: [] };
  groups.set(key, group);
  group.count += 1;
  if (entry === undefined || group.examples.length >= mostExamples) return;
  const targets = entry.targets.map(({ name }) => name).join(', ');
  const example = `${entry.id}  ${entry.verb} (${entry.access}) on ${entry.resource}${targets === '' ? '' : `: ${targets}`}`;
  group.examples.push(example.slice(0, 200));
}

function open(raw: Readonly<Record<string, unknown>>, sessions: Map<string, Opened>): void {
  const { session, resource, at } = raw;
  if (typeof session !== 'string' || typeof at !== 'number' || !isObject(resource)) return;
  const { kind, tags } = resource;
  if (typeof kind !== 'string' || !Array.isArray(tags) || raw['cut'] !== undefined) return;
  const facts = factsOf(raw['facts']);
  const { run } = raw;
  sessions.set(session, {
    resource: { kind, tags: tags.map(String) },
    startedAt: at,
    ...(typeof run === 'string' ? { run } : {}),
    ...(facts === undefined ? {} : { facts }),
  });
}

type Opened = Pick<Recorded, 'resource' | 'startedAt' | 'run' | 'facts'>;

/** Facts by subject, each a text, a number or a truth; undefined where the entry has none, or something else. */
function factsOf(raw: unknown): Recorded['facts'] {
  if (!isObject(raw)) return undefined;
  const plain = Object.values(raw).every(
    (facts) =>
      isObject(facts) &&
      Object.values(facts).every((fact) => ['string', 'number', 'boolean'].includes(typeof fact)),
  );
  return plain ? (raw as Recorded['facts']) : undefined; // just looked at
}

/** Duties in full, as far as comparing them relies on their shape. */
function isDuties(raw: unknown): raw is Duties {
  return (
    isObject(raw) &&
    ['masks', 'finds', 'approve', 'notify'].every((name) => Array.isArray(raw[name])) &&
    typeof raw['record'] === 'string'
  );
}

const texts = ['id', 'session', 'resource', 'decision', 'verb', 'access'] as const;
const lists = ['targets', 'columns', 'rules', 'duties'] as const;

/** An entry whose fields are of the types that judging it relies on; undefined for any other. */
function recordedOf(
  raw: Readonly<Record<string, unknown>>,
  sessions: ReadonlyMap<string, Opened>,
  demands: Map<string, Duties>,
): Recorded | undefined {
  const sound =
    typeof raw['at'] === 'number' &&
    texts.every((name) => typeof raw[name] === 'string') &&
    lists.every((name) => Array.isArray(raw[name])) &&
    isObject(raw['attributes']) &&
    isActor(raw['identity'], 0);
  if (!sound) return undefined;
  const entry = raw as unknown as Recorded['entry']; // its fields were just looked at
  const session = sessions.get(entry.session);
  // Entries with the same rules under the same policy have the same duties, and only the first says them.
  const alike = JSON.stringify([raw['policy'], raw['rules']]);
  if (isDuties(raw['demands']) && raw['cut'] === undefined) demands.set(alike, raw['demands']);
  return {
    entry,
    resource: session?.resource,
    startedAt: session?.startedAt,
    run: session?.run,
    facts: session?.facts,
    demands: demands.get(alike),
    cut: raw['cut'] !== undefined,
  };
}

function isActor(raw: unknown, depth: number): raw is Actor {
  if (!isObject(raw) || depth > 64) return false;
  const { subject, kind, groups, actingFor } = raw;
  return (
    typeof subject === 'string' &&
    typeof kind === 'string' &&
    Array.isArray(groups) &&
    (actingFor === undefined || isActor(actingFor, depth + 1))
  );
}

function text({ decisions, counts, groups }: Report, loosened: readonly Group[]): string {
  const blocks = groups.flatMap((group) => {
    const { fate, by, duties, identity, count, examples } = group;
    const what = duties.length === 0 ? '' : `  (${duties.join(', ')})`;
    const meant = loosening.has(fate) && !loosened.includes(group) ? '  acknowledged' : '';
    return [
      `${fate}  ${count} × ${identity}  ${by}${what}${meant}`,
      ...examples.map((each) => `  ${each}`),
      '',
    ];
  });
  const rows = Object.entries(counts).map(([fate, count]) => [String(count).padStart(8), fate]);
  const end =
    loosened.length === 0
      ? 'nothing is loosened that is not acknowledged'
      : `loosened: say --ack ${[...new Set(loosened.map(({ by }) => by))].join(' --ack ')} if that is meant`;
  return `${blocks.join('\n')}${blocks.length > 0 ? '\n' : ''}${decisions} decisions\n${table(rows)}${end}\n`;
}

function json({ decisions, counts, groups }: Report, loosened: readonly Group[]): string {
  const report = {
    decisions,
    counts,
    groups: groups.map((group) => ({ ...group, fails: loosened.includes(group) })),
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

/** A bar on a terminal; nothing anywhere else. */
function progressBar(): { readonly show: (part: number) => void; readonly clear: () => void } {
  const { stderr } = process;
  if (!stderr.isTTY) return { show: () => undefined, clear: () => undefined };
  const width = 30;
  return {
    show: (part) => {
      const done = Math.round(part * width);
      stderr.write(`\r${'█'.repeat(done)}${'░'.repeat(width - done)} ${Math.floor(part * 100)} %`);
    },
    clear: () => stderr.write('\r\u001b[K'),
  };
}
