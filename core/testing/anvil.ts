import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { findFreePort, isPortFree, sleep, TocsinError } from '../base/index.ts'

export type Anvil = {
  readonly url: string
  readonly wsUrl: string
  readonly port: number
  readonly chainId: number
  readonly pid: number
  /** One JSON-RPC call; throws on an error answer. */
  readonly rpc: <T = unknown>(method: string, params?: readonly unknown[]) => Promise<T>
  readonly stop: () => Promise<void>
}

export type AnvilOptions = {
  /** Default: 31337. */
  readonly chainId?: number
  /** Seconds between blocks; left out: blocks are mined by `evm_mine` only. */
  readonly blockTimeS?: number
  /** Mine one block per transaction instead of waiting for `evm_mine`. */
  readonly automine?: boolean
  /** In which order a block takes what is pending: as it came, or who pays most first. Default: 'fifo'. */
  readonly order?: 'fifo' | 'fees'
  /** Default: a free one. */
  readonly port?: number
  /** Funded accounts of the well-known test mnemonic. Default: 20. */
  readonly accounts?: number
  /** Unix seconds of the genesis block. */
  readonly timestampS?: number
  readonly args?: readonly string[]
}

/** Path of anvil: on PATH first, else the one from npm. */
export const findAnvil = (): string => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'anvil')
    if (folder && existsSync(path)) return path
  }
  try {
    const require = createRequire(import.meta.url)
    return join(require.resolve('@foundry-rs/anvil-linux-amd64/package.json'), '..', 'bin', 'anvil')
  } catch (cause) {
    throw new TocsinError('anvil.missing', 'anvil was not found on PATH nor in node_modules.', {
      cause,
      hints: ['On Linux x64 it comes with `npm ci`; elsewhere install Foundry.'],
    })
  }
}

/**
 * Starts a local chain on loopback and waits until it answers with its chain id.
 * @throws TocsinError `port.in_use`, `anvil.missing`, `anvil.failed`
 */
export const startAnvil = async (options: AnvilOptions = {}): Promise<Anvil> => {
  const port = options.port ?? (await findFreePort())
  if (!(await isPortFree(port)))
    throw new TocsinError(
      'port.in_use',
      `Port ${port} is taken, so the local chain cannot listen there.`,
      {
        hints: ['Name another port, or stop what listens there.'],
      },
    )
  const chainId = options.chainId ?? 31_337
  const mining =
    options.blockTimeS === undefined
      ? options.automine
        ? []
        : ['--no-mining']
      : ['--block-time', String(options.blockTimeS)]
  const child: ChildProcess = spawn(
    findAnvil(),
    [
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--chain-id',
      String(chainId),
      '--accounts',
      String(options.accounts ?? 20),
      '--order',
      options.order ?? 'fifo',
      '--gas-limit',
      '200000000',
      '--silent',
      ...(options.timestampS === undefined ? [] : ['--timestamp', String(options.timestampS)]),
      ...mining,
      ...(options.args ?? []),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let complaint = ''
  child.stderr?.on('data', (text: Buffer) => {
    complaint = (complaint + text.toString()).slice(-2_000)
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = `http://127.0.0.1:${port}`
  const rpc = async <T>(method: string, params: readonly unknown[] = []): Promise<T> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    })
    const body = (await response.json()) as { result?: T; error?: { message: string } }
    if (body.error) throw new TocsinError('anvil.rpc', `${method}: ${body.error.message}`)
    return body.result as T
  }
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  }
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break
    const answer = await rpc<string>('eth_chainId').catch(() => undefined)
    if (answer !== undefined && Number(answer) === chainId && child.pid !== undefined)
      return { url, wsUrl: `ws://127.0.0.1:${port}`, port, chainId, pid: child.pid, rpc, stop }
    await sleep(50)
  }
  await stop()
  throw new TocsinError('anvil.failed', `The local chain did not start. ${complaint.trim()}`)
}
