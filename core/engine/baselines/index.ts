/** Baselines for bots: what is usual, and how unusual a value is. Pure, deterministic, with small JSON states. */
export * from './changePoint.ts'
export * from './cusum.ts'
export * from './distinct.ts'
export * from './ewma.ts'
export {
  MAD_TO_SIGMA,
  MAX_Z,
  medianOf,
  type RobustSpread,
  robustZ,
  spreadOf,
} from './robust.ts'
export * from './seasonal.ts'
