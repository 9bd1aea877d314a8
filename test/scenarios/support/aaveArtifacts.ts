import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Abi } from 'viem'
import { z } from 'zod'
import type { Address, Hex } from '../../../core/base/index.ts'

const require = createRequire(import.meta.url)
const schema = z.object({
  abi: z.array(z.unknown()),
  bytecode: z.string(),
  linkReferences: z
    .record(
      z.string(),
      z.record(z.string(), z.array(z.object({ start: z.number(), length: z.number() }))),
    )
    .default({}),
})

/**
 * A contract of @aave/core-v3, with its libraries linked in.
 * @param path from the package's contracts, without extension: `protocol/pool/Pool`
 */
export const readAave = async (
  path: string,
  libraries: Readonly<Record<string, Address>> = {},
): Promise<{ readonly abi: Abi; readonly bytecode: Hex }> => {
  const name = path.split('/').at(-1)
  const file = require.resolve(`@aave/core-v3/artifacts/contracts/${path}.sol/${name}.json`)
  const { abi, bytecode, linkReferences } = schema.parse(JSON.parse(await readFile(file, 'utf8')))
  let code = bytecode
  for (const [library, places] of Object.values(linkReferences).flatMap((one) =>
    Object.entries(one),
  )) {
    const address = libraries[library]
    if (!address) throw new Error(`${name} needs the library ${library}.`)
    for (const { start, length } of places) {
      const at = 2 + 2 * start
      code = code.slice(0, at) + address.slice(2) + code.slice(at + 2 * length)
    }
  }
  return { abi: abi as Abi, bytecode: code as Hex }
}
