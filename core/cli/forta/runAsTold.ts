import { cleanText } from '../../base/index.ts'
import { inspectBot, mapFindings, runSteps } from '../../forta/light.ts'
import { EXIT } from '../exitCodes.ts'
import { botOptions, type FortaOptions, openNode, printFinding, warnChain } from './openNode.ts'
import type { ToldSteps } from './readSteps.ts'

type AlertDesk = {
  readonly findAlert?: (hash: string) => Promise<Readonly<Record<string, unknown>> | undefined>
  readonly serveOther?: (path: string, body: string) => Promise<string | undefined>
  readonly close: () => Promise<void>
}

/** Alerts by hash, and what a bot asks of the SDK's services: out of the watchlist's database, where that is needed. */
const openAlerts = async (isNeeded: boolean, options: FortaOptions): Promise<AlertDesk> => {
  if (!isNeeded) return { close: async () => undefined }
  const [{ openStore }, { createFortaApi, createJwt }] = await Promise.all([
    import('../openStore.ts'),
    import('../../forta/index.ts'),
  ])
  const { store, config, close } = await openStore(options)
  const bots = config.forta ?? []
  const api = createFortaApi({
    store,
    nameOf: (id) => bots.find(({ botId }) => botId?.toLowerCase() === id.toLowerCase())?.name ?? id,
    idOf: (name) => bots.find((bot) => bot.name === name)?.botId ?? name,
  })
  return {
    findAlert: api.findAlert,
    serveOther: async (path, body) => {
      if (path === '/graphql') return api.answer(body)
      return path === '/create' ? createJwt(body) : undefined
    },
    close,
  }
}

/** What the SDK's own command line does with --tx, --block, --alert, --sequence and --file. */
export const runAsTold = async (
  dir: string,
  options: FortaOptions,
  { steps, argv }: ToldSteps,
): Promise<number> => {
  const pack = inspectBot(dir)
  const { pool, traces } = await openNode(options, pack)
  const bot = { ...botOptions(pack, options, 'sdk'), argv }
  let findings = 0
  let faults = 0
  try {
    warnChain(pack, pool.chainId)
    const isAsking = steps.some(
      ({ kind, ...step }) => kind === 'alert' && 'alert' in step && typeof step.alert === 'string',
    )
    const { close, ...desk } = await openAlerts(isAsking, options)
    try {
      const done = await runSteps({
        pool,
        traces,
        bot: { bot, pack },
        steps,
        ...desk,
        onStep: (_, block, made) => {
          for (const finding of mapFindings(made.findings)) {
            findings++
            printFinding(finding, block, bot.id, options.format)
          }
          for (const fault of made.faults) {
            faults++
            process.stderr.write(`${cleanText(fault, 400)}\n`)
          }
        },
        onOutput: (line) => process.stderr.write(`${cleanText(line, 1_000)}\n`),
      })
      process.stderr.write(
        options.json
          ? `${JSON.stringify({ ...done, findings, faults })}\n`
          : `${done.steps} shown, ${findings} findings, ${faults} faults in ${done.seconds.toFixed(1)} s.\n`,
      )
      return faults > 0 ? EXIT.failed : EXIT.ok
    } finally {
      await close()
    }
  } finally {
    await pool.stop()
  }
}
