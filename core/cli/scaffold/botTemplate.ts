/** Names that the files of a new bot are filled with. */
export type BotNames = {
  /** Kebab-case. */
  readonly id: string
  /** The same in camelCase. */
  readonly constant: string
  /** The same in PascalCase, for types. */
  readonly type: string
  readonly alertId: string
  /** A year from the day of writing, ISO 8601. */
  readonly reviewBy: string
}

const bot = ({
  id,
  constant,
  type,
  alertId,
}: BotNames): string => `import { defineBot } from 'tocsin'
import { type ${type}Parameters, ${constant}Parameters } from './parameters.ts'
import { report } from './report.ts'

/** keccak256 of \`Transfer(address,address,uint256)\`. */
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

type Told = { readonly atS: number }

/** More transfers of a token within a span than its threshold. State: one window and one entry per thing. */
export const ${constant} = defineBot<${type}Parameters>({
  id: '${id}',
  version: '0.1.0',
  summary: 'A watched token is moved more often than usual.',
  parameters: ${constant}Parameters,
  alerts: [
    {
      id: '${alertId}',
      title: 'Many transfers within the window',
      kind: 'event',
      severity: 'Medium',
    },
  ],
  kinds: ['token'],
  // Ask for as little as you need: blocks without it cost nothing.
  needs: ({ things }) => ({
    logs: [{ address: things.map(({ address }) => address), topics: [TRANSFER] }],
  }),
  handleBlock: (block, ctx) =>
    ctx.things.flatMap((thing) => {
      const logs = block.logs.filter(({ address }) => address === thing.address)
      if (logs.length === 0) return []
      const { windowS, threshold } = thing.parameters
      const seen = ctx.window(thing.name, { keepS: windowS })
      seen.add(BigInt(logs.length))
      const count = seen.sum(windowS)
      // Told once per window, or every further block would tell it again.
      const told = ctx.state.get<Told>(thing.name)
      const isTold = told !== undefined && ctx.block.timestampS - told.atS < windowS
      if (count <= BigInt(threshold) || isTold) return []
      ctx.state.set(thing.name, { atS: ctx.block.timestampS })
      return [report({ thing, count, log: logs[logs.length - 1] })]
    }),
})
`

const parameters = ({ constant, type, reviewBy }: BotNames): string => `import { z } from 'zod'

const reviewBy = '${reviewBy}'

/** Every default says where it comes from and by when somebody must look at it again. */
export const ${constant}Parameters = z.strictObject({
  threshold: z.int().min(1).max(1_000_000).default(100).meta({
    description: 'More transfers than this within \`windowS\` are told.',
    source: 'own choice: find yours with \`tocsin tune\`',
    reviewBy,
    quieter: 'higher',
  }),
  windowS: z.int().min(12).max(86_400).default(600).meta({
    description: 'Span in which transfers are counted (seconds of block time).',
    source: 'own choice: ten minutes',
    reviewBy,
  }),
})

export type ${type}Parameters = z.infer<typeof ${constant}Parameters>
`

const report = ({
  type,
  alertId,
}: BotNames): string => `import type { BotThing, ChainLog, Finding } from 'tocsin'
import type { ${type}Parameters } from './parameters.ts'

/** The finding, with all that a person needs in order to judge it. */
export const report = (facts: {
  readonly thing: BotThing<${type}Parameters>
  readonly count: bigint
  readonly log: ChainLog | undefined
}): Finding => {
  const { thing, count, log } = facts
  const { threshold, windowS } = thing.parameters
  return {
    alertId: '${alertId}',
    name: 'Many transfers',
    description: \`\${thing.name} was moved \${count} times within \${windowS} s; the threshold is \${threshold}.\`,
    severity: 'Medium',
    type: 'Suspicious',
    thing: thing.name,
    addresses: [thing.address],
    metadata: {
      count: count.toString(),
      threshold: String(threshold),
      windowS: String(windowS),
    },
    ...(log ? { txHash: log.txHash } : {}),
  }
}
`

const runbook = ({ id, alertId, reviewBy }: BotNames): string => `# ${id}

## What it means

\`${alertId}\` (event, Medium): a watched token was moved more than \`threshold\` times within \`windowS\` seconds of block time. It is told once per window.

## Likely causes

1. Ordinary business: a launch, an airdrop, a busy market.
2. A script that moves many small amounts: somebody empties accounts one by one.

## What to do

1. \`tocsin findings show <id>\`: \`count\`, \`threshold\` and the last transaction.
2. Who moved how much, in the indexer's SQL:

   \`\`\`sql
   select from_address, count(*) as times, sum(value) as units
   from transfer where address = lower('<address of the token>') and timestamp > extract(epoch from now()) - 3600
   group by from_address order by times desc limit 20;
   \`\`\`

3. What else was found on the same token: \`tocsin findings --since 1h\`.

## How to end it

It is an event: \`tocsin alerts ack <id> --by <you>\`, then \`tocsin alerts resolve <id> --by <you>\`. Where it comes every day, raise \`threshold\` of that token in the watchlist.

## When to escalate

- At once: many accounts are emptied into one.
- Else: the daily review.

## Parameters

\`tocsin bots show ${id}\` prints every parameter with its default, source and the date by which to review it (${reviewBy}). Tune with \`tocsin tune ${id} --chain <chain> --from <block> --to <block> --pages-per-week 1\`.
`

