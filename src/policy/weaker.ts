import type { ColumnRef } from '../core/action.ts';
import type { Duties, MaskOperator } from '../core/decision.ts';
import { operatorForFind, operatorForTags, stronger } from '../core/duties.ts';
import { shown } from './expectation.ts';

/** Duties with the tags of the policy that they come from. */
export interface Demanded {
  readonly duties: Duties;
  readonly tagsOf: (column: ColumnRef) => readonly string[];
}

const records: readonly Duties['record'][] = ['meta', 'statements', 'full'];

/** Where `now` demands less than `before`: one line each, none where it demands at least as much. */
export function weaker(before: Demanded, now: Demanded, columns: readonly ColumnRef[]): readonly string[] {
  const [a, b] = [before.duties, now.duties];
  const lines: string[] = [];
  const say = (what: string, was: string | number, is: string | number): void => {
    lines.push(`${what}: ${was} → ${is}`);
  };
  for (const column of columns) {
    const was = operatorForTags(a.masks, before.tagsOf(column));
    const is = operatorForTags(b.masks, now.tagsOf(column));
    if (isWeaker(was, is)) say(`mask of ${column.object}.${column.column}`, shown(was), shown(is));
  }
  for (const entity of new Set([...a.finds, ...b.finds].map((find) => find.entity))) {
    const [was, is] = [operatorForFind(a.finds, entity), operatorForFind(b.finds, entity)];
    const what = entity === '*' ? 'mask of whatever is found' : `mask of a found ${entity}`;
    if (isWeaker(was, is)) say(what, shown(was), shown(is));
  }
  if ((a.rowLimit ?? Infinity) < (b.rowLimit ?? Infinity))
    say('rows', a.rowLimit ?? 'none', b.rowLimit ?? 'none');
  if ((a.byteLimit ?? Infinity) < (b.byteLimit ?? Infinity)) {
    say('bytes', a.byteLimit ?? 'none', b.byteLimit ?? 'none');
  }
  if (records.indexOf(b.record) < records.indexOf(a.record)) say('record', a.record, b.record);
  const masks = a.masks.length > 0 || a.finds.length > 0;
  if (masks && a.unknownLineage === 'deny' && b.unknownLineage !== 'deny') {
    say('unknownLineage', a.unknownLineage, b.unknownLineage);
  }
  for (const { groups, count, withinMs } of a.approve) {
    const kept = b.approve.some(
      (each) =>
        each.count >= count &&
        each.withinMs <= withinMs &&
        each.groups.every((group) => groups.includes(group)),
    );
    if (!kept) say('approve', `${count} of ${groups.join(', ')}`, approvals(b));
  }
  const untold = a.notify.filter((who) => !b.notify.includes(who));
  if (untold.length > 0) say('notify', a.notify.join(', '), b.notify.join(', ') || 'none');
  return lines;
}

function approvals({ approve }: Duties): string {
  const each = approve.map(({ groups, count }) => `${count} of ${groups.join(', ')}`);
  return each.length === 0 ? 'none' : each.join(' and ');
}

function isWeaker(was: MaskOperator | undefined, is: MaskOperator | undefined): boolean {
  return was !== undefined && shown(stronger(was, is)) !== shown(is);
}
