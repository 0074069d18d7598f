import type { Duties, PolicyId } from '../core/decision.ts';
import type { Identity } from '../core/identity.ts';
import type { Question } from '../core/ports.ts';
import type { Exemption } from './exemptions.ts';
import type { Kinds } from './kinds.ts';
import type { OpaLayer } from './opa/layer.ts';
import type { Layer } from './layers.ts';
import type { Rule } from './rule.ts';
import type { MakeWords } from './words.ts';

/** A policy as the engine reads it. */
export interface Ruling {
  readonly id: PolicyId;
  readonly kinds: Kinds;
  readonly layers: readonly Pick<Layer, 'name' | 'role'>[];
  readonly rules: readonly Rule[];
  readonly exemptions: readonly Exemption[];
  readonly recordAtLeast: Duties['record'];
  readonly words: MakeWords;
  /** Layers that are policies of OPA. */
  readonly opa?: readonly OpaLayer[];
}

export function matches(rule: Rule, question: Question, identity: Identity): boolean {
  for (const test of rule.match.tests) if (!test.passes(question, identity)) return false;
  return true;
}

/** Longer delegation is refused: nobody could say any more who asked for what. */
export const longestChain = 8;

/** The identity and everyone it acts for, in order; undefined when the chain is too long. */
export function chainOf(identity: Identity): readonly Identity[] | undefined {
  const chain: Identity[] = [];
  for (let at: Identity | undefined = identity; at !== undefined; at = at.actingFor) {
    if (chain.length >= longestChain) return undefined;
    chain.push(at);
  }
  return chain;
}
