import type { Command } from 'commander'
import { inArray } from 'drizzle-orm'
import { cleanText, sleep, TocsinError } from '../../base/index.ts'
import type { Config } from '../../config/types.ts'
import {
  createNonce,
  findApprover,
  formatFault,
  listApprovers,
  loadPeopleSecret,
  MAX_ORDER_S,
  notCounted,
  type Order,
  type OrderBlock,
  openApproverKey,
  orderPauses,
  orderTypedData,
  policyIdOf,
  signOrder,
} from '../../response/index.ts'
import { type Store, tables } from '../../store/index.ts'
import { EXIT } from '../exitCodes.ts'
import { openStore } from '../openStore.ts'
import { type CommonOptions, withCommonOptions } from '../options.ts'
import { parseLimit } from '../parseOptions.ts'
import { rpcOf } from '../rpcOf.ts'
import { listObstacles } from '../signerSight.ts'
import { userName } from '../userName.ts'
import { chooseAll, chooseNamed, type PauseChoice } from './pauseChoice.ts'

type PauseOptions = CommonOptions & {
  readonly all?: boolean
  readonly chain?: string
  readonly by?: string
  readonly reason: string
  readonly keystore?: string
  readonly passwordFile?: string
  readonly wait?: number
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

const print = (
  outcomes: readonly Outcome[],
  { leftOut, faults }: PauseChoice,
  isJson: boolean,
): void => {
  const isMissing = leftOut.some(({ isMissed }) => isMissed) || faults.length > 0
  if (isMissing || outcomes.some(({ status }) => !WELL.includes(status)))
    process.exitCode = EXIT.failed
  const none = { execution: null }
  const rows: readonly Outcome[] = [
    ...outcomes,
    ...leftOut.map(({ policy, reason }) => ({ policy, ...none, status: 'left out', reason })),
    ...faults.map((fault) => ({
      policy: policyIdOf(fault.file),
      ...none,
      status: 'FAULTY FILE',
      reason: `not paused: ${formatFault(fault)}`,
    })),
  ]
  if (isJson) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
  else
    for (const { policy, execution, status, reason } of rows)
      process.stdout.write(
        `${cleanText(policy, 80).padEnd(24)} ${status.padEnd(12)} ${[execution, reason && cleanText(reason, 300)].filter(Boolean).join('  ')}\n`,
      )
}

const note = (text: string): void => void process.stderr.write(`${text}\n`)

type Orderer = { readonly name: string; readonly role: string | undefined }

/** Who orders, where the signer would take the order for theirs. @throws TocsinError `approval.not_counted` */
const findOrderer = (config: Config, by: string | undefined, key: string | undefined): Orderer => {
  const approvers = config.signer?.approvers ?? []
  const approver = findApprover(approvers, by, key)
  const keyed = approvers.filter(({ address, chain }) => address !== undefined && !chain)
  if (key === undefined && approvers.some(({ address }) => address !== undefined))
    throw notCounted('Where approvers have addresses, only the key of one proves an order.', [
      'Give your own key: --keystore FILE --password-file FILE.',
      `Those who may order: ${listApprovers(keyed) || 'nobody; give an approver of `signer.approvers` the address of a key'}.`,
      'Nobody at hand? `tocsin halt` needs no key, and stops what acts by itself.',
    ])
  return {
    name: approver?.name ?? (cleanText(by ?? '', 200).trim() || 'unknown'),
    role: approver?.role,
  }
}

/** So long a chain may take for so many, one transaction after the other (s): two blocks each, and some for the rest. */
export const defaultWaitS = (count: number, blockTimeMs: number): number =>
  Math.min(MAX_ORDER_S, Math.max(60, 30 + Math.ceil((2 * count * blockTimeMs) / 1000)))

const pause = async (ids: readonly string[], options: PauseOptions): Promise<void> => {
  if (!options.all && ids.length === 0)
    throw new TocsinError('pause.nothing', 'Name the policies, or say --all.', {
      exitCode: EXIT.invalid,
    })
  const account = await openApproverKey(options)
  const { store, config, close } = await openStore(options, ['rpc', 'people'])
  try {
    const chain = findChain(config, options.chain)
    const by = options.by ?? (account ? undefined : userName())
    const { name, role } = findOrderer(config, by, account?.address)
    const choice = await (options.all
      ? chooseAll(config, chain, role)
      : chooseNamed(config, chain, ids, role))
    const { policies } = choice
    if (policies.length === 0)
      throw new TocsinError('pause.nothing', `No pause can be ordered on ${chain.name}.`, {
        hints: [
          ...choice.leftOut.map(({ policy, reason }) => `${policy} is left out: ${reason}`),
          ...choice.faults.map(formatFault),
        ],
        exitCode: EXIT.invalid,
      })
    for (const obstacle of await listObstacles(store.db, config.dataDir)) note(obstacle)
    const order: Order = {
      by: name,
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
    const waitS = options.wait ?? defaultWaitS(policies.length, chain.blockTimeMs)
    const pace =
      policies.length > 1
        ? `, one transaction at a time (${chain.blockTimeMs / 1000} s a block)`
        : ''
    note(`Ordered ${policies.length} on ${chain.name} as ${name}${pace}; followed for ${waitS} s.`)
    print(await follow(store, created, waitS), choice, options.json ?? false)
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
    .option('--by <name>', 'who orders it; default: whose key it is, else your user name')
    .option('--reason <text>', 'why, for whoever is paged', 'no reason given')
    .option('--keystore <file>', 'your own key; needed when `signer.approvers` have addresses')
    .option('--password-file <file>', 'its password; default: $TOCSIN_APPROVER_PASSWORD')
    .option(
      '--wait <seconds>',
      'how long to follow them; default: two blocks for each and 30 s, from 60 s to 15 min',
      parseLimit,
    )
    .addHelpText(
      'after',
      `
The signer verifies who orders, and everything else again: policy, code, simulation, limits for window, life and
spending. Cooldown, brake and quorum, which hold bots back, do not apply. A policy that needs two people becomes a
proposal; one in mode observe stays unsent. Nothing is sent while \`tocsin halt\` stands. A key has one transaction in
flight on a chain: several pauses go one after another, about a block each.

With --all, approved policies that are left out are listed with why: of another chain, no pause (it cannot be undone, or
a second run is not harmless), expired, unsigned, or not for your role. A policy file that is wrong pauses nothing.

Exit codes: 0 every effect stands, 1 some do not (yet), a pause was left out or a policy file is wrong, 2 the command
line is wrong or the order would not count: nothing was ordered.

Examples:
  $ tocsin pause --all --chain mainnet --by ada --keystore ada.json --password-file ada.pw --reason "drain in progress"
  $ tocsin pause pause-vault`,
    )
    .action(pause)
}
