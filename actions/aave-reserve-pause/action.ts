import { defineAction, type PolicyFacts, type ProbeContext, type ProbeResult } from 'tocsin'
import { encodeFunctionData, parseAbi } from 'viem/utils'
import { z } from 'zod'
import { ACTIVE_BIT, PAUSED_BIT, probeConfigurator } from '../aave/probeConfigurator.ts'
import { addressParameter, probed, readNumber } from '../words.ts'

const abi = parseAbi([
  'function setReservePause(address asset, bool paused)',
  'function getConfiguration(address asset) view returns (uint256)',
])

const parameters = z.strictObject({
  pool: addressParameter.describe('The Pool that the target, its PoolConfigurator, belongs to'),
  asset: addressParameter.describe("The reserve's underlying token"),
})
const read = (facts: Pick<PolicyFacts, 'parameters'>) => parameters.parse(facts.parameters)

const getConfiguration = (facts: Pick<PolicyFacts, 'parameters'>) => {
  const { pool, asset } = read(facts)
  const data = encodeFunctionData({ abi, functionName: 'getConfiguration', args: [asset] })
  return { to: pool, data }
}

const probeReserve = async ({ policy, call }: ProbeContext): Promise<ProbeResult> => {
  const { pool, asset } = read(policy)
  const { to, data } = getConfiguration(policy)
  const answer = await call(to, data)
  const word = answer.ok ? readNumber(answer.data) : undefined
  return probed(
    'reserve',
    ((word ?? 0n) & ACTIVE_BIT) !== 0n,
    'The reserve is listed and active.',
    `${asset} is no active reserve of the pool ${pool}.`,
  )
}

/** `setReservePause(asset, true)` of Aave v3's PoolConfigurator, by an emergency admin. Never with `false`. */
export const aaveReservePause = defineAction({
  id: 'aave-reserve-pause',
  summary: 'Pauses one reserve of an Aave v3 pool.',
  selectors: ['0x48d9fba9'],
  parameters,
  functions: () => ['setReservePause(address asset, bool paused)'],
  encode: (facts) =>
    encodeFunctionData({ abi, functionName: 'setReservePause', args: [read(facts).asset, true] }),
  isIdempotent: true,
  postcondition: {
    description: 'the reserve is paused',
    calls: (facts) => [getConfiguration(facts)],
    holds: (words) => words.length === 1 && ((readNumber(words[0]) ?? 0n) & PAUSED_BIT) !== 0n,
  },
  isAlreadyEffective: () => false,
  probe: async (context) => [
    ...(await probeConfigurator(context, read(context.policy).pool)),
    await probeReserve(context),
  ],
})
