import type { ColumnRef, ColumnUse } from '../core/action.ts';
import type { Move } from './analysis.ts';
import { type Columns, type Flow, keyOf } from './lineage-flow.ts';

/** Notes which columns a statement uses, and how. */
export interface Uses {
  /** Named somewhere: it counts as a filter unless it is seen to flow out. */
  readonly touch: (flow: Flow) => void;
  readonly filter: (flow: Flow) => void;
  /** Decides whether the statement fails, or is summed up with others: its masked answer tells of it all the same. */
  readonly question: (flow: Flow) => void;
  /** Flows into the answer or into a written value. */
  readonly output: (flow: Flow) => void;
  readonly write: (refs: Iterable<ColumnRef>) => void;
  /** Is put where it can be read later: into these columns, or into something that is no column. */
  readonly move: (flow: Flow, to: readonly ColumnRef[]) => void;
  /** Code that runs unseen can put anything the statement uses where it can be read later. */
  readonly spill: () => void;
  /** Code of somebody's own reads these. `planned`: maybe while the statement is planned. */
  readonly code: (flow: Flow, planned: boolean) => void;
  /** All that was noted so by now. */
  readonly coded: readonly { readonly flow: Flow; readonly planned: boolean }[];
}

const nothing = (): void => {};

export const noUses: Uses = {
  touch: nothing,
  filter: nothing,
  question: nothing,
  output: nothing,
  write: nothing,
  move: nothing,
  spill: nothing,
  code: nothing,
  coded: [],
};

/** For the query of a view: what it uses is not the statement's use, but the code in it runs, and puts things elsewhere. */
export function insideView({ code, coded, move, spill }: Uses): Uses {
  return { ...noUses, code, coded, move, spill };
}

export interface Collected {
  readonly uses: Uses;
  readonly all: () => readonly ColumnUse[];
  /** Asked for when all is noted. */
  readonly moves: () => readonly Move[];
}

export function collectUses(): Collected {
  const touched = new Map<string, ColumnRef>();
  const questioned = new Set<string>();
  const telling = new Set<string>();
  const noted = { output: touchedMap(), filter: touchedMap(), write: touchedMap() };
  const moves: Move[] = [];
  const coded: { readonly flow: Flow; readonly planned: boolean }[] = [];
  let spilt = false;
  return {
    moves: () => {
      const all = new Map([...touched, ...noted.output, ...noted.filter]);
      return spilt && all.size > 0 ? [...moves, { from: [...all.values()], to: [] }] : moves;
    },
    uses: {
      spill: () => {
        spilt = true;
      },
      coded,
      code: (flow, planned) => void coded.push({ flow, planned }),
      touch: (flow) => note(touched, flow),
      filter: (flow) => {
        note(noted.filter, flow);
        for (const key of [...flow.from.keys(), ...flow.through.keys()]) {
          if (flow.equal?.has(key) !== true) questioned.add(key);
        }
      },
      question: (flow) => {
        for (const key of [...flow.from.keys(), ...flow.through.keys()]) telling.add(key);
      },
      output: (flow) => note(noted.output, flow),
      write: (refs) => {
        for (const ref of refs) noted.write.set(keyOf(ref), ref);
      },
      move: (flow, to) => {
        const from = [...flow.from.values(), ...flow.through.values()];
        const same = flow.bare !== undefined || flow.kept === true;
        if (from.length > 0) moves.push({ from, to, ...(same ? { same } : {}) });
      },
    },
    all: () => {
      for (const [key, ref] of touched) if (!noted.output.has(key)) noted.filter.set(key, ref);
      return (['output', 'filter', 'write'] as const).flatMap((use) =>
        [...noted[use]].map(([key, ref]): ColumnUse => {
          const { object, column } = ref;
          if (use === 'output' && telling.has(key)) return { object, column, use, how: 'other' };
          if (use !== 'filter') return { object, column, use };
          return { object, column, use, how: questioned.has(key) ? 'other' : 'equality' };
        }),
      );
    },
  };
}

function touchedMap(): Map<string, ColumnRef> {
  return new Map();
}

function note(into: Map<string, ColumnRef>, flow: Flow): void {
  add(into, flow.from);
  add(into, flow.through);
}

function add(into: Map<string, ColumnRef>, columns: Columns): void {
  for (const [key, ref] of columns) into.set(key, ref);
}
