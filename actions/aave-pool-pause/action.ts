import { defineAction, type PolicyFacts, type ProbeContext, type ProbeResult } from 'tocsin'
import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem/utils'
import { z } from 'zod'
import { PAUSED_BIT, probeConfigurator } from '../aave/probeConfigurator.ts'
import { addressParameter, probed, readNumber } from '../words.ts'

const abi = parseAbi([
  'function setPoolPause(bool paused)',
  'function getConfiguration(address asset) view returns (uint256)',
  'function getReservesList() view returns (address[])',
])
const ZERO_ADDRESS = `0x${'00'.repeat(20)}`
/** As many reserves as a pool of Aave v3 can have. */
const MAX_ASSETS = 128

const parameters = z.strictObject({
  pool: addressParameter.describe('The Pool that the target, its PoolConfigurator, belongs to'),
  assets: z
    .array(addressParameter)
    .min(1)
    .max(MAX_ASSETS)
    .describe('Its reserves at the time of the approval: the effect is read from every one'),
})
const read = (facts: Pick<PolicyFacts, 'parameters'>) => parameters.parse(facts.parameters)

const readReserves = async ({ policy, call }: ProbeContext) => {
  const data = encodeFunctionData({ abi, functionName: 'getReservesList' })
  const answer = await call(read(policy).pool, data)
  try {
    return decodeFunctionResult({ abi, functionName: 'getReservesList', data: answer.data })
      .map((each) => each.toLowerCase())
      .filter((each) => each !== ZERO_ADDRESS)
  } catch {
    return undefined
  }
}

/** A reserve that was listed after the approval is paused too, but its effect would not be looked at. */
const probeReserves = async (context: ProbeContext): Promise<ProbeResult> => {
  const { pool, assets } = read(context.policy)
  const listed = await readReserves(context)
  const known: readonly string[] = assets
  const added = listed?.filter((each) => !known.includes(each)) ?? []
  const gone = known.filter((each) => !listed?.includes(each))
  const faults = [
    added.length > 0 ? `listed since: ${added.slice(0, 5).join(', ')}` : '',
    gone.length > 0 ? `not listed: ${gone.slice(0, 5).join(', ')}` : '',
  ]
  return probed(
    'reserves',
    listed !== undefined && added.length + gone.length === 0,
    `The policy names all ${known.length} reserves.`,
    `The policy's assets are not the reserves of ${pool} (${faults.filter(Boolean).join('; ')}).`,
  )
}

/** `setPoolPause(true)` of Aave v3's PoolConfigurator, by an emergency admin. Never with `false`. */
export const aavePoolPause = defineAction({
  id: 'aave-pool-pause',
  summary: 'Pauses every reserve of an Aave v3 pool.',
  selectors: ['0x7641f3d9'],
  parameters,
  functions: () => ['setPoolPause(bool paused)'],
  encode: () => encodeFunctionData({ abi, functionName: 'setPoolPause', args: [true] }),
  isIdempotent: true,
  postcondition: {
    description: 'every reserve of the pool is paused',
    calls: (facts) => {
      const { pool, assets } = read(facts)
      return assets.map((asset) => ({
        to: pool,
        data: encodeFunctionData({ abi, functionName: 'getConfiguration', args: [asset] }),
      }))
    },
    holds: (words, facts) =>
      words.length === read(facts).assets.length &&
      words.every((word) => ((readNumber(word) ?? 0n) & PAUSED_BIT) !== 0n),
  },
  isAlreadyEffective: () => false,
  probe: async (context) => [
    ...(await probeConfigurator(context, read(context.policy).pool)),
    await probeReserves(context),
  ],
})
