/** What stands now and must be ended by whoever started it: each entry ends one thing, and takes itself out. */
export const leftBehind = new Set<() => Promise<void>>()

/** Keeps a way to end something in `leftBehind` until it was gone. */
export const keepEnding = (end: () => Promise<void>): (() => Promise<void>) => {
  const whole = async (): Promise<void> => {
    leftBehind.delete(whole)
    await end()
  }
  leftBehind.add(whole)
  return whole
}
