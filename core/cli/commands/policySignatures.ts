import type { Config } from '../../config/index.ts'
import {
  type ApprovedFile,
  checkSignatures,
  createContractCheck,
  listSigners,
  readSignatures,
  type SignatureCheck,
  type Signers,
  signaturesRequired,
} from '../../response/index.ts'
import type { CommonOptions } from '../options.ts'
import { readConfig } from '../readConfig.ts'
import { rpcOf } from '../rpcOf.ts'

/** Who signed a policy, and whether that is enough for the signer. */
export type PolicySignatures = {
  readonly policy: string
  readonly required: number
  readonly signedBy: readonly string[]
  readonly enough: boolean
  readonly checks: readonly SignatureCheck[]
  readonly faults: readonly { readonly file: string; readonly message: string }[]
}

/** The watchlist, with the secrets of its endpoints only where an approver is a contract, which is asked there. */
export const readSigningConfig = async (options: CommonOptions): Promise<Config> => {
  const config = await readConfig(options, 'none')
  const asks = config.signer?.approvers.some(({ chain }) => chain !== undefined) ?? false
  return asks ? readConfig(options, ['rpc']) : config
}

/** Whose signatures count; contracts are asked at the watchlist's own endpoints. */
export const signersOf = (config: Config): Signers => {
  const idOf = (name: string): number | undefined =>
    config.chains.find((chain) => chain.name === name)?.id
  return {
    approvers: config.signer?.approvers ?? [],
    checkContract: createContractCheck((name) => {
      const id = idOf(name)
      return id === undefined ? undefined : rpcOf(config, id)
    }),
  }
}

export const checkPolicySignatures = async (
  config: Config,
  policy: ApprovedFile,
): Promise<PolicySignatures> => {
  const { signatures, faults } = await readSignatures(policy.file)
  const checks = await checkSignatures(policy, signatures, signersOf(config))
  const signedBy = listSigners(checks)
  const required = signaturesRequired(config.signer)
  return {
    policy: policy.id,
    required,
    signedBy,
    enough: signedBy.length >= required,
    checks,
    faults,
  }
}

/** Lines for a terminal: none where nobody must sign and nobody did. */
export const describeSignatures = (found: PolicySignatures): readonly string[] => {
  const { required, signedBy, enough, checks, faults } = found
  if (required === 0 && checks.length + faults.length === 0) return []
  const names = signedBy.length > 0 ? `: ${signedBy.join(', ')}` : ''
  return [
    `  ${enough ? 'ok ' : 'BAD'} ${'signed'.padEnd(9)} ${signedBy.length} of ${required} signatures${names}`,
    ...checks.flatMap(({ ok, message }) => (ok ? [] : [`  BAD ${'signed'.padEnd(9)} ${message}`])),
    ...faults.map(({ file, message }) => `  BAD ${'signed'.padEnd(9)} ${file}: ${message}`),
  ]
}
