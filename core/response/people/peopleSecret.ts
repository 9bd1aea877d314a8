import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'

const MIN_LENGTH = 32

/** The key that authenticates what people answered; the signer, the notifier and the console hold it; watcher and intake never. */
export type PeopleSecret = {
  /** Message authentication code over the parts, as 64 hexadecimal digits. */
  readonly sign: (purpose: string, parts: readonly (string | number)[]) => string
  readonly verify: (purpose: string, parts: readonly (string | number)[], code: string) => boolean
}

export const createPeopleSecret = (key: string): PeopleSecret => {
  if (key.length < MIN_LENGTH)
    throw new TocsinError(
      'people.weak_secret',
      `The secret of \`people\` is shorter than ${MIN_LENGTH} characters.`,
      { hints: ['`openssl rand -hex 32` gives a good one.'], exitCode: 2 },
    )
  const codeOf = (purpose: string, parts: readonly (string | number)[]): Buffer =>
    createHmac('sha256', key)
      .update(`tocsin ${purpose} v1\n${JSON.stringify(parts)}`)
      .digest()
  return {
    sign: (purpose, parts) => codeOf(purpose, parts).toString('hex'),
    verify: (purpose, parts, code) => {
      if (!/^[0-9a-f]{64}$/.test(code)) return false
      return timingSafeEqual(codeOf(purpose, parts), Buffer.from(code, 'hex'))
    },
  }
}

/** Written whole under another name and then linked: of several processes that begin at once one wins, and none reads half. */
const createKeyFile = async (file: string, folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  const own = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(own, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    await link(own, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(own, { force: true })
  }
}

/**
 * The secret of `people.secret`, or else of `people.key` in the data folder, made at first use.
 * @throws TocsinError `people.weak_secret`
 */
export const loadPeopleSecret = async (
  config: Pick<Config, 'dataDir' | 'people'>,
): Promise<PeopleSecret> => {
  if (config.people?.hasSecret) return createPeopleSecret(config.people.secret)
  const file = join(config.dataDir, 'people.key')
  const read = (): Promise<string | undefined> =>
    readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
  const known = await read()
  if (known === undefined) await createKeyFile(file, config.dataDir)
  return createPeopleSecret((known ?? (await read()) ?? '').trim())
}
