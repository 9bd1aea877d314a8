import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Writes a bot `big-move` into `<folder>/own`: transfers of more than `threshold` whole tokens are Medium, of more than
 * `highFactor` times as many High. Tests of commands use it, so that a shipped bot may change.
 */
export const writeBigMoveBot = (folder: string): void => {
  mkdirSync(join(folder, 'own'), { recursive: true })
  writeFileSync(
    join(folder, 'own', 'big.mjs'),
    `import { z } from ${JSON.stringify(import.meta.resolve('zod'))}
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
export const big = {
  id: 'big-move', version: '1.0.0', summary: 'Tells of big transfers.', kinds: ['token'],
  alerts: [{ id: 'BIG-MOVE', title: 'Big', kind: 'event', severity: 'High' }],
  parameters: z.strictObject({
    threshold: z.string().regex(/^\\d+$/).default('100').meta({ quieter: 'higher' }),
    highFactor: z.int().min(2).max(1000000).default(10),
  }),
  needs: ({ things }) => ({ logs: [{ address: things.map((thing) => thing.address), topics: [TRANSFER] }] }),
  handleBlock: (block, ctx) => block.logs.flatMap((log) => {
    const thing = ctx.thingAt(log.address)
    const units = BigInt(log.data)
    const limit = BigInt(thing.parameters.threshold) * 10n ** 18n
    if (units <= limit) return []
    const severity = units > limit * BigInt(thing.parameters.highFactor) ? 'High' : 'Medium'
    return [{ alertId: 'BIG-MOVE', name: 'Big', description: units + ' units moved', severity, type: 'Info',
      thing: thing.name, txHash: log.txHash, uniqueKey: String(log.logIndex) }]
  }),
}
`,
  )
}
