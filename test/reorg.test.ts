import { encodeFunctionData, type Hex, keccak256, toHex } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Crew, startCrew } from './support/crew.ts'
import { createTestDatabase } from './support/database.ts'
import { type Ground, startGround } from './support/stack.ts'

/** `TOCSIN_REORG_DEPTHS=all` tries every depth from 1 to 32; a list such as `3,9` tries these. */
const DEPTHS = ((asked: string) =>
  asked === 'all'
    ? Array.from({ length: 32 }, (_, index) => index + 1)
    : asked.split(',').map(Number))(process.env['TOCSIN_REORG_DEPTHS'] ?? '1,2,7,32')
const FATES = ['disappears', 'moves', 'stays', 'lies below the fork'] as const
type Fate = (typeof FATES)[number]
/** The new branch comes block by block, or its blocks are all there when Tocsin first hears of it. */
const WAYS = ['block by block', 'at once'] as const
type Way = (typeof WAYS)[number]

const CONFIRMATIONS = 34
const USD = 10n ** 6n
const PAUSED = keccak256(toHex('Paused(address)'))
const cleanups: (() => Promise<unknown>)[] = []
let ground: Ground
let crew: Crew
/** Makes the blocks of every branch its own. */
let branch = 0n

beforeAll(async () => {
  ground = await startGround({
    users: 8,
    gated: true,
    anvil: {
      timestampS: Math.floor(Date.now() / 1_000) - 80_000,
      // What lies deeper is asked by nobody, and to keep it costs anvil more with every block.
      args: ['--prune-history', '200'],
    },
    prepare: async (anvil) => {
      await anvil.rpc('anvil_setBlockTimestampInterval', [1])
    },
    watchlist: (text) =>
      text.replace('blockTimeMs: 1000', 'blockTimeMs: 200\n    finality: { depth: 60 }'),
    policy: (text) =>
      text
        .replace('maxPerWindow: 1,', 'maxPerWindow: 1000,')
        .replace('maxLifetime: 10 ', 'maxLifetime: 10000 ')
        .replace('cooldownS: 3600', 'cooldownS: 120')
        .replace('0.5 ether', '5000 ether')
        .replace('confirmations: 3', `confirmations: ${CONFIRMATIONS}`)
        .replace('blocks: 10, seconds: 180', 'blocks: 100, seconds: 86400'),
  })
  cleanups.push(ground.stop)
  const database = await createTestDatabase()
  cleanups.push(database.drop)
  crew = await startCrew({ ground, store: database })
  cleanups.push(crew.stop)
}, 120_000)

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
})

/** Opens the vault again, gives it its money back and lets time pass, so that the case begins anew. */
beforeEach(async () => {
  const { anvil, deployment } = ground
  const { usd, vault, actors } = deployment
  // Beyond the policy's confirmations, which are deeper than any reorg here, the signer minds it no longer.
  await ground.alone(() => anvil.rpc('anvil_mine', [toHex(CONFIRMATIONS)]))
  await crew.settled()
  await crew.until(
    'the confirmation',
    async () =>
      (await crew.count("tocsin.execution where status = 'succeeded' and confirmed_at is null")) ===
      0,
  )
  if (BigInt(await view(vault, 'paused')) === 1n) await ground.unpause()
  const held = BigInt(await view(usd, 'balanceOf', [actors.attacker.address]))
  const surplus = held - 400_000n * USD
  if (surplus > 0n)
    await crew.send(actors.attacker.address, usd, 'transfer', [vault.address, surplus])
  await crew.mine()
  const { timestamp } = await crew.head()
  await anvil.rpc('evm_setNextBlockTimestamp', [Number(timestamp) + 300])
  await crew.mine()
  await crew.quiet()
})

const view = (
  contract: { readonly address: string; readonly abi: Ground['deployment']['usd']['abi'] },
  functionName: string,
  args: readonly unknown[] = [],
): Promise<Hex> =>
  ground.anvil.rpc('eth_call', [
    {
      to: contract.address,
      data: encodeFunctionData({ abi: contract.abi, functionName, args }),
    },
    'latest',
  ])

/** Queues what makes the branch its own, a large transfer now and then, and perhaps the robbery. */
const queue = async (place: number, isRobbery: boolean): Promise<void> => {
  const { usd, users, actors } = ground.deployment
  await crew.send(users[1]?.address ?? '', usd, 'transfer', [
    users[2]?.address,
    branch * 1_000n + BigInt(place),
  ])
  if (place % 4 === 1)
    await crew.send(actors.marketMaker.address, usd, 'transfer', [
      actors.whale.address,
      300_000n * USD,
    ])
  if (place % 4 === 3)
    await crew.send(actors.whale.address, usd, 'transfer', [
      actors.marketMaker.address,
      300_000n * USD,
    ])
  if (isRobbery) await crew.rob()
}

const findingsOf = (where: string, values: readonly unknown[] = []) =>
  crew.rows<{ id: string; block_hash: string; block_number: string; status: string }>(
    `select id, block_hash, block_number, status from tocsin.finding where bot_id <> 'tocsin' and ${where}`,
    values,
  )

/** How often the vault was paused above a block, on the chain as it is now. */
const pausesAbove = async (fork: number): Promise<number> =>
  (
    await ground.anvil.rpc<unknown[]>('eth_getLogs', [
      {
        address: ground.deployment.vault.address,
        topics: [PAUSED],
        fromBlock: toHex(fork + 1),
        toBlock: 'latest',
      },
    ])
  ).length

const inPool = async (): Promise<boolean> =>
  Number((await ground.anvil.rpc<{ pending: Hex }>('txpool_status')).pending) > 0

