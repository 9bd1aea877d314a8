/** Parts in a billion. */
export const PPB = 1_000_000_000

/** What a vault's price usually does. Six numbers, whatever happens. */
export type Usual = {
  /** Gain in an hour, smoothed over about ten of them (ppb). */
  readonly perHour: number
  /** Largest ordinary move in one block, forgotten by half in two weeks (ppb). */
  readonly move: number
  /** The hour that is being counted: its start, and the gain so far. */
  readonly hourS: number
  readonly gained: number
  /** When the price last moved. */
  readonly movedS: number
  readonly hours: number
}

/** Nothing larger than this is learned from: an attack in steps must not teach that steps are usual. */
const MOST = 20_000_000
const HOUR_S = 3_600
const SMOOTH = 0.1
const KEEP_PER_HOUR = 0.5 ** (1 / 336)
/** A price that stood still for longer than this has earned no more than this. */
const MOST_IDLE_S = 31 * 86_400

export const beginUsual = (nowS: number): Usual => ({
  perHour: 0,
  move: 0,
  hourS: nowS,
  gained: 0,
  movedS: nowS,
  hours: 0,
})

/** The vault's usual after a move; call it when the price moved only. */
export const learn = (usual: Usual, movePpb: number, nowS: number): Usual => {
  const size = Math.min(Math.abs(movePpb), MOST)
  const gained = usual.gained + (movePpb > 0 ? size : 0)
  const passed = (nowS - usual.hourS) / HOUR_S
  if (passed < 1) return { ...usual, gained, move: Math.max(usual.move, size), movedS: nowS }
  const rate = gained / passed
  const weight = usual.hours === 0 ? 1 : 1 - (1 - SMOOTH) ** Math.min(passed, 100)
  return {
    perHour: usual.perHour + (rate - usual.perHour) * weight,
    move: Math.max(usual.move * KEEP_PER_HOUR ** passed, size),
    hourS: nowS,
    gained: 0,
    movedS: nowS,
    hours: Math.min(usual.hours + passed, 1e6),
  }
}

/** The gain that would be no surprise now (ppb): yield since the price last moved, or a report like those before. */
export const expectedGain = (usual: Usual, factor: number, nowS: number): number =>
  Math.max(
    (factor * usual.perHour * Math.min(nowS - usual.movedS, MOST_IDLE_S)) / HOUR_S,
    3 * usual.move,
  )

/** The loss that would be no surprise (ppb): of a vault whose price moves both ways. */
export const expectedLoss = (usual: Usual): number => 3 * usual.move
