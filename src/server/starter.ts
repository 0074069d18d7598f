import type { Finding } from '../mask/index.ts';

/** One column of a database, as `init` sees it. */
export interface SeenColumn {
  readonly table: string; // `public.customers`
  readonly column: string;
  readonly type: string; // as PostgreSQL writes it
  /** What its owner says of it; nothing of it is shown either. */
  readonly comment?: string;
  /** Some of its values. They are looked at here and nowhere else: no tag, file or message holds one. */
  readonly samples: readonly string[];
}

export interface Proposal {
  readonly table: string;
  readonly column: string;
  readonly tag: string;
  readonly why: string; // without a value
}

/** A column whose values sometimes hold something: free text. */
export interface Loose {
  readonly table: string;
  readonly column: string;
  readonly types: readonly string[];
}

// What a column's name says, in order: the first that fits counts.
const names: readonly (readonly [RegExp, string])[] = [
  [/(?:^|_)(?:password|passwd|pwd|pass_?hash|password_hash|encrypted_password)(?:_|$)/, 'secret/password'],
  [/(?:^|_)(?:api_?key|access_?key|secret|secret_?key|private_?key|client_secret)(?:_|$)/, 'secret/key'],
  [/(?:^|_)(?:token|access_token|refresh_token|session_token|otp|totp)(?:_|$)/, 'secret/token'],
  [/(?:^|_)(?:ssn|social_security(?:_number|_no)?)(?:_|$)/, 'pii/ssn'],
  [/(?:^|_)(?:card|card_?number|credit_?card|pan|cc_?number)(?:_|$)/, 'pci/card'],
  [/(?:^|_)(?:cvv|cvc|cvv2)(?:_|$)/, 'pci/cvv'],
  [/(?:^|_)(?:iban|bank_?account|account_?number|routing_?number|bic|swift)(?:_|$)/, 'pii/bank'],
  [/(?:^|_)e?_?mail(?:_?address)?(?:_|$)/, 'pii/email'],
  [/(?:^|_)(?:phone|mobile|telephone|tel|fax|phone_?number|cell)(?:_|$)/, 'pii/phone'],
  [/(?:^|_)(?:dob|birth_?date|date_?of_?birth|birthday|born_?on)(?:_|$)/, 'pii/birth-date'],
  [
    /(?:^|_)(?:passport|passport_?n(?:o|umber)|driver_?licen[cs]e|national_?id|tax_?id|nhs_?number|nino)(?:_|$)/,
    'pii/national-id',
  ],
  [
    /(?:^|_)(?:first_?name|last_?name|surname|given_?name|family_?name|full_?name|maiden_?name)(?:_|$)/,
    'pii/name',
  ],
  [/(?:^|_)(?:street|address|address_?line_?\d?|postcode|zip|zip_?code|postal_?code)(?:_|$)/, 'pii/address'],
  [/(?:^|_)(?:ip|ip_?address|remote_?addr|client_ip)(?:_|$)/, 'pii/ip'],
  [/(?:^|_)(?:salary|wage|income)(?:_|$)/, 'pii/salary'],
  [/(?:^|_)(?:diagnosis|medical|health|blood_?type|disability)(?:_|$)/, 'pii/health'],
  [/(?:^|_)(?:religion|ethnicity|race|sexual_orientation|gender)(?:_|$)/, 'pii/special'],
];

// What detectors find, by Presidio's names.
const found: Readonly<Record<string, string>> = {
  EMAIL_ADDRESS: 'pii/email',
  PHONE_NUMBER: 'pii/phone',
  US_SSN: 'pii/ssn',
  CREDIT_CARD: 'pci/card',
  IBAN_CODE: 'pii/bank',
  IP_ADDRESS: 'pii/ip',
  MAC_ADDRESS: 'pii/ip',
};

/** The tag for a column of values that detectors find as this type. */
export function tagFor(type: string): string {
  return found[type] ?? `pii/${type.toLowerCase().replaceAll('_', '-')}`;
}

