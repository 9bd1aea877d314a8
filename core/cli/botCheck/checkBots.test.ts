import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { COMMANDS } from '../commandList.ts'
import { loadBots } from '../loadBots.ts'
import { newBot } from '../scaffold/newBot.ts'
import { checkBotFolder } from './checkBotFolder.ts'
import { checkCommands } from './checkCommands.ts'
import { checkQueries } from './checkQueries.ts'
import { readRunbook } from './readRunbook.ts'

const folder = mkdtempSync(join(tmpdir(), 'tocsin-botcheck-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('behavior: every bot that is shipped has a complete runbook, and sourced defaults with a review date', async () => {
  const faults: string[] = []
  for (const bot of await loadBots())
    for (const { bot: id, where, fault, isWarning } of await checkBotFolder(bot, {
      commands: COMMANDS,
    }))
      if (!isWarning) faults.push(`${id} ${where}: ${fault}`)
  expect(faults).toEqual([])
})

test('behavior: a new bot lacks nothing; its defaults fall due a year later, and are refused a year after that', async () => {
  const written = new Date('2026-11-21T12:00:00Z')
  await newBot({ id: 'many-moves', folder, taken: [], now: written })
  const bot = (await loadBots(folder)).find(({ id }) => id === 'many-moves')
  if (!bot) throw new Error('it was not found')
  const at = (now: string) =>
    checkBotFolder(bot, { commands: COMMANDS, now: new Date(now) }).then((faults) =>
      faults.map(({ where, isWarning }) => [where, isWarning]),
    )
  expect(await at('2026-11-21')).toEqual([])
  expect(await at('2027-11-20')).toEqual([])
  const late = (isWarning: boolean) => [
    ['threshold', isWarning],
    ['windowS', isWarning],
  ]
  expect(await at('2027-11-22')).toEqual(late(true))
  expect(await at('2028-11-22')).toEqual(late(false))
  await expect(newBot({ id: 'many-moves', folder, taken: [] })).rejects.toMatchObject({
    code: 'bot.new',
  })
  await expect(newBot({ id: '../out', folder, taken: [] })).rejects.toMatchObject({ exitCode: 2 })
  await expect(newBot({ id: 'tvl-drop', folder, taken: ['tvl-drop'] })).rejects.toThrow(/already/)
})

test('error: commands that the command line refuses, and queries that cannot be read, by line', async () => {
  const runbook = readRunbook(`# x
Run \`tocsin findings show <id>\` or \`tocsin findings --sinse 1h\`.
\`tocsin backtest --bots x --from <block> --to <block>\` and \`tocsin strat\`.

\`\`\`sql
select 'a from transfer;
\`\`\`
\`\`\`sql
select sum(value) from transfer where a in (lower('<b>'));
\`\`\`
In GraphQL: \`{ transfers(limit: 1) { items { txHash }\`
`)
  const faults = await checkCommands(runbook, COMMANDS)
  expect(faults.map(({ line, fault }) => `${line} ${fault}`)).toEqual([
    expect.stringMatching(/^2 .*--sinse.* unknown option/),
    expect.stringMatching(/^3 .*--chain/),
    expect.stringMatching(/^3 .*no command "strat"/),
  ])
  expect(checkQueries(runbook)).toEqual([
    { line: 6, fault: expect.stringContaining('quote') },
    { line: 11, fault: expect.stringContaining('graphql') },
  ])
})
