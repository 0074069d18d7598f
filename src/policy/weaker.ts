import type { ColumnRef } from '../core/action.ts';
import type { ApproveDuty, Duties, FindMask, MaskOperator } from '../core/decision.ts';
import { modelUseOf, operatorForFind, operatorForTags, stronger } from '../core/duties.ts';
import { intersection } from './columns.ts';
import { records } from './duties.ts';
import { approvalText, predicateText, rateText, shown, spanText } from './expectation.ts';
import { shortTime } from './limits.ts';

/** Duties with the tags of the policy that they come from. */
export interface Demanded {
  readonly duties: Duties;
  readonly tagsOf: (column: ColumnRef) => readonly string[];
}

const uses: readonly string[] = ['not asked', 'where-possible', 'required'];

function modelFor(finds: readonly FindMask[], entity: string): string {
  return modelUseOf(finds.filter((find) => operatorForFind([find], entity) !== undefined)) ?? 'not asked';
}

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
    const [asked, asks] = [modelFor(a.finds, entity), modelFor(b.finds, entity)];
    if (uses.indexOf(asks) < uses.indexOf(asked)) say(`${what}: a model`, asked, asks);
  }
  for (const [what, of, show] of bounds) {
    const [was, is] = [of(a), of(b)];
    const text = (value: number | undefined): string => (value === undefined ? 'none' : show(value));
    if ((was ?? Infinity) < (is ?? Infinity)) say(what, text(was), text(is));
  }
  if ((a.retainMs ?? 0) > (b.retainMs ?? 0)) {
    say('retention', spanText(a.retainMs), spanText(b.retainMs));
  }
  lists(a, b, say);
  if (records.indexOf(b.record) < records.indexOf(a.record)) say('record', a.record, b.record);
  const masks = a.masks.length > 0 || a.finds.length > 0;
  if (masks && a.unknownLineage === 'deny' && b.unknownLineage !== 'deny') {
    say('unknownLineage', a.unknownLineage, b.unknownLineage);
  }
  for (const was of a.approve) {
    const { groups, count, withinMs, reason } = was;
    const kept = b.approve.some(
      (each) =>
        each.count >= count &&
        each.withinMs <= withinMs &&
        (reason !== true || each.reason === true) &&
        each.groups.every((group) => groups.includes(group)) &&
        noWider(was, each),
    );
    if (!kept) say('approve', approvals({ approve: [was] }), approvals(b));
  }
  const untold = a.notify.filter((who) => !b.notify.includes(who));
  if (untold.length > 0) say('notify', a.notify.join(', '), b.notify.join(', ') || 'none');
  return lines;
}

const plainly = (value: number): string => String(value);

const bounds: readonly (readonly [
  string,
  (duties: Duties) => number | undefined,
  (value: number) => string,
])[] = [
  ['rows', ({ rowLimit }) => rowLimit, plainly],
  ['bytes', ({ byteLimit }) => byteLimit, plainly],
  ['concurrency', ({ concurrency }) => concurrency, plainly],
  ['session', ({ sessionMs }) => sessionMs, shortTime],
  ['idle', ({ idleMs }) => idleMs, shortTime],
];

/** What a rule adds to a list, or says yes to. */
function lists(a: Duties, b: Duties, say: (what: string, was: string, is: string) => void): void {
  const words = (items: readonly string[] | undefined): string =>
    items === undefined || items.length === 0 ? 'none' : items.join(', ');
  const kept = a.rates?.every((rate) =>
    b.rates?.some(({ count, perMs }) => count <= rate.count && perMs >= rate.perMs),
  );
  if (kept === false) say('rate', words(a.rates?.map(rateText)), words(b.rates?.map(rateText)));
  if (a.onlyColumns !== undefined) {
    // What both allow is what the new one allows: then it is no wider.
    const both = intersection([a.onlyColumns, b.onlyColumns ?? ['*']]);
    const now = b.onlyColumns === undefined ? undefined : intersection([b.onlyColumns]);
    if (JSON.stringify(both) !== JSON.stringify(now)) say('columns', words(a.onlyColumns), words(now));
  }
  for (const key of ['readOnly', 'justify'] as const) {
    if (a[key] === true && b[key] !== true) say(key, 'true', 'none');
  }
  const unasked = (a.tickets ?? []).some((pattern) => b.tickets?.includes(pattern) !== true);
  if (unasked) say('ticket', words(a.tickets), words(b.tickets));
  const open = (a.predicates ?? []).some(
    (was) =>
      !(b.predicates ?? []).some(
        (is) =>
          is.tag === was.tag &&
          (is.allow === 'none' || was.allow === 'equality') &&
          (is.otherwise === 'deny' || was.otherwise === 'approve') &&
          (is.probes ?? Infinity) <= (was.probes ?? Infinity),
      ),
  );
  if (open)
    say('predicates', words(a.predicates?.map(predicateText)), words(b.predicates?.map(predicateText)));
}

/** Whether nobody else may answer, nor sooner, and no answer counts for more. */
function noWider(was: ApproveDuty, is: ApproveDuty): boolean {
  const { escalate, class: terms } = is;
  const others =
    escalate === undefined ||
    (was.escalate !== undefined &&
      escalate.afterMs >= was.escalate.afterMs &&
      escalate.groups.every(
        (group) => was.escalate?.groups.includes(group) === true || was.groups.includes(group),
      ));
  const several =
    terms === undefined ||
    (was.class !== undefined && terms.forMs <= was.class.forMs && terms.count <= was.class.count);
  return others && several;
}

function approvals({ approve }: Pick<Duties, 'approve'>): string {
  return approve.length === 0 ? 'none' : approve.map(approvalText).join(' and ');
}

function isWeaker(was: MaskOperator | undefined, is: MaskOperator | undefined): boolean {
  return was !== undefined && shown(stronger(was, is)) !== shown(is);
}
