import { randomUUID } from 'node:crypto'
import { type Client, status } from '@grpc/grpc-js'
import { backoffMs, cleanText, messageOf, sleep, TocsinError } from '../../base/index.ts'
import type { BlockPayload, ReadyMessage } from '../child/protocol.ts'
import {
  DEFAULT_HANDLER_MS,
  type HostedBot,
  type HostedFinding,
  type HostedRun,
} from '../host/createHostedBot.ts'
import type { GrpcBotOptions, RawFinding } from '../types.ts'
import { type AgentMethod, agentService, createAgentClient } from './agentService.ts'
import { encodeAlert } from './encodeAlert.ts'
import { encodeEvents } from './encodeEvents.ts'
import { readErrors, readFindings, readSubscriptions } from './readFindings.ts'

type Raw = Readonly<Record<string, unknown>>

/** An answer, or why there is none. `lost`: the connection went; `late`: the time was up; `failed`: the bot said no. */
type Outcome =
  | { readonly kind: 'answer'; readonly answer: Raw }
  | { readonly kind: 'lost' | 'late' | 'failed' | 'unknown'; readonly reason: string }

/** Longest that a bot's `initialize` may take (ms). */
const INITIALIZE_MS = 60_000
/** How long a block waits for a bot that cannot be reached (ms). */
const DEFAULT_PATIENCE_MS = 15_000
const MOST_REST_MS = 30_000
const CONNECT_MS = 5_000
const HEALTH_MS = 5_000
/** As much as a node takes: 1,000 findings of 10 MB in all. */
const MOST_ANSWER_BYTES = 16 * 2 ** 20
const MOST_FINDINGS = 1_000

const kindOf = (code: unknown): Exclude<Outcome['kind'], 'answer'> => {
  switch (code) {
    case status.UNAVAILABLE:
    case status.CANCELLED:
      return 'lost'
    case status.DEADLINE_EXCEEDED:
      return 'late'
    case status.UNIMPLEMENTED:
      return 'unknown'
    default:
      return 'failed'
  }
}

const ask = (
  client: Client,
  method: AgentMethod,
  request: Raw,
  timeoutMs: number,
): Promise<Outcome> => {
  const definition = agentService()[method]
  if (!definition) throw new Error(`There is no call ${method}.`)
  return new Promise((resolve) => {
    client.makeUnaryRequest<unknown, unknown>(
      definition.path,
      definition.requestSerialize,
      definition.responseDeserialize,
      request,
      { deadline: Date.now() + timeoutMs },
      (error, answer) => {
        if (error) resolve({ kind: kindOf(error.code), reason: cleanText(error.details, 300) })
        else resolve({ kind: 'answer', answer: answer as Raw })
      },
    )
  })
}

/**
 * A bot that runs somewhere already and is reached over gRPC, as scan nodes reach theirs: in any language, in a container
 * or beside us. It behaves as a hosted process does, except that a handler that hangs cannot be ended.
 */
