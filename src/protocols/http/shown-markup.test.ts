import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { documentMask } from '../../carriers/http/masks.ts';
import type { MaskOperator, Permit } from '../../core/decision.ts';
import { maskKey } from '../../mask/index.ts';
import { columnsBy } from './documented.ts';
import { shownMarkup } from './shown-markup.ts';

const key = maskKey(Buffer.alloc(32, 1));
const redact: MaskOperator = { kind: 'redact' };
const permit = {
  duties: { masks: [[{ tag: 'pii/*', operator: redact }]], finds: [{ entity: '*', operator: redact }] },
  operatorOf: ({ column }: { readonly column: string }) =>
    /(?:^|\.)nick$/.test(column) || column === 'people.note' ? redact : undefined,
} as unknown as Permit; // all that masks look at

async function shown(text: string, xml: boolean = false): Promise<string> {
  const made = await shownMarkup(text, {
    mask: documentMask(permit, '/page', key),
    signal: new AbortController().signal,
    columnOf: columnsBy(permit, '/page', key),
    xml,
  });
  return made.text;
}

const b64 = (text: string): string => Buffer.from(text).toString('base64');

for (const [what, given, wanted] of [
  ['plain', '<p>ann@example.com</p>', '<p>[EMAIL_ADDRESS]</p>'],
  [
    'JSON in an attribute',
    '<div data-page="{&quot;props&quot;:{&quot;nick&quot;:&quot;Zoe&quot;}}">',
    '<div data-page="{&quot;props&quot;:{&quot;nick&quot;:&quot;***&quot;}}">',
  ],
  [
    'JSON in a call in an attribute',
    `<a onclick='f({"nick":"Zoe"})'>x</a>`,
    `<a onclick='f({&quot;nick&quot;:&quot;***&quot;})'>x</a>`,
  ],
  ['JSON in an element', '<pre>{"nick":"Zoe"}</pre>', '<pre>{&quot;nick&quot;:&quot;***&quot;}</pre>'],
  ['tags in between', '<p><b>4111</b> 1111 <i>1111 1111</i></p>', '<p><b>[CREDIT_CARD]</b><i></i></p>'],
  ['a comment in between', 'ann@exam<!-- x -->ple.com', '[EMAIL_ADDRESS]<!-- x -->'],
  ['tags and references', 'ann<wbr>&#64;<em>example</em>&period;com', '[EMAIL_ADDRESS]<wbr><em></em>'],
  [
    'attributes with signs',
    '<b title="a > b">4111</b>11111111<i x=\'>\'>1111</i>',
    '<b title="a > b">[CREDIT_CARD]</b><i x=\'>\'></i>',
  ],
  ['cells of a table are apart', '<tr><td>123</td><td>456</td></tr>', undefined],
  ['an attribute under its name', '<a data-ssn="78051120">x</a>', '<a data-ssn="[NATIONAL_ID]">x</a>'],
  [
    'a field of a form under its name',
    '<input name="ssn" value="78051120">',
    '<input name="ssn" value="[NATIONAL_ID]">',
  ],
  ['a field of a form with a tag', '<input value="Zoë" name=nick>', '<input value="***" name=nick>'],
  [
    'what is in an element with a tag',
    '<span itemprop="nick">Zo<b>ë</b><!-- Z --></span>Q',
    '<span itemprop="nick">***<b>***</b><!----></span>Q',
  ],
  ['an attribute', '<a href="mailto:ann%40example.com">', '<a href="mailto:[EMAIL_ADDRESS]">'],
  [
    'JSON in a script',
    '<script type="application/ld+json">{"nick":"Zoë","a":"<b>"}</script>',
    '<script type="application/ld+json">{"nick":"***","a":"\\u003cb>"}</script>',
  ],
  [
    'JSON in a program',
    '<script>if (a<b) x = {"nick":"Zoë"}; y(["a", {}])</script>',
    '<script>if (a<b) x = {"nick":"***"}; y(["a", {}])</script>',
  ],
  ['a comment', '<!-- <b>4111</b> 1111 1111 1111 -->', undefined],
  ['packed', `<img alt="${b64('ann@example.com')}">`, '<img alt="[EMAIL_ADDRESS]">'],
  ['nothing', '<p class="x">1 < 2 and <b>bold</b></p>', undefined],
  ['what is no tag', '< b>4111 1111 1111 1111</ b><', '< b>[CREDIT_CARD]</ b><'],
  ['what never ends', '<b x="4111 1111 1111 1111', '<b x="[CREDIT_CARD]'],
] as const) {
  test(`HTML: ${what}`, async () => {
    const made = await shown(given);
    if (what === 'a comment') assert.doesNotMatch(made, /4111|1111/);
    else assert.equal(made, wanted ?? given);
  });
}

