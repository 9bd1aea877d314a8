import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { isAddress } from 'viem/utils'
import { type Address, type Hex, TocsinError } from '../../base/index.ts'
import type { ChainConfig, Config } from '../../config/index.ts'
import {
  copyRunbook,
  createSignerRpc,
  encodeKeystore,
  loadActions,
  parsePolicy,
  scaffoldPolicy,
} from '../../response/index.ts'
import { EXIT } from '../exitCodes.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { readConfig } from '../readConfig.ts'

const line = (text: string): void => void process.stdout.write(`${text}\n`)
const invalid = (message: string, hints: readonly string[] = []): TocsinError =>
  new TocsinError('actions.invalid', message, { exitCode: EXIT.invalid, hints })

/** Writes a file that must not be there yet. */
const writeNew = async (file: string, text: string, mode: number): Promise<void> => {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text, { flag: 'wx', mode }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST') throw invalid(`${file} exists already; it is not overwritten.`)
    throw cause
  })
}

type NewOptions = CommonOptions & {
  readonly target: string
  readonly chain?: string
  readonly id?: string
  readonly bot: readonly string[]
  readonly thing?: string
  readonly mode: 'observe' | 'propose' | 'auto'
  readonly by?: readonly string[]
  readonly parameter?: readonly string[]
  readonly stdout?: boolean
}

const findChain = (config: Config, options: NewOptions): ChainConfig => {
  const known = config.chains.map(({ name }) => name).join(', ')
  const thing = config.watch.find(({ address }) => address === options.target.toLowerCase())
  const name =
    options.chain ??
    thing?.chain ??
    (config.chains.length === 1 ? config.chains[0]?.name : undefined)
  const chain = config.chains.find((each) => each.name === name)
  if (!chain)
    throw invalid(
      name ? `The watchlist has no chain "${name}".` : 'Say on which chain the target lies.',
      [`Chains: ${known}.`],
    )
  return chain
}

const parseValue = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

const parseParameters = (list: readonly string[]): Readonly<Record<string, unknown>> => {
  const pairs = list.map((text): readonly [string, unknown] => {
    const [, key, value] = /^([A-Za-z][A-Za-z0-9]*)=(.*)$/s.exec(text) ?? []
    if (key === undefined || value === undefined)
      throw invalid(`"${text.slice(0, 60)}" is not key=value.`)
    return [key, parseValue(value)]
  })
  const twice = pairs.find(([key], index) => pairs.findIndex(([each]) => each === key) < index)
  if (twice) throw invalid(`The parameter "${twice[0]}" is given twice.`)
  return Object.fromEntries(pairs)
}

const createPolicy = async (type: string, options: NewOptions): Promise<void> => {
  const actions = await loadActions()
  const action = actions.find(({ id }) => id === type)
  if (!action)
    throw invalid(`There is no action type "${type}".`, [
      `Types: ${actions.map(({ id }) => id).join(', ')}.`,
    ])
  if (!isAddress(options.target)) throw invalid(`${options.target.slice(0, 60)} is not an address.`)
  const config = await readConfig(options, ['rpc'])
  const chain = findChain(config, options)
  const target = options.target.toLowerCase() as Address
  const thing =
    options.thing ??
    config.watch.find((each) => each.address === target && each.chain === chain.name)?.name
  const id = options.id ?? `${type}-${thing ?? target.slice(2, 10)}`
  const text = await scaffoldPolicy({
    rpc: createSignerRpc({ chainId: chain.id, urls: chain.rpc.map(({ http }) => http) }),
    action,
    id,
    target,
    bots: options.bot,
    mode: options.mode,
    approvedBy: options.by ?? [userInfo().username],
    parameters: parseParameters(options.parameter ?? []),
    ...(thing ? { thing } : {}),
  })
  const file = join(config.actionsDir, id, 'policy.yaml')
  const parsed = parsePolicy(text, { file, expectedId: id, actions })
  if (!parsed.ok)
    throw invalid(
      'The policy would not be valid.',
      parsed.faults.map(({ message }) => message),
    )
  if (options.stdout) {
    line(text)
    return
  }
  await writeNew(file, text, 0o644)
  const runbook = await copyRunbook(action.id, file)
  if (options.json) line(JSON.stringify({ file, id, hash: parsed.policy.hash, runbook }))
  else
    line(
      `Wrote ${file}${runbook ? `\nand ${runbook}: make it your own` : ''}\nRead it, set its limits, then name it under \`answers\` in the watchlist. \`tocsin actions verify\` checks it.`,
    )
}

