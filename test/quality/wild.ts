import { partOf, type Labelled, type Part } from './corpora.ts';
import { seeded } from './made.ts';
import { forms, pick } from './wild-forms.ts';

// Values in forms that no other source of this folder has, where machines and people leave them: settings, logs, tickets,
// exports, answers of interfaces. A form and a place stand on one side of the split only. The forms are those of the
// standards (RFC 5321, 6531, 3966, 4291, 5952, 3986, ISO 13616, IEEE 802) and of what the rules of gitleaks look for.

/** Where a value says by itself what it is. */
const places: readonly string[] = [
  '{}',
  'ticket 4711: customer wrote again, {}',
  '<td>{}</td>',
  '{"items":[{"v":"{}","ok":true}]}',
  "INSERT INTO t VALUES (17, '{}', true);",
  'id;value;ok\n17;{};ja',
  'id,value,ok\n17,"{}",yes',
  'Nov 21 10:11:12 web-2 app[881]: got {} (200)',
  '10:11:12.345 DEBUG [pool-1] c.a.b.Handler - seen={} in 12ms',
  'value: {}',
  '| 17 | {} | ok |',
  'Bitte {} prüfen, danke.',
  'Gracias, {} es correcto.',
  '\t{}\t',
  "curl -d 'v={}' https://intra/x",
  '# {}',
  '- [x] {}',
  'level=info msg="got it" v="{}" took=12ms',
  'x = ["{}"]',
  '<{}>',
  '({})',
  '{}, {}',
  'é{}é'.replaceAll('é', ' ✓ '),
];

/** Where a word says what it is. */
const saying: readonly string[] = [
  '{w}: {}',
  '{w}={}',
  '"{w}": "{}"',
  '{w} = "{}"',
  "export {w}='{}'",
  '{"id":17,"{w}":"{}"}',
  '{w}\t{}',
  '<{w}>{}</{w}>',
  'id;{w}\n17;{}',
  'please note {w} {} for the file',
  '  - {w}: "{}"',
  '| {w} | {} |',
  '[{w}] {}',
  '{w} : {}',
];

const assigning: readonly string[] = [
  '{w}={}',
  '{w}: {}',
  '"{w}": "{}"',
  '{w} = "{}"',
  "export {w}='{}'",
  '  {w}: "{}"',
  '{"id":17,"{w}":"{}"}',
  'docker run -e {w}={} app',
  "{w} => '{}',",
];

/** One side of the split: half of a list by what stands in it, or all of it where that would leave too few. */
function sideOf<T>(list: readonly T[], part: Part, name: (each: T) => string): readonly T[] {
  const own = list.filter((each) => partOf(`wild ${name(each)}`) === part);
  return own.length > 2 ? own : list;
}

export function wild(part: Part, each: number): readonly (Labelled & { readonly also: readonly string[] })[] {
  const below = seeded(part === 'dev' ? 4_001 : 8_009);
  return forms
    .filter(({ type, name }) => partOf(`wild ${type} ${name}`) === part)
    .flatMap(({ type, name, make, words, alone, also = [] }) => {
      const secret = ['API_KEY', 'PASSWORD', 'AWS_ACCESS_KEY'].includes(type);
      const frames = sideOf(alone ? places : secret ? assigning : saying, part, (frame) => frame);
      return Array.from({ length: each }, () => {
        const frame = pick(frames, below).replaceAll('{w}', pick(words, below));
        const gold: { type: string; start: number; end: number }[] = [];
        let text = '';
        for (const [at, piece] of frame.split('{}').entries()) {
          if (at > 0) {
            const parts = make(below).split('\u0001');
            const [head = '', value = '', tail = ''] = parts.length === 1 ? ['', ...parts] : parts;
            const start = text.length + head.length;
            gold.push({ type, start, end: start + value.length });
            text += head + value + tail;
          }
          text += piece;
        }
        // The address that is a part of the place itself.
        const link = text.indexOf('https://intra/x');
        if (link >= 0) gold.push({ type: 'URL', start: link, end: link + 'https://intra/x'.length });
        return { text, gold, also, group: `${type} ${name}` };
      });
    });
}
