import type { Command } from 'commander'
import type { Address, Hex } from '../../base/index.ts'
import { TocsinError } from '../../base/index.ts'
import {
  type ApprovedFile,
  openApproverKey,
  typedDataOf,
  writeSignature,
} from '../../response/index.ts'
import { EXIT } from '../exitCodes.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { findApprovedFile } from './findApprovedFile.ts'
import { readSigningConfig, signersOf } from './policySignatures.ts'

type SignOptions = CommonOptions & {
  readonly keystore?: string
  readonly passwordFile?: string
  readonly print?: boolean
  readonly address?: string
  readonly signature?: string
}

const line = (text: string): void => void process.stdout.write(`${text}\n`)
const invalid = (message: string, hints: readonly string[] = []): TocsinError =>
  new TocsinError('actions.invalid', message, { exitCode: EXIT.invalid, hints })

/** JSON of the typed data as wallets and `cast wallet sign --data` take it. */
const typedDataText = (policy: ApprovedFile): string => {
  const { domain, types, primaryType, message } = typedDataOf(policy)
  const domainTypes = [
    { name: 'name', type: 'string' },
    { name: 'version', type: 'string' },
    ...(domain?.chainId === undefined ? [] : [{ name: 'chainId', type: 'uint256' }]),
  ]
  return JSON.stringify(
    { types: { EIP712Domain: domainTypes, ...types }, primaryType, domain, message },
    (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
    2,
  )
}

const obtain = async (
  policy: ApprovedFile,
  options: SignOptions,
  isContract: (address: string) => boolean,
): Promise<{ readonly address: Address; readonly signature: Hex }> => {
  const { address, signature } = options
  if (signature !== undefined || address !== undefined) {
    const who = (address ?? '').toLowerCase()
    const shape = isContract(who) ? /^0x([0-9a-f]{2})*$/i : /^0x[0-9a-f]{130}$/i
    if (!shape.test(signature ?? '-') || !/^0x[0-9a-f]{40}$/.test(who))
      throw invalid(
        'Give both --address and --signature in hexadecimal: 20 bytes, and 65, or whatever a contract takes.',
      )
    return { address: who as Address, signature: signature as Hex }
  }
  const account = await openApproverKey(options)
  if (!account)
    throw invalid('Say with what to sign.', [
      '--keystore FILE signs here; --print shows what another wallet is to sign, --address and --signature take its answer.',
    ])
  return {
    address: account.address.toLowerCase() as Address,
    signature: await account.signTypedData(typedDataOf(policy)),
  }
}

const sign = async (id: string, options: SignOptions): Promise<void> => {
  const config = await readSigningConfig(options)
  const policy = await findApprovedFile(config.actionsDir, id)
  if (options.print) {
    line(typedDataText(policy))
    return
  }
  const isContract = (address: string): boolean =>
    config.signer?.approvers.some(
      (each) => each.chain !== undefined && each.address?.toLowerCase() === address,
    ) ?? false
  const made = await obtain(policy, options, isContract)
  const { file, approver } = await writeSignature(policy, made, signersOf(config))
  if (options.json) line(JSON.stringify({ file, approver, policy: id, hash: policy.hash }))
  else
    line(
      `${approver} signed ${id} (version ${policy.version}, ${policy.mode}, until ${policy.expiresAt}).\nWrote ${file}`,
    )
}

/** `tocsin actions sign ID` */
export const registerSign = (actions: Command): void => {
  withCommonOptions(actions.command('sign <policy>'))
    .description("an approver's signature (EIP-712) over a policy file, written beside it")
    .option('--keystore <file>', 'your own key')
    .option('--password-file <file>', 'its password; default: $TOCSIN_APPROVER_PASSWORD')
    .option('--print', 'only show the typed data, for a wallet elsewhere')
    .option('--address <address>', 'whose signature --signature is')
    .option(
      '--signature <hex>',
      'made elsewhere over what --print shows; 0x where a contract signed on chain',
    )
    .action(sign)
}
