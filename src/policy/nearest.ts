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
  let words: Words | undefined;
  let best: Candidate | undefined;
  for (const rule of ruling.rules) {
    if (rule.ref.effect !== 'allow' || rule.enforce !== 'enforce' || !layers.has(rule.layer)) continue;
    let far = 0;
    let near = 0;
    let failed: string | undefined;
    for (const test of rule.match.tests) {
      if (test.passes(question, identity)) {
        near += named.has(test.key) ? 3 : 1;
        continue;
      }
      far += test.weight;
      failed ??= test.source;
    }
    if (best !== undefined && far > best.far) continue;
    if (rule.when !== undefined) {
      words ??= ruling.words(question, identity);
      words.params = rule.params;
      for (const part of rule.when.parts) {
        if (part.ask(words) === 'yes') {
          near += 1;
          continue;
        }
        far += 1;
        failed ??= part.source;
      }
    }
    if (failed === undefined) continue;
    const candidate = { rule, far, near, failed };
    if (best === undefined || isNearer(candidate, best)) best = candidate;
  }
  if (best === undefined) return undefined;
  const { rule, failed } = best;
  const line = failed.replaceAll(/\s+/g, ' ');
  return { rule: rule.ref, failed: line.length > longest ? `${line.slice(0, longest)}…` : line };
}

interface Candidate {
  readonly rule: Rule;
  /** How much failed, and how much held. */
  readonly far: number;
  readonly near: number;
  readonly failed: string;
}

/** A rule written for this identity is more to the point than one for everybody. */
const named: ReadonlySet<MatchKey> = new Set(['identity.groups', 'identity.subject', 'identity.actingFor']);

/** Of two equally near the one with the smaller id: the order of files does not show. */
function isNearer(a: Candidate, b: Candidate): boolean {
  if (a.far !== b.far) return a.far < b.far;
  return a.near === b.near ? a.rule.ref.id < b.rule.ref.id : a.near > b.near;
}
