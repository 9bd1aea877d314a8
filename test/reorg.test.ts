import { encodeFunctionData, type Hex, keccak256, toHex } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Crew, startCrew } from './support/crew.ts'
import { createTestDatabase } from './support/database.ts'
import { type Ground, startGround } from './support/stack.ts'

/** `TOCSIN_REORG_DEPTHS=all` tries every depth from 1 to 32. */
const DEPTHS =
  process.env['TOCSIN_REORG_DEPTHS'] === 'all'
    ? Array.from({ length: 32 }, (_, i) => i + 1)
    : [1, 2, 5, 32]
const FATES = ['disappears', 'moves', 'stays', 'lies below the fork'] as const
type Fate = (typeof FATES)[number]

const USD = 10n ** 6n
const PAUSED = keccak256(toHex('Paused(address)'))
const cleanups: (() => Promise<unknown>)[] = []
let ground: Ground
let crew: Crew

beforeAll(async () => {
  ground = await startGround({
    users: 8,
    anvil: { timestampS: Math.floor(Date.now() / 1_000) - 80_000 },
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
        .replace('confirmations: 3', 'confirmations: 34')
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

/** One block: something that makes the branch its own, a large transfer now and then, and perhaps the robbery. */
const block = async (branch: bigint, place: number, isRobbery: boolean): Promise<void> => {
  const { usd, users, actors } = ground.deployment
  await crew.send(users[1]?.address ?? '', usd, 'transfer', [
    users[2]?.address,
    branch + BigInt(place),
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
  await crew.mine()
}

const findingsOf = (where: string, values: readonly unknown[] = []) =>
  crew.rows<{ id: string; block_hash: string; block_number: string; status: string }>(
    `select id, block_hash, block_number, status from tocsin.finding where bot_id <> 'tocsin' and ${where}`,
    values,
  )

const expectRight = async (): Promise<void> => {
  const live = await findingsOf("status <> 'retracted'")
  expect(live.map(({ id }) => id).sort()).toEqual(await crew.expected())
  for (const finding of await findingsOf("status = 'retracted'")) {
    const number = toHex(Number(finding.block_number))
    const now = await ground.anvil.rpc<{ hash: Hex } | null>('eth_getBlockByNumber', [
      number,
      false,
    ])
    expect(now?.hash).not.toBe(finding.block_hash)
  }
  // An alert lives by its findings, and people were told when it died.
  const alerts = await crew.rows<{ id: string; status: string; findings: number; live: number }>(
    `select a.id, a.status, a.findings, (select crew.count(*)::int from tocsin.alert_finding m
       join tocsin.finding f on f.id = m.finding_id
       where m.alert_id = a.id and f.status <> 'retracted') as live from tocsin.alert a`,
  )
  for (const alert of alerts) {
    expect(alert.findings).toBe(alert.live)
    expect(alert.status === 'retracted').toBe(alert.live === 0)
    const last = crew.told.filter((message) => message.alert === alert.id).at(-1)
    if (alert.status === 'retracted') expect(last?.change).toBe('retracted')
    else expect(last?.change).not.toBe('retracted')
  }
}

const cases = DEPTHS.flatMap((depth) => FATES.map((fate): [number, Fate] => [depth, fate]))

test.each(cases)('behavior: depth %i, the attack %s', async (depth, fate) => {
  const { anvil, deployment } = ground
  const executionsBefore = await crew.count('tocsin.execution')
  const branch = BigInt(executionsBefore + 1) * 1_000n
  const place = Math.floor(depth / 2)
  if (fate === 'lies below the fork') {
    await block(branch, 0, true)
    await crew.quiet()
    await crew.until(
      'the pause',
      async () => BigInt((await anvil.rpc<{ pending: Hex }>('txpool_status')).pending) > 0n,
    )
    await crew.mine()
    await crew.settled()
  }
  await crew.quiet()
  const fork = Number((await crew.head()).number)
  const snapshot = await anvil.rpc<Hex>('evm_snapshot')

  for (let i = 0; i < depth; i++) {
    const isRobbery = fate !== 'lies below the fork' && i === place
    await block(branch + 100n, i, isRobbery)
    if (isRobbery)
      await crew.until(
        'the intent',
        async () => (await crew.count('tocsin.execution')) > executionsBefore,
      )
  }
  await crew.quiet()
  const orphans = await findingsOf("block_number > $1 and status <> 'retracted'", [fork])

  expect(await anvil.rpc('evm_revert', [snapshot])).toBe(true)
  const newPlace = fate === 'moves' ? (place === 0 ? depth : place - 1) : place
  for (let i = 0; i <= depth; i++)
    await block(branch + 200n, i, (fate === 'moves' || fate === 'stays') && i === newPlace)
  await crew.quiet()
  await crew.settled()
  await crew.quiet()

  const after = await findingsOf('id = any($1)', [orphans.map(({ id }) => id)])
  expect(after.map(({ status }) => status)).toEqual(orphans.map(() => 'retracted'))
  if (fate !== 'lies below the fork') expect(orphans.length).toBeGreaterThan(0)
  await expectRight()

  // One incident, one answer: the effect is there when the attack is, and was never brought about twice.
  const from = toHex(fate === 'lies below the fork' ? fork - 2 : fork)
  const pauses = await anvil.rpc<unknown[]>('eth_getLogs', [
    { address: deployment.vault.address, topics: [PAUSED], fromBlock: from, toBlock: 'latest' },
  ])
  if (fate === 'disappears') expect(pauses.length).toBeLessThanOrEqual(1)
  else expect(pauses.length).toBe(1)
  await start()
})

/** Opens the vault again and lets the hour pass, so that the next case begins anew. */
const start = async (): Promise<void> => {
  const { anvil, deployment } = ground
  const { usd, vault, actors } = deployment
  const data = encodeFunctionData({ abi: vault.abi, functionName: 'paused' })
  const isPaused = await anvil.rpc<Hex>('eth_call', [{ to: vault.address, data }, 'latest'])
  // Beyond the policy's confirmations, which are deeper than any reorg here, the signer minds it no longer.
  for (let i = 0; i < 34; i++) await crew.mine()
  await crew.until('the confirmation', async () => {
    await crew.mine()
    return (
      (await crew.count("tocsin.execution where status = 'succeeded' and confirmed_at is null")) ===
      0
    )
  })
  if (BigInt(isPaused) === 1n) await ground.unpause()
  const balance = encodeFunctionData({
    abi: usd.abi,
    functionName: 'balanceOf',
    args: [actors.attacker.address],
  })
  const held = BigInt(
    await anvil.rpc<Hex>('eth_call', [{ to: usd.address, data: balance }, 'latest']),
  )
  const surplus = held - 400_000n * USD
  if (surplus > 0n)
    await crew.send(actors.attacker.address, usd, 'transfer', [vault.address, surplus])
  await crew.mine()
  const { timestamp } = await anvil.rpc<{ timestamp: Hex }>('eth_getBlockByNumber', [
    'latest',
    false,
  ])
  await anvil.rpc('evm_setNextBlockTimestamp', [Number(timestamp) + 300])
  await crew.mine()
  await crew.quiet()
}
