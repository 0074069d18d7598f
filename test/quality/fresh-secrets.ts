import type { Faker } from '@faker-js/faker';
import type { Below } from './made.ts';

type Make = (faker: Faker, below: Below) => string;

const letters = (faker: Faker, length: number): string => faker.string.alphanumeric(length);
const hex = (faker: Faker, length: number): string =>
  faker.string.hexadecimal({ length, prefix: '', casing: 'lower' });
const upper = (faker: Faker, length: number): string =>
  faker.string.fromCharacters('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', length);

/** No file of this repository has the beginning of a token in one piece. */
const put = (head: string, rest: string): string => head + rest;

/** Tokens that say by a prefix whose they are, as their issuers document them. Put together so that no file has one. */
export const secrets: readonly (readonly [type: string, make: Make])[] = [
  ['API_KEY', (f) => put('gh', `p_${letters(f, 36)}`)],
  ['API_KEY', (f) => put('gh', `s_${letters(f, 36)}`)],
  ['API_KEY', (f) => put('github', `_pat_${letters(f, 22)}_${letters(f, 59)}`)],
  ['API_KEY', (f) => put('gl', `pat-${letters(f, 20)}`)],
  ['API_KEY', (f) => put('xox', `b-${f.string.numeric(12)}-${f.string.numeric(12)}-${letters(f, 24)}`)],
  ['API_KEY', (f) => put('sk_', `live_${letters(f, 24)}`)],
  ['API_KEY', (f) => put('rk_', `live_${letters(f, 24)}`)],
  ['API_KEY', (f) => put('sk-', `ant-api03-${letters(f, 93)}AA`)],
  ['API_KEY', (f) => put('sk-', `proj-${letters(f, 48)}`)],
  ['API_KEY', (f) => put('AI', `za${letters(f, 35)}`)],
  ['API_KEY', (f) => put('npm', `_${letters(f, 36)}`)],
  ['API_KEY', (f) => put('SG', `.${letters(f, 22)}.${letters(f, 43)}`)],
  ['API_KEY', (f) => put('dop', `_v1_${hex(f, 64)}`)],
  ['API_KEY', (f) => put('shp', `at_${hex(f, 32)}`)],
  ['API_KEY', (f) => put('hv', `s.${letters(f, 24)}`)],
  ['API_KEY', (f) => put('hf', `_${f.string.alpha(34)}`)],
  ['API_KEY', (f) => `dapi${hex(f, 32)}`],
  ['API_KEY', (f) => put('glsa', `_${letters(f, 32)}_${hex(f, 8)}`)],
  ['API_KEY', (f) => put('key', `-${hex(f, 32)}`)],
  ['API_KEY', (f) => put('pypi-', `AgEIcHlwaS5vcmc${letters(f, 60)}`)],
  ['API_KEY', (f) => put('lin_', `api_${letters(f, 40)}`)],
  ['API_KEY', (f) => put('ya29', `.${letters(f, 60)}`)],
  ['API_KEY', (f) => put('GOCSPX', `-${letters(f, 28)}`)],
  ['API_KEY', (f) => put('whsec', `_${letters(f, 32)}`)],
  ['API_KEY', (f) => put('sq0', `csp-${letters(f, 43)}`)],
  ['API_KEY', (f) => put('PMAK', `-${hex(f, 24)}-${hex(f, 34)}`)],
  ['AWS_ACCESS_KEY', (f) => put('AK', `IA${upper(f, 16)}`)],
  ['AWS_ACCESS_KEY', (f) => put('AS', `IA${upper(f, 16)}`)],
];