/** Names that say "no person's": numbers of things, times, flags. */
const harmless = /^(?:boolean|uuid|bytea|oid|timestamp.*|interval)$/;
/** Of these not even a name such as `token_created` says that there is a secret in it. */
const neverSecret = /^(?:boolean|oid|timestamp.*|interval|date)$/;
const enough = 0.5;

/** `E-Mail Address`, `eMailAddress` and `Téléphone` as names are looked for: `e_mail_address`, `telephone`. */
function plainName(column: string): string {
  return column
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .normalize('NFD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_');
}

/** A tag that a comment names. */
function tagIn(comment: string): string | undefined {
  return /(?<![\w/])(?:pii|pci|phi|secret)\/[a-z0-9]+(?:-[a-z0-9]+)*(?![\w/])/.exec(comment)?.[0];
}

/** Words of a comment that say no more than that it is somebody's. */
const personal =
  /(?<![\w/])(?:pii|phi|gdpr|personal data|personally identifiable|sensitive|confidential)(?![\w/])/i;

function nameSays(column: string, type: string): string | undefined {
  const plain = plainName(column);
  const tag = names.find(([pattern]) => pattern.test(plain))?.[1];
  if (tag === undefined || plain.includes('birth')) return tag;
  return (tag.startsWith('secret/') ? neverSecret : harmless).test(type) ? undefined : tag;
}

/** Proposes tags for columns by their names and by what detectors find in samples. */
export function propose(
  columns: readonly SeenColumn[],
  scan: (text: string, column: string) => readonly Finding[],
): { readonly tags: readonly Proposal[]; readonly loose: readonly Loose[] } {
  const tags: Proposal[] = [];
  const loose: Loose[] = [];
  for (const { table, column, type, comment = '', samples } of columns) {
    const own = tagIn(comment);
    const name = own ?? nameSays(column, type);
    const said = name ?? (personal.test(comment) ? 'pii/personal' : undefined);
    if (said !== undefined) {
      tags.push({
        table,
        column,
        tag: said,
        why: own === undefined && name !== undefined ? 'its name' : 'its comment',
      });
      continue;
    }
    const filled = samples.filter((each) => each.trim() !== '');
    const whole = new Map<string, number>();
    const types = new Set<string>();
    for (const value of filled) {
      for (const finding of scan(value, column)) {
        types.add(finding.type);
        const most = finding.end - finding.start >= value.trim().length * 0.8;
        if (most) whole.set(finding.type, (whole.get(finding.type) ?? 0) + 1);
      }
    }
    const [best] = [...whole].sort(([, a], [, b]) => b - a);
    if (best !== undefined && filled.length > 0 && best[1] / filled.length >= enough) {
      tags.push({ table, column, tag: tagFor(best[0]), why: `its values look like ${best[0]}` });
    } else if (types.size > 0) loose.push({ table, column, types: [...types].sort() });
  }
  return { tags, loose };
}

export interface StarterParts {
  readonly resource: string;
  readonly tags: readonly Proposal[];
  readonly loose: readonly Loose[];
  readonly owner: string;
}

/** The files of a policy to begin with: nothing is refused or held yet, and what is personal is masked from the first day. */
export function starterFiles({ resource, tags, loose, owner }: StarterParts): ReadonlyMap<string, string> {
  return new Map([
    ['policy.yaml', composition],
    ['schema.yaml', schema(resource, tags, loose)],
    ['modules/starter.policy.yaml', starter(owner)],
    ['tests/starter.test.yaml', tests(resource, tags)],
  ]);
}

const composition = `# What the gateway enforces, put together from modules. Order never matters: deny wins over approve, approve over allow, and
# what nothing allows is denied.
apiVersion: sallyport/v1

layers:
  - name: start
    role: grant
    use: [{ module: starter }]

# Who may see what in clear, on purpose: sallyport check finds everybody else who could.
clear: [{ tag: pii/*, groups: [pii-cleared] }]

record: full
thresholds: { ruleCoverage: 100, conditionCoverage: 100 }
`;

