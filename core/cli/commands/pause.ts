import type { Command } from 'commander'
import { Option } from 'commander'
import { inArray } from 'drizzle-orm'
import { cleanText, sleep, TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import {
  createNonce,
  isPause,
  type LoadedPolicy,
  loadActions,
  loadPeopleSecret,
  MAX_ORDER_S,
  type Order,
  type OrderBlock,
  openApproverKey,
  orderPauses,
  orderTypedData,
  readPolicies,
  signOrder,
} from '../../response/index.ts'
import { type Store, tables } from '../../store/index.ts'
import { EXIT } from '../exitCodes.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { parseLimit } from '../parseOptions.ts'
import { rpcOf } from '../rpcOf.ts'
import { userName } from '../userName.ts'

type PauseOptions = CommonOptions & {
  readonly all?: boolean
  readonly chain?: string
  readonly by: string
  readonly reason: string
  readonly keystore?: string
  readonly passwordFile?: string
  readonly wait: number
}

const POLL_MS = 200
/** So far behind its own head the watcher's endpoint and the signer's agree. */
const BLOCKS_BACK = 2
const WELL: readonly string[] = ['succeeded', 'not_needed']
const OPEN: readonly string[] = ['requested', 'sending', 'sent', 'mined']

const findChain = (config: Config, name: string | undefined): Config['chains'][number] => {
  const only = config.chains.length === 1 ? config.chains[0] : undefined
  const chain = name === undefined ? only : config.chains.find((each) => each.name === name)
  if (chain) return chain
  throw new TocsinError(
    'chain.unknown',
    name === undefined ? 'Name the chain.' : `There is no chain "${cleanText(name, 80)}".`,
    {
      hints: [`--chain ${config.chains.map((each) => each.name).join(' | ')}`],
      exitCode: EXIT.invalid,
    },
  )
}

const choose = async (
  config: Config,
  chainId: number,
  ids: readonly string[],
): Promise<readonly LoadedPolicy[]> => {
  const actions = await loadActions()
  const { policies } = await readPolicies(config.actionsDir)
  const own = policies.filter(({ chain }) => chain === chainId)
  const missing = ids.filter((id) => !own.some((policy) => policy.id === id))
  if (missing.length > 0)
    throw new TocsinError(
      'policy.unknown',
      `There is no approved policy "${cleanText(missing[0] ?? '', 80)}" on this chain.`,
      { hints: ['`tocsin actions list` shows them.'], exitCode: EXIT.invalid },
    )
  if (ids.length > 0) return own.filter(({ id }) => ids.includes(id))
  return own.filter((policy) => {
    const action = actions.find(({ id }) => id === policy.action)
    return action !== undefined && isPause(action, policy)
  })
}

const readBlock = async (config: Config, chainId: number): Promise<OrderBlock> => {
  const rpc = rpcOf(config, chainId)
  const head = Number(await rpc.get('eth_blockNumber', []))
  const number = Math.max(0, head - BLOCKS_BACK)
  const block = await rpc.get('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])
  const { hash, timestamp } = block as { readonly hash: `0x${string}`; readonly timestamp: string }
  return { number, hash, timestampS: Number(timestamp) }
}

type Outcome = {
  readonly policy: string
  readonly execution: string | null
  readonly status: string
  readonly reason: string | null
}

const follow = async (
  { db }: Store,
  created: Readonly<Record<string, string | undefined>>,
  waitS: number,
): Promise<readonly Outcome[]> => {
  const ids = Object.values(created).flatMap((id) => id ?? [])
  const until = Date.now() + waitS * 1000
  for (;;) {
    const rows =
      ids.length === 0
        ? []
        : await db.select().from(tables.execution).where(inArray(tables.execution.id, ids))
    if (Date.now() >= until || !rows.some(({ status }) => OPEN.includes(status)))
      return Object.entries(created).map(([policy, id]) => {
        const row = rows.find((each) => each.id === id)
        const status = row?.status ?? 'under way already'
        return { policy, execution: id ?? null, status, reason: row?.reason ?? null }
      })
    await sleep(POLL_MS)
  }
}

const print = (outcomes: readonly Outcome[], json: boolean | undefined): void => {
  if (outcomes.some(({ status }) => !WELL.includes(status))) process.exitCode = EXIT.failed
  if (json) {
    process.stdout.write(`${JSON.stringify(outcomes, null, 2)}\n`)
    return
  }
  for (const { policy, execution, status, reason } of outcomes)
    process.stdout.write(
      `${policy.padEnd(24)} ${status.padEnd(12)} ${execution ?? ''}${reason ? `  ${cleanText(reason, 200)}` : ''}\n`,
    )
}

const pause = async (ids: readonly string[], options: PauseOptions): Promise<void> => {
  if (!options.all && ids.length === 0)
    throw new TocsinError('pause.nothing', 'Name the policies, or say --all.', {
      exitCode: EXIT.invalid,
    })
  const account = await openApproverKey(options)
  const { store, config, close } = await openStore(options, ['rpc', 'people'])
  try {
    const chain = findChain(config, options.chain)
    const policies = await choose(config, chain.id, options.all ? [] : ids)
    if (policies.length === 0)
      throw new TocsinError('pause.nothing', `No pause is approved on ${chain.name}.`, {
        exitCode: EXIT.invalid,
      })
    const order: Order = {
      by: cleanText(options.by, 200).trim() || 'unknown',
      chain: chain.id,
      actions: options.all ? '*' : ids.join(','),
      nonce: createNonce(),
      expiresS: Math.floor(Date.now() / 1000) + MAX_ORDER_S,
      via: account ? 'key' : 'cli',
    }
    const proof = account
      ? await account.signTypedData(orderTypedData(order))
      : signOrder(await loadPeopleSecret(config), order)
    const block = await readBlock(config, chain.id)
    const { reason } = options
    const created = await orderPauses(store.db, { order, proof, reason, block, policies })
    print(await follow(store, created, options.wait), options.json)
  } finally {
    await close()
  }
}

/** `tocsin pause`: a person's order, carried out by the signer like any other intent. */
export const register = (program: Command): void => {
  withCommonOptions(program.command('pause [policy...]'))
    .description('orders approved pauses now: every one of a chain with --all, or those named')
    .option('--all', 'every approved pause of the chain')
    .option('--chain <name>', 'of the watchlist; needed when it has several')
    .addOption(new Option('--by <name>', 'who orders it').default(userName(), 'your user name'))
    .option('--reason <text>', 'why, for whoever is paged', 'no reason given')
    .option('--keystore <file>', 'your own key; needed when `signer.approvers` have addresses')
    .option('--password-file <file>', 'its password; default: $TOCSIN_APPROVER_PASSWORD')
    .option('--wait <seconds>', 'how long to follow them', parseLimit, 60)
    .addHelpText(
      'after',
      `
The signer verifies who orders, and everything else again: policy, code, simulation, limits for window, life and
spending. Cooldown, brake and quorum, which hold bots back, do not apply. A policy that needs two people becomes a
proposal; one in mode observe stays unsent. Nothing is sent while \`tocsin halt\` stands.

Exit codes: 0 every effect stands, 1 some do not (yet), 2 the command line is wrong.

Examples:
  $ tocsin pause --all --chain mainnet --by ada --keystore ada.json --password-file ada.pw --reason "drain in progress"
  $ tocsin pause pause-vault`,
    )
    .action(pause)
}
