import type { Detector } from '../detector.ts';
import { card, cardFragment, cardJoined } from './card.ts';
import { wallet } from './crypto.ts';
import { email } from './email.ts';
import { iban } from './iban.ts';
import { dateOfBirth } from './dates.ts';
import { moreDigits } from './more-digits.ts';
import { moreLetters } from './more-letters.ts';
import { address, person, personAlone } from './people.ts';
import { ip, mac, macNamed, url } from './network.ts';
import { nationalDigits } from './national-digits.ts';
import { nationalLetters } from './national-letters.ts';
import { phone } from './phone.ts';
import { apiKey, assigned, awsKey, jwt, privateKey, slackHook } from './secrets.ts';
import { ssn } from './ssn.ts';
import { withWords } from './words.ts';

/** THE list. A detector is one object in a file of this folder and one word here. */
export const detectors: readonly Detector[] = withWords([
  email,
  url,
  ip,
  mac,
  macNamed,
  iban,
  jwt,
  privateKey,
  awsKey,
  apiKey,
  slackHook,
  assigned,
  wallet,
  card,
  cardFragment,
  cardJoined,
  ssn,
  ...nationalLetters,
  ...nationalDigits,
  ...moreLetters,
  ...moreDigits,
  phone,
  dateOfBirth,
  person,
  personAlone,
  address,
]);

/** The types of findings there are: what else a rule asks for is never found. */
export const entityNames: readonly string[] = [...new Set(detectors.map(({ name }) => name))].toSorted();
