import { z } from 'zod'

const reviewBy = '2027-05-31'
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'an address')
  .transform((text): `0x${string}` => `0x${text.slice(2).toLowerCase()}`)

/** MultiSendCallOnly of Safe 1.3.0 (two deployments), 1.4.1 and 1.5.0: these can make plain calls only. */
const CALL_ONLY = [
  '0x40a2accbd92bca938b02010e17a5b8929b49130d',
  '0xa1dabef33b3b82c7814b6d82a79e50f4ac44102b',
  '0x9641d764fc13c8b624c04430c7356c1c7c8102e2',
  '0xa83c336b20401af773b6219ba5027174338d1836',
]

export const adminCallParameters = z.strictObject({
  traces: z.enum(['never', 'whenTouched', 'always']).default('never').meta({
    description:
      'Call traces, to see internal calls of admin functions that emit nothing. `whenTouched`: of blocks that changed the state of the thing.',
    source:
      'own choice: traces cost the node far more than all else; slots and top-level calls are watched in any case',
    reviewBy,
  }),
  slots: z.enum(['proxies', 'always', 'never']).default('proxies').meta({
    description:
      'ERC-1967 slots (implementation, admin, beacon) read at every block; of a Safe, its singleton.',
    source: 'logs can be forged by an implementation, a slot cannot',
    reviewBy,
  }),
  watchSlots: z
    .record(
      z.string().regex(/^[\w .-]{1,40}$/, 'a name of at most 40 letters, digits, dots, dashes'),
      z.string().regex(/^0x[0-9a-fA-F]{64}$/, 'a storage slot: 0x and 64 hexadecimal digits'),
    )
    .default({})
    .meta({
      description: 'More storage slots of this thing that must not change unseen, by name.',
      source: 'none: things differ',
      reviewBy,
    }),
  events: z
    .array(
      z
        .string()
        .regex(/^[A-Za-z_$][\w$]*(\(.*\))?$/, 'a name, or a signature such as FeeSet(uint256)'),
    )
    .max(64)
    .default([])
    .meta({
      description: 'More events of this thing to report; by name only where the thing has an ABI.',
      source: 'none: things differ',
      reviewBy,
    }),
  ignoreFunctions: z.array(z.string().min(1)).max(64).default([]).meta({
    description: 'Functions of the built-in list that are not watched, by name or signature.',
    source: 'none',
    reviewBy,
  }),
  allowedCallers: z.array(address).max(64).default([]).meta({
    description:
      'Who changes things by right: what they do is Info. Silent slot changes stay what they are.',
    source: 'none: name the Safe or the timelock, never a hot key',
    reviewBy,
  }),
  allowedImplementations: z.array(address).max(64).default([]).meta({
    description: 'Implementations and Safe singletons whose installation is expected: Info.',
    source: 'none: enter the audited release before it is installed',
    reviewBy,
  }),
  delegateTargets: z
    .array(address)
    .max(64)
    .default(CALL_ONLY.map((one) => address.parse(one)))
    .meta({
      description: 'Where a Safe may delegatecall to without being reported.',
      source: "the deployments of Safe's MultiSendCallOnly",
      reviewBy,
    }),
  priceGapBps: z.int().min(1).max(10_000).default(1_000).meta({
    description:
      'A new source whose price is further than this from the old one is Critical (bps of the old price).',
    source: 'published oracle rules: two sources more than 10 % apart',
    reviewBy,
  }),
  minNoticeS: z.int().min(0).max(2_592_000).default(60).meta({
    description:
      'Of a timelock or governor: what stood in its queue for at least this long, and for its delay, and was then executed as queued, is an announced change: at most Medium (seconds).',
    source:
      "own choice: the delay is the timelock's own and is told of when it is cut; a minute keeps out queues that are none",
    reviewBy,
  }),
  graceBlocks: z.int().min(0).max(100_000).default(0).meta({
    description:
      'Blocks after `deployBlock` in which changes are set-up and merely Info; that block itself always is.',
    source:
      'own choice: a takeover right after the deployment must not hide; raise it for a deployment that is watched',
    reviewBy,
  }),
})

export type AdminCallParameters = z.infer<typeof adminCallParameters>
