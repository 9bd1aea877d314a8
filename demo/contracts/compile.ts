import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { access, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Abi } from 'viem'
import { z } from 'zod'
import { type Hex, TocsinError } from '../../core/base/index.ts'

export type ContractArtifact = { readonly abi: Abi; readonly bytecode: Hex }
export type ContractArtifacts = Readonly<Record<string, ContractArtifact>>

const require = createRequire(import.meta.url)

const SETTINGS = {
  evmVersion: 'cancun',
  optimizer: { enabled: true, runs: 200 },
}
const COMPILE_TIMEOUT_MS = 180_000

const outputSchema = z.object({
  errors: z.array(z.object({ severity: z.string(), formattedMessage: z.string() })).default([]),
  contracts: z
    .record(
      z.string(),
      z.record(
        z.string(),
        z.object({
          abi: z.array(z.unknown()),
          evm: z.object({ bytecode: z.object({ object: z.string() }) }),
        }),
      ),
    )
    .default({}),
})

/** The folder of the .sol files: beside this file, or in the package that dist/ belongs to. */
const findSources = (): string => {
  for (const path of ['.', '../../../demo/contracts']) {
    const folder = fileURLToPath(new URL(path, import.meta.url))
    if (existsSync(join(folder, 'DemoVault.sol'))) return folder
  }
  throw new TocsinError(
    'demo.no_contracts',
    "The demo's Solidity sources are missing from this installation.",
    {
      hints: ['Run the demo from a checkout of the repository.'],
    },
  )
}

const versionOf = async (name: string): Promise<string> => {
  try {
    return z
      .object({ version: z.string() })
      .parse(JSON.parse(await readFile(require.resolve(`${name}/package.json`), 'utf8'))).version
  } catch (cause) {
    throw new TocsinError('demo.package_missing', `The demo needs the package ${name}.`, {
      cause,
      hints: ['Run `npm ci` with development dependencies.'],
    })
  }
}

/**
 * Runs the compiler as a process of its own, so that this one can go on meanwhile. It ends itself before a pipe has
 * taken all of its answer, so the answer goes to a file.
 */
const runSolc = async (nodeModules: string, input: string, outFile: string): Promise<string> => {
  const out = await open(outFile, 'w')
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn(
        process.execPath,
        [require.resolve('solc/solc.js'), '--standard-json', '--base-path', nodeModules],
        {
          stdio: ['pipe', out.fd, 'pipe'],
          timeout: COMPILE_TIMEOUT_MS,
        },
      )
      let complaint = ''
      child.stderr?.on('data', (chunk: Buffer) => {
        complaint = (complaint + chunk.toString()).slice(-2_000)
      })
      child.once('error', reject)
      child.once('close', (code) => {
        if (code === 0) resolve()
        else
          reject(
            new TocsinError(
              'demo.compile_failed',
              `The Solidity compiler ended with code ${code}. ${complaint}`,
            ),
          )
      })
      // A compiler that ended early says why by its exit code.
      child.stdin?.on('error', () => undefined)
      child.stdin?.end(input)
    })
    return await readFile(outFile, 'utf8')
  } finally {
    await out.close()
    await rm(outFile, { force: true })
  }
}

const parseArtifacts = (
  text: string,
  sources: readonly string[],
): Record<string, ContractArtifact> => {
  // Some versions of solc print a line before the JSON.
  const output = outputSchema.parse(JSON.parse(text.slice(text.indexOf('{'))))
  const faults = output.errors.filter(({ severity }) => severity === 'error')
  if (faults.length > 0)
    throw new TocsinError(
      'demo.compile_failed',
      `The demo's contracts do not compile:\n${faults.map((fault) => fault.formattedMessage).join('\n')}`,
    )
  const artifacts: Record<string, ContractArtifact> = {}
  for (const file of sources)
    for (const [name, contract] of Object.entries(output.contracts[file] ?? {}))
      artifacts[name] = { abi: contract.abi as Abi, bytecode: `0x${contract.evm.bytecode.object}` }
  return artifacts
}

/** The shared folder where it can be written, else one of this user's own. */
const findCache = async (shared: string): Promise<string> => {
  const own = join(tmpdir(), `tocsin-contracts-${process.getuid?.() ?? 'me'}`)
  try {
    await mkdir(shared, { recursive: true })
    await access(shared, constants.W_OK)
    return shared
  } catch {
    await mkdir(own, { recursive: true, mode: 0o700 })
    return own
  }
}

/**
 * Compiles the contracts of a folder (default: the demo's), or takes them from the cache in node_modules/.cache/tocsin when nothing has changed.
 * @returns ABI and creation code by contract name.
 * @throws TocsinError `demo.no_contracts`, `demo.package_missing`, `demo.compile_failed`
 */
export const compileContracts = async (folder = findSources()): Promise<ContractArtifacts> => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sol')).sort()
  const sources: Record<string, { content: string }> = {}
  for (const file of files) sources[file] = { content: await readFile(join(folder, file), 'utf8') }
  const versions = await Promise.all(
    ['solc', '@openzeppelin/contracts', '@openzeppelin/contracts-upgradeable'].map(versionOf),
  )
  const outputSelection = Object.fromEntries(
    files.map((file) => [file, { '*': ['abi', 'evm.bytecode.object'] }]),
  )
  const input = JSON.stringify({
    language: 'Solidity',
    sources,
    settings: { ...SETTINGS, outputSelection },
  })
  const hash = createHash('sha256')
    .update(JSON.stringify([versions, input]))
    .digest('hex')
    .slice(0, 24)
  const nodeModules = join(dirname(require.resolve('solc/package.json')), '..')
  const file = `contracts-${hash}.json`
  const shared = join(nodeModules, '.cache', 'tocsin')
  if (existsSync(join(shared, file)))
    return parseArtifacts(await readFile(join(shared, file), 'utf8'), files)
  const cached = join(await findCache(shared), file)
  if (existsSync(cached)) return parseArtifacts(await readFile(cached, 'utf8'), files)
  const own = `${cached}.${process.pid}`
  const text = await runSolc(nodeModules, input, `${own}.out`)
  const artifacts = parseArtifacts(text, files)
  // Write beside and rename: two runs at once must not read half a file.
  await writeFile(own, text)
  await rename(own, cached)
  return artifacts
}
