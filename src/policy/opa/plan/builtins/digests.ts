import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Builtin, type Builtins, text } from '../builtin.ts';

function hash(name: string): Builtin {
  return (args, { meter }) => {
    meter.spend(100 + (text(args, 0).length >> 3));
    return createHash(name).update(text(args, 0)).digest('hex');
  };
}

function hmac(name: string): Builtin {
  return (args, { meter }) => {
    meter.spend(200 + (text(args, 0).length >> 3));
    return createHmac(name, text(args, 1)).update(text(args, 0)).digest('hex');
  };
}

/** Hashes of texts. */
export const digests: Builtins = {
  'crypto.md5': hash('md5'),
  'crypto.sha1': hash('sha1'),
  'crypto.sha256': hash('sha256'),
  'crypto.hmac.md5': hmac('md5'),
  'crypto.hmac.sha1': hmac('sha1'),
  'crypto.hmac.sha256': hmac('sha256'),
  'crypto.hmac.sha512': hmac('sha512'),
  'crypto.hmac.equal': (args) => {
    const [left, right] = [Buffer.from(text(args, 0)), Buffer.from(text(args, 1))];
    return left.length === right.length && timingSafeEqual(left, right);
  },
};
