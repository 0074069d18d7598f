import { type Check, isObject, map, number, object, optional, type Problem } from '../base/check.ts';
import { ok } from '../base/result.ts';
import { entities } from '../mask/entities.ts';
import { nerCheck, nerIn, type NerSettings } from '../ner/index.ts';

/** The model that finds names, and how much of it there is. */
export interface NerModelSettings extends NerSettings {
  /** Characters of one answer that it is given; each text beyond is masked whole. */
  readonly longest: number;
  /** So many texts are read at the same time; each thread has the model in its memory. */
  readonly threads: number;
}

const ours = object({
  longest: optional(number({ min: 100, max: 10_000_000, integer: true })),
  threads: optional(number({ min: 1, max: 64, integer: true })),
});
const defaultWithinMs = 2_000;
const defaultLongest = 200_000;

/** Reads `ner:`; folders are relative to the file's. Whether the model is there is found out when it is opened. */
export function nerModelCheck(folder: string): Check<NerModelSettings> {
  return (raw, path) => {
    const { longest, threads, ...model } = isObject(raw) ? raw : {};
    const size = ours(isObject(raw) ? { longest, threads } : raw, path);
    if (!size.ok) return size;
    const settings: Check<NerSettings> = map(
      nerCheck(() => true),
      (read) => ok(nerIn(folder, read)),
    );
    const read = settings({ withinMs: defaultWithinMs, ...model }, path);
    if (!read.ok) return read;
    return ok({
      ...read.value,
      longest: size.value.longest ?? defaultLongest,
      threads: size.value.threads ?? 1,
    });
  };
}

/** Labels that are found as what no detector finds: no rule could name it. */
export function foundAsNothing(
  ner: NerModelSettings | undefined,
  own: readonly { readonly name: string }[],
): readonly Problem[] {
  return Object.entries(ner?.labels ?? {})
    .filter(([, type]) => !entities.includes(type) && !own.some(({ name }) => name === type))
    .map(([label, type]) => ({ path: `ner.labels.${label}`, message: `No detector finds "${type}"` }));
}
