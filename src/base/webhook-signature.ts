import type { Secret } from './secret.ts';
import type { Instant } from './time.ts';

/**
 * The three headers of Standard Webhooks (https://www.standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`,
 * once for each secret, so that a secret can be replaced without a gap. Secrets are `whsec_` and base64.
 */
export async function webhookHeaders(
  message: { readonly id: string; readonly at: Instant; readonly body: string },
  secrets: readonly Secret[],
): Promise<Readonly<Record<string, string>>> {
  const timestamp = String(Math.floor(message.at / 1_000));
  const signed = new TextEncoder().encode(`${message.id}.${timestamp}.${message.body}`);
  const signatures = await Promise.all(
    secrets.map(async (secret) => {
      const bytes = fromBase64(secret.reveal('sign a webhook').replace(/^whsec_/, ''));
      const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, [
        'sign',
      ]);
      return `v1,${toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', key, signed)))}`;
    }),
  );
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
