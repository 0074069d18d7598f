import type { RuleRef } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { MatchKey } from './match.ts';
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
  const layers = new Set(
    ruling.layers
      .filter(({ name, role }) => (layer === '' ? role === 'grant' : name === layer))
      .map(({ name }) => name),
  );
  let closest: Candidate[] = [];
  for (const rule of ruling.rules) {
    if (rule.ref.effect !== 'allow' || rule.enforce !== 'enforce' || !layers.has(rule.layer)) continue;
    const least = closest[0]?.far ?? Infinity;
    const candidate = matched(rule, question, identity, least);
    if (candidate === undefined) continue;
    if (candidate.far < least) closest = [candidate];
    else if (candidate.far === least) closest.push(candidate);
  }
  const words = ruling.words(question, identity);
  const [best] = closest
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

/** How near a rule is by its match; undefined as soon as it is farther than `least`. */
// oxlint-disable-next-line max-params
function matched(rule: Rule, question: Question, identity: Identity, least: number): Candidate | undefined {
  let far = 0;
  let near = 0;
  let failed: string | undefined;
  for (const test of rule.match.tests) {
    if (test.passes(question, identity)) near += named.has(test.key) ? 3 : 1;
    else {
      far += test.weight;
      if (far > least) return undefined;
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
  return { rule: candidate.rule, far, near, failed };
}

/** Of two equally near the one with the smaller id: the order of files does not show. */
function byNearness(a: Candidate, b: Candidate): number {
  return a.far - b.far || b.near - a.near || (a.rule.ref.id < b.rule.ref.id ? -1 : 1);
}
