/** Pure helpers for bots: amounts, shares, decoding, text for people. */
export * from './amounts.ts'
export * from './bps.ts'
export * from './decode.ts'
export * from './followCondition.ts'
export * from './readReserves.ts'
export * from './readToken.ts'
export * from './requireAbi.ts'
export * from './showValue.ts'
