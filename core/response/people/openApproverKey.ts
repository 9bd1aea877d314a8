import { readFile } from 'node:fs/promises'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { decodeKeystore } from '../keystore.ts'

/**
 * Opens the keystore of an approver, whose key proves who answers; undefined where none was named. The password is read
 * from the file, or from TOCSIN_APPROVER_PASSWORD.
 * @throws TocsinError `keystore.*`
 */
export const openApproverKey = async (options: {
  readonly keystore?: string
  readonly passwordFile?: string
}): Promise<PrivateKeyAccount | undefined> => {
  if (!options.keystore) return undefined
  const password = options.passwordFile
    ? (await readFile(options.passwordFile, 'utf8')).replace(/\r?\n$/, '')
    : (process.env['TOCSIN_APPROVER_PASSWORD'] ?? '')
  return privateKeyToAccount(
    await decodeKeystore(await readFile(options.keystore, 'utf8'), password),
  )
}
