import { randomBytes } from 'node:crypto'
import { argon2id, argon2Verify } from 'hash-wasm'
import { TocsinError } from '../../base/index.ts'

/** What a guess costs. */
export type PasswordCost = {
  readonly memoryKiB: number
  readonly passes: number
}

/** Argon2id as the OWASP Password Storage Cheat Sheet asks for: 19 MiB, two passes, one lane. */
export const OWASP_COST: PasswordCost = { memoryKiB: 19_456, passes: 2 }

const MIN_LENGTH = 12
/** Beyond this a password is a way to keep the server busy. */
const MAX_LENGTH = 200

/** @throws TocsinError `user.weak_password` */
const checkPassword = (password: string, name: string): void => {
  const fail = (message: string): never => {
    throw new TocsinError('user.weak_password', message, {
      hints: ['Several words that nobody would guess do well; `openssl rand -base64 18` too.'],
      exitCode: 2,
    })
  }
  if (password.length < MIN_LENGTH) fail(`A password has ${MIN_LENGTH} characters or more.`)
  if (password.length > MAX_LENGTH) fail(`A password has ${MAX_LENGTH} characters at most.`)
  if (new Set(password).size < 5) fail('This password has too few different characters.')
  if (password.toLowerCase().includes(name.toLowerCase()) && password.length < name.length + 8)
    fail('This password is little more than the name.')
}

/**
 * Hashes a new password; the result holds salt and cost.
 * @throws TocsinError `user.weak_password`
 */
export const hashPassword = (
  password: string,
  name: string,
  cost: PasswordCost = OWASP_COST,
): Promise<string> => {
  checkPassword(password, name)
  return argon2id({
    password: password.normalize('NFKC'),
    salt: randomBytes(16),
    iterations: cost.passes,
    memorySize: cost.memoryKiB,
    parallelism: 1,
    hashLength: 32,
    outputType: 'encoded',
  })
}

const decoys = new Map<number, Promise<string>>()

/** The hash of a password that nobody has. */
const decoyHash = (cost: PasswordCost): Promise<string> => {
  const known = decoys.get(cost.memoryKiB)
  const made = known ?? hashPassword(randomBytes(24).toString('base64'), 'nobody', cost)
  if (!known) decoys.set(cost.memoryKiB, made)
  return made
}

let queue: Promise<unknown> = Promise.resolve()
let waiting = 0
const MAX_WAITING = 20

/**
 * Whether a password is the one of a hash. Without a hash it takes as long, and says no: whether there is such a user
 * cannot be told from the time. One at a time; when too many wait nobody else is let in.
 * @throws TocsinError `auth.busy`
 */
export const verifyPassword = async (
  password: string,
  hash: string | undefined,
  cost: PasswordCost = OWASP_COST,
): Promise<boolean> => {
  if (waiting >= MAX_WAITING)
    throw new TocsinError('auth.busy', 'Too many people are signing in. Try again in a moment.', {
      retry: { afterMs: 2_000 },
    })
  waiting += 1
  const work = queue.then(async () => {
    const against = hash ?? (await decoyHash(cost))
    const isRight = await argon2Verify({
      password: password.slice(0, MAX_LENGTH).normalize('NFKC') || ' ',
      hash: against,
    })
    return isRight && hash !== undefined && password.length <= MAX_LENGTH
  })
  queue = work.catch(() => undefined)
  try {
    return await work
  } finally {
    waiting -= 1
  }
}
