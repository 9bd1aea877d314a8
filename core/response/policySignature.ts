import type { TypedDataDefinition } from 'viem'
import { hashTypedData, keccak256, recoverTypedDataAddress } from 'viem/utils'
import { z } from 'zod'
import type { Address, Hex } from '../base/index.ts'
import type { CheckContractSignature } from './contractSignature.ts'
import type { DeskPolicy } from './desk/deskPolicy.ts'
import type { Approver } from './people/readApprovals.ts'
import type { LoadedPolicy, Policy } from './types.ts'

/** What an approver signs (EIP-712): which policy, and what it comes down to on chain. */
export const policyTypedData = (policy: Policy & { readonly hash: string }) =>
  ({
    domain: { name: 'Tocsin', version: '1', chainId: policy.chain },
    types: {
      PolicyApproval: [
        { name: 'policy', type: 'string' },
        { name: 'version', type: 'uint256' },
        { name: 'policyHash', type: 'bytes32' },
        { name: 'chainId', type: 'uint256' },
        { name: 'target', type: 'address' },
        { name: 'calldataHash', type: 'bytes32' },
        { name: 'expiry', type: 'uint256' },
      ],
    },
    primaryType: 'PolicyApproval',
    message: {
      policy: policy.id,
      version: BigInt(policy.version),
      policyHash: `0x${policy.hash}` as Hex,
      chainId: BigInt(policy.chain),
      target: policy.target,
      calldataHash: keccak256(policy.calldata),
      expiry: BigInt(Math.floor(Date.parse(policy.expiresAt) / 1000)),
    },
  }) as const

/** What an approver signs of a desk: which file, whom it calls, and how the effect is seen. A desk is on no chain. */
export const deskTypedData = (desk: DeskPolicy) =>
  ({
    domain: { name: 'Tocsin', version: '1' },
    types: {
      DeskApproval: [
        { name: 'policy', type: 'string' },
        { name: 'version', type: 'uint256' },
        { name: 'policyHash', type: 'bytes32' },
        { name: 'url', type: 'string' },
        { name: 'statusUrl', type: 'string' },
        { name: 'expiry', type: 'uint256' },
      ],
    },
    primaryType: 'DeskApproval',
    message: {
      policy: desk.id,
      version: BigInt(desk.version),
      policyHash: `0x${desk.hash}` as Hex,
      url: desk.url,
      statusUrl: desk.status.url,
      expiry: BigInt(Math.floor(Date.parse(desk.expiresAt) / 1000)),
    },
  }) as const

/** A file that approvers sign. */
export type ApprovedFile = LoadedPolicy | DeskPolicy

export const typedDataOf = (file: ApprovedFile): TypedDataDefinition =>
  'kind' in file ? deskTypedData(file) : policyTypedData(file)

/** 65 bytes of a key; of a contract, whatever it understands, and nothing where it signed on chain. */
const SIGNATURE = /^0x([0-9a-fA-F]{2}){0,16384}$/

export const policySignatureSchema = z.strictObject({
  /** Name of the approver, for people who read the file; the key alone counts. */
  approver: z.string().max(200).optional(),
  address: z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/)
    .transform((text) => text.toLowerCase() as Address),
  /** Hash of the policy that was signed. */
  policyHash: z.string().regex(/^[0-9a-f]{64}$/),
  signature: z
    .string()
    .regex(SIGNATURE)
    .transform((text) => text.toLowerCase() as Hex),
  signedAt: z.string().max(40).optional(),
})

/** A detached signature, as its file holds it. */
export type PolicySignature = z.infer<typeof policySignatureSchema>

/** Whether a signature counts, and if not, why. */
export type SignatureCheck = {
  readonly address: Address
  /** Name of the approver whose key or contract it is. */
  readonly approver: string | undefined
  readonly ok: boolean
  readonly message: string
}

const isOfKey = async (policy: ApprovedFile, { address, signature }: PolicySignature) => {
  const signer = await recoverTypedDataAddress({
    ...typedDataOf(policy),
    signature,
  }).catch(() => undefined)
  return signer?.toLowerCase() === address
}

const checkOne = async (
  policy: ApprovedFile,
  entry: PolicySignature,
  { approvers, checkContract }: Signers,
): Promise<SignatureCheck> => {
  const { address, signature } = entry
  const found = approvers.find((each) => each.address?.toLowerCase() === address)
  const approver = found?.name
  const answer = (ok: boolean, message: string): SignatureCheck => ({
    address,
    approver,
    ok,
    message,
  })
  if (!found) return answer(false, `${address} is no key of \`signer.approvers\``)
  if (entry.policyHash !== policy.hash)
    return answer(false, `${approver} signed another version of the policy`)
  const signed = answer(true, `signed by ${approver}`)
  const { chain } = found
  if (chain === undefined)
    return (await isOfKey(policy, entry))
      ? signed
      : answer(false, `the signature is not ${approver}'s over this policy`)
  if (!checkContract) return answer(false, `the contract of ${approver} was not asked`)
  const hash = hashTypedData(typedDataOf(policy))
  const held = await checkContract({ chain, address, hash, signature })
  return held === true ? signed : answer(false, `${approver}: ${held}`)
}

/** Whose signatures count, and who asks contracts about theirs; without one none of a contract counts. */
export type Signers = {
  readonly approvers: readonly Approver[]
  readonly checkContract?: CheckContractSignature | undefined
}

/** Checks every signature of a policy against the keys and contracts of the approvers. */
export const checkSignatures = (
  policy: ApprovedFile,
  entries: readonly PolicySignature[],
  signers: Signers,
): Promise<readonly SignatureCheck[]> =>
  Promise.all(entries.map((entry) => checkOne(policy, entry, signers)))

/** Names of the different approvers whose signatures hold; one key counts once, and so does one person. */
export const listSigners = (checks: readonly SignatureCheck[]): readonly string[] => [
  ...new Set(
    checks.flatMap(({ ok, approver }) => (ok && approver !== undefined ? [approver] : [])),
  ),
]

/** How many signatures a policy needs: as the watchlist says, else one where any approver has a key. */
export const signaturesRequired = (
  signer:
    | {
        readonly approvers?: readonly { readonly address?: string | undefined }[] | undefined
        readonly approvalsRequired?: number | undefined
      }
    | undefined,
): number =>
  signer?.approvalsRequired ??
  (signer?.approvers?.some(({ address }) => address !== undefined) ? 1 : 0)
