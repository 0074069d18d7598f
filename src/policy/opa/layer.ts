import { createHash } from 'node:crypto';
import { messageOf } from '../../base/errors.ts';
import { Lru } from '../../base/lru.ts';
import type { RuleId, RuleRef } from '../../core/decision.ts';
import type { Identity } from '../../core/identity.ts';
import type { Opinion, Opinions, Question } from '../../core/ports.ts';
import type { Kinds } from '../kinds.ts';
import type { Layer } from '../layers.ts';
import type { Problems } from '../problem.ts';
import { countedBy, demandsOf, type Rule } from '../rule.ts';
import { chainOf } from '../ruling.ts';
import { type OpaAnswer, parseResult, readAnswer } from './answer.ts';
import { type OpaBundle, openBundle } from './bundle.ts';
import type { Evaluation } from './engine.ts';
import { inputOf } from './input.ts';
import { planEvaluation } from './plan/index.ts';
import type { OpaUse } from './use.ts';

/** A layer that is a policy of OPA, ready to be asked. */
export interface OpaLayer {
  readonly name: string;
  readonly judges: (kind: string) => boolean;
  /** What it says, as rules of this language say it. Total: whatever fails is a rule that failed. */
  readonly hear: (question: Question, identity: Identity, at: number) => Heard;
  readonly consult?: (question: Question, identity: Identity) => Promise<Opinion>;
  readonly fleeting: boolean;
  readonly notReplayable?: string;
}

export interface Heard {
  readonly allows?: Rule;
  readonly denies?: Rule;
  readonly failed?: Rule;
  readonly requires?: Rule;
  /** Its own words, where it does not allow and does not deny either. */
  readonly silent?: RuleRef;
}

type Foreign = Layer & { readonly opa: OpaUse };

/** Prepares the layers of OPA; what is wrong with one is a problem of the policy. */
export function opaLayers(
  layers: readonly Layer[],
  files: ReadonlyMap<string, string>,
  kinds: Kinds,
  problems: Problems,
): readonly OpaLayer[] {
  const found: OpaLayer[] = [];
  for (const layer of layers) {
    if (layer.opa === undefined) continue;
    const { opa } = layer;
    for (const { value, at } of opa.kinds ?? [])
      if (!kinds.has(value)) problems.add('SP-T107', at, `There is no resource kind \`${value}\``);
      else if (value === 'sallyport' && opa.source.kind === 'server')
        problems.add(
          'SP-Y004',
          at,
          'The use of the gateway’s own API is judged by bundles and rules, not by a server',
        );
    const evaluation = evaluationOf(opa, files, kinds, problems);
    if (evaluation !== undefined) found.push(opaLayer({ ...layer, opa }, evaluation, kinds));
  }
  return found;
}

function evaluationOf(
  opa: OpaUse,
  files: ReadonlyMap<string, string>,
  { opa: engines }: Kinds,
  problems: Problems,
): Evaluation | undefined {
  const { source, entrypoint, deadlineMs } = opa;
  if (source.kind === 'server') {
    const server = engines?.server({ url: source.url, entrypoint, deadlineMs });
    return {
      ask: () => ({ kind: 'failed', why: 'The OPA server is only asked by a running gateway' }),
      fleeting: true,
      ...(engines?.askingAgain === true
        ? {}
        : { notReplayable: 'is judged by an OPA server, which only --opa-url lets be asked again' }),
      ...(server === undefined ? {} : { consult: server }),
    };
  }
  if (source.kind === 'remote') {
    const { url, pollMs, maxAgeMs, digest } = source;
    const pinned = digest === undefined ? {} : { digest: digest.value };
    const remote = engines?.remote?.({
      url,
      entrypoint,
      deadlineMs,
      strict: opa.strict,
      pollMs,
      maxAgeMs,
      ...pinned,
    });
    return {
      ask: () => ({ kind: 'failed', why: 'A bundle at an address is only fetched by a running gateway' }),
      fleeting: true,
      notReplayable: 'is a bundle at an address, which only a running gateway fetches',
      ...(remote === undefined ? {} : { consult: remote }),
    };
  }
  const refused = (message: string, at = source.at): undefined => {
    problems.add('SP-L120', at, message, { length: source.path.length });
    return undefined;
  };
  const text = files.get(source.path);
  if (text === undefined) return refused(`There is no ${source.path}`);
  const opened = openBundle(text);
  if (!opened.ok) return refused(`The bundle ${source.path} cannot be read: ${opened.error}`);
  const made = evaluate(opened.value, opa, engines);
  return typeof made === 'string' ? refused(`The bundle ${source.path} cannot be used: ${made}`) : made;
}

function evaluate(
  { digest, plan, wasm, data }: OpaBundle,
  { entrypoint, deadlineMs, strict }: OpaUse,
  engines: Kinds['opa'],
): Evaluation | string {
  if (plan !== undefined) {
    const planned = planEvaluation({ plan, data, entrypoint, deadlineMs, strict });
    return planned.ok ? planned.value : planned.error;
  }
  if (wasm === undefined) return 'it holds no plan.json: build it with `opa build -t plan`';
  if (strict) return '`strict` needs a plan: build it with `opa build -t plan`';
  if (engines === undefined) return 'nothing here evaluates WebAssembly';
  const made = engines.wasm({ wasm, data: JSON.stringify(data), digest, entrypoint, deadlineMs });
  return made.ok ? made.value : made.error;
}

