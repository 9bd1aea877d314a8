import { type Address, type FindingSeverity, parseAmount } from 'tocsin'
import type { LargeTransferParameters } from './parameters.ts'
import { type Transfer, ZERO } from './parseTransfer.ts'

/** One side of a transfer, as far as it is known. */
export type Party = {
  readonly address: Address
  readonly name: string | undefined
  readonly tags: readonly string[]
  /** Parameters of its own, when the watchlist names it as treasury or label. */
  readonly own: LargeTransferParameters | undefined
  readonly isTreasury: boolean
}

type Role = 'token' | 'treasury' | 'exchange' | 'whale'
export type TransferVerdict = {
  readonly role: Role
  readonly kind: 'transfer' | 'mint' | 'burn'
  readonly severity: FindingSeverity
  /** Smallest units. */
  readonly thresholdUnits: bigint
  /** The treasury or labelled party whose threshold it was. */
  readonly party: Party | undefined
}

type Limit = { readonly role: Role; readonly units: bigint; readonly party: Party | undefined }

const limitsOf = (
  party: Party,
  token: Address,
  parameters: LargeTransferParameters,
  decimals: number,
): readonly Limit[] => {
  const rules = party.own ?? parameters
  const limit = (role: Role, amount: string): Limit => ({
    role,
    units: parseAmount(rules.perToken[token] ?? amount, decimals),
    party,
  })
  return [
    ...(party.isTreasury ? [limit('treasury', rules.treasuryThreshold)] : []),
    ...(party.tags.includes('exchange') ? [limit('exchange', rules.exchangeThreshold)] : []),
    ...(party.tags.includes('whale') ? [limit('whale', rules.whaleThreshold)] : []),
  ]
}

/**
 * Judges a transfer by the lowest threshold that applies: the token's (when it is watched), and those of the treasuries,
 * exchanges and whales on either side. Exactly the threshold is silent.
 */
export const judgeTransfer = (
  transfer: Transfer,
  sides: { readonly from: Party; readonly to: Party },
  token: { readonly decimals: number; readonly parameters: LargeTransferParameters | undefined },
  defaults: LargeTransferParameters,
): TransferVerdict | undefined => {
  const parameters = token.parameters ?? defaults
  const limits: readonly Limit[] = [
    ...[sides.from, sides.to].flatMap((party) =>
      limitsOf(party, transfer.token, parameters, token.decimals),
    ),
    ...(token.parameters
      ? [
          {
            role: 'token',
            units: parseAmount(token.parameters.threshold, token.decimals),
            party: undefined,
          } as const,
        ]
      : []),
  ]
  const lowest = limits.reduce<Limit | undefined>(
    (best, one) => (!best || one.units < best.units ? one : best),
    undefined,
  )
  if (!lowest || transfer.units <= lowest.units) return undefined
  const kind = transfer.from === ZERO ? 'mint' : transfer.to === ZERO ? 'burn' : 'transfer'
  const high = transfer.units > lowest.units * BigInt(parameters.highFactor)
  return {
    role: lowest.role,
    kind,
    // Supply out of nothing is worth a look at once.
    severity: high || kind === 'mint' ? 'High' : 'Medium',
    thresholdUnits: lowest.units,
    party: lowest.party,
  }
}
