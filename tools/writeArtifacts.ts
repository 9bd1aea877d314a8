import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { compileContracts } from '../demo/contracts/compile.ts'

/** Writes ABI and creation code of every contract in contracts/ beside its source: `npx tsx tools/writeArtifacts.ts`. */
const folder = fileURLToPath(new URL('../contracts', import.meta.url))
for (const [name, { abi, bytecode }] of Object.entries(await compileContracts(folder)))
  if (!/^I[A-Z]/.test(name))
    await writeFile(
      `${folder}/${name}.json`,
      `${JSON.stringify({ contractName: name, abi, bytecode }, null, 2)}\n`,
    )
