import type { HttpClient } from '../../carriers/http/client.ts';
import type { Lru } from '../../base/lru.ts';
import type { House } from '../../core/protocol.ts';
import type { SessionId } from '../../core/session.ts';
import type { MaskKey } from '../../mask/index.ts';
import type { Budgets } from './budget.ts';
import type { Placeholders } from './placeholders.ts';
import type { LlmSettings } from './settings.ts';
import type { Thoughts } from './thoughts.ts';

export interface ModelParts {
  readonly house: House;
  readonly settings: LlmSettings;
  readonly client: HttpClient;
  readonly maskKey: MaskKey;
  readonly budgets: Budgets;
  /** Whose a stored answer is: a provider gives it to everybody who has the gateway's key. */
  readonly stored: Lru<string, string>;
  /** What sessions hid in their prompts. */
  readonly memories: Lru<SessionId, Memory>;
}

export interface Memory {
  readonly placeholders: Placeholders;
  readonly thoughts: Thoughts;
}

/** Facts as a frame of a recording has them. */
export function json(facts: Readonly<Record<string, string>>): Uint8Array {
  return Buffer.from(JSON.stringify(facts));
}
