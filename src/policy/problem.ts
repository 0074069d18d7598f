import type { Place } from '../core/decision.ts';

/** One thing wrong with a policy: where, what, and how to put it right. Codes are stable; docs/policy.md lists them. */
export interface PolicyProblem extends Place {
  readonly code: ProblemCode;
  readonly message: string;
  readonly fix?: string;
  /** How many characters of the line it is about, for a caret. */
  readonly length?: number;
  readonly owner?: string;
  /** A whole test file that shows it. */
  readonly witness?: string;
}

/** code: what it means. The first letter after the dash: Y shape of a file, L layers and modules, T types, E exemptions, M what a rule carries, S analysis, C controls. */
export const problemCodes = {
  'SP-Y001': 'The file is not valid YAML',
  'SP-Y002': 'A key is not known here',
  'SP-Y003': 'A required key is missing',
  'SP-Y004': 'A value has the wrong type or is not one of those allowed',
  'SP-Y005': 'Anchors, aliases, tags and merge keys are not part of the language',
  'SP-Y006': 'The file is too large',
  'SP-Y007': 'The file is not where the policy reads files of its kind, so it would be ignored',
  'SP-Y008': 'The same id is used twice',
  'SP-Y009': 'apiVersion is missing or not sallyport/v1',
  'SP-Y010': 'The file is not UTF-8',
  'SP-Y011': 'The duty cannot be enforced for a resource kind that the rule meets',
  'SP-L101': 'The module does not exist',
  'SP-L102': 'The module is in no layer, so its rules would decide nothing',
  'SP-L103': 'The digest is not the one that was pinned',
  'SP-L104': 'The role of the layer does not allow this effect',
  'SP-L105': 'The parameter does not exist, is missing or has the wrong type',
  'SP-L110':
    'The bundle is not signed by a key that is trusted, was changed, or is older than one that was in force',
  'SP-L120': 'The bundle of OPA cannot be used',
  'SP-T100': 'The condition is not valid CEL',
  'SP-T101': 'The attribute or word does not exist',
  'SP-T102': 'The types do not fit',
  'SP-T103': 'The pattern is not valid RE2',
  'SP-T104': 'An attribute that may be absent is read without has()',
  'SP-T105': 'The function does not exist',
  'SP-T106': 'The condition may cost too much',
  'SP-T107': 'The verb, resource kind or access does not exist',
  'SP-T108': 'No detector finds the entity',
  'SP-E300': 'The exemption has no effect or names nothing',
  'SP-E301': 'The exemption has expired',
  'SP-E302': 'The exemption lasts longer than 90 days',
  'SP-M101': 'The rule has no owner, no why or no fix',
  'SP-M110': 'The rule decides in no test',
  'SP-M111': 'A part of the condition is never true, or never false, in the tests',
  'SP-M112': 'A change of the rule breaks no test',
  'SP-M120': 'A test fails',
  'SP-M121': 'Fewer rules, conditions or mutants are covered than policy.yaml asks for',
  'SP-S201': 'The rule can never match',
  'SP-S202': 'The allow rule can never allow: a deny rule always matches with it',
  'SP-S203': 'The rule adds nothing to another one',
  'SP-S204': 'A tagged column can be read without a mask',
  'SP-S205': 'Duties of rules that match together leave nothing',
  'SP-S210': 'The allow rule is for anybody',
  'SP-S211': 'No layer can grant anything',
  'SP-S220': 'Who asks could approve it themselves',
  'SP-S221': 'Who approves can change the rule alone',
  'SP-S222': 'Who may ask for access also approves it',
  'SP-S223': 'Nobody is known to be in the group that approves access',
  'SP-C401': 'The control rests on no live rule',
  'SP-C402': 'A rule of the control decides in no test',
  'SP-C403': 'A test of the control does not exist or fails',
} as const;

export type ProblemCode = keyof typeof problemCodes;

/** Takes problems while a policy is read; reading goes on, so that an author sees all of them at once. */
export class Problems {
  readonly list: PolicyProblem[] = [];

  add(
    code: ProblemCode,
    at: Place,
    message: string,
    more: Pick<PolicyProblem, 'fix' | 'length' | 'owner' | 'witness'> = {},
  ): void {
    this.list.push({ file: at.file, line: at.line, col: at.col, code, message, ...more });
  }
}

export function problemLine(problem: PolicyProblem): string {
  return `${problem.file}:${problem.line}:${problem.col} ${problem.code} ${problem.message}`;
}
