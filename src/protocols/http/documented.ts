import { LineCounter, parseDocument } from 'yaml';
import type { Check } from '../../base/check.ts';
import { err } from '../../base/result.ts';
import { Secret } from '../../base/secret.ts';
import type { Permit } from '../../core/decision.ts';
import { operatorForTags, stronger } from '../../core/duties.ts';
import { type ApiDocument, type Operation, readOpenApi } from '../../http/openapi.ts';
import { type MaskKey, showText } from '../../mask/index.ts';

const mostCharacters = 8_000_000;

/** Reads `openapi: { file: PATH }`: an OpenAPI document in YAML or JSON. */
export const openApiCheck: Check<ApiDocument> = (raw, path) => {
  if (!(raw instanceof Secret))
    return err([{ path, message: 'Expected { file: PATH } of an OpenAPI document' }]);
  const text = raw.reveal('the description of a service');
  if (text.length > mostCharacters)
    return err([{ path, message: `Longer than ${mostCharacters} characters` }]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' });
  const [wrong] = document.errors;
  if (wrong !== undefined) {
    const { line, col } = lines.linePos(wrong.pos[0]);
    return err([{ path, message: `Cannot be read as YAML or JSON at ${line}:${col} (${wrong.code})` }]);
  }
  let given: unknown;
  try {
    given = document.toJS({ maxAliasCount: 1_000 });
  } catch {
    return err([{ path, message: 'Cannot be read: too many aliases, or one that leads nowhere' }]);
  }
  const read = readOpenApi(given);
  return read.ok ? read : err(read.error.map((each) => ({ path, message: `${each.path}: ${each.message}` })));
};

/** The permit, with the tags that the document of the service gives to what its operation answers. */
export function taggedBy(permit: Permit, operation: Operation | undefined): Permit {
  const { masks } = permit.duties;
  if (operation === undefined || masks.length === 0) return permit;
  return {
    ...permit,
    operatorOf: (column) =>
      stronger(permit.operatorOf(column), operatorForTags(masks, operation.tagsOf(column.column))),
  };
}

/**
 * How a column of a table is shown: as the field of that name, at the top or in each item of a list, would be in JSON. Undefined: as
 * it is; where no tag is masked, all of them.
 */
export function columnsBy(
  permit: Permit,
  object: string,
  key: MaskKey,
): ((name: string) => ((cell: string) => string) | undefined) | undefined {
  if (permit.duties.masks.length === 0) return undefined;
  return (name) => {
    const [own, item] = [name, `[].${name}`].map((column) => permit.operatorOf({ object, column }));
    const operator = stronger(own, item);
    if (operator === undefined) return undefined;
    return (cell) => (operator.kind === 'null' ? '' : showText(operator, cell, key));
  };
}
