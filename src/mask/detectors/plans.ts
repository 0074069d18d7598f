import metadata from 'libphonenumber-js/max/metadata';

// The numbering plans of the world, compiled from libphonenumber's data as they are asked for. Parsing a number with the
// library costs 50 microseconds for each region; a cell has a few. A test holds both to the same answers.

interface Region {
  readonly code: string;
  /** Lengths of national numbers. */
  readonly lengths: ReadonlySet<number>;
  readonly pattern: () => RegExp;
  /** Telephones, mobiles, free numbers …: a number that is none of these is nobody's. */
  readonly kinds: () => readonly RegExp[];
  readonly forms: () => readonly Form[];
  /** What is dialled before a national number, and what it is rewritten as. */
  readonly prefix: (() => RegExp) | undefined;
  readonly rewritten: string | undefined;
  readonly dialled: string;
}

/** How a number is written: its groups where `pattern` fits and it begins with `leading`. */
interface Form {
  readonly pattern: RegExp;
  readonly leading: RegExp | undefined;
  readonly format: string;
  /** With what is dialled before it. */
  readonly national: string | undefined;
}

const raw: unknown = metadata;

function part(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;
}

function list(of: unknown): readonly unknown[] {
  return Array.isArray(of) ? of : [];
}

function words(of: unknown): string | undefined {
  return typeof of === 'string' ? of : undefined;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function whole(pattern: unknown): RegExp {
  return new RegExp(`^(?:${words(pattern) ?? '(?!)'})$`);
}

const regions: Map<string, Region | undefined> = new Map();

function regionOf(name: string): Region | undefined {
  if (regions.has(name)) return regions.get(name);
  const data = list(part(part(raw, 'countries'), name) ?? part(part(raw, 'nonGeographic'), name));
  const region = data.length === 0 ? undefined : read(data);
  regions.set(name, region);
  return region;
}

/** A region's data by place, as libphonenumber-js writes them (version 4 of its metadata). */
function read(data: readonly unknown[]): Region {
  const code = words(data[0]) ?? '';
  const dialled = words(data[5]) ?? '';
  const parsed = words(data[7]) ?? (dialled === '' ? undefined : dialled);
  const rule = words(data[6]);
  return {
    code,
    lengths: new Set(list(data[3]).map(Number)),
    pattern: once(() => whole(data[2])),
    kinds: once(() =>
      list(data[11]).flatMap((kind) => (list(kind)[0] === undefined ? [] : [whole(list(kind)[0])])),
    ),
    forms: once(() =>
      formsOf(code, data[4]).map((form) => {
        const [pattern, format, leading, own] = list(form);
        const last = words(list(leading).at(-1));
        const national = words(own) ?? rule;
        return {
          pattern: whole(pattern),
          leading: last === undefined ? undefined : new RegExp(`^(?:${last})`),
          format: words(format) ?? '',
          national,
        };
      }),
    ),
    prefix: parsed === undefined ? undefined : once(() => new RegExp(`^(?:${parsed})`)),
    rewritten: words(data[8]),
    dialled,
  };
}

/** Regions that share a code have the forms of the first of them. */
function formsOf(code: string, own: unknown): readonly unknown[] {
  const main = words(list(part(part(raw, 'country_calling_codes'), code))[0]);
  const theirs = main === undefined ? undefined : list(part(part(raw, 'countries'), main))[4];
  return list(theirs ?? own);
}

/** A number as it may stand in the plan: as written, and without what is dialled before it. */
function candidates(region: Region, digits: string): readonly string[] {
  const match = region.prefix === undefined ? null : region.prefix().exec(digits);
  if (match === null || match[0] === '') return [digits];
  const captured = match.length > 1 && match.at(-1) !== undefined;
  const rest =
    region.rewritten !== undefined && captured && region.prefix !== undefined
      ? digits.replace(region.prefix(), region.rewritten)
      : digits.slice(match[0].length);
  return [digits, rest];
}

function isSomebodys(region: Region, number: string): boolean {
  if (!region.pattern().test(number)) return false;
  const kinds = region.kinds();
  return kinds.length === 0 || kinds.some((kind) => kind.test(number));
}

const codes: Map<string, readonly Region[]> = new Map();

/** The regions with this calling code. */
function regionsOf(code: string): readonly Region[] {
  const known = codes.get(code);
  if (known !== undefined) return known;
  const names = list(part(part(raw, 'country_calling_codes'), code)).map(String);
  const found = (names.length > 0 ? names : [code]).flatMap((name) => regionOf(name) ?? []);
  codes.set(code, found);
  return found;
}

/** The digits behind a `+`: whether a plan has numbers so long, or, where `sure`, this very number. */
export function isInternational(digits: string, sure: boolean): boolean {
  for (let length = 1; length <= 3; length++) {
    const found = regionsOf(digits.slice(0, length));
    if (found.length > 0) return found.some((region) => isIn(region, digits.slice(length), sure));
  }
  return false;
}

function isIn(region: Region, digits: string, sure: boolean): boolean {
  return sure
    ? candidates(region, digits).some((number) => isSomebodys(region, number))
    : region.lengths.has(digits.length) ||
        candidates(region, digits).some((number) => region.lengths.has(number.length));
}

/** The digits of a number without its country's code, in one of these regions: as `isInternational`. */
export function isNational(digits: string, names: readonly string[], sure: boolean): boolean {
  return names.some((name) => {
    const region = regionOf(name);
    return region !== undefined && isIn(region, digits, sure);
  });
}

/**
 * Whether these digits are somebody's number in one of the regions and are grouped as its people write it: `512 391 647`.
 * `shape` has the lengths of the groups: `3-3-3`.
 */
export function isWrittenIn(digits: string, shape: string, names: readonly string[]): boolean {
  return names.some((name) => {
    const region = regionOf(name);
    if (region === undefined) return false;
    return candidates(region, digits).some(
      (number) => isSomebodys(region, number) && shapesOf(region, number, digits).includes(shape),
    );
  });
}

/** The same for a number that begins with its country's code, without any sign before it: `49 30 901820`. */
export function isWrittenWithCode(digits: string, shape: string): boolean {
  const code = digits.slice(0, Number(shape.split('-')[0]));
  const rest = digits.slice(code.length);
  return regionsOf(code).some((region) => {
    if (!isSomebodys(region, rest)) return false;
    // Behind the code, what is not the area's is often written as one: `86-10-69445464`.
    return shapesOf(region, rest, rest).some((each) =>
      [each, joined(each)].some((one) => `${code.length}-${one}` === shape),
    );
  });
}

/** `2-4-4` with all behind the first group as one: `2-8`. */
function joined(shape: string): string {
  const [first = '', ...rest] = shape.split('-');
  return rest.length < 2 ? shape : `${first}-${rest.reduce((sum, each) => sum + Number(each), 0)}`;
}

function shapesOf(region: Region, number: string, digits: string): readonly string[] {
  const form = region
    .forms()
    .find(({ pattern, leading }) => (leading === undefined || leading.test(number)) && pattern.test(number));
  if (form === undefined) return [];
  const written = [form.format];
  if (form.national !== undefined) written.push(form.format.replace(/(\$\d)/, form.national));
  // Where the prefix is dialled and not written in the form: `0` and the number.
  else if (region.dialled !== '')
    written.push(`${region.dialled} ${form.format}`, region.dialled + form.format);
  return written
    .map((format) => number.replace(form.pattern, format))
    .filter((text) => text.replaceAll(/\D/g, '') === digits)
    .map((text) => (text.match(/\d+/g) ?? []).map((group) => group.length).join('-'));
}
