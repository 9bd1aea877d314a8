import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Abi, bytesToHex, getAddress, keccak256 } from 'viem'
import { type Hex, TocsinError } from '../core/base/index.ts'
import { encodeKeystore, loadPolicies } from '../core/response/index.ts'
import type { DemoDeployment } from './contracts/index.ts'
import { policyText } from './policyText.ts'
import { type WatchlistValues, watchlistText } from './watchlistText.ts'

export type WriteWatchlistOptions = WatchlistValues & {
  /** Everything is written into this folder. */
  readonly dir: string
}

export type DemoWatchlist = {
  readonly configFile: string
  /** Signing secret of the webhook channel. */
  readonly webhookSecret: string
}

/** Name of the approved policy that pauses the vault. */
export const PAUSE_POLICY = 'pause-vault'

// Cheap on purpose: the demo's key is public anyway.
const KDF = { n: 8_192, r: 8, p: 1 }

const readHex = async (
  rpcUrl: string,
  method: string,
  params: readonly unknown[],
): Promise<Hex> => {
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(10_000),
  })
  const body: unknown = await response.json()
  const result =
    typeof body === 'object' && body !== null && 'result' in body ? body.result : undefined
  if (typeof result === 'string' && /^0x[0-9a-f]*$/i.test(result)) return result as Hex
  throw new TocsinError('demo.rpc', `${method} gave no bytes.`)
}

/**
 * Writes what Tocsin needs to watch the demo: watchlist.yaml, the contracts' ABIs, the approved policy that pauses the
 * vault, the signer's keystore with its password, and the webhook's secret.
 */
export const writeDemoWatchlist = async (
  deployment: DemoDeployment,
  options: WriteWatchlistOptions,
): Promise<DemoWatchlist> => {
  const { dir } = options
  const write = async (path: string, text: string, mode = 0o644): Promise<void> => {
    const file = join(dir, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text, { mode })
  }
  const webhookSecret = `whsec_${randomBytes(32).toString('base64')}`
  const password = randomBytes(18).toString('base64url')
  const { pauser } = deployment.actors
  const privateKey = pauser.getHdKey().privateKey
  if (!privateKey) throw new TocsinError('demo.no_key', 'The account of the pauser has no key.')
  const keystore = await encodeKeystore(bytesToHex(privateKey), password, KDF)
  const abis: Readonly<Record<string, Abi>> = {
    usd: deployment.usd.abi,
    weth: deployment.weth.abi,
    vote: deployment.vote.abi,
    vault: deployment.vault.abi,
    'v2-pair': deployment.pair.abi,
    'v3-pool': deployment.pool.abi,
    governor: deployment.governor.abi,
    timelock: deployment.timelock.abi,
    safe: deployment.safe.abi,
  }
  for (const [name, abi] of Object.entries(abis))
    await write(`abis/${name}.json`, JSON.stringify(abi))
  await write('secrets/webhook.secret', `${webhookSecret}\n`, 0o600)
  await write('secrets/signer.password', `${password}\n`, 0o600)
  await write('secrets/signer.keystore.json', keystore.text, 0o600)
  const code = await readHex(options.rpcUrl, 'eth_getCode', [deployment.vault.address, 'latest'])
  await write(
    `actions/${PAUSE_POLICY}/policy.yaml`,
    policyText({
      id: PAUSE_POLICY,
      chainId: deployment.chainId,
      target: getAddress(deployment.vault.address),
      implementation: getAddress(deployment.vaultImplementation.address),
      codeHash: keccak256(code),
      now: new Date(),
    }),
  )
  await write(`actions/${PAUSE_POLICY}/runbook.md`, RUNBOOK)
  await write('watchlist.yaml', watchlistText(deployment, options))
  // A policy that the signer would refuse should be found here, not in the middle of the attack.
  await loadPolicies(join(dir, 'actions'))
  return { configFile: join(dir, 'watchlist.yaml'), webhookSecret }
}

const RUNBOOK = `# Pause the demo's vault

The vault lost more than it loses on any ordinary day. Tocsin has paused it; deposits, withdrawals and transfers of
shares stand still. Find out how the assets left, mend it, and only then let the Safe unpause.
`
