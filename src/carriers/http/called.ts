// What values are called, and how their names change them.

/** A number that lost the zeros it began with, as numbers do. */
export function withZeros(text: string): readonly string[] {
  const [, digits] = /^\s*([1-9]\d{5,9})\s*$/.exec(text) ?? [];
  return digits === undefined ? [] : [`0${digits}`, `00${digits}`];
}

/** What values are called that stand under a key: one that says nothing is called as what it stands in. */
export function calledIn(key: string, above: string | undefined): string {
  if (above === undefined || above === '' || above === key) return key;
  if (saysNothing.test(key)) return above;
  return saysLittle.test(key) ? `${above} ${key}`.slice(-longestName) : key;
}

const saysNothing = /^(?:[@#$_]?(?:value|text|val|v|t|raw|data|content|plain|item|entry)s?|[$_]+|\d{1,4})$/i;
const saysLittle = /^(?:number|numero|nummer|num|no|nr)$/i;
const longestName = 200;
