import type { Exchange } from '../../carriers/http/exchange.ts';
import type { Denial, Permit } from '../../core/decision.ts';
import type { Inner } from './inner.ts';

/** What an answer that comes later is shown by. */
interface ShownBy {
  readonly permit: Permit;
  readonly inner: Inner;
}

/**
 * A call that was permitted, as the policy in force now has it, with what its arguments reach. SECURITY: an answer that comes on another
 * stream, or long after, would else be shown by rules that hold no more.
 */
export async function anew(
  exchange: Exchange,
  { permit, inner }: ShownBy,
): Promise<
  ({ readonly kind: 'permitted' } & ShownBy) | { readonly kind: 'refused'; readonly denial: Denial }
> {
  const verdict = await exchange.stay.gate.again(permit);
  if (verdict.kind === 'refusal') return { kind: 'refused', denial: verdict.denial };
  const reached = await inner.again(exchange);
  if (reached.kind === 'refused') return reached;
  return { kind: 'permitted', permit: verdict, inner: reached.inner };
}
