// The lists of @faker-js/faker that name-lists.py reads, as JSON in the file that is given.
import { writeFileSync } from 'node:fs';
import { allLocales } from '@faker-js/faker';

function texts(list: unknown): readonly string[] {
  if (typeof list === 'string') return [list];
  if (Array.isArray(list)) return list.flatMap(texts);
  if (typeof list !== 'object' || list === null) return [];
  if ('value' in list && typeof list.value === 'string') return [list.value];
  return Object.values(list).flatMap(texts);
}

const lists = Object.fromEntries(
  Object.entries(allLocales).map(([locale, { person, location }]) => [
    locale,
    { given: texts(person?.first_name), surname: texts(person?.last_name), state: texts(location?.state) },
  ]),
);
writeFileSync(process.argv[2] ?? 'faker-js.json', JSON.stringify(lists));