const botTest = ({
  constant,
  alertId,
}: BotNames): string => `import { type BlockInput, botConformance, createBotHarness } from 'tocsin/testing'
import { expect, test } from 'vitest'
import { ${constant} } from './bot.ts'

const TOKEN = '0x00000000000000000000000000000000000000a1'
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const things = [{ kind: 'token', name: 'gold', address: TOKEN }] as const
const parameters = { threshold: 3, windowS: 60 }

/** A block with so many transfers, so many seconds after the one before. */
const moved = (times: number, afterS = 12): BlockInput => ({
  afterS,
  logs: Array.from({ length: times }, () => ({
    address: TOKEN,
    topics: [TRANSFER],
    data: '0x' as const,
  })),
})

test('behavior: exactly the threshold is silent, one more is told, once per window', async () => {
  const harness = await createBotHarness(${constant}, { things, parameters })
  expect(await harness.block(moved(3))).toEqual([])
  const [finding] = await harness.block(moved(1))
  expect(finding).toMatchObject({
    alertId: '${alertId}',
    severity: 'Medium',
    thing: 'gold',
    metadata: { count: '4', threshold: '3' },
  })
  expect(await harness.block(moved(5))).toEqual([])
  expect(await harness.block(moved(4, 61))).toHaveLength(1)
  await harness.stop()
})

test('behavior: what is spread over more than the window is silent', async () => {
  const harness = await createBotHarness(${constant}, { things, parameters })
  for (let i = 0; i < 10; i++) expect(await harness.block(moved(3, 60))).toEqual([])
  await harness.stop()
})

// It replays identically, survives reorgs, is silent on ordinary traffic, and its runbook is complete.
for (const { name, run } of botConformance(${constant}, {
  things,
  parameters,
  runbook: new URL('./runbook.md', import.meta.url),
  scenario: [moved(2), moved(2), moved(1), moved(4, 61)],
  benign: Array.from({ length: 20 }, () => moved(1, 30)),
}))
  test(name, run)
`

const realChain = ({
  constant,
  alertId,
}: BotNames): string => `import { type Anvil, runBotOnAnvil, startAnvil } from 'tocsin/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ${constant} } from './bot.ts'

const TOKEN = '0x00000000000000000000000000000000000070c5'
const TRANSFER = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
/** Whoever calls it sends one unit to himself: mstore(0, 1); log3(0, 32, TRANSFER, caller, caller). */
const CODE = \`0x60016000523333 7f\${TRANSFER}60206000a300\`.replace(' ', '')
let anvil: Anvil

beforeAll(async () => {
  anvil = await startAnvil({ automine: false })
  await anvil.rpc('anvil_setCode', [TOKEN, CODE])
})
afterAll(() => anvil?.stop())

/** One block in which the token is moved so many times. */
const move = async (times: number): Promise<number> => {
  const [from] = await anvil.rpc<string[]>('eth_accounts')
  for (let i = 0; i < times; i++)
    await anvil.rpc('eth_sendTransaction', [{ from, to: TOKEN, gas: '0x15f90' }])
  await anvil.rpc('evm_mine')
  return Number(await anvil.rpc('eth_blockNumber'))
}
const things = [{ kind: 'token', name: 'gold', address: TOKEN }] as const

test('behavior: many transfers on a real chain are told in the block that makes them too many', async () => {
  const from = await move(2)
  const to = await move(2)
  const found = await runBotOnAnvil(${constant}, anvil, {
    things,
    parameters: { threshold: 3 },
    from,
    to,
  })
  expect(found).toMatchObject([
    { alertId: '${alertId}', blockNumber: to, metadata: { count: '4' } },
  ])
})

test('behavior: few transfers on a real chain are not', async () => {
  const from = await move(2)
  const to = await move(1)
  const found = await runBotOnAnvil(${constant}, anvil, {
    things,
    parameters: { threshold: 3 },
    from,
    to,
  })
  expect(found).toEqual([])
})
`

/** The files of a new bot, by name: one that works, to be changed into what is wanted. */
export const botFiles = (names: BotNames): Readonly<Record<string, string>> => ({
  'bot.ts': bot(names),
  'parameters.ts': parameters(names),
  'report.ts': report(names),
  'runbook.md': runbook(names),
  'bot.test.ts': botTest(names),
  'realChain.test.ts': realChain(names),
})
