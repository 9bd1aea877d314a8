import type { ThingKind } from '../../config/types.ts'

/** Every kind of thing with an address to watch: all but labels. */
export const EVERY_KIND: readonly ThingKind[] = [
  'contract',
  'proxy',
  'token',
  'vault',
  'pool',
  'lending-market',
  'multisig',
  'governor',
  'timelock',
  'oracle',
  'bridge',
  'treasury',
]
