import { type ProblemCode, problemCodes } from './problem.ts';

/** What a page says of a code, and a policy that has it. */
export interface FindingPage {
  readonly why: string;
  readonly fix: string;
  /** Rules of a module, or files by path, that have this finding. */
  readonly example: string | Readonly<Record<string, string>>;
  /** Where the example needs more than its files: a lock, a test run, a moment. */
  readonly about?: 'shown';
}

const allow =
  '- { id: read, effect: allow, match: { resource: { kind: postgres }, identity: { groups: [a] }, access: read }, why: w, fix: f }';
const requiring = (then: string): string =>
  `- { id: r, effect: require, match: { resource: { kind: postgres } }, then: { ${then} } }`;
const asking = (when: string): string =>
  `- { id: r, effect: deny, match: { resource: { kind: postgres } }, when: '${when}' }`;

const schema = 'apiVersion: sallyport/v1\ntags:\n  shop: { public.customers.ssn: pii/ssn }\n';
const exemption = (rule: string, expires: string): string =>
  `apiVersion: sallyport/v1\nexemptions:\n  - { id: EX-1, rule: ${rule}, scope: { identity: x }, expires: ${expires}, owner: o, ticket: T-1, reason: r }\n`;
const deny =
  '- { id: no, effect: deny, match: { resource: { kind: postgres }, identity: { groups: [a] } }, why: w, fix: f }';

const control = (rule: string): string =>
  `apiVersion: sallyport/v1\nframework: soc2\ntitle: SOC 2\ncontrols:\n  - { id: CC6.1, name: Logical access, how: h, rules: ${rule} }\n`;

