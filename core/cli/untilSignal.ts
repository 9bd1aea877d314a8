/**
 * Resolves at Ctrl-C, SIGTERM, or (for a supervised process) when the supervisor is gone. A second Ctrl-C ends at once.
 */
export const untilSignal = (): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      resolve()
      process.once('SIGINT', () => process.exit(130))
    }
    process.once('SIGINT', end)
    process.once('SIGTERM', end)
    if (process.connected) process.once('disconnect', end)
  })
