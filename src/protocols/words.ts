import type { Protocol } from '../core/protocol.ts';
import * as sql from '../sql/verbs.ts';
import * as http from './http/words.ts';
import * as llm from './llm/meaning.ts';
import * as mcp from './mcp/meaning.ts';

/**
 * What rules may say of each protocol, without the protocol: checking a policy opens no connection, and loads nothing that
 * could. A test holds it against the protocols themselves.
 */
export const protocolWords: readonly Pick<Protocol, 'name' | 'verbs' | 'attributes'>[] = [
  { name: 'postgres', verbs: sql.verbs, attributes: sql.attributes },
  { name: 'http', verbs: http.verbs, attributes: http.attributes },
  { name: 'llm', verbs: llm.verbs, attributes: llm.attributes },
  { name: 'mcp', verbs: mcp.verbs, attributes: mcp.attributes },
];
