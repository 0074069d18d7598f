import type { RuleRef } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { MatchKey, MatchTest } from './match.ts';
import type { Rule } from './rule.ts';
import type { Ruling } from './ruling.ts';
import type { Words } from './words.ts';

export interface NearestMiss {
  readonly rule: RuleRef;
  readonly failed: string;
}

const longest = 160;

/**
 * The allow rule that came closest, and the first thing about it that failed, as its author wrote it: what would have
 * been enough. `layer` names the ceiling that is missing; empty: any grant layer.
 */
export function nearestMiss(
  ruling: Ruling,
  question: Question,
  identity: Identity,
  layer: string,
): NearestMiss | undefined {
  let closest: Rule[] = [];
  let least = Infinity;
  for (const { rule, tests } of allowing(ruling, layer)) {
    const far = distance(tests, question, identity, least);
    if (far < least) {
      least = far;
      closest = [rule];
    } else if (far === least && far !== Infinity) closest.push(rule);
  }
  const words = ruling.words(question, identity);
  const [best] = closest
    .map((rule) => matched(rule, question, identity))
    .sort(byNearness)
    .slice(0, asked)
    .map((candidate) => held(candidate, words))
    .sort(byNearness);
  if (best === undefined) return undefined;
  const { rule, failed = '' } = best;
  const line = failed.replaceAll(/\s+/g, ' ');
  return { rule: rule.ref, failed: line.length > longest ? `${line.slice(0, longest)}…` : line };
}

interface Candidate {
  readonly rule: Rule;
  /** How much failed, and how much held. */
  readonly far: number;
  readonly near: number;
  readonly failed: string | undefined;
}

/** Of many rules equally close by their match, only so many are asked for their condition: a denial must be quick too. */
const asked = 8;

/** A rule written for this identity is more to the point than one for everybody. */
const named: ReadonlySet<MatchKey> = new Set(['identity.groups', 'identity.subject', 'identity.actingFor']);

interface Allowing {
  readonly rule: Rule;
  /** The weightiest first: most rules are too far off after one. */
  readonly tests: readonly MatchTest[];
}

const known = new WeakMap<Ruling, Map<string, readonly Allowing[]>>();

/** The allow rules of a ceiling, or of all grant layers where it is empty: looked up once for each policy. */
function allowing(ruling: Ruling, layer: string): readonly Allowing[] {
  const byLayer = known.get(ruling) ?? new Map<string, readonly Allowing[]>();
  known.set(ruling, byLayer);
  const before = byLayer.get(layer);
  if (before !== undefined) return before;
  const layers = new Set(
    ruling.layers
      .filter(({ name, role }) => (layer === '' ? role === 'grant' : name === layer))
      .map(({ name }) => name),
  );
  const made = ruling.rules
    .filter((rule) => rule.ref.effect === 'allow' && rule.enforce === 'enforce' && layers.has(rule.layer))
    .map((rule) => ({ rule, tests: rule.match.tests.toSorted((a, b) => b.weight - a.weight) }));
  byLayer.set(layer, made);
  return made;
}

/** The weight of all tests that fail; Infinity as soon as it is more than `least`. */
// oxlint-disable-next-line max-params
function distance(
  tests: readonly MatchTest[],
  question: Question,
  identity: Identity,
  least: number,
): number {
  let far = 0;
  for (const test of tests) {
    if (test.passes(question, identity)) continue;
    far += test.weight;
    if (far > least) return Infinity;
  }
  return far;
}

/** How near a rule is by its match. */
function matched(rule: Rule, question: Question, identity: Identity): Candidate {
  let far = 0;
  let near = 0;
  let failed: string | undefined;
  for (const test of rule.match.tests) {
    if (test.passes(question, identity)) near += named.has(test.key) ? 3 : 1;
    else {
      far += test.weight;
      failed ??= test.source;
    }
  }
  return { rule, far, near, failed };
}

function held(candidate: Candidate, words: Words): Candidate {
  let { far, near, failed } = candidate;
  words.params = candidate.rule.params;
  for (const part of candidate.rule.when?.parts ?? []) {
    if (part.ask(words) === 'yes') near += 1;
    else {
      far += 1;
      failed ??= part.source;
    }
  }
  // What would have to be asked for besides is farther than what is simply allowed.
  if (candidate.rule.onRequest !== undefined) far += 1;
  return { rule: candidate.rule, far, near, failed };
}

/** Of two equally near the one with the smaller id: the order of files does not show. */
function byNearness(a: Candidate, b: Candidate): number {
  return a.far - b.far || b.near - a.near || (a.rule.ref.id < b.rule.ref.id ? -1 : 1);
}
