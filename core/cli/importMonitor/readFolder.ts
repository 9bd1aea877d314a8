import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf, TocsinError } from '../../base/index.ts'

const optional = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? undefined)
const list = <T extends z.ZodType>(schema: T) =>
  z
    .array(schema)
    .nullish()
    .transform((value) => value ?? [])

const signed = z.object({ signature: z.string().min(3).max(500), expression: optional(z.string()) })

const monitorSchema = z.object({
  name: z.string().min(1).max(200),
  networks: z.array(z.string().min(1)),
  paused: z.boolean().default(false),
  addresses: list(
    z.object({
      address: z.string(),
      contract_spec: optional(z.unknown()),
      abi: optional(z.unknown()),
    }),
  ),
  match_conditions: z.object({
    functions: list(signed),
    events: list(signed),
    transactions: list(
      z.object({
        status: z.enum(['Any', 'Success', 'Failure']),
        expression: optional(z.string()),
      }),
    ),
  }),
  trigger_conditions: optional(z.union([z.array(z.unknown()), z.looseObject({})])),
  triggers: list(z.string()),
  chain_configurations: optional(z.unknown()),
})

const secretValue = z.union([z.string(), z.object({ type: z.string(), value: z.unknown() })])

const networkSchema = z.object({
  network_type: z.string(),
  slug: z.string().min(1),
  name: z.string().default(''),
  rpc_urls: list(
    z.object({ type_: z.string().default('rpc'), url: secretValue, weight: z.number().default(1) }),
  ),
  chain_id: optional(z.int().positive()),
  block_time_ms: optional(z.number()),
  confirmation_blocks: optional(z.number()),
})

const triggerSchema = z.object({
  name: z.string().default(''),
  trigger_type: z.string(),
  config: z.record(z.string(), z.unknown()),
})

export type Monitor = z.infer<typeof monitorSchema>
export type Network = z.infer<typeof networkSchema>
export type Trigger = z.infer<typeof triggerSchema>
export type SecretValue = z.infer<typeof secretValue>

export type MonitorFolder = {
  readonly monitors: readonly { readonly file: string; readonly monitor: Monitor }[]
  readonly networks: ReadonlyMap<string, Network>
  readonly triggers: ReadonlyMap<string, Trigger>
  /** Files that are not what they should be: each is told. */
  readonly faults: readonly string[]
}

const MAX_BYTES = 8 * 1024 * 1024

const readJson = (path: string): unknown => {
  if (statSync(path).size > MAX_BYTES) throw new Error('it is larger than 8 MB')
  return JSON.parse(readFileSync(path, 'utf8'))
}

const filesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort()
  } catch {
    // A folder that is not there holds nothing; what refers to it is told.
    return []
  }
}

/**
 * Reads the folders `monitors`, `networks` and `triggers` of a configuration of OpenZeppelin Monitor.
 * @throws TocsinError `import.nothing` when there is no monitor
 */
export const readFolder = (folder: string): MonitorFolder => {
  const faults: string[] = []
  const read = <T extends z.ZodType>(part: string, schema: T) =>
    filesIn(join(folder, part)).flatMap((name): { file: string; value: z.infer<T> }[] => {
      const file = join(part, name)
      try {
        const parsed = schema.safeParse(readJson(join(folder, file)))
        if (parsed.success) return [{ file, value: parsed.data }]
        const [issue] = parsed.error.issues
        faults.push(`${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong'}`)
      } catch (error) {
        faults.push(`${file}: ${messageOf(error)}`)
      }
      return []
    })
  const monitors = read('monitors', monitorSchema).map(({ file, value }) => ({
    file,
    monitor: value,
  }))
  if (monitors.length === 0)
    throw new TocsinError('import.nothing', `There is no monitor in ${join(folder, 'monitors')}.`, {
      exitCode: 2,
      hints: [
        'Name the folder that holds `monitors`, `networks` and `triggers`, usually `config`.',
        ...faults,
      ],
    })
  const networks = read('networks', networkSchema).map(({ value }) => value)
  const triggers = read('triggers', z.record(z.string(), triggerSchema)).flatMap(({ value }) =>
    Object.entries(value),
  )
  return {
    monitors,
    networks: new Map(networks.map((network) => [network.slug, network])),
    triggers: new Map(triggers),
    faults,
  }
}
