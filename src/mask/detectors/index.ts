import type { Detector } from '../detector.ts';
import { card, cardFragment, cardJoined, cardTrack } from './card.ts';
import { wallet } from './crypto.ts';
import { email, emailSaid, emailSpelled } from './email.ts';
import { iban } from './iban.ts';
import { dateOfBirth } from './dates.ts';
import { moreDigits } from './more-digits.ts';
import { moreLetters } from './more-letters.ts';
import { address, person, personAlone, personField } from './people.ts';
import { ip, mac, macNamed, url } from './network.ts';
import { nationalDigits } from './national-digits.ts';
import { nationalLetters } from './national-letters.ts';
import { phone } from './phone.ts';
import { apiKey, assigned, passwordSaid, awsKey, jwt, privateKey, slackHook } from './secrets.ts';
import { ssn } from './ssn.ts';
import { withWords } from './words.ts';

/** THE list. A detector is one object in a file of this folder and one word here. */
export const detectors: readonly Detector[] = withWords([
  email,
  emailSpelled,
  emailSaid,
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
  passwordSaid,
  wallet,
  card,
  cardFragment,
  cardJoined,
  cardTrack,
  ssn,
  ...nationalLetters,
  ...nationalDigits,
  ...moreLetters,
  ...moreDigits,
  phone,
  dateOfBirth,
  person,
  personAlone,
  personField,
  address,
]);

/** The types of findings there are: what else a rule asks for is never found. */
export const entityNames: readonly string[] = [...new Set(detectors.map(({ name }) => name))].toSorted();
