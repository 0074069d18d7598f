import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * The whole YAML reader and writer. Loaded when first asked for: plain files are read without it (decision 010), and to
 * load it takes longer than to check them.
 */
export function yamlLibrary(): typeof import('yaml') {
  return require('yaml') as typeof import('yaml');
}
