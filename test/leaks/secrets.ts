/** A value that no client may see. `kept`: what the strongest operator on its column shows of it on purpose. */
export interface Secret {
  readonly column: string; // `public.people.ssn`
  readonly text: string;
  readonly kept?: string;
}

/** A piece of a secret that was found, and in which clothes. */
export interface Leak {
  readonly secret: Secret;
  readonly form: string;
  readonly piece: string;
}

/** Letters in a row that tell a secret. */
const piece = 6;

/**
 * Searches bytes for secrets: plain, backwards, in hexadecimal, base64 (each of its three phases), URL-encoded, their
 * digits alone, and as PostgreSQL's binary numbers; whole or a piece of six letters. What an operator keeps is no leak.
 */
export function searcher(secrets: readonly Secret[]): (bytes: Uint8Array) => readonly Leak[] {
  const windows = new Map<number, Map<string, Leak>>();
  for (const secret of secrets) {
    const kept = new Set(secret.kept === undefined ? [] : formsOf(secret.kept).flatMap(cut));
    for (const form of formsOf(secret.text)) {
      for (const text of cut(form)) {
        if (kept.has(text)) continue;
        const found = windows.get(text.length) ?? new Map<string, Leak>();
        windows.set(text.length, found);
        if (!found.has(text)) found.set(text, { secret, form: form.name, piece: text });
      }
    }
  }
  return (bytes) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      .toString('latin1')
      .toLowerCase();
    const leaks = new Map<string, Leak>();
    for (const [length, known] of windows) {
      for (let at = text.length - length; at >= 0; at--) {
        const leak = known.get(text.substring(at, at + length));
        if (leak !== undefined) leaks.set(`${leak.secret.column} ${leak.form} ${leak.secret.text}`, leak);
      }
    }
    return [...leaks.values()];
  };
}

interface Form {
  readonly name: string;
  readonly text: string;
  readonly length: number;
}

function formsOf(text: string): readonly Form[] {
  const whole = text.toLowerCase();
  const digits = text.replace(/\D/g, '');
  const isNumber = /^\d+$/.test(text);
  const forms: Form[] = [];
  for (const [way, each] of [
    ['', text],
    ['backwards ', text.split('').toReversed().join('')],
  ] as const) {
    forms.push({ name: `${way}plain`, text: each.toLowerCase(), length: Math.min(piece, whole.length) });
    for (const letters of new Set([each, each.toUpperCase(), each.toLowerCase()])) {
      const hex = Buffer.from(letters).toString('hex');
      forms.push({ name: `${way}hex`, text: hex, length: Math.min(piece * 2, hex.length) });
      for (const [at, before] of ['', 'x', 'xx'].entries()) {
        // The letters at both ends also hold bits of what stands beside them.
        const encoded = Buffer.from(before + letters).toString('base64');
        const inner = encoded.slice(at === 0 ? 0 : 4, Math.floor((at + letters.length) / 3) * 4);
        if (inner.length >= 8) forms.push({ name: `${way}base64`, text: inner.toLowerCase(), length: 8 });
      }
    }
    const url = encodeURIComponent(each).toLowerCase();
    if (url !== each.toLowerCase()) forms.push({ name: `${way}url`, text: url, length: piece + 2 });
    const own = each.replace(/\D/g, '');
    if (digits.length >= piece && digits !== text)
      forms.push({ name: `${way}digits`, text: own, length: piece });
  }
  return isNumber && text.length >= piece && text.length <= 18 ? [...forms, ...binary(text)] : forms;
}

/** As int8, int4 and numeric are sent in binary (PostgreSQL source, utils/adt/{int,int8,numeric}.c). */
function binary(text: string): readonly Form[] {
  const long = Buffer.alloc(8);
  long.writeBigInt64BE(BigInt(text));
  const groups = text.padStart(Math.ceil(text.length / 4) * 4, '0').match(/\d{4}/g) ?? [];
  const numeric = Buffer.from(groups.flatMap((each) => [Number(each) >> 8, Number(each) & 255]));
  const all = [
    ['int8', long],
    ['numeric', numeric],
  ] as const;
  return all.map(([name, bytes]) => {
    const letters = bytes.toString('latin1').toLowerCase();
    return { name, text: letters, length: letters.length };
  });
}

function cut({ text, length }: Form): readonly string[] {
  if (text.length < length || length === 0) return [];
  return Array.from({ length: text.length - length + 1 }, (_, at) => text.slice(at, at + length));
}
