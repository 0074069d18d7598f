import type { FindDetector, Span } from '../detector.ts';
import { nameAlone } from '../names/index.ts';

// What somebody is called or where they live has no shape of its own: the column's name says it, and among words lists of
// names and the words beside them do.

/** A name or an address has a blank in it, or stands beside one. */
const words = /\S\s+\S|\p{sc=Han}|\p{sc=Hangul}/u;

export const person: FindDetector = {
  kind: 'find',
  name: 'PERSON',
  context: [
    'first name',
    'last name',
    'full name',
    'middle name',
    'given name',
    'family name',
    'maiden name',
    'surname',
    'forename',
    'firstname',
    'lastname',
    'fname',
    'lname',
    'customer name',
    'client name',
    'patient name',
    'employee name',
    'contact name',
    'person name',
    'holder name',
    'cardholder',
    'account holder',
    'beneficiary name',
    'vorname',
    'nachname',
    'familienname',
    'prénom',
    'prenom',
    'nom de famille',
    'apellido',
    'apellidos',
    'nombre completo',
    'sobrenome',
    'cognome',
    'achternaam',
    'voornaam',
    'efternamn',
    'förnamn',
    'imię',
    'nazwisko',
    'фамилия',
    '氏名',
    '姓名',
    '이름',
    '성명',
    'фио',
    'имя клиента',
    'піб',
    'nome completo',
    'nombre y apellidos',
    'vor und nachname',
    'kundenname',
    'imię i nazwisko',
    'ad soyad',
    'jméno a příjmení',
    'ονοματεπώνυμο',
    'الاسم',
    'שם מלא',
    'ชื่อ-นามสกุล',
    'पूरा नाम',
    'রোগীর নাম',
  ],
  gate: words,
  find: (_text, { names }) => names().people,
  wholeInColumn: true,
  examples: { yes: [], no: ['Ann Lee', 'Rose Garden', 'May is warm'], named: ['Ann Lee', '山田太郎'] },
};

/** Patients and insured people in HL7 (PID-5) and X12 (NM1). INVARIANT: the gate opens on both words (`isOpener`). */
export const personField: FindDetector = {
  kind: 'find',
  name: 'PERSON',
  context: [],
  examples: {
    yes: [],
    no: ['PID|1||4711', 'NM1*PR*2*ACME HEALTH*****PI*12~', 'pid|1|2|3|4|Ann'],
  },
  find: function* (text) {
    for (const { index } of text.matchAll(/(?<![A-Za-z0-9\u0080-\uffff])(?:PID\||NM1\*)/g)) {
      const span = fieldAt(text, index);
      if (span !== undefined) yield span;
    }
  },
  head: /PID\||NM1\*/,
  at: fieldAt,
};
const field =
  /PID\|(?:[^|\s]{0,64}\|){4}([^|\s]{2,80})|NM1\*[A-Z0-9]{2,3}\*1\*([^*~\s]{1,60}(?:\*[^*~\s]{0,35}){0,2})/y;

function fieldAt(text: string, at: number): Span | undefined {
  if (at > 0 && !'~\r\n"\''.includes(text[at - 1] ?? '')) return undefined;
  field.lastIndex = at;
  const match = field.exec(text);
  const value = match?.[1] ?? match?.[2];
  if (match === null || value === undefined || !/\p{L}/u.test(value)) return undefined;
  const start = at + match[0].length - value.length;
  return { start, end: start + value.replace(/[*^&]+$/, '').length, score: 0.85 };
}

export const address: FindDetector = {
  kind: 'find',
  name: 'LOCATION',
  context: [
    'street',
    'street address',
    'home address',
    'postal address',
    'mailing address',
    'billing address',
    'shipping address',
    'delivery address',
    'customer address',
    'residential address',
    'address line',
    'address^',
    'addr^',
    'straße',
    'strasse',
    'anschrift',
    'adresse',
    'dirección',
    'direccion',
    'domicilio',
    'endereço',
    'endereco',
    'indirizzo',
    'woonadres',
    'adres',
    '住所',
    '地址',
    '주소',
  ],
  gate: words,
  find: (_text, { names }) => names().places,
  wholeInColumn: true,
  examples: {
    yes: [
      '12 Main Street',
      'Hauptstraße 12, 80331 München',
      '12 rue de la Paix, 75002 Paris',
      'Calle Mayor 5, 28013 Madrid',
      'P.O. Box 1234, Springfield, IL 62704',
    ],
    no: ['Berlin', '12 boxes', 'Main Street'],
    named: ['Lindenhof, Haus 3'],
  },
};

/** In a column that is named for people or things alike a cell counts that is a name of the lists, first and last, and nothing else. */
export const personAlone: FindDetector = {
  kind: 'find',
  name: 'PERSON',
  // `name` alone is what everything has: whoever keeps people in such a column tags it.
  context: [
    'contact$',
    'author',
    'owner$',
    'assignee',
    'assigned to',
    'reporter',
    'approver',
    'reviewer',
    'created by',
    'updated by',
    'submitted by',
    'sales rep',
    'account manager',
    'attendee',
    'participant',
    'recipient',
    'sender',
    'manager$',
    'employee$',
    'customer$',
    'patient$',
    'client$',
    'member$',
    'person$',
    'spouse',
    'next of kin',
    'guardian',
    'kunde$',
    'patientin$',
    'ansprechpartner',
    'mitarbeiter$',
    'cliente$',
    'paciente$',
    'empleado$',
    'nombre$',
    'nom$',
    'naam$',
    'navn$',
    'namn$',
    'klant$',
    'pacjent$',
    'passenger',
    'holder$',
    'beneficiary$',
  ],
  find: nameAlone,
  onlyInColumn: true,
  examples: { yes: [], no: ['Ann Lee'], named: ['Ann Lee', 'Smith, John', 'María García-López'] },
};
