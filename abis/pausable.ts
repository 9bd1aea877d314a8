import { parseAbi } from 'viem/utils'

/** OpenZeppelin Pausable, with the public entries that contracts usually give it. */
export const pausableAbi = parseAbi([
  'event Paused(address account)',
  'event Unpaused(address account)',
  'function paused() view returns (bool)',
  'function pause()',
  'function unpause()',
])
