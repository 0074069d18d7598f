// People's names and postal addresses in sentences, by lists of names and places and by the words around them.
//   namesIn(text)    both, in order
//   nameAlone(text)  the whole text, where it is a name and nothing else
//   mayName(bytes)   a gate: false means that namesIn finds nothing
// Linear in the text. A name that stands alone is none for `namesIn`: the column's name says what it is.
export { namesIn, nameAlone } from './find.ts';
export { mayName, wordInNames } from './gate.ts';
export { clearReach, isClear } from './cut.ts';
