import { cleanText, type Hex, messageOf, TocsinError } from '../base/index.ts'
import { parseHeader } from '../chain/index.ts'
import { mergeBotParameters } from '../config/index.ts'
import type { FindingRow } from '../engine/index.ts'
import type { EngineBot } from '../engine/light.ts'
import type { BotDefinition } from '../engine/types.ts'
import type { Logger } from '../telemetry/light.ts'
import { createEventBook } from './createEventBook.ts'
import { createExaminer, type Examined, type Examiner } from './createExaminer.ts'
import { createKeeper } from './createKeeper.ts'
import { encodePacked } from './packedJson.ts'
import { toFortaFinding } from './toFortaFinding.ts'
import type { PackedChain, PackedWatch } from './types.ts'

type Raw = Readonly<Record<string, unknown>>

/** The five calls of the network's service Agent. None throws: what goes wrong is in the answer. */
export type Agent = {
  readonly initialize: () => Promise<Raw>
  readonly evaluateBlock: (request: Raw) => Promise<Raw>
  readonly evaluateTx: (request: Raw) => Promise<Raw>
  readonly evaluateAlert: (request: Raw) => Promise<Raw>
  readonly healthCheck: () => Promise<Raw>
  readonly stop: () => Promise<void>
}

const SUCCESS = 2
const FAILED = 1
/** As many as nodes take. */
const MOST_FINDINGS = 1_000

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const field = (value: unknown, name: string): unknown => (isRaw(value) ? value[name] : undefined)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const fail = (...messages: readonly string[]): Raw => ({
  status: FAILED,
  errors: messages.map((message) => ({ message: cleanText(message, 500) })),
  findings: [],
})

/** The bots of one chain with their things there. */
export const bindPacked = (
  watch: PackedWatch,
  chain: PackedChain,
  definitions: readonly BotDefinition<unknown>[],
): readonly EngineBot[] =>
  definitions.flatMap((definition): readonly EngineBot[] => {
    const things = chain.things
      .filter(
        (thing) => definition.kinds.includes(thing.kind) && (definition.accepts?.(thing) ?? true),
      )
      .map((thing) => ({ ...thing, parameters: mergeBotParameters(definition, watch, thing) }))
    return things.length === 0
      ? []
      : [{ definition, things, parameters: mergeBotParameters(definition, watch) }]
  })

/** Header of the event; undefined where an old node left something out that bots may want. */
const headerOf = (block: unknown, chainId: number) => {
  if (!isRaw(block) || text(block['baseFeePerGas']) === '') return undefined
  try {
    return parseHeader(block, chainId)
  } catch {
    // Asked for over JSON-RPC instead.
    return undefined
  }
}

export const createAgent = (options: {
  readonly watch: PackedWatch
  readonly definitions: readonly BotDefinition<unknown>[]
  readonly rpcUrl: string
  /** Of the node that runs it, where it says so. */
  readonly chainId?: number | undefined
  /** Folder of what the bots remember. Default: it is kept in memory only. */
  readonly stateDir?: string | undefined
  readonly log: Logger
}): Agent => {
  const { watch, definitions, log } = options
  const book = createEventBook()
  const examiners = new Map<number, Promise<Examiner>>()

  const examinerOf = (chainId: number): Promise<Examiner> => {
    const known = examiners.get(chainId)
    if (known) return known
    const chain = watch.chains.find(({ id }) => id === chainId)
    if (!chain)
      throw new TocsinError(
        'forta_out.other_chain',
        `The bot ${watch.bot} is packed for chain ${watch.chains.map(({ id }) => id).join(', ')}, not for ${chainId}.`,
      )
    const { stateDir } = options
    const versions = definitions.map(({ id, version }) => `${id} ${version}`)
    const keeper =
      stateDir === undefined
        ? undefined
        : createKeeper({
            dir: stateDir,
            chainId,
            of: `${versions.join(', ')}\n${encodePacked(watch)}`,
            log,
          })
    const made = createExaminer({
      chain,
      keeper,
      bots: bindPacked(watch, chain, definitions),
      botId: watch.bot,
      rpcUrl: options.rpcUrl,
      book,
      log,
    })
    made.catch(() => examiners.delete(chainId))
    examiners.set(chainId, made)
    return made
  }

  const answer = (examined: Examined, wanted: (finding: FindingRow) => boolean): Raw => {
    const rows = examined.findings.filter(wanted)
    const findings = rows.slice(0, MOST_FINDINGS).map(toFortaFinding)
    // A node drops the findings of an answer that failed.
    const isFailed = examined.faults.length > 0 && findings.length === 0
    return {
      ...(isFailed ? fail(...examined.faults) : { status: SUCCESS, findings }),
      metadata: examined.faults[0] ? { fault: cleanText(examined.faults[0], 500) } : {},
      timestamp: new Date().toISOString(),
      private: false,
    }
  }
  const guard = async (work: () => Promise<Raw>): Promise<Raw> => {
    try {
      return await work()
    } catch (error) {
      log.error({ bot: watch.bot }, messageOf(error))
      return fail(messageOf(error))
    }
  }
  const chainIdOf = (event: unknown): number => Number(field(field(event, 'network'), 'chainId'))

  return {
    initialize: () =>
      guard(async () => {
        const [only] = watch.chains
        const chainId = options.chainId ?? (watch.chains.length === 1 ? only?.id : undefined)
        // Wrong needs show here, not at the first block.
        if (chainId === undefined)
          for (const chain of watch.chains)
            for (const { definition, ...scope } of bindPacked(watch, chain, definitions))
              definition.needs({ ...scope, chain, labels: chain.labels })
        else await examinerOf(chainId)
        return { status: SUCCESS }
      }),
    evaluateBlock: ({ event }) =>
      guard(async () => {
        const chainId = chainIdOf(event)
        const block = field(event, 'block')
        const examiner = await examinerOf(chainId)
        const header = headerOf(block, chainId)
        const hash = text(field(block, 'hash')) as Hex
        const examined = await examiner.examine({ hash, ...(header ? { header } : {}) })
        return answer(examined, ({ txHash }) => txHash === null)
      }),
    evaluateTx: ({ event }) =>
      guard(async () => {
        const blockHash = text(field(field(event, 'block'), 'blockHash')) as Hex
        if (isRaw(event)) book.note(blockHash, event)
        const examiner = await examinerOf(chainIdOf(event))
        const hash = text(field(field(event, 'transaction'), 'hash')).toLowerCase()
        const examined = await examiner.examine({ hash: blockHash })
        return answer(examined, ({ txHash }) => txHash?.toLowerCase() === hash)
      }),
    // It subscribes to nothing.
    evaluateAlert: async () => ({ status: SUCCESS, findings: [] }),
    healthCheck: () =>
      guard(async () => {
        const complaints: string[] = []
        for (const examiner of examiners.values()) {
          const trouble = (await examiner).trouble()
          if (trouble !== undefined) complaints.push(trouble)
        }
        for (const { healthCheck } of definitions)
          complaints.push(...((await healthCheck?.()) ?? []))
        return complaints.length > 0 ? fail(...complaints) : { status: SUCCESS, errors: [] }
      }),
    stop: async () => {
      for (const examiner of examiners.values())
        await examiner.then(
          (made) => made.stop(),
          () => undefined,
        )
    },
  }
}