const answersKept = 1_024;

function opaLayer(layer: Foreign, evaluation: Evaluation, kinds: Kinds): OpaLayer {
  const { opa, name } = layer;
  const among = opa.kinds?.map(({ value }) => value);
  const made = new Lru<string, Heard>(answersKept);
  const read = ({ json }: Extract<Opinion, { kind: 'said' }>): Heard => {
    const known = made.get(json);
    if (known !== undefined) return known;
    const parsed = parseResult(json);
    const answer = parsed.ok ? readAnswer(parsed.value, opa.at, kinds.entities) : parsed;
    const heard = answer.ok ? heardOf(layer, answer.value, json) : failed(layer, answer.error);
    made.set(json, heard);
    return heard;
  };
  const { consult } = evaluation;
  return {
    name,
    judges: (kind) => (among === undefined ? kind !== 'sallyport' : among.includes(kind)),
    hear: (question, identity, at) => {
      try {
        // SECURITY: what was asked outside for this question is all there is; nobody is asked a second time instead.
        const opinion =
          consult === undefined || question.opinions === undefined
            ? evaluation.ask(inputOf(question, identity), question.at)
            : question.opinions.get(name)?.[at];
        if (opinion === undefined) return failed(layer, 'It was not asked');
        return opinion.kind === 'said' ? read(opinion) : failed(layer, opinion.why);
      } catch (thrown) {
        return failed(layer, messageOf(thrown));
      }
    },
    fleeting: evaluation.fleeting,
    // What a shadow would have denied changes no decision.
    ...(evaluation.notReplayable === undefined || opa.enforce === 'shadow'
      ? {}
      : { notReplayable: evaluation.notReplayable }),
    ...(consult === undefined
      ? {}
      : {
          consult: async (question, identity) => {
            try {
              return await consult(inputOf(question, identity), question.at);
            } catch (thrown) {
              return { kind: 'failed', why: messageOf(thrown) };
            }
          },
        }),
  };
}

/** `consult` of a policy with these layers; undefined where none of them waits for anything. */
export function consulting(
  layers: readonly OpaLayer[],
): ((question: Question) => Promise<Opinions> | undefined) | undefined {
  if (!layers.some(({ consult }) => consult !== undefined)) return undefined;
  return (question) => {
    const asked = layers.flatMap(({ name, judges, consult }) =>
      consult !== undefined && judges(question.resource.kind) ? [{ name, consult }] : [],
    );
    const chain = chainOf(question.identity);
    if (asked.length === 0 || chain === undefined) return undefined;
    return Promise.all(
      asked.map(
        async ({ name, consult }) =>
          [name, await Promise.all(chain.map((identity) => consult(question, identity)))] as const,
      ),
    ).then((all) => new Map(all));
  };
}

/** What is said in the layer's name, by its role: a ceiling must allow, a grant may, and one that restricts never gives. */
function heardOf(layer: Foreign, answer: OpaAnswer, json: string): Heard {
  const { role } = layer;
  const { allow, deny, reasons, duties } = answer;
  const refuses =
    deny.length > 0 || (role === 'ceiling' ? allow !== true : role === 'restrict' && allow === false);
  const said = deny.length > 0 ? deny : reasons;
  if (refuses) return { denies: ruleOf(layer, 'deny', { said }) };
  return {
    ...(role !== 'restrict' && allow === true ? { allows: ruleOf(layer, 'allow', { said: reasons }) } : {}),
    ...(role === 'grant' && allow !== true ? { silent: ruleOf(layer, 'allow', { said: reasons }).ref } : {}),
    ...(duties === undefined ? {} : { requires: ruleOf(layer, 'require', { said: reasons, duties, json }) }),
  };
}

function failed(layer: Foreign, why: string): Heard {
  return { failed: ruleOf(layer, 'deny', { said: [why] }) };
}

interface Saying {
  readonly said: readonly string[];
  readonly duties?: OpaAnswer['duties'];
  readonly json?: string;
}

function ruleOf({ name, opa }: Foreign, effect: RuleRef['effect'], { said, duties, json }: Saying): Rule {
  const id = `${name}/${opa.entrypoint}` as RuleId;
  const counted = duties === undefined ? undefined : countedBy(duties, id);
  const reasons = [...new Set(said)].sort().join('; ');
  return {
    ref: {
      id,
      effect,
      at: opa.at,
      why: `OPA ${opa.entrypoint} in the layer ${name}${reasons === '' ? (effect === 'deny' ? ' denies it' : ' says so') : `: ${reasons}`}`,
      ...(opa.owner === undefined ? {} : { owner: opa.owner }),
      ...(counted === undefined ? {} : { demands: demandsOf(counted) }),
    },
    layer: name,
    enforce: opa.enforce,
    match: { tests: [], kinds: [], verb: () => true, items: new Map() },
    exemptible: false,
    params: undefined,
    values: new Map(),
    ...(counted === undefined ? {} : { duties: counted }),
    ...(json === undefined ? {} : { variant: createHash('sha256').update(json).digest('hex') }),
  };
}
