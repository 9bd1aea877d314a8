import { TocsinError } from '../base/index.ts'
import type { IntakeConfig, ReceiverConfig } from '../config/types.ts'

const PATH = /^[A-Za-z0-9_-]{24,200}$/

const faultOf = (receiver: ReceiverConfig): string | undefined => {
  const fields = new Map(Object.entries(receiver))
  const path = fields.get('path')
  if (typeof path === 'string' && !PATH.test(path))
    return '`path` must be 24 to 200 characters of [A-Za-z0-9_-]'
  for (const name of ['secret', 'previous', 'token']) {
    const value = fields.get(name)
    if (typeof value === 'string' && value.length < 16)
      return `\`${name}\` must have 16 characters or more`
  }
  return undefined
}

/**
 * Whether every secret is one that cannot be guessed.
 * @throws TocsinError `intake.weak_secret` (exit code 2)
 */
export const checkSecrets = ({ receivers }: IntakeConfig): void => {
  const faults = receivers
    .filter(({ enabled }) => enabled)
    .flatMap((receiver) => {
      const fault = faultOf(receiver)
      return fault === undefined ? [] : [`intake.receivers.${receiver.name}: ${fault}.`]
    })
  if (faults.length === 0) return
  throw new TocsinError('intake.weak_secret', 'A secret of the intake can be guessed.', {
    exitCode: 2,
    hints: [...faults, '`openssl rand -hex 32` makes a good one.'],
  })
}
