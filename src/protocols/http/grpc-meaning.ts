import type { Access, Action } from '../../core/action.ts';
import { nothingKnown, unseen } from './meaning.ts';
import { pathsOf } from './said.ts';
import type { HttpRoute } from './settings.ts';

export interface Called {
  readonly service: string;
  readonly rpc: string;
  readonly contentType: string;
  readonly host: string;
  readonly route: HttpRoute | undefined;
  /** The schema says that it changes nothing. */
  readonly reads: boolean;
  /** The message in JSON; empty where it comes as a stream, or nobody knows its type. */
  readonly text: string;
  /**
   * Whether rules see what is in the call: all of it, each message for itself when it comes, or nothing, where the configuration
   * says that it `passes` so, and where it does not.
   */
  readonly seen: 'whole' | 'later' | 'passes' | 'never';
  /** Of a message of a stream. */
  readonly from?: 'client';
  /** Of the message; undefined where it is not known before it is sent. */
  readonly message: { readonly bytes: Uint8Array } | undefined;
}

/**
 * What a call does: a write, where neither its route nor the schema says otherwise. A name says nothing. Undefined where the message is
 * not JSON, names a key twice, or has more in it than rules could see.
 */
export function meaningOfCall(called: Called): Action | undefined {
  const { service, rpc, contentType, host, route, reads, text, message, seen, from = '' } = called;
  const path = `/${service}/${rpc}`;
  const fields = text === '' ? [] : pathsOf([text]);
  if (fields === undefined) return undefined;
  const access: Access = route?.access ?? (reads ? 'read' : 'write');
  const attributes: Action['attributes'] = {
    ...nothingKnown,
    method: 'POST',
    route: path,
    host,
    contentType: contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '',
    fields,
    bytes: message?.bytes.length ?? -1,
    service,
    rpc,
    from,
    inspected: seen !== 'passes',
  };
  return {
    verb: 'http.grpc',
    access,
    targets: [{ kind: 'path', name: path, access }],
    columns: [],
    attributes: seen === 'never' ? unseen(attributes) : attributes,
    text: `GRPC ${path}${text === '' ? '' : `\n\n${text}`}`,
    notes: [],
  };
}
