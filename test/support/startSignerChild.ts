import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../core/config/types.ts'
import { programArgs } from './program.ts'
import type { SignerFixture } from './signerFixture.ts'

export type SignerChild = {
  /** kill -9; resolves when it is gone. Again: nothing. */
  readonly kill: () => Promise<void>
}

/** A signer as a process of its own. Whoever starts it kills it. */
export const startSignerChild = async (
  f: Pick<SignerFixture, 'config' | 'dataDir' | 'database'>,
  signer: Partial<NonNullable<Config['signer']>>,
): Promise<SignerChild> => {
  const file = join(f.dataDir, 'child.json')
  const config = { ...f.config, signer: f.config.signer && { ...f.config.signer, ...signer } }
  await writeFile(file, JSON.stringify({ config, databaseUrl: f.database.url }))
  const child: ChildProcess = spawn(
    process.execPath,
    [...programArgs('test/support/signerChild'), file],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const up = new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()))
  await Promise.race([
    up,
    ended.then(() => Promise.reject(new Error('the signer ended before it was up'))),
  ])
  return {
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
