import { TocsinError } from './errors.ts'

/** Why a server cannot listen, for an operator: `port.in_use`, or `port.unusable`; exit code 4. */
export const portError = (
  cause: unknown,
  options: {
    readonly host: string
    readonly port: number
    /** What would be served there, e.g. `the console`. */
    readonly what: string
    /** Key of the watchlist that says otherwise, e.g. `console.port`. */
    readonly setting: string
  },
): TocsinError => {
  const { host, port, what, setting } = options
  const code =
    typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : ''
  if (code === 'EADDRINUSE')
    return new TocsinError(
      'port.in_use',
      `Port ${port} on ${host} is taken, so ${what} cannot be served there.`,
      {
        cause,
        exitCode: 4,
        hints: [
          `Name another \`${setting}\` in the watchlist, or stop what listens there.`,
          'Perhaps another Tocsin runs already: `tocsin status`.',
        ],
      },
    )
  const reason =
    { EACCES: 'this user may not', EADDRNOTAVAIL: `this machine has no address ${host}` }[code] ??
    (code || 'it failed')
  return new TocsinError(
    'port.unusable',
    `Nothing can listen on ${host}:${port} (${reason}), so ${what} cannot be served there.`,
    { cause, exitCode: 4, hints: [`Change \`${setting}\` in the watchlist.`] },
  )
}
