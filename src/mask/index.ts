// Masking: finds sensitive values in texts and shows them as a rule says. A library by itself: it knows no protocol,
// does no I/O and has no clock. Packages import it as `sallyport/mask`.
//   scan(text)              what is sensitive in it, where, and how surely
//   mayContain(bytes, …)    a gate of tens of nanoseconds: false means that scan finds nothing
//   rowSieve()              the same for whole rows at once, behind their lengths
//   maskFindings(text, …)   the text with its findings shown by operators
//   showText(operator, …)   one value shown by one operator
//   textStream(…)           the same for a text that comes in pieces, byteStream(…) for its bytes
//   terminalStream(…)       the same for what a terminal is sent, judged as it is displayed
//   columnVote()            whether a column's numbers are of a type that a single one does not show
//   useDetectors(…)         more detectors, as data (detectorsCheck)
//   useModel(…)             a model that whoever waits for it asks too
//   untoken(token, key)     what a token stands for; revealTokens(…) for many, several keys and their types
// It promises: linear time; a detector that fails counts as a hit on the whole text; masking what is masked is a no-op.
export { mayContain, mayContainNoted, rowSieve } from './gate.ts';
export { mostRowBytes, mostSiftedColumns, type Sieve, wants } from './sieve/sieve.ts';
export { isContext, type More, scan, scanner, type Scanner, type ScanOptions } from './scan.ts';
export {
  findMasker,
  generaliseNumber,
  hashBytes,
  hashSixteen,
  maskFindings,
  showFindings,
  showText,
} from './operators.ts';
export { noisyDecimal, noisyFloat, noisyMoment } from './noise.ts';
export { type ColumnVote, columnVote, verdictOn, votedScore } from './vote.ts';
export { maskKey, type MaskKey } from './key.ts';
export { untoken } from './token.ts';
export { otherType, type Revealed, revealTokens, tokensDigest } from './reveal.ts';
export { normalise } from './normalise.ts';
export { wordsOf } from './context.ts';
export { detectorsInUse, useDetectors } from './registry.ts';
export { modelInUse, type TextModel, useModel } from './model.ts';
export { detectorsCheck } from './own.ts';
export { detectors, entityNames } from './detectors/index.ts';
export type { Detector, DigitsDetector, Finding } from './detector.ts';
export { type TerminalParts, type TerminalStream, terminalStream } from './terminal.ts';
export { partsAt } from './parted.ts';
export { type ByteStream, byteStream, type StreamParts, type TextStream, textStream } from './stream.ts';
