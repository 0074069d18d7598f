import { createHmac, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import type { Secret } from '../base/secret.ts';
import type { World } from '../base/time.ts';
import type { HookAnswer, HookRequest } from '../core/review.ts';
import type { PolicySettings } from './policy-config.ts';
import { directoryReader, gitReader, type PolicyReader, pushReader, type Signing } from './policy-readers.ts';

/** The reader of these settings; what it must keep lies in `home/policy`. */
export function readerOf(settings: PolicySettings, home: string, world: World): PolicyReader {
  const folder = join(home, 'policy');
  const { keys } = settings;
  const signing: Signing | undefined =
    keys.length === 0 ? undefined : { keys, floorFile: join(folder, 'version') };
  switch (settings.kind) {
    case 'directory':
      return directoryReader(settings.directory, signing);
    case 'git':
      return gitReader({ ...settings, folder, world }, signing);
    case 'push':
      // SECURITY: without keys nothing opens a bundle.
      return pushReader(
        folder,
        signing ?? { keys: [], floorFile: join(folder, 'version') },
        settings.initial,
      );
  }
}

/**
 * What a forge posts after a push: only a reason to look sooner. GitHub signs the body (X-Hub-Signature-256), GitLab
 * sends the secret itself (X-Gitlab-Token).
 */
export function policyHook(
  secret: Secret,
  look: () => Promise<void>,
): (request: HookRequest) => Promise<HookAnswer> {
  return ({ header, body }) => {
    const own = secret.reveal('the hook of the policy');
    const signature = header('x-hub-signature-256');
    const token = header('x-gitlab-token');
    const made = `sha256=${createHmac('sha256', own).update(body).digest('hex')}`;
    const right = signature === undefined ? token !== undefined && same(token, own) : same(signature, made);
    if (!right)
      return Promise.resolve({ status: 401, type: 'text/plain', text: 'The signature is not right\n' });
    void look();
    return Promise.resolve({ status: 202, type: 'text/plain', text: 'Looking\n' });
  };
}

function same(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHmac('sha256', 'compare').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
