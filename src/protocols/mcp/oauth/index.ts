import { Fault } from '../../../base/errors.ts';
import type { House } from '../../../core/protocol.ts';
import type { Upstream } from '../../../http/upstream.ts';
import { Broker, type OAuthSettings } from './broker.ts';
import { oauthFetch } from './fetch.ts';
import { vault, vaultName } from './sealed.ts';

// Signs the gateway in to MCP servers that want OAuth. Docs: docs/protocols/mcp.md.

/** Who gets the tokens for one server of a resource. Throws a Fault `config` where nothing can be kept. */
export function brokerOf(
  house: Pick<House, 'dial' | 'world' | 'kept' | 'maskKey'>,
  about: {
    readonly resource: string;
    readonly server: string;
    readonly upstream: Upstream;
    readonly settings: OAuthSettings;
    /** Whose tokens, where each person has their own. */
    readonly person?: string;
  },
): Broker {
  const { kept, maskKey, world } = house;
  const { resource, server, upstream, settings, person } = about;
  if (kept === undefined) throw new Fault('config', 'Tokens of MCP servers cannot be kept here');
  return new Broker({
    settings,
    upstream,
    world,
    fetch: oauthFetch(house, upstream, settings.issuer),
    vault: vault(kept, maskKey, world, vaultName(resource, server, person)),
  });
}