export const createGrpcBot = (options: {
  readonly bot: GrpcBotOptions
  readonly chainId: number
  /** Hears that the bot cannot be reached any more. */
  readonly onEnd?: (reason: string) => void
}): HostedBot => {
  const { bot, chainId } = options
  const timeoutMs = bot.timeoutMs ?? DEFAULT_HANDLER_MS
  const patienceMs = bot.patienceMs ?? DEFAULT_PATIENCE_MS
  const withTraces = bot.traces !== false
  const parallel = Math.max(1, bot.parallel ?? 1)
  const stopping = new AbortController()
  let client: Client | undefined
  let ready: ReadyMessage | undefined
  let starting: Promise<ReadyMessage> | undefined
  let starts = 0
  let failures = 0
  let notBefore = 0
  let trouble: string | undefined
  let missingSince: number | undefined

  const open = (): Client => {
    client ??= createAgentClient(bot.address, {
      'grpc.max_receive_message_length': MOST_ANSWER_BYTES,
      'grpc.max_send_message_length': -1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.min_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
      // A connection that went without a word is noticed, and the bot is then set up anew.
      'grpc.keepalive_time_ms': 20_000,
      'grpc.keepalive_timeout_ms': 5_000,
      // Each bot and chain has a connection of its own.
      'grpc.use_local_subchannel_pool': 1,
    })
    return client
  }
  const failed = (reason: string): TocsinError =>
    new TocsinError('forta.start_failed', `The bot ${bot.id} at ${bot.address}: ${reason}`, {
      hints: ['Start it; it must serve the Agent service of Forta over gRPC without TLS.'],
    })
  const leave = (reason: string): void => {
    if (ready === undefined) return
    ready = undefined
    if (!stopping.signal.aborted) options.onEnd?.(reason)
  }

  const begin = async (): Promise<ReadyMessage> => {
    const restMs = notBefore - performance.now()
    if (restMs > 0) await sleep(restMs, stopping.signal)
    if (stopping.signal.aborted) throw failed('it was stopped.')
    try {
      const opened = open()
      await new Promise<void>((resolve, reject) => {
        opened.waitForReady(Date.now() + CONNECT_MS, (error) =>
          error ? reject(failed('it cannot be reached.')) : resolve(),
        )
      })
      const outcome = await ask(
        opened,
        'Initialize',
        { agentId: bot.fortaBotId ?? bot.id, proxyHost: '127.0.0.1', shardId: 0 },
        INITIALIZE_MS,
      )
      // Bots without `initialize` need not know the call.
      const answer = outcome.kind === 'answer' ? outcome.answer : {}
      if (outcome.kind !== 'answer' && outcome.kind !== 'unknown')
        throw failed(`its initialize failed: ${outcome.reason}`)
      if (answer['status'] === 1)
        throw failed(`its initialize failed. ${readErrors(answer).join('; ')}`.trim())
      starts++
      failures = 0
      trouble = undefined
      missingSince = undefined
      ready = {
        kind: 'ready',
        // Nobody says over gRPC which handlers there are: each may be.
        handlers: ['handleBlock', 'handleTransaction', 'handleAlert', 'healthCheck'],
        subscriptions: readSubscriptions(answer),
        sdkVersion: 'grpc',
      }
      watch(opened)
      return ready
    } catch (error) {
      trouble = messageOf(error)
      notBefore = performance.now() + backoffMs(failures++, 100, MOST_REST_MS)
      throw error
    }
  }
  /** A connection that ends means that the bot may have been started anew, and has to be set up again. */
  const watch = (opened: Client): void => {
    const channel = opened.getChannel()
    const state = channel.getConnectivityState(false)
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, (error) => {
      if (error || stopping.signal.aborted) return
      leave('the connection ended')
    })
  }
  const ensure = (): Promise<ReadyMessage> => {
    if (ready) return Promise.resolve(ready)
    starting ??= begin().finally(() => {
      starting = undefined
    })
    return starting
  }
  /**
   * Undefined once it is there, else why it is not. A bot that went is waited for once, for `patienceMs`; after that it
   * keeps no block waiting, and is tried beside them.
   */
  const reach = async (): Promise<string | undefined> => {
    if (ready) return undefined
    missingSince ??= performance.now()
    const deadline = missingSince + patienceMs
    for (;;) {
      const leftMs = deadline - performance.now()
      const attempt = ensure()
      attempt.catch(() => undefined)
      if (leftMs <= 0 || stopping.signal.aborted) {
        trouble ??= 'it cannot be reached'
        return trouble
      }
      const ended = new AbortController()
      try {
        if (await Promise.race([attempt, sleep(leftMs, ended.signal)])) return undefined
      } catch (error) {
        // The next try rests before it begins.
        trouble = messageOf(error)
      } finally {
        ended.abort()
      }
    }
  }

  type Run = { readonly findings: HostedFinding[]; readonly faults: string[] }
  /** Runs one call; undefined when it is through, else why the bot is not there. */
  const runItem = async (
    method: AgentMethod,
    name: string,
    request: Raw,
    run: Run,
    txHash?: string,
  ): Promise<string | undefined> => {
    for (let losses = 0; ; ) {
      const missing = await reach()
      if (missing !== undefined) return missing
      const outcome = await ask(open(), method, request, timeoutMs)
      switch (outcome.kind) {
        case 'answer': {
          const findings = readFindings(outcome.answer)
          if (outcome.answer['status'] === 1) {
            const said = readErrors(outcome.answer).join('; ')
            run.faults.push(cleanText(`${name} failed${said ? `: ${said}` : ''}`, 400))
          }
          if (findings.length > MOST_FINDINGS)
            run.faults.push(`${name} returned ${findings.length} findings; the first 1000 stand`)
          for (const finding of findings.slice(0, MOST_FINDINGS))
            run.findings.push({ txHash, finding: finding as RawFinding })
          return undefined
        }
        case 'lost': {
          if (stopping.signal.aborted) return 'it was stopped'
          leave(outcome.reason)
          // The second time it is known which call it was that ended the bot.
          if (++losses < 2) continue
          run.faults.push(`${name} failed twice and was left out: ${outcome.reason}`)
          return undefined
        }
        case 'late':
          run.faults.push(`${name} took longer than ${timeoutMs} ms and was left out`)
          return undefined
        case 'unknown':
          return undefined
        case 'failed':
          run.faults.push(`${name} failed: ${outcome.reason}`)
          return undefined
      }
    }
  }

  const runRaw = async (payload: BlockPayload, hashes: readonly string[]): Promise<HostedRun> => {
    const events = encodeEvents(payload, chainId, withTraces)
    const run: Run = { findings: [], faults: [] }
    const runs: Run[] = []
    let missing = await runItem(
      'EvaluateBlock',
      'handleBlock',
      { requestId: randomUUID(), event: events.block(), shardId: 0 },
      run,
    )
    let next = 0
    const work = async (): Promise<void> => {
      while (missing === undefined && next < hashes.length) {
        const index = next++
        const made: Run = { findings: [], faults: [] }
        runs[index] = made
        const hash = hashes[index] ?? ''
        const request = { requestId: randomUUID(), event: events.transaction(index), shardId: 0 }
        const name = `handleTransaction(${hash})`
        const left = await runItem('EvaluateTx', name, request, made, hash)
        if (left !== undefined) missing = left
      }
    }
    await Promise.all(Array.from({ length: parallel }, work))
    const all = [run, ...runs]
    return {
      findings: all.flatMap(({ findings }) => findings),
      faults: [...all.flatMap(({ faults }) => faults), ...(missing === undefined ? [] : [missing])],
    }
  }

  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work)
    queue = turn.catch(() => undefined)
    return turn
  }
  return {
    id: bot.id,
    start: async () => {
      const missing = await reach()
      if (ready === undefined) throw failed(missing ?? 'it cannot be reached.')
      return ready
    },
    runBlock: (json, hashes) => inTurn(() => runRaw(JSON.parse(json) as BlockPayload, hashes)),
    runRaw: (payload, hashes) => inTurn(() => runRaw(payload, hashes)),
    runAlert: (alert) =>
      inTurn(async () => {
        const run: Run = { findings: [], faults: [] }
        const missing = await runItem(
          'EvaluateAlert',
          'handleAlert',
          {
            requestId: randomUUID(),
            event: encodeAlert(alert as Raw),
            targetBotId: bot.fortaBotId ?? bot.id,
            shardId: 0,
          },
          run,
        )
        return missing === undefined ? run : { ...run, faults: [...run.faults, missing] }
      }),
    healthCheck: () =>
      inTurn(async () => {
        if (trouble !== undefined) return [trouble]
        if (ready === undefined || client === undefined) return []
        const outcome = await ask(client, 'HealthCheck', {}, HEALTH_MS)
        if (outcome.kind === 'unknown') return []
        if (outcome.kind !== 'answer') return ['its healthCheck does not answer']
        const errors = readErrors(outcome.answer)
        return outcome.answer['status'] === 1 && errors.length === 0
          ? ['its healthCheck failed']
          : errors
      }),
    pid: () => undefined,
    isReady: () => ready !== undefined,
    restarts: () => Math.max(0, starts - 1),
    stop: async () => {
      stopping.abort()
      client?.close()
      await starting?.catch(() => undefined)
    },
  }
}
