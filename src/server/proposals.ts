import type { ColumnSeen, Room } from '../core/protocol.ts';
import type { Policy } from '../core/ports.ts';
import type { Resource } from '../core/session.ts';
import { tagFor } from './starter.ts';

/** A tag for a column that has none, from what detectors found in its values while it was read. */
export interface ProposedTag {
  readonly id: string; // `shop/public.people.contact`
  readonly resource: string;
  readonly column: string; // as schema.yaml names it
  /** Absent: only some of its values hold anything, as free text does; a tag would hide all of it. */
  readonly tag?: string;
  /** What was found most often. */
  readonly type: string;
  readonly found: number; // values
  readonly searched: number;
}

/** Columns with fewer values that held something are no proposal: one number in a hundred looks like somebody's. */
const fewest = 3;
const enough = 0.5;

/** What is asked of a running gateway. */
interface ProposalParts {
  readonly rooms: Iterable<Pick<Room, 'seen'>>;
  readonly resources: readonly Resource[];
  readonly policy: Pick<Policy, 'tagsOf'> | undefined;
}

/** Proposals in the order of their columns. */
export async function proposedTags({
  rooms,
  resources,
  policy,
}: ProposalParts): Promise<readonly ProposedTag[]> {
  const seen = await Promise.all([...rooms].flatMap((room) => room.seen?.() ?? []));
  return seen
    .flat()
    .flatMap((column) => proposal(column, { resources, policy }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function proposal(
  column: ColumnSeen,
  { resources, policy }: Omit<ProposalParts, 'rooms'>,
): readonly ProposedTag[] {
  const resource = resources.find(({ name }) => name === column.resource);
  const [best] = [...column.found].sort(([, a], [, b]) => b - a);
  if (resource === undefined || best === undefined || best[1] < fewest) return [];
  if (policy !== undefined && policy.tagsOf(resource, column).length > 0) return [];
  const name = `${column.object}.${column.column}`;
  const [type, found] = best;
  const whole = found / Math.max(1, column.searched) >= enough;
  return [
    {
      id: `${column.resource}/${name}`,
      resource: column.resource,
      column: name,
      ...(whole ? { tag: tagFor(type) } : {}),
      type,
      found,
      searched: column.searched,
    },
  ];
}