/** What stands is what a run over the chain finds that knows of no reorg; what does not is nowhere on it. */
const expectRightFindings = async (above: number): Promise<void> => {
  expect(await crew.standing()).toEqual(await crew.expected())
  const hashes = new Map<string, string | undefined>()
  for (const finding of await findingsOf("status = 'retracted' and block_number > $1", [above])) {
    const number = toHex(Number(finding.block_number))
    if (!hashes.has(number)) {
      const now = await ground.anvil.rpc<{ hash: Hex } | null>('eth_getBlockByNumber', [
        number,
        false,
      ])
      hashes.set(number, now?.hash)
    }
    expect(hashes.get(number)).not.toBe(finding.block_hash)
  }
}

/** An alert lives by its findings, and people were told when it died. */
const expectRightAlerts = async (): Promise<void> => {
  const alerts = await crew.rows<{ id: string; status: string; findings: number; live: number }>(
    `select a.id, a.status, a.findings, (select count(*)::int from tocsin.alert_finding m
       join tocsin.finding f on f.id = m.finding_id
       where m.alert_id = a.id and f.status <> 'retracted'
         and f.condition is distinct from 'ended') as live from tocsin.alert a`,
  )
  for (const alert of alerts) {
    expect(alert.findings).toBe(alert.live)
    expect(alert.status === 'retracted').toBe(alert.live === 0)
    const last = crew.told.filter((message) => message.alert === alert.id).at(-1)
    if (alert.status === 'retracted') expect(last?.change).toBe('retracted')
    else expect(last?.change).not.toBe('retracted')
  }
  // Whatever stands is in an alert, but for the end of something that nobody was told of.
  const lost = await crew.rows(
    `select f.id from tocsin.finding f where f.bot_id <> 'tocsin' and f.status <> 'retracted'
       and f.condition is distinct from 'ended'
       and not exists (select from tocsin.alert_finding m where m.finding_id = f.id and not m.retracted)`,
  )
  expect(lost).toEqual([])
}

const cases = DEPTHS.flatMap((depth) =>
  FATES.map((fate, index): [number, Fate, Way] => [
    depth,
    fate,
    (depth + index) % 2 === 0 ? 'at once' : 'block by block',
  ]),
)

test.each(cases)('behavior: depth %i, the attack %s, %s', async (depth, fate, way) => {
  const { anvil, alone, deployment } = ground
  const executionsBefore = await crew.count('tocsin.execution')
  const pausedBefore = Number((await crew.head()).number)
  const place = Math.floor(depth / 2)
  const isBelow = fate === 'lies below the fork'
  branch++
  if (isBelow) {
    await queue(0, true)
    await crew.mine()
    await crew.quiet()
    await crew.until('the pause', inPool)
    await crew.mine()
    await crew.settled()
  }
  await crew.quiet()
  const fork = Number((await crew.head()).number)
  const snapshot = await anvil.rpc<Hex>('evm_snapshot')

  branch++
  for (let i = 0; i < depth; i++) {
    const isRobbery = !isBelow && i === place
    await queue(i, isRobbery)
    await crew.mine()
    if (!isRobbery) continue
    await crew.until(
      'the intent',
      async () => (await crew.count('tocsin.execution')) > executionsBefore,
    )
    // Then it is mined in the branch that will be gone, if that goes on.
    if (way === 'at once') await crew.until('the pause', inPool)
  }
  await crew.quiet()
  const orphans = await findingsOf("block_number > $1 and status <> 'retracted'", [fork])
  expect(await pausesAbove(pausedBefore)).toBeLessThanOrEqual(1)

  branch++
  const isThere = fate === 'moves' || fate === 'stays'
  const newPlace = fate === 'moves' ? (place === 0 ? depth : place - 1) : place
  const goBack = async (): Promise<void> =>
    expect(await anvil.rpc('evm_revert', [snapshot])).toBe(true)
  /** The attack would be averted by a pause that is mined before it, so that one waits its turn. */
  const seal = async (i: number): Promise<void> => {
    if (isThere && i <= newPlace)
      await anvil.rpc('anvil_removePoolTransactions', [deployment.actors.pauser.address])
    await queue(i, isThere && i === newPlace)
    await anvil.rpc('evm_mine')
  }
  if (way === 'at once')
    await alone(async () => {
      await goBack()
      for (let i = 0; i <= depth; i++) await seal(i)
    })
  else {
    await alone(goBack)
    for (let i = 0; i <= depth; i++) await alone(() => seal(i))
  }
  await crew.quiet()
  await crew.settled()
  await crew.quiet()

  const after = await findingsOf('id = any($1)', [orphans.map(({ id }) => id)])
  expect(after.map(({ status }) => status)).toEqual(orphans.map(() => 'retracted'))
  if (!isBelow) expect(orphans.length).toBeGreaterThan(0)
  const seen = await findingsOf(
    "alert_id = 'TVL-DROP-BLOCK' and block_number > $1 and status <> 'retracted'",
    [pausedBefore],
  )
  expect(seen.length).toBe(fate === 'disappears' ? 0 : 1)
  await expectRightFindings(fork)
  await expectRightAlerts()

  // One incident, one answer: the effect is there when the attack is, and was never brought about twice.
  const pauses = await pausesAbove(pausedBefore)
  if (fate === 'disappears') expect(pauses).toBeLessThanOrEqual(1)
  else expect(pauses).toBe(1)
  expect(
    await crew.count("tocsin.execution where status in ('succeeded', 'failed')"),
  ).toBeLessThanOrEqual(executionsBefore + 1)
})