function schema(resource: string, tags: readonly Proposal[], loose: readonly Loose[]): string {
  const lines = tags.map(
    ({ table, column, tag, why }) => `    ${yamlKey(`${table}.${column}`)}: ${tag} # ${why}`,
  );
  const texts = loose.map(
    ({ table, column, types }) =>
      `    # ${table}.${column}: some values hold ${types.join(', ')}; \`find\` in modules/starter masks them`,
  );
  return `# What is in the columns. Proposed from names, types and samples: look at each line, and add what is missing.
apiVersion: sallyport/v1

tags:
  ${yamlKey(resource)}:
${[...lines, ...texts].join('\n')}${lines.length === 0 ? '\n    public.example.secret: secret/example # nothing was found: put your first column here' : ''}

  '*':
    # PostgreSQL keeps samples of real values in its statistics, statements of other sessions, and passwords.
    pg_catalog.pg_stats.*: secret/statistics
    pg_catalog.pg_statistic.stavalues*: secret/statistics
    pg_catalog.pg_stat_activity.query: secret/statement
    pg_catalog.pg_authid.rolpassword: secret/password
    pg_catalog.pg_shadow.passwd: secret/password
`;
}

/** A key of YAML that needs quotes only where it holds something else than a plain name. */
export function yamlKey(text: string): string {
  return /^[A-Za-z0-9_.-]+$/.test(text) ? text : `'${text.replaceAll("'", "''")}'`;
}

function starter(owner: string): string {
  return `apiVersion: sallyport/v1
module: starter
about: |
  A policy to begin with. Everybody who signs in may do what they could do before; personal data and secrets are masked from the
  first day. The rules with \`enforce: shadow\` change nothing yet: \`sallyport sessions\`, \`explain\` and \`backtest\` show whom they would
  meet. When that is right, delete the line, one rule after the other.
owner: ${owner}

rules:
  - id: everybody-as-before
    effect: allow
    match:
      resource: { kind: postgres }
      identity: { kind: [human, workload, agent] }
      access: [read, write, define, administer, execute]
    why: Everybody who has signed in may do what the database lets them.
    fix: Sign in. Later, name the groups that need it instead.

  - id: own-record
    effect: allow
    match:
      resource: { kind: sallyport }
      identity: { kind: [human, workload, agent] }
      action: [record.list, record.read, recording.read, decision.explain]
    when: action.own
    why: Everybody may see what was written about themselves, and what the rules say of what they would do.
    fix: Ask for your own sessions, or ask the group dba.

  - id: dba-reads-the-record
    effect: allow
    match:
      resource: { kind: sallyport }
      identity: { groups: [dba] }
      action: [record.list, record.read, decision.explain]
    why: The group dba answers what waits, and looks at whom the rules in shadow would meet.
    fix: Ask a member of dba.

  - id: everybody-reads-the-rules
    effect: allow
    match:
      resource: { kind: sallyport }
      identity: { kind: [human, workload, agent] }
      action: policy.read
    why: The rules are open to everybody they bind.
    fix: This is allowed to everybody who has signed in.

  - id: mask-personal-data
    effect: require
    match: { resource: { kind: postgres } }
    when: '!("pii-cleared" in identity.groups)'
    then:
      mask:
        - { tag: pii/*, with: redact }
        - { tag: pii/email, with: partial, keepFirst: 1, keepLast: 4 }
        - { find: '*', with: redact }
      unknownLineage: withhold
    why: Personal data is shown masked.
    fix: Select columns without a tag, or ask to be put into the group pii-cleared.

  - id: mask-secrets
    effect: require
    match: { resource: { kind: postgres } }
    then:
      mask:
        - { tag: secret/*, with: redact }
        - { tag: pci/*, with: redact }
    why: Secrets and card numbers are shown to nobody.
    fix: Compare by id instead.

  - id: no-drop
    effect: deny
    enforce: shadow
    match: { resource: { kind: postgres }, action: [sql.drop, sql.truncate] }
    why: DROP and TRUNCATE cannot be undone.
    fix: Rename the table and let it age, or delete rows by their key.

  - id: agents-never-write
    effect: deny
    enforce: shadow
    match:
      resource: { kind: postgres }
      identity: { kind: agent }
      access: [write, define, administer, execute]
    why: Agents may read, never write.
    fix: Show the statement to the person you act for, who can run it.

  - id: wide-changes-wait
    effect: require
    enforce: shadow
    match: { resource: { kind: postgres }, action: [sql.update, sql.delete, sql.merge] }
    when: '!action.byKey'
    then: { approve: { from: [dba], count: 1, ttl: 15m } }
    why: An UPDATE or DELETE that is not by a whole key can change any number of rows.
    fix: Change one row at a time by its primary key, or wait for the review.

  - id: structure-waits
    effect: require
    enforce: shadow
    match: { resource: { kind: postgres }, access: [define, administer] }
    then: { approve: { from: [dba], count: 1, ttl: 15m } }
    why: Changes of structure and of rights are looked at by another person first.
    fix: Wait for the review.
`;
}