/** One page for each code. `example`: a module's rules where it is a text. */
export const findingPages: Readonly<Record<ProblemCode, FindingPage>> = {
  'SP-Y001': {
    why: 'A file that is not read as its author meant it would protect something else. Tabs, a key that stands twice and a second document are not valid here either.',
    fix: 'Indent with spaces, quote texts that have `: ` or ` #` in them, and write each key once.',
    example: '- id: a\n\teffect: allow',
  },
  'SP-Y002': {
    why: 'A misspelt key would be passed over, and with it what it says.',
    fix: 'Use the key that is proposed; `sallyport check --fix` writes it.',
    example: '- { id: a, efect: allow, match: {} }',
  },
  'SP-Y003': {
    why: 'Without this key it cannot be told what is meant.',
    fix: 'Add the key.',
    example: '- { id: a, effect: allow }',
  },
  'SP-Y004': {
    why: 'A value of another type would mean something else, or nothing.',
    fix: 'Write one of the values that are named.',
    example: '- { id: a, effect: alow, match: {} }',
  },
  'SP-Y005': {
    why: 'What a reviewer reads on a line must be what the line says: an alias moves it elsewhere, and a tag can make another type of it.',
    fix: 'Write it out. What several rules share belongs into params of a module.',
    example: '- &x { id: a, effect: allow, match: {} }',
  },
  'SP-Y006': {
    why: 'A file of a policy is read by people. A very large one is a mistake, or meant to stop the gateway.',
    fix: 'Split it into modules; a file has at most 1 MiB.',
    example: `${allow} # …and 10 MB more`,
    about: 'shown',
  },
  'SP-Y007': {
    why: 'A rule in a file that is not read protects nothing, and nobody would notice.',
    fix: 'Modules are `modules/<name>.policy.yaml`, tests `tests/<name>.test.yaml`.',
    example: { 'modules/m.policy.yaml': allow, 'modules/x.yaml': 'rules: []' },
  },
  'SP-Y008': {
    why: 'Decisions name rules by their id: of two it could not be told which was meant.',
    fix: 'Give one of them another id.',
    example: `${allow}\n${allow}`,
  },
  'SP-Y009': {
    why: 'The version says how the file is to be read.',
    fix: 'Write `apiVersion: sallyport/v1` as its first line.',
    example: { 'modules/m.policy.yaml': allow, 'schema.yaml': 'apiVersion: sallyport/v9\n' },
  },
  'SP-Y010': {
    why: 'A text in another encoding would be read as other characters than its author sees.',
    fix: 'Save the file as UTF-8.',
    example: allow,
    about: 'shown',
  },
  'SP-Y011': {
    why: 'A duty that the gateway cannot see to would be believed and do nothing: requests of some kinds do not say which columns they read.',
    fix: 'Name the kinds in the match, for which it can be enforced.',
    example: '- { id: a, effect: require, match: { resource: { kind: ssh } }, then: { columns: a.b.c } }',
  },
  'SP-L101': {
    why: 'A layer names a module that is not there, so its rules would be missing.',
    fix: 'Add the file, or correct the name.',
    example: {
      'modules/m.policy.yaml': allow,
      'policy.yaml':
        'apiVersion: sallyport/v1\nlayers:\n  - { name: main, role: grant, use: [{ module: m }, { module: masks }] }\n',
    },
  },
  'SP-L102': {
    why: 'A module that no layer uses decides nothing: its author believes otherwise.',
    fix: 'Use it in a layer of policy.yaml, or delete the file.',
    example: {
      'modules/m.policy.yaml': allow,
      'modules/spare.policy.yaml': `apiVersion: sallyport/v1\nmodule: spare\nrules:\n  ${allow}\n`,
    },
  },
  'SP-L103': {
    why: 'The module is another one than was reviewed and pinned.',
    fix: 'Review the change; `sallyport check --lock` then writes the file anew.',
    example: {
      'modules/m.policy.yaml': allow,
      'policy.lock': `apiVersion: sallyport/v1\nmodules:\n  m: sha256:${'0'.repeat(64)}\n`,
    },
  },
  'SP-L104': {
    why: 'A layer that restricts can take away and never give: that is what makes it safe to let many people write it.',
    fix: 'Move the rule into a module of a grant or ceiling layer.',
    example: {
      'modules/m.policy.yaml': allow,
      'policy.yaml':
        'apiVersion: sallyport/v1\nlayers:\n  - { name: main, role: restrict, use: [{ module: m }] }\n',
    },
  },
  'SP-L105': {
    why: 'The module cannot know what is meant without the param, or with one of another type.',
    fix: 'Give it under `with`, in the type that the module declares.',
    example: { 'modules/m.policy.yaml': allow.replace('[a]', "['{{params.who}}']") },
  },
  'SP-L110': {
    why: 'Where signing is configured, only what a trusted key signed comes into force, and nothing older than what was.',
    fix: 'Sign the bundle with a trusted key, and push the newest one.',
    example: allow,
    about: 'shown',
  },
  'SP-L120': {
    why: 'What cannot be evaluated whole would protect nothing: a bundle that is damaged, has no such entrypoint, or calls a builtin that is not there is refused when it is loaded, not when it is asked.',
    fix: 'Build it anew with `opa build -t plan -e <entrypoint>` and put it where the layer says; docs/opa.md lists the builtins.',
    example: {
      'modules/m.policy.yaml': allow,
      'policy.yaml':
        'apiVersion: sallyport/v1\nlayers:\n  - { name: main, role: grant, use: [{ module: m }] }\n  - { name: rego, role: restrict, opa: { bundle: opa/gate.tar.gz, entrypoint: gate/decision } }\n',
    },
  },
  'SP-T100': {
    why: 'A condition that cannot be read cannot be asked.',
    fix: 'Write CEL: `a == b && (c || d)`.',
    example: asking('action.byKey &&'),
  },
  'SP-T101': {
    why: 'An attribute that does not exist fails at run time: an allow rule would never match, a deny rule would deny everyone.',
    fix: 'Use the attribute that is proposed; `sallyport check --fix` writes it.',
    example: asking('action.byKy'),
  },
  'SP-T102': {
    why: 'Values of these types can never be equal, or not be put together.',
    fix: 'Compare values of one type.',
    example: asking('action.byKey == "yes"'),
  },
  'SP-T103': {
    why: 'Patterns are RE2, which takes linear time; a literal one is checked here, one from a request would be anybody’s.',
    fix: 'Write a literal RE2 pattern, without look-around and back references.',
    example: asking('identity.subject.matches("(?=a)")'),
  },
  'SP-T104': {
    why: 'A fact that may be absent fails the condition where it is: a deny rule would then deny.',
    fix: 'Ask for it first: `has(identity.mfa) && identity.mfa`.',
    example: {
      'modules/m.policy.yaml': asking('identity.mfa'),
      'schema.yaml': 'apiVersion: sallyport/v1\nidentity: { mfa: boolean }\n',
    },
  },
  'SP-T105': {
    why: 'There is no such function.',
    fix: 'Use one of those in docs/policy.md.',
    example: asking('lower(identity.subject) == "x"'),
  },
  'SP-T106': {
    why: 'A condition is asked on every request, and must stay readable.',
    fix: 'Split the rule in two.',
    example: asking('('.repeat(45) + 'true' + ')'.repeat(45)),
  },
  'SP-T107': {
    why: 'A verb, kind or access that does not exist never matches, and nobody would notice.',
    fix: 'Use the word that is proposed; `sallyport check --fix` writes it.',
    example: '- { id: a, effect: deny, match: { resource: { kind: postgres }, action: sql.selct } }',
  },
  'SP-T108': {
    why: 'A mask of what no detector finds hides nothing.',
    fix: 'Use one of the entities that are named, or `*` for all of them.',
    example: requiring('mask: [{ find: EMAIL_ADRESS, with: redact }]'),
  },
  'SP-E300': {
    why: 'An exemption of a rule that is not there, or that it cannot take away, does nothing and hides what was meant.',
    fix: 'Name the rule as `module/rule`, or delete the exemption.',
    example: { 'modules/m.policy.yaml': deny, 'exemptions.yaml': exemption('m/none', '2027-01-01') },
  },
  'SP-E301': {
    why: 'The gateway enforces the rule again since that day; the file says otherwise.',
    fix: 'Delete it, or ask its owner for a new one.',
    example: {
      'modules/m.policy.yaml': `${deny}\n${allow}`,
      'exemptions.yaml': exemption('m/no', '2025-01-01'),
    },
  },
  'SP-E302': {
    why: 'What lasts longer than a quarter is no exception: it belongs into a rule, where it is reviewed and tested.',
    fix: 'Shorten it, or change the rule.',
    example: {
      'modules/m.policy.yaml': `${deny}\n${allow}`,
      'exemptions.yaml': exemption('m/no', '2099-01-01'),
    },
  },
  'SP-M101': {
    why: 'Who is refused reads `why` and `fix`; who must change the rule asks its `owner`.',
    fix: 'Add them; `owner` may stand on the module.',
    example: '- { id: read, effect: allow, match: { identity: { groups: [a] }, access: read } }',
  },
  'SP-M110': {
    why: 'Nobody has seen the rule decide: it may never match, or match too much.',
    fix: 'Add a case to tests/ whose `expect.by` names it.',
    example: allow,
  },
  'SP-M111': {
    why: 'A condition that was only seen on one side may as well not be there.',
    fix: 'Add a case on the other side of it.',
    example: {
      'modules/m.policy.yaml': allow.replace('why: w', "when: 'action.byKey', why: w"),
      'policy.yaml':
        'apiVersion: sallyport/v1\nthresholds: { conditionCoverage: 100 }\nlayers:\n  - { name: main, role: grant, use: [{ module: m }] }\n',
    },
  },
  'SP-M112': {
    why: 'A fault was put into the rule, and no test noticed: nor would one notice a real one.',
    fix: 'Add a case that fails for this change: the other side of a test of the match, or the duty that it names.',
    example: {
      'modules/m.policy.yaml': allow,
      'policy.yaml':
        'apiVersion: sallyport/v1\nthresholds: { mutationScore: 100 }\nlayers:\n  - { name: main, role: grant, use: [{ module: m }] }\n',
    },
  },
  'SP-M120': {
    why: 'The policy does not do what its authors say it does.',
    fix: 'Correct the rule or the case; `sallyport test` says which rule and which condition decided.',
    example: {
      'modules/m.policy.yaml': allow,
      'tests/m.test.yaml':
        'apiVersion: sallyport/v1\nfixtures: { identities: { ana: { groups: [a] } }, resources: { shop: { kind: postgres } } }\ncases:\n  - { name: ana is refused, as: ana, do: { action: sql.select, on: shop }, expect: { decision: deny } }\n',
    },
  },
  'SP-M121': {
    why: 'policy.yaml asks for more than the tests reach; each gap is a finding of its own.',
    fix: 'Add the cases, or lower the threshold on purpose.',
    example: {
      'modules/m.policy.yaml': allow,
      'policy.yaml':
        'apiVersion: sallyport/v1\nthresholds: { ruleCoverage: 100 }\nlayers:\n  - { name: main, role: grant, use: [{ module: m }] }\n',
    },
  },
  'SP-S201': {
    why: 'No request can be all that the rule asks for, so it does nothing.',
    fix: 'Take out one of the parts that exclude each other.',
    example:
      '- { id: a, effect: deny, match: { resource: { kind: postgres }, access: read }, when: action.access == "write" }',
  },
  'SP-S202': {
    why: 'A deny rule matches whatever it matches, and deny wins: the allow rule only looks as if somebody may.',
    fix: 'Delete one of the two, or narrow the deny.',
    example: `${allow}\n${deny}`,
  },
  'SP-S203': {
    why: 'Another rule does the same, so a change of this one changes nothing.',
    fix: 'Delete it, or narrow the other one.',
    example: `${allow}\n${allow.replace('id: read', 'id: read-all').replace(', access: read', '')}`,
  },
  'SP-S204': {
    why: 'What schema.yaml tags is sensitive; here is a request that gets it as it is. The witness can be put into tests/ as it stands: it passes once a mask is there.',
    fix: 'Add a mask to a require rule that matches the request, or say in policy.yaml who may see the tag in clear: `clear: [{ tag: pii/ssn, groups: [fraud] }]`.',
    example: { 'modules/m.policy.yaml': allow, 'schema.yaml': schema },
  },
  'SP-S205': {
    why: 'Windows without a common hour and lists without a common column leave nothing: what both rules match is denied, which neither of them says.',
    fix: 'Narrow one of them, or write a deny rule.',
    example: `${requiring('columns: public.a.*')}\n${requiring('columns: public.b.*').replace('id: r', 'id: s')}`,
  },
  'SP-S210': {
    why: 'A rule without a question who it is, or what is done, allows more than anybody thought of.',
    fix: 'Name groups, actions or the access. `identity: { kind: [human, workload, agent] }` says that everybody is meant.',
    example: '- { id: all, effect: allow, match: { resource: { kind: postgres } } }',
  },
  'SP-S211': {
    why: 'Without a layer of role `grant` everything is denied.',
    fix: 'Add a layer with `role: grant`.',
    example: {
      'modules/m.policy.yaml': deny,
      'policy.yaml':
        'apiVersion: sallyport/v1\nlayers:\n  - { name: main, role: restrict, use: [{ module: m }] }\n',
    },
  },
  'SP-S220': {
    why: 'Another person has to look: who asks, who owns the agent that asks, and everyone in its chain can never approve. A rule cannot say otherwise.',
    fix: 'Leave `notRequester` out.',
    example: requiring('approve: { from: dba, notRequester: false }'),
  },
  'SP-S221': {
    why: 'CODEOWNERS lets any one owner approve a change of a file. An owner who also approves what the rule holds could take the rule away alone.',
    fix: 'Give the file other owners in CODEOWNERS than the groups that approve.',
    example: requiring('approve: { from: dba }'),
    about: 'shown',
  },
  'SP-S222': {
    why: 'Nobody approves a request of their own. Where one group both asks and approves, two of its members give each other whatever they like, and nobody outside ever looks.',
    fix: 'Let another group approve, or one more: `approve: [{ from: dba }, { from: security }]`.',
    example: allow.replace(' why: w,', ' onRequest: { approve: { from: a }, longest: 2h }, why: w,'),
  },
  'SP-S223': {
    why: 'A group that no rule, no `clear` and no test speaks of is likely misspelt. Nobody is in it, so nobody could ever approve and every request is refused.',
    fix: 'Correct the name, or put somebody of the group into the fixtures of a test.',
    example: allow.replace(' why: w,', ' onRequest: { approve: { from: laeds }, longest: 2h }, why: w,'),
  },
  'SP-C401': {
    why: 'A control without a rule that is enforced is a claim that nothing holds up. An auditor who relies on it is misled.',
    fix: 'Name rules of this policy that are `enforce: enforce` or `soft`, or delete the control.',
    example: { 'modules/m.policy.yaml': deny, 'controls/soc2.yaml': control('m/nein') },
  },
  'SP-C402': {
    why: 'Nobody knows that the rule still does what the control says of it: no test ever sees it decide.',
    fix: 'Add a case to tests/ whose `expect.by` names the rule.',
    example: { 'modules/m.policy.yaml': deny, 'controls/soc2.yaml': control('m/no') },
  },
  'SP-C403': {
    why: 'The control points to a test as its proof. One that is not there, or fails, proves nothing.',
    fix: 'Name a file `tests/<name>.test.yaml` or the name of a case, and let it pass.',
    example: {
      'modules/m.policy.yaml': deny,
      'controls/soc2.yaml': control('m/no').replace('rules:', 'tests: tests/none.test.yaml, rules:'),
    },
  },
};

/** The page of a code, in Markdown. */
export function findingPage(code: ProblemCode): string {
  const { why, fix, example } = findingPages[code];
  const files = typeof example === 'string' ? { 'modules/m.policy.yaml': example } : example;
  const blocks = Object.entries(files).map(
    ([path, text]) =>
      `\`${path}\`:\n\n\`\`\`yaml\n${path === 'modules/m.policy.yaml' ? `rules:\n${text.replaceAll(/^/gm, '  ')}` : text.trimEnd()}\n\`\`\`\n`,
  );
  return `# ${code}: ${problemCodes[code]}\n\n**Why.** ${why}\n\n**Fix.** ${fix}\n\n## Example\n\n${blocks.join('\n')}`;
}
