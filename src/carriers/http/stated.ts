import type { Stated } from '../../core/protocol.ts';
import { type Fields, first } from '../../http/headers.ts';

/** What the client said of its reasons: recorded and shown to reviewers, never trusted. */
export function statedBy(fields: Fields): { readonly stated?: Stated } {
  const reason = first(fields, 'sallyport-reason')?.slice(0, longest);
  const ticket = first(fields, 'sallyport-ticket')?.slice(0, longest);
  const glass = /^(?:on|true|yes|1)$/i.test(first(fields, 'sallyport-break-glass') ?? '');
  if (reason === undefined && ticket === undefined && !glass) return {};
  return {
    stated: {
      ...(reason === undefined ? {} : { reason }),
      ...(ticket === undefined ? {} : { ticket }),
      ...(glass ? { breakGlass: true } : {}),
    },
  };
}

const longest = 1_000;