for (const [what, given, wanted] of [
  [
    'CDATA',
    '<a><![CDATA[ann@exam]]><![CDATA[ple.com]]></a>',
    '<a><![CDATA[[EMAIL_ADDRESS]]]><![CDATA[]]></a>',
  ],
  ['references', '<a>ann&#x40;example&#46;com</a>', '<a>[EMAIL_ADDRESS]</a>'],
  [
    'runs of a document',
    '<w:r><w:t>4111 1111</w:t></w:r><w:r><w:t> 1111 1111</w:t></w:r>',
    '<w:r><w:t>[CREDIT_CARD]</w:t></w:r><w:r><w:t></w:t></w:r>',
  ],
  ['elements that are apart', '<lat>4111111111</lat><lon>111111</lon>', undefined],
  ['an element under its name', '<x:ssn>78051120</x:ssn>', '<x:ssn>[NATIONAL_ID]</x:ssn>'],
  [
    'an element with a tag',
    '<people><nick>Zoë <!-- Z --><b>Q</b></nick><n>Zoë</n></people>',
    '<people><nick>***<!----><b>***</b></nick><n>Zoë</n></people>',
  ],
  [
    'a path',
    '<all><people><note>x</note></people><note>y</note></all>',
    '<all><people><note>***</note></people><note>y</note></all>',
  ],
  ['an attribute with a tag', '<person nick="Zoë" n="1"/>', '<person nick="***" n="1"/>'],
  ['a field by its name', '<field name="nick">Zoë</field>', '<field name="nick">***</field>'],
] as const) {
  test(`XML: ${what}`, async () => {
    assert.equal(await shown(given, true), wanted ?? given);
  });
}

test('what defines its own references is withheld', async () => {
  await assert.rejects(shown('<!DOCTYPE a [<!ENTITY x "4111">]><a>&x; 1111 1111 1111</a>', true));
});

test('a script with more beginnings of JSON than can be looked into is withheld', async () => {
  await assert.rejects(
    shown(`<script>${'{"a" '.repeat(2_000)} {"nick":"Zoë"}</script>`),
    /beginnings of JSON/,
  );
});

test('however a card is cut by tags, comments and references, it is not displayed', async () => {
  const between = fc.constantFrom(
    '<b>',
    '</b>',
    '<!-- 1 -->',
    '<span class="4">',
    '</span >',
    '<wbr/>',
    '&#8203;',
    '',
    '',
    '<A\nhref=x>',
  );
  const digit = fc.constantFrom(
    (one: string) => one,
    (one: string) => `&#${one.charCodeAt(0)};`,
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(between, digit), { minLength: 16, maxLength: 16 }), async (cuts) => {
      const card = '4111111111111111';
      const text = Array.from(card, (one, at) => (cuts[at]?.[0] ?? '') + (cuts[at]?.[1](one) ?? one)).join(
        '',
      );
      const made = await shown(`<p>pay with ${text} now</p>`);
      const displayed = made
        .replaceAll(/<!--.*?-->|<[^>]*>/g, '')
        .replaceAll(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code)))
        .replaceAll('\u200b', '');
      assert.equal(displayed, 'pay with [CREDIT_CARD] now');
      // The tags are as they were.
      assert.deepEqual(made.match(/<!--|<[^!>]*>/g), `<p>${text}</p>`.match(/<!--|<[^!>]*>/g));
    }),
  );
});

test('a long page is masked as a short one is, and what is made to take long takes no longer', async () => {
  const line = '<li>No. <b>4111</b> 1111 1111 1111 of <i>ann@exam</i>ple.com</li>\n';
  const made = await shown(line.repeat(5_000));
  assert.equal(made, (await shown(line)).repeat(5_000));
  for (const evil of [
    '<a '.repeat(200_000),
    '<a "'.repeat(100_001),
    '<!--'.repeat(100_000),
    '<script>{"'.repeat(50_000),
  ])
    await shown(evil).catch((thrown: unknown) => assert.match(String(thrown), /in time/));
});
