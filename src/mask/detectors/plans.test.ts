import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getCountries, getExampleNumber, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';
import { scan } from '../index.ts';
import { isInternational, isNational, isWrittenIn, isWrittenWithCode } from './plans.ts';

function shapeOf(text: string): string {
  return (text.match(/\d+/g) ?? []).map((group) => group.length).join('-');
}

test('the plans say what libphonenumber says, of an example of each country and of its neighbours', () => {
  for (const country of getCountries()) {
    const number = getExampleNumber(country, examples);
    if (number === undefined) continue;
    for (let step = 0; step < 8; step++) {
      const national = number.nationalNumber.slice(0, -2) + String((step * 13) % 100).padStart(2, '0');
      for (const digits of [national, `9${national.slice(1)}`, national.slice(0, -1), `${national}1`]) {
        const whole: string = number.countryCallingCode + digits;
        const parsed: { isValid(): boolean } | undefined = parsePhoneNumberFromString(`+${whole}`);
        assert.equal(isInternational(whole, true), parsed?.isValid() === true, `${country} +${whole}`);
        const alone = parsePhoneNumberFromString(digits, country);
        if (alone?.isValid() === true && alone.country === country)
          assert.ok(isNational(digits, [country], true), `${country} ${digits}`);
      }
    }
  }
});

test('a number is known by the groups that its people write', () => {
  for (const country of getCountries()) {
    const number = getExampleNumber(country, examples);
    if (number === undefined) continue;
    const written = number.formatNational();
    if (!/\D/.test(written)) continue;
    assert.ok(
      isWrittenIn(written.replaceAll(/\D/g, ''), shapeOf(written), [country]),
      `${country} ${written}`,
    );
  }
  assert.equal(isWrittenIn('512391647', '3-3-3', ['PL']), true);
  assert.equal(isWrittenIn('512391647', '4-5', ['PL']), false);
  assert.equal(isWrittenIn('012391647', '3-3-3', ['PL']), false);
  assert.equal(isWrittenWithCode('4930901820', '2-2-6'), true);
  assert.equal(isWrittenWithCode('4930901820', '2-4-4'), false);
});

const numbers: readonly string[] = [
  '512 391 647',
  '5120 1436',
  '49 30 901820',
  '07400177518',
  '00491701234567',
  '4155550132',
  '(415-555-0132)',
  '((415) 555-0132)',
];

test('among words a number is found in the form of its country, and without groups', () => {
  for (const number of numbers) {
    const bare = number.replace(/^\(((?:\(.*)|[^(]*)\)$/, '$1');
    const text = `You will find Ann at ${number} until noon.`;
    const at = text.indexOf(bare);
    const found = scan(text).map(({ type, start, end }) => [type, start, end]);
    assert.deepEqual(found, [['PHONE_NUMBER', at, at + bare.length]], text);
  }
});

const nobodys: readonly string[] = [
  '4155550132',
  '07400177518',
  '512 391 647',
  'The order 4155550132 was shipped to Berlin',
  'We sold 512 391 647 EUR of it in one year',
  'There are between 2019 2020 and 2021 2022 two of them',
  'A budget of $ 512 391 647 is planned for that',
  'The file has 512.391.647 bytes in it',
];

test('what is numbered without being anybody’s is not', () => {
  for (const text of nobodys) assert.deepEqual(scan(text), [], text);
});