/** `tocsin actions new TYPE --target ADDRESS` */
export const registerNew = (actions: Command): void => {
  withCommonOptions(actions.command('new <type>'))
    .description('writes a policy file, filled with code hash and calldata from the chain')
    .requiredOption('--target <address>', 'the contract')
    .requiredOption('--bot <id...>', 'bots that may trigger it')
    .option('--chain <name>', 'default: where the watchlist has the target')
    .option('--id <id>', 'default: the type and the name of the thing')
    .option(
      '--thing <name>',
      'only findings of this thing; default: the watched thing at the target',
    )
    .addOption(
      new Option('--mode <mode>', 'how far it may go')
        .choices(['observe', 'propose', 'auto'])
        .default('observe'),
    )
    .option(
      '--parameter <key=value...>',
      'of the action type; the value is JSON, or else text, e.g. what=mint or flags=\'["supply"]\'',
    )
    .option('--by <name...>', 'who approves; default: your user name')
    .option('--stdout', 'print it instead of writing it')
    .action(createPolicy)
}

type KeystoreOptions = {
  readonly out: string
  readonly passwordFile?: string
  readonly passwordEnv?: string
  readonly privateKeyFile?: string
  readonly json?: boolean
}

const readPassword = async ({ passwordFile, passwordEnv }: KeystoreOptions): Promise<string> => {
  const text = passwordFile
    ? await readFile(passwordFile, 'utf8')
    : passwordEnv
      ? (process.env[passwordEnv] ?? '')
      : ''
  const password = text.trim()
  if (password.length >= 8) return password
  throw invalid('A keystore needs a password of at least 8 characters.', [
    'Give --password-file FILE or --password-env VARIABLE.',
  ])
}

const readKey = async (file: string | undefined): Promise<Hex> => {
  if (!file) return `0x${randomBytes(32).toString('hex')}`
  const text = (await readFile(file, 'utf8')).trim().replace(/^0x/, '')
  if (!/^[0-9a-fA-F]{64}$/.test(text))
    throw invalid(`${file} does not hold a private key of 32 bytes in hexadecimal.`)
  return `0x${text}`
}

const createKeystore = async (options: KeystoreOptions): Promise<void> => {
  const file = resolve(options.out)
  const { text, address } = await encodeKeystore(
    await readKey(options.privateKeyFile),
    await readPassword(options),
  )
  await writeNew(file, text, 0o600)
  if (options.json) line(JSON.stringify({ file, address }))
  else
    line(
      `Wrote ${file}\nAddress ${address}\nGive it the pauser role and nothing else, and a little native coin for fees.`,
    )
}

/** `tocsin actions keystore new --out FILE` */
export const registerKeystore = (actions: Command): void => {
  actions
    .command('keystore')
    .description('keystore files for the signer')
    .command('new')
    .description(
      'makes a key and seals it as a keystore V3 file (scrypt), readable by geth, foundry and ethers',
    )
    .requiredOption('--out <file>', 'where to write it; never overwritten')
    .option('--password-file <file>', 'file that holds the password')
    .option('--password-env <name>', 'environment variable that holds the password')
    .option('--private-key-file <file>', 'seal this key instead of a new one')
    .option('--json', 'machine-readable output')
    .action(createKeystore)
}
