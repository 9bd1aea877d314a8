import type { BotPackage } from '../forta/types.ts'

/** A name for the watchlist out of that of the package. */
export const nameOfBot = ({ name }: BotPackage): string =>
  name
    .toLowerCase()
    .replace(/^@[^/]+\//, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 60) || 'forta-bot'
