import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scan } from './index.ts';

// What the words of a sentence say a number is, where one of them names a whole class of things (`card`, `account`).
const said: readonly (readonly [text: string, ...types: readonly string[]])[] = [
  ['please update the UK passport on my account to 972916870', 'UK_PASSPORT'],
  ['the UID no. on my account is 968617535349', 'IN_AADHAAR'],
  ['INN as printed on the card: 500100732259', 'RU_INN'],
  ['the IMEI as printed on the card: 352099001761481', 'IMEI'],
  ['the SIM card provided was 8901260222190123457', 'ICCID'],
  ['tarjeta SIM 8901260222190123457', 'ICCID'],
  // Nothing else says what it is, or it says so of another number, in another clause, or of something beside it.
  ['my account is 968617535349', 'US_BANK_NUMBER'],
  ['card: 4111 1111 1111 1112', 'CREDIT_CARD'],
  ['UK passport 972916870, account 548704090', 'UK_PASSPORT', 'US_BANK_NUMBER'],
  ['I sent my passport. The account is 548704090', 'US_BANK_NUMBER'],
  ['for the tax id and account 548704090', 'US_BANK_NUMBER'],
  ['passport holder, bank account 548704090', 'US_BANK_NUMBER'],
  ['call about the account 548704090', 'US_BANK_NUMBER'],
];
for (const [text, ...types] of said)
  test(`${text}: ${types.join(', ')}`, () => {
    assert.deepEqual(
      scan(text).map(({ type }) => type),
      types,
    );
  });

test('a telephone number on the line below an address is none of its lines, and all of both stays covered', () => {
  for (const number of ['975 97 287-Office', '0431 35 06 90', '+49 431 350690']) {
    const text = `09 Genterstrasse 49\n Kiel\n 24103 Germany\n${number}`;
    const found = scan(text);
    assert.deepEqual(
      found.map(({ type }) => type),
      ['LOCATION', 'PHONE_NUMBER'],
      text,
    );
    assert.equal(found[1]?.start, text.indexOf(number));
  }
});
