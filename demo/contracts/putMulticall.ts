import { z } from 'zod'
import type { ContractArtifact } from './compile.ts'
import type { Sender } from './sender.ts'

/** Where Multicall3 lies on nearly every chain. */
const MULTICALL3 = '0xca11bde05977b3631167028862be2a173976ca11'

/** Puts a contract with Multicall3's interface where real chains have it. */
export const putMulticall = async (
  sender: Pick<Sender, 'rpc'>,
  { bytecode }: Pick<ContractArtifact, 'bytecode'>,
): Promise<void> => {
  const code = z.string().parse(await sender.rpc('eth_call', [{ data: bytecode }, 'latest']))
  await sender.rpc('anvil_setCode', [MULTICALL3, code])
}
