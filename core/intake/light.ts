/** The side door for rooms that bring kinds of receivers: how signatures are checked and what is answered, no database. */
export { isFresh, isSigned, keysOf, macOf } from './signatures.ts'
export { accept, badSignature, refuse, stale } from './verdicts.ts'