function tests(resource: string, tags: readonly Proposal[]): string {
  const shown = (tag: string): string => (tag === 'pii/email' ? 'partial 1 4' : 'redact');
  const masks = tags.map(
    ({ table, column, tag }) => `        ${yamlKey(`${table}.${column}`)}: ${shown(tag)}`,
  );
  const clear = tags
    .filter(({ tag }) => tag.startsWith('pii/'))
    .map(({ table, column }) => `        ${yamlKey(`${table}.${column}`)}: none`);
  const on = yamlKey(resource);
  return `apiVersion: sallyport/v1

fixtures:
  identities:
    ana: { groups: [] }
    cleared: { groups: [pii-cleared] }
    kim: { groups: [dba] }
    job: { kind: workload }
    bot: { kind: agent, actingFor: ana }
  resources:
    ${on}: { kind: postgres }
    sallyport: { kind: sallyport }

cases:
  - name: everybody reads, and what is personal or secret comes back masked
    as: [ana, job, bot]
    do: { action: sql.select, on: ${on} }
    expect:
      decision: allow
      by: [starter/everybody-as-before, starter/mask-personal-data, starter/mask-secrets]
      find: { EMAIL_ADDRESS: redact }
      unknownLineage: withhold
      mask:
        pg_catalog.pg_authid.rolpassword: redact
${masks.join('\n')}

  - name: who is cleared sees what is personal, and no secrets
    as: cleared
    do: { action: sql.select, on: ${on} }
    expect:
      decision: allow
      by: [starter/everybody-as-before, starter/mask-secrets]
      mask:
        pg_catalog.pg_authid.rolpassword: redact
${clear.join('\n')}

  - name: what would be denied is only noted
    as: ana
    do: { action: [sql.drop, sql.truncate], on: ${on}, access: write }
    expect: { decision: allow, wouldBe: [starter/no-drop] }

  - name: what an agent changes is noted too
    as: bot
    do: { action: sql.insert, on: ${on}, access: write }
    expect: { decision: allow, wouldBe: [starter/agents-never-write] }

  - name: wide changes would wait
    as: ana
    do: { action: [sql.update, sql.delete, sql.merge], on: ${on}, access: write, attributes: { byKey: false } }
    expect: { decision: allow, wouldBe: [starter/wide-changes-wait] }

  - name: changes by key would not
    as: ana
    do: { action: sql.update, on: ${on}, access: write, attributes: { byKey: true } }
    expect: { decision: allow, wouldBe: [] }

  - name: changes of structure would wait
    as: ana
    do: { action: sql.alter, on: ${on}, access: define }
    expect: { decision: allow, wouldBe: [starter/structure-waits] }

  - name: everybody sees their own record, and the rules
    as: [ana, job, bot]
    do: { action: [record.list, record.read, recording.read, decision.explain, policy.read], on: sallyport, attributes: { own: true } }
    expect: { decision: allow }

  - name: the record of others is for dba
    as: ana
    do: { action: [record.list, record.read, decision.explain], on: sallyport, attributes: { own: false } }
    expect: { decision: deny }

  - name: dba reads what was written about anybody
    as: kim
    do: { action: [record.list, record.read, decision.explain], on: sallyport, attributes: { own: false } }
    expect: { decision: allow, by: [starter/dba-reads-the-record] }

  - name: what was shown to others is not shown to dba
    as: kim
    do: { action: recording.read, on: sallyport, attributes: { own: false } }
    expect: { decision: deny }
`;
}
