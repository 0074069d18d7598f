import { addRoutine } from './calls.ts';
import type { Catalogue, Routine } from './catalogue.ts';
import { schemasFor } from './names.ts';
import type { Reading } from './reading.ts';

/**
 * `(value).name` is a field of a row or, where there is none, a call of any function `name` that takes one argument
 * (PostgreSQL 18 docs, 8.16.5), whatever type the value has: `('/etc/passwd'::text).pg_read_file` runs.
 */
export function addFieldFunction(reading: Reading, name: string): void {
  for (const schema of schemasFor(reading.scope, undefined, 'function')) {
    for (const routine of reading.catalogue.routines(schema, name)) {
      if (takesOne(routine) && !isFieldOf(reading.catalogue, routine, name)) addRoutine(reading, routine);
    }
  }
}

function takesOne({ arguments: types, defaults, variadic }: Routine): boolean {
  if (types.length === 0) return false;
  return types.length - defaults <= 1 || (variadic && types.length === 2);
}

/** Its argument is a row that has a field of this name: the field is what is meant. */
function isFieldOf(catalogue: Catalogue, routine: Routine, name: string): boolean {
  const row = catalogue.typeByOid(routine.arguments[0] ?? 0);
  const relation = row === undefined ? undefined : catalogue.relationByOid(row.relation);
  return relation?.columns.some((each) => each.name === name) === true;
}
