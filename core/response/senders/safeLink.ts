import type { Address, Hex } from '../../base/index.ts'

/** Short names of chains (EIP-3770) under which the Safe's own site knows them. */
const SHORT_NAMES: Readonly<Record<number, string>> = {
  1: 'eth',
  10: 'oeth',
  56: 'bnb',
  100: 'gno',
  137: 'matic',
  8453: 'base',
  42161: 'arb1',
  43114: 'avax',
  11155111: 'sep',
}

const OWN_HOST = /(^|\.)safe\.global$/

/**
 * Where people find a proposal: on the Safe's own site, with a button to sign, where the service is the hosted one and the
 * chain is known; else as the service itself shows it. Credentials and queries of the service's address are left out.
 */
export const createSafeLink = (options: {
  readonly service: string
  readonly chainId: number
  /** With checksum. */
  readonly safe: Address
}): ((safeTxHash: Hex) => string) => {
  const { chainId, safe } = options
  const { protocol, host, hostname, pathname } = new URL(options.service)
  // The hosted service of all chains names them in its path.
  const named = /^\/tx-service\/([a-z0-9-]{1,30})\//.exec(`${pathname}/`)?.[1]
  const short = named ?? SHORT_NAMES[chainId]
  if (OWN_HOST.test(hostname) && short !== undefined)
    return (hash) =>
      `https://app.safe.global/transactions/tx?safe=${short}:${safe}&id=multisig_${safe}_${hash}`
  const base = `${protocol}//${host}${pathname.replace(/\/$/, '')}`
  return (hash) => `${base}/api/v1/multisig-transactions/${hash}/`
}
