import { backoffMs, messageOf, sleep, TocsinError } from '../../base/index.ts'
import type {
  BlockPayload,
  EventMessage,
  FromChild,
  ItemResult,
  ReadyMessage,
} from '../child/protocol.ts'
import type { BotPackage, Compat, HostedBotOptions, RawFinding } from '../types.ts'
import { type BotProcess, createBotProcess } from './createBotProcess.ts'

/** A finding with the transaction it came from; `undefined`: from `handleBlock` or `handleAlert`. */
export type HostedFinding = { readonly txHash: string | undefined; readonly finding: RawFinding }

/** What a bot made of a block. */
export type HostedRun = {
  readonly findings: readonly HostedFinding[]
  /** What it did wrong, one sentence each; what it found all the same stands. */
  readonly faults: readonly string[]
}

/** A block's payload as JSON, and its transactions. */
export type WrittenBlock = { readonly json: string; readonly hashes: readonly string[] }

/** One bot on one chain, in a process of its own that is started again whenever it ends. */
export type HostedBot = {
  readonly id: string
  /** Waits until the bot is loaded. @throws TocsinError `forta.start_failed` */
  readonly start: () => Promise<ReadyMessage>
  /**
   * Runs the handlers over one block: `json` is its payload, written once for all bots. Never throws for what the bot
   * does: a handler that throws, hangs or ends the process costs that one item.
   */
  readonly runBlock: (json: string, hashes: readonly string[]) => Promise<HostedRun>
  /** The same of blocks that follow one another, in one exchange. Default: one by one. */
  readonly runBlocks?: (blocks: readonly WrittenBlock[]) => Promise<readonly HostedRun[]>
  /** The same of a block that is not written down. Default: it is written down. */
  readonly runRaw?: (payload: BlockPayload, hashes: readonly string[]) => Promise<HostedRun>
  readonly runAlert: (alert: unknown) => Promise<HostedRun>
  /** One transaction alone: `json` is the payload of a block that holds no other. Default: it is not possible. */
  readonly runTransaction?: (json: string, hash: string) => Promise<HostedRun>
  /** An event that somebody wrote down whole. Default: it is not possible. */
  readonly runEvent?: (handler: EventMessage['handler'], event: unknown) => Promise<HostedRun>
  /** What the bot's `healthCheck` complains of, and what keeps it from running. */
  readonly healthCheck: () => Promise<readonly string[]>
  readonly pid: () => number | undefined
  /** It is loaded and runs. */
  readonly isReady: () => boolean
  readonly restarts: () => number
  readonly stop: () => Promise<void>
}

export const DEFAULT_HANDLER_MS = 5_000
/** Loading a large bot on a busy machine (ms). */
const START_MS = 60_000
/** Starts that are tried for one block, and how long it waits for a bot that has yet to show that it starts (ms). */
const START_TRIES = 3
const START_WAIT_MS = 15_000
/** Longest pause between two starts (ms); so long after one that did not even fail. */
const MOST_REST_MS = 300_000
const HUNG_REST_MS = 30_000
/** A bot that rests longer than this before its next start is left out of the block at once (ms). */
const SHORT_REST_MS = 2_000
const HEALTH_MS = 5_000
/** What every program may see of our environment. */
const HARMLESS = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_EXTRA_CA_CERTS']

/** One message to the child and what came back so far. */
type Task = {
  readonly id: number
  /** Everything below is done. */
  item: number
  readonly results: ItemResult[]
  readonly touch: () => void
  readonly end: (reason: string | undefined) => void
}

type OpenRun = { readonly findings: HostedFinding[]; readonly faults: string[] }
type Place = { readonly block: number; readonly item: number }

const NOTHING: HostedRun = { findings: [], faults: [] }

/** Which block an item is of, and which of its items; what comes after the last one is of the last. */
const placeOf = (item: number, blocks: readonly WrittenBlock[]): Place => {
  let rest = item
  for (const [block, { hashes }] of blocks.entries()) {
    if (rest <= hashes.length || block === blocks.length - 1) return { block, item: rest }
    rest -= hashes.length + 1
  }
  return { block: 0, item: rest }
}

const environmentOf = (
  options: HostedBotOptions,
  generation: 1 | 2,
  chainId: number,
  rpcPort: number,
) => ({
  ...Object.fromEntries(
    [...HARMLESS, ...(options.env ?? [])].flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  ),
  JSON_RPC_HOST: '127.0.0.1',
  JSON_RPC_PORT: String(rpcPort),
  FORTA_CHAIN_ID: String(chainId),
  // Its helper services, for bots that ask for other bots' findings.
  FORTA_PUBLIC_API_PROXY_HOST: '127.0.0.1',
  FORTA_PUBLIC_API_PROXY_PORT: String(rpcPort),
  ...(generation === 2
    ? {
        // Outside production it keeps every answer for ever; its other services are served here as well.
        FORTA_ENV: 'production',
        JSON_RPC_CACHE_HOST: '127.0.0.1',
        JSON_RPC_CACHE_PORT: String(rpcPort),
        FORTA_JWT_PROVIDER_HOST: '127.0.0.1',
        FORTA_JWT_PROVIDER_PORT: String(rpcPort),
      }
    : {}),
  ...(options.fortaBotId === undefined ? {} : { FORTA_BOT_ID: options.fortaBotId }),
})

