import type { Action } from '../../core/action.ts';
import type { DecisionId } from '../../core/decision.ts';
import type { Gate } from '../../core/protocol.ts';
import { nothing } from './meaning.ts';
import { type Changed, shownChanges } from './pins.ts';
import type { ToolboxParts } from './talk.ts';

const longestText = 24_000;

/**
 * Keeps what was pinned, and asks a person about definitions that are not the pinned ones, where a rule lets a person say so
 * (`mcp.pin`). Nobody waits for the answer: until then these tools are not there.
 */
export function askAboutChanges(parts: ToolboxParts, gate: Gate): void {
  parts.pins.save();
  const changes = parts.pins.unasked();
  if (changes.length > 0) void ask(parts, gate, changes).catch(() => parts.pins.answered(changes, 'open'));
}

/** To use these tools although they are not what was pinned. */
export function pinOf(names: readonly string[], text: string): Action {
  return {
    verb: 'mcp.pin',
    access: 'administer',
    targets: names.map((name) => ({ kind: 'tool', name, access: 'administer' })),
    columns: [],
    attributes: { ...nothing, method: 'tools/list' },
    text,
    notes: [],
  };
}

async function ask(parts: ToolboxParts, gate: Gate, changes: readonly Changed[]): Promise<void> {
  const text = shownChanges(changes);
  // SECURITY: what is not shown as a whole is not asked about.
  if (text.length > longestText) return;
  const action = pinOf(
    changes.map(({ name }) => name),
    text,
  );
  const verdict = await gate.ask({
    action,
    wait: () => ({
      tell: () => undefined,
      signal: parts.stop,
      settings: {},
      again: () => Promise.resolve({ action, settings: {} }), // what was shown is what is pinned
      [Symbol.dispose]: () => undefined,
    }),
  });
  if (verdict.kind === 'refusal') {
    const { class: code, decisionId } = verdict.denial;
    // Where no rule lets anybody say yes, asking again changes nothing.
    if (code === 'REVIEW_REFUSED') parts.pins.answered(changes, 'refused', decisionId as DecisionId);
    else if (code.startsWith('REVIEW_') || code === 'LIMIT') parts.pins.answered(changes, 'open');
    return;
  }
  try {
    await verdict.written;
    parts.pins.answered(changes, 'approved', verdict.id);
  } finally {
    gate.done(verdict, { kind: 'ok', rows: 0, bytes: 0, masked: 0, withheld: 0 });
  }
}
