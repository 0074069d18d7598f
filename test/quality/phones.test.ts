import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scan } from '../../src/mask/index.ts';
import { seeded } from './made.ts';

/** As people of 35 countries and of made-up data write numbers; `#` is a digit, the first of them no 0. */
const forms = (
  '(0#) #### ####|0### ### ###|0### ### ## ##|0### ## ## ##|(##) ####-####|### ### ## ##|##-##-##-##|## ## ##|### ### ###|' +
  '### ####|0## ### ####|0#.##.##.##.##|0#### ## ## ##|(##) ###-###|0### #######|0#-########|(0##) ####-###|### ## ###|' +
  '#### ####|## ### ## ##|## ### ### ####|0##-###-###|0####-######|0###-### ## ##|0###-## ## ##|## ######|0## #### ####|' +
  '###-###-####|(###)###-####|###.###.####|###-###-####x###|(###)###-####x#####|001-###-###-####x####|+1-###-###-####|' +
  '+1-###-###-####x##|##########|###-####|0## ### ## ##|#-###-###-####|##.##.##.##|0##-#######|### ######|0#### ######|' +
  '0## ######|#### ######|## ## ## ##|###-######|0##/#######|+## ### ######|+##(0)##########|(0##)### ####|' +
  '+##(0)### ######|0##########|+############|00## ########'
).split('|');

const below = seeded(77);
const digits = (count: number): string => Array.from({ length: count }, () => below(10)).join('');

type Sentence = (phone: () => string) => string;
const sentences: readonly Sentence[] = [
  (phone) => `They're not answering at ${phone()}`,
  (phone) => `Name: Ann Lee\nPhone: ${phone()}`,
  (phone) =>
    `Ann Lee\n\n${1 + below(900)} Main Road\n Suite ${1 + below(999)}\nGraz, nan 1${digits(4)}\n${phone()} office\n${phone()} fax\n${phone()} mobile\n`,
  (phone) => `Ann Lee\nVia ${1 + below(200)}\n 0${digits(4)} Bern\n${phone()} office\n${phone()} fax\n`,
  (phone) => `Can someone call me on ${phone()}? I have some questions about opening an account.`,
  (phone) => `I would like to stop receiving messages to ${phone()}`,
  (phone) => `Please remove the phone number ${phone()} from my account 12345678`,
  (phone) => `please text me at ${phone()}, I moved to ${1 + below(300)} Main St, ${10_000 + below(80_000)}`,
  (phone) => `Call ${phone()} or ${phone()}.`,
  (phone) => `Tel: ${phone()} / Fax: ${phone()}`,
  (phone) => `Date: 12/03/2021 Phone: ${phone()} Amount: 120.50`,
  (phone) => `my phone is ${phone()} and my ssn is 219-09-9998`,
];

test('telephone numbers in the forms of many countries are found whole, and nothing beside them', () => {
  for (const [at, sentence] of sentences.entries()) {
    for (const form of forms) {
      const phones: string[] = [];
      const text = sentence(() => {
        let first = true;
        const here = phones.length === 0 ? form : (forms[below(forms.length)] ?? form);
        const made = here.replace(/#/g, () => {
          const digit = first ? 1 + below(9) : below(10);
          first = false;
          return String(digit);
        });
        phones.push(made);
        return made;
      });
      const found = scan(text).filter(({ type }) => type === 'PHONE_NUMBER');
      assert.equal(found.length, phones.length, `${at}: ${JSON.stringify(text)}`);
      let from = 0;
      for (const phone of phones) {
        const start = text.indexOf(phone, from);
        from = start + phone.length;
        const hit = found.find((each) => each.start <= start && each.end >= from);
        assert.ok(hit !== undefined && hit.end - hit.start < 2 * phone.length, JSON.stringify([phone, text]));
      }
    }
  }
});