export const createHostedBot = (options: {
  readonly bot: HostedBotOptions
  readonly pack: BotPackage
  readonly chainId: number
  /** Where JSON-RPC is served to it, on loopback. */
  readonly rpcPort: number
  readonly onOutput?: (line: string) => void
  /** Hears that the process ended, and why. */
  readonly onEnd?: (reason: string) => void
}): HostedBot => {
  const { bot, pack, chainId } = options
  const timeoutMs = bot.timeoutMs ?? DEFAULT_HANDLER_MS
  const compat: Compat = bot.compat ?? 'sdk'
  const stopping = new AbortController()
  let child: BotProcess | undefined
  let starting: Promise<BotProcess> | undefined
  let starts = 0
  let failures = 0
  let notBefore = 0
  let lastId = 0
  let task: Task | undefined
  let onHealth: ((errors: readonly string[]) => void) | undefined
  let trouble: string | undefined
  /** Its last start went well: the next one is worth waiting for. */
  let isProven = false

  const onMessage = (message: FromChild): void => {
    if (message.kind === 'health') onHealth?.(message.errors)
    if (message.kind !== 'progress' && message.kind !== 'done') return
    if (task === undefined || message.id !== task.id) return
    task.results.push(...message.results)
    if (message.kind === 'done') task.end(undefined)
    else {
      task.item = message.item
      task.touch()
    }
  }
  const begin = async (): Promise<BotProcess> => {
    const waitMs = notBefore - performance.now()
    if (waitMs > 0) await sleep(waitMs, stopping.signal)
    if (stopping.signal.aborted)
      throw new TocsinError('forta.start_failed', `The bot ${bot.id} was stopped.`)
    const beganMs = performance.now()
    try {
      starts++
      const made = await createBotProcess({
        dir: pack.dir,
        start: {
          generation: pack.generation,
          agentPath: pack.agentPath,
          compat,
          chainId,
          rpcUrl: `http://127.0.0.1:${options.rpcPort}`,
          argv: bot.argv ?? (compat === 'node' ? ['run', '--prod'] : ['run']),
        },
        environment: environmentOf(bot, pack.generation, chainId, options.rpcPort),
        startMs: START_MS,
        onMessage,
        onOutput: (line) => options.onOutput?.(line),
        onEnd: (reason) => {
          child = undefined
          if (!stopping.signal.aborted) options.onEnd?.(reason)
          task?.end(reason)
        },
      })
      child = made.ended() === undefined ? made : undefined
      failures = 0
      trouble = undefined
      isProven = true
      return made
    } catch (error) {
      const now = performance.now()
      const restMs = backoffMs(failures++, 200, MOST_REST_MS)
      trouble = messageOf(error)
      isProven = false
      notBefore = now + (now - beganMs < START_MS ? restMs : Math.max(restMs, HUNG_REST_MS))
      throw error
    }
  }
  const ensure = async (): Promise<BotProcess> => {
    if (child) return child
    starting ??= begin().finally(() => {
      starting = undefined
    })
    return starting
  }

  /** Sends one message and waits for its end, or for the end of the process; each item has its time limit. */
  const exchange = (
    running: BotProcess,
    write: (id: number) => string,
    from: number,
  ): Promise<{ readonly task: Task; readonly reason: string | undefined }> =>
    new Promise((resolve) => {
      const id = ++lastId
      const arm = (): NodeJS.Timeout =>
        setTimeout(
          () => void running.kill(`it took longer than ${timeoutMs} ms`).catch(() => undefined),
          timeoutMs,
        )
      let timer = arm()
      const made: Task = {
        id,
        item: from,
        results: [],
        touch: () => {
          clearTimeout(timer)
          timer = arm()
        },
        end: (reason) => {
          clearTimeout(timer)
          task = undefined
          resolve({ task: made, reason })
        },
      }
      task = made
      const over = running.ended()
      if (over !== undefined) made.end(over)
      else running.send(write(id))
    })

  /** The process, or why there is none: a bot that does not start must not keep the chain waiting. */
  const startFor = async (): Promise<BotProcess | string> => {
    if (child) return child
    const deadline = performance.now() + (isProven ? START_MS : START_WAIT_MS)
    let said = trouble ?? 'it does not start'
    for (let tries = 0; tries < START_TRIES && !stopping.signal.aborted; tries++) {
      if (trouble !== undefined && notBefore - performance.now() > SHORT_REST_MS) return said
      const ended = new AbortController()
      const late = sleep(Math.max(0, deadline - performance.now()), ended.signal)
      try {
        const made = await Promise.race([ensure(), late])
        if (made) return made
        return trouble ?? 'it has not started yet'
      } catch (error) {
        said = messageOf(error)
      } finally {
        ended.abort()
      }
    }
    return said
  }

  const nameItem = ({ block, item }: Place, blocks: readonly WrittenBlock[]): string =>
    item === 0 ? 'handleBlock' : `handleTransaction(${blocks[block]?.hashes[item - 1] ?? item})`

  const collect = (
    results: readonly ItemResult[],
    blocks: readonly WrittenBlock[],
    runs: readonly OpenRun[],
  ): void => {
    for (const result of results) {
      const place = placeOf(result.item, blocks)
      const run = runs[place.block]
      if ('error' in result)
        run?.faults.push(`${nameItem(place, blocks)} threw: ${result.error.split('\n')[0]}`)
      else
        for (const finding of result.findings)
          run?.findings.push({
            txHash: place.item === 0 ? undefined : blocks[place.block]?.hashes[place.item - 1],
            finding: finding as RawFinding,
          })
    }
  }

  /** @param first item to begin with: those before it are none of its business */
  const runBlocks = async (
    blocks: readonly WrittenBlock[],
    first = 0,
  ): Promise<readonly HostedRun[]> => {
    const runs = blocks.map((): OpenRun => ({ findings: [], faults: [] }))
    /** Of the blocks that are not through. */
    const blame = (from: number, fault: string): readonly HostedRun[] => {
      for (const run of runs.slice(placeOf(from, blocks).block)) run.faults.push(fault)
      return runs
    }
    const data = `[${blocks.map(({ json }) => json).join(',')}]`
    const skip: number[] = []
    let from = first
    let careful = false
    for (;;) {
      const running = await startFor()
      if (typeof running === 'string') return blame(from, running)
      const { task: done, reason } = await exchange(
        running,
        (id) =>
          `{"kind":"blocks","id":${id},"from":${from},"skip":${JSON.stringify(skip)},"careful":${careful},"data":${data}}`,
        from,
      )
      collect(done.results, blocks, runs)
      if (reason === undefined) return runs
      from = done.item
      if (stopping.signal.aborted) return blame(from, 'it was stopped')
      // Which item it was is known for sure the second time: then that one is left out, and the rest goes on.
      if (careful) {
        const place = placeOf(from, blocks)
        runs[place.block]?.faults.push(
          `${nameItem(place, blocks)} failed twice and was left out: ${reason}`,
        )
        skip.push(from)
        from++
      }
      careful = true
    }
  }
  /** One message that is one item. */
  const runAlone = async (handler: string, message: object): Promise<HostedRun> => {
    const run: OpenRun = { findings: [], faults: [] }
    const running = await startFor()
    if (typeof running === 'string') return { ...run, faults: [running] }
    const { task: done, reason } = await exchange(
      running,
      (id) => JSON.stringify({ ...message, id }),
      0,
    )
    collect(done.results, [{ json: '', hashes: [] }], [run])
    if (reason !== undefined) run.faults.push(`${handler}: ${reason}`)
    return { ...run, faults: run.faults.map((fault) => fault.replace('handleBlock', handler)) }
  }
  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work)
    queue = turn.catch(() => undefined)
    return turn
  }

  return {
    id: bot.id,
    start: async () => (await ensure()).ready,
    runBlock: (json, hashes) =>
      inTurn(async () => (await runBlocks([{ json, hashes }]))[0] ?? NOTHING),
    runBlocks: (blocks) => inTurn(() => runBlocks(blocks)),
    runTransaction: (json, hash) =>
      inTurn(async () => (await runBlocks([{ json, hashes: [hash] }], 1))[0] ?? NOTHING),
    runEvent: (handler, event) =>
      inTurn(() => runAlone(handler, { kind: 'event', handler, event })),
    runAlert: (alert) => inTurn(() => runAlone('handleAlert', { kind: 'alert', alert })),
    healthCheck: () =>
      inTurn(async () => {
        if (trouble !== undefined) return [trouble]
        const running = child
        if (!running?.ready.handlers.includes('healthCheck')) return []
        return new Promise<readonly string[]>((resolve) => {
          const end = (errors: readonly string[]): void => {
            clearTimeout(timer)
            onHealth = undefined
            resolve(errors)
          }
          const timer = setTimeout(() => end(['its healthCheck does not answer']), HEALTH_MS)
          onHealth = end
          running.send(JSON.stringify({ kind: 'health', id: ++lastId }))
        })
      }),
    pid: () => child?.pid,
    isReady: () => child !== undefined,
    restarts: () => Math.max(0, starts - 1),
    stop: async () => {
      stopping.abort()
      await starting?.catch(() => undefined)
      await child?.kill('it was stopped')
    },
  }
}

/** The payload of a block as it is sent to every bot that sees the same of it. */
export const encodePayload = (payload: BlockPayload): string => JSON.stringify(payload)
