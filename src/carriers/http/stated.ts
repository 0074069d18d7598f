import type { Stated } from '../../core/protocol.ts';
import { type Fields, first } from '../../http/headers.ts';

/** What the client said of its reasons: recorded and shown to reviewers, never trusted. */
export function statedBy(fields: Fields): { readonly stated?: Stated } {
  const reason = first(fields, 'sallyport-reason')?.slice(0, longest);
  const ticket = first(fields, 'sallyport-ticket')?.slice(0, longest);
  if (reason === undefined && ticket === undefined) return {};
  return {
    stated: { ...(reason === undefined ? {} : { reason }), ...(ticket === undefined ? {} : { ticket }) },
  };
}

const longest = 1_000;
