import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TocsinError } from '../base/index.ts'
import {
  type ApprovedFile,
  checkSignatures,
  type PolicySignature,
  type Signers,
} from './policySignature.ts'
import { readSignatures, signaturePlace } from './readSignatures.ts'

const store = async (policyFile: string, signature: PolicySignature): Promise<string> => {
  const { kind, path } = signaturePlace(policyFile)
  if (kind === 'folder') {
    const file = join(path, `${signature.address}.json`)
    await mkdir(path, { recursive: true })
    await writeFile(file, `${JSON.stringify(signature, null, 2)}\n`)
    return file
  }
  const { signatures, faults } = await readSignatures(policyFile)
  const isThere = await readFile(path).then(
    () => true,
    () => false,
  )
  if (isThere && faults.length > 0)
    throw new TocsinError('policy.signature_file', `${path} cannot be read: it is left alone.`, {
      hints: faults.map(({ message }) => message),
      exitCode: 2,
    })
  const others = signatures.filter(({ address }) => address !== signature.address)
  await writeFile(path, `${JSON.stringify([...others, signature], null, 2)}\n`)
  return path
}

/**
 * Puts a detached signature beside its policy, in place of an older one by the same key; returns the file.
 * @throws TocsinError `policy.signature` when it is not a signature of an approver over this policy, or their contract cannot be asked.
 */
export const writeSignature = async (
  policy: ApprovedFile,
  signature: Pick<PolicySignature, 'address' | 'signature'>,
  signers: Signers,
  now = new Date(),
): Promise<{ readonly file: string; readonly approver: string }> => {
  const entry: PolicySignature = {
    address: signature.address,
    policyHash: policy.hash,
    signature: signature.signature,
    signedAt: now.toISOString(),
  }
  const [check] = await checkSignatures(policy, [entry], signers)
  if (!check?.ok || check.approver === undefined)
    throw new TocsinError('policy.signature', `Not written: ${check?.message ?? 'no answer'}.`, {
      hints: ['`signer.approvers` of the watchlist names who may sign, each with an `address`.'],
      exitCode: 2,
    })
  const { approver } = check
  return { file: await store(policy.file, { approver, ...entry }), approver }
}
