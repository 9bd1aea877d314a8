import {
  defineAction,
  type Hex,
  type PolicyFacts,
  type ProbeContext,
  type ProbeResult,
} from 'tocsin'
import { encodeFunctionData, parseAbi } from 'viem/utils'
import { z } from 'zod'
import { addressParameter, probed, probePauseGuardian, TRUE } from '../words.ts'

const abi = parseAbi([
  'function _setMintPaused(address cToken, bool state) returns (bool)',
  'function _setBorrowPaused(address cToken, bool state) returns (bool)',
  'function _setTransferPaused(bool state) returns (bool)',
  'function _setSeizePaused(bool state) returns (bool)',
  'function mintGuardianPaused(address cToken) view returns (bool)',
  'function borrowGuardianPaused(address cToken) view returns (bool)',
  'function transferGuardianPaused() view returns (bool)',
  'function seizeGuardianPaused() view returns (bool)',
  'function markets(address cToken) view returns (bool)',
])

const parameters = z.discriminatedUnion('what', [
  z.strictObject({ what: z.literal('mint'), market: addressParameter.describe('The cToken') }),
  z.strictObject({ what: z.literal('borrow'), market: addressParameter.describe('The cToken') }),
  z.strictObject({ what: z.literal('transfer') }),
  z.strictObject({ what: z.literal('seize') }),
])
const read = (facts: Pick<PolicyFacts, 'parameters'>) => parameters.parse(facts.parameters)

const encode = (facts: PolicyFacts): Hex => {
  const wanted = read(facts)
  switch (wanted.what) {
    case 'mint':
      return encodeFunctionData({
        abi,
        functionName: '_setMintPaused',
        args: [wanted.market, true],
      })
    case 'borrow':
      return encodeFunctionData({
        abi,
        functionName: '_setBorrowPaused',
        args: [wanted.market, true],
      })
    case 'transfer':
      return encodeFunctionData({ abi, functionName: '_setTransferPaused', args: [true] })
    case 'seize':
      return encodeFunctionData({ abi, functionName: '_setSeizePaused', args: [true] })
  }
}

const encodeFlag = (facts: PolicyFacts): Hex => {
  const wanted = read(facts)
  switch (wanted.what) {
    case 'mint':
      return encodeFunctionData({ abi, functionName: 'mintGuardianPaused', args: [wanted.market] })
    case 'borrow':
      return encodeFunctionData({
        abi,
        functionName: 'borrowGuardianPaused',
        args: [wanted.market],
      })
    case 'transfer':
      return encodeFunctionData({ abi, functionName: 'transferGuardianPaused' })
    case 'seize':
      return encodeFunctionData({ abi, functionName: 'seizeGuardianPaused' })
  }
}

const probeMarket = async ({ policy, call }: ProbeContext): Promise<readonly ProbeResult[]> => {
  const wanted = read(policy)
  if (!('market' in wanted)) return []
  const data = encodeFunctionData({ abi, functionName: 'markets', args: [wanted.market] })
  const answer = await call(policy.target, data)
  return [
    probed(
      'market',
      answer.ok && answer.data.slice(0, 66) === TRUE,
      'The market is listed.',
      `${wanted.market} is no market of ${policy.target}.`,
    ),
  ]
}

/** One switch of Compound v2's pause guardian: minting or borrowing of a market, transfers, or seizing. */
export const compoundV2Guardian = defineAction({
  id: 'compound-v2-guardian',
  summary: "Throws one switch of a Compound v2 Comptroller's pause guardian.",
  selectors: ['0x3bcf7ec1', '0x18c882a5', '0x8ebf6364', '0x2d70db78'],
  parameters,
  functions: () => [
    '_setMintPaused(address cToken, bool state)',
    '_setBorrowPaused(address cToken, bool state)',
    '_setTransferPaused(bool state)',
    '_setSeizePaused(bool state)',
  ],
  encode,
  isIdempotent: true,
  postcondition: {
    description: "the guardian's flag is set",
    calls: (facts) => [{ to: facts.target, data: encodeFlag(facts) }],
    holds: ([data]) => data === TRUE,
  },
  isAlreadyEffective: () => false,
  probe: async (context) => [
    await probePauseGuardian(context, 'admin'),
    ...(await probeMarket(context)),
  ],
})
