import type { Address, Hex } from 'tocsin'
import { keccak256 } from 'viem/utils'
import type { AdminContext } from './types.ts'

/** What the Safe's own helper contracts do when a Safe runs their code. */
export type Helper = {
  readonly name: string
  /** It makes a list of calls, and each of them is to be looked at by itself. */
  readonly isBatch: boolean
}

const batch = (name: string): Helper => ({ name, isBatch: true })
const single = (name: string): Helper => ({ name, isBatch: false })

/**
 * Hashes of the deployed code of the Safe's releases, an own address in it taken as zeros: they lie at other addresses on
 * other chains, and anybody may deploy them again.
 */
const BY_CODE: Readonly<Record<Hex, Helper>> = {
  '0xea3cd4564369cbf8fc26ee65c7f0ba817895866824160662a75f266ef84e45cf': batch('MultiSend 1.3.0'),
  '0xbe8c0a076af4c2555e37ce30e86a260c5d695e7f1f372621e64eb3b8f91afcea': batch('MultiSend 1.4.1'),
  '0x6162351242f2689768583ab62161154ad1e0454a1f7706f20ec2346dfd0e157d': batch('MultiSend 1.5.0'),
  '0xa9865ac2d9c7a1591619b188c4d88167b50df6cc0c5327fcbd1c8c75f7c066ad':
    batch('MultiSendCallOnly 1.3.0'),
  '0xecd5bd14a08c5d2122379900b2f272bdf107a7e92423c10dd5fe3254386c9939':
    batch('MultiSendCallOnly 1.4.1'),
  '0xcdbdcec38d2f1c7d961b0029ff8416b7e86e9974d6f0e9c9580c7d17fcfb6663':
    batch('MultiSendCallOnly 1.5.0'),
  '0x525c754a46b79e05543a59bb61e8de3c9eee0d955a59352409cbe67ea1077528':
    single('SignMessageLib 1.4.1'),
  '0xd61840855da008da59a00fc03fb71455b4f70bdca1f56f9504f072ed8d90c50e':
    single('SignMessageLib 1.5.0'),
  '0x8155d988823a4f6f1bcbc76a64af8e510c4ce68819290d43cf24956bd24dee82': single('CreateCall 1.3.0'),
  '0x2b3060c55fcb8275653e99ad511a71f67ba76934ed66a7d74d6e68b52afff889': single('CreateCall 1.4.1'),
  '0x6b7d8d29bdf7004c4617d95041923774f3f7e74b056bff55c1861c9ec92ce54f': single('CreateCall 1.5.0'),
}

/** The helper that lies at an address; undefined where other code does, or none. */
export const findHelper = async (
  ctx: Pick<AdminContext, 'read'>,
  address: Address,
): Promise<Helper | undefined> => {
  const code = (await ctx.read.code(address)).toLowerCase()
  // The longest of them has 1,120 bytes.
  if (code.length <= 2 || code.length > 4_096) return undefined
  const plain = code.replaceAll(address.slice(2).toLowerCase(), '0'.repeat(40)) as Hex
  return BY_CODE[keccak256(plain)]
}
