import { uniform } from '../checks.ts';
import type { DigitsDetector } from '../detector.ts';

export const ssn: DigitsDetector = {
  kind: 'digits',
  name: 'US_SSN',
  lengths: [9],
  shapes: ['9', '3-2-4'],
  alone: (shape) => shape === '3-2-4',
  context: ['ssn', 'social security', 'social$', 'nss', 'seguro social', 'sécurité sociale', 'tax id'],
  examples: {
    yes: ['219-09-9999', '219 09 9998', '219.09.9998', '219\u200909\u20099998'],
    no: [
      '000-12-3456',
      '666-12-3456',
      '219-00-9999',
      '219-09-0000',
      '457555462',
      '078-05-1120-1',
      '12-345-6789',
    ],
  },
  judge: ({ digits, shape, before, after, raw }) => {
    const bare = shape === '9';
    if (!bare && shape !== '3-2-4') return 0;
    if (/\d[-./ ]?$/.test(before) || /^[-./]?\d/.test(after)) return 0;
    if (bare && /\p{L}[-_]$/u.test(before)) return 0;
    // No area 000, 666 or 9xx (written with dashes it is still somebody's, of another register), no group 00, no serial 0000 (SSA, 20 CFR 422.103); numbers printed in advertisements.
    const wrong =
      digits.startsWith('000') ||
      digits.startsWith('666') ||
      (digits.startsWith('9') && (bare || raw[3] !== '-' || raw[6] !== '-')) ||
      digits.slice(3, 5) === '00' ||
      digits.endsWith('0000') ||
      uniform(digits) ||
      digits === '123456789';
    if (wrong) return -1;
    if (bare) return 0.05;
    // Two kinds of separator are no way to write it down.
    return raw[3] !== raw[6] ? -1 : digits.startsWith('9') ? 0.5 : 0.85;
  },
};
