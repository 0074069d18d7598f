import type { Protocol } from '../core/protocol.ts';
import { http } from './http/index.ts';
import { llm } from './llm/index.ts';
import { mcp } from './mcp/index.ts';
import { postgres } from './postgres/index.ts';

/** All that the gateway speaks. The rest of the program learns of a protocol from its object alone. */
export const protocols: readonly Protocol[] = [postgres, http, llm, mcp];
