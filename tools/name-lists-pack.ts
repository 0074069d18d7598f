// Standard input, compressed, as src/mask/names/lists.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';

const text = readFileSync(0);
const packed = brotliCompressSync(text, {
  params: { [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_SIZE_HINT]: text.length },
});
writeFileSync(
  join(import.meta.dirname, '..', 'src', 'mask', 'names', 'lists.ts'),
  `/** Made by tools/name-lists.py; what is in it and from where: README.md. Brotli in Base64. */\nexport const packedLists: string =\n  '${packed.toString('base64')}';\n`,
);
