import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { messageOf, stableHash } from '../../base/index.ts'
import type { PolicyFault } from '../parsePolicy.ts'
import { checkSignatures, listSigners, type Signers } from '../policySignature.ts'
import { readSignatures } from '../readSignatures.ts'

const MAX_BYTES = 64 * 1024
const name = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'use lower-case letters, digits and dashes')
const instant = z.iso.datetime({ offset: true, error: 'an instant such as 2030-01-31T00:00:00Z' })
const seconds = (max: number) => z.int().min(1).max(max)

/** https, or this machine. A name that only begins like it is another machine's. */
const isSafeUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.username || url.password) return false
  const isOwn = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname)
  return url.protocol === 'https:' || (url.protocol === 'http:' && isOwn)
}
const url = z
  .string()
  .max(2_000)
  .refine(isSafeUrl, 'an https:// URL (http:// on this machine alone), without user and password')

/** The file `<id>/desk.yaml`: which findings stop a trading desk or a service, by which call, and how that is seen. */
export const deskSchema = z
  .strictObject({
    id: name,
    version: z.int().min(1),
    kind: z.literal('desk'),
    approvedBy: z.array(z.string().min(1).max(200)).min(1),
    approvedAt: instant,
    expiresAt: instant,
    url: url.describe('Called with POST'),
    status: z
      .strictObject({
        url: url.describe('Read with GET: the only proof of success'),
        field: z
          .string()
          .regex(/^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+){0,5}$/, 'a path such as halted or desk.state')
          .describe('Path in the JSON answer'),
        equals: z.union([z.boolean(), z.string().max(200), z.number()]),
      })
      .describe('How the effect is seen'),
    secret: z
      .union([
        z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
        z.strictObject({ file: z.string().min(1) }),
      ])
      .describe('Standard Webhooks signing secret (whsec_…)'),
    triggers: z
      .array(
        z.strictObject({
          bot: name,
          alertIds: z.array(z.string().min(1)).min(1).optional(),
          minSeverity: z.enum(['Critical', 'High', 'Medium', 'Low', 'Info']),
          things: z.array(name).min(1).optional(),
        }),
      )
      .min(1),
    freshnessS: seconds(86_400).describe('How old a finding may be'),
    mode: z.enum(['observe', 'auto']),
    cooldownS: z
      .int()
      .min(0)
      .max(366 * 86_400),
    limits: z.strictObject({
      maxPerWindow: z.int().min(1).max(1_000),
      windowS: seconds(366 * 86_400),
    }),
    timeoutMs: z.int().min(100).max(30_000).default(5_000).describe('Of one call'),
    deadlineS: seconds(86_400).describe('From the decision to the effect'),
    runbook: z.string().min(1),
  })
  .refine(
    ({ approvedAt, expiresAt }) => Date.parse(expiresAt) > Date.parse(approvedAt),
    'expiresAt must lie after approvedAt',
  )

export type DeskPolicy = z.infer<typeof deskSchema> & {
  readonly hash: string
  readonly file: string
  /** Approvers whose signatures over this file hold. */
  readonly signedBy: readonly string[]
}

const parse = (text: string, file: string): Omit<DeskPolicy, 'signedBy'> | string => {
  const document = parseDocument(text, { uniqueKeys: true })
  const [broken] = document.errors
  if (broken) return broken.message
  const parsed = deskSchema.safeParse(document.toJS({ maxAliasCount: 0 }))
  if (!parsed.success)
    return parsed.error.issues
      .map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`)
      .join('; ')
  const expected = basename(dirname(file))
  if (parsed.data.id !== expected) return `id: must be "${expected}", the name of its folder`
  return { ...parsed.data, hash: stableHash('tocsin-desk-1', parsed.data), file }
}

const sign = async (
  desk: Omit<DeskPolicy, 'signedBy'> | string,
  signers: Signers,
): Promise<DeskPolicy | string> => {
  if (typeof desk === 'string') return desk
  const unsigned = { ...desk, signedBy: [] }
  const { signatures } = await readSignatures(desk.file)
  return { ...desk, signedBy: listSigners(await checkSignatures(unsigned, signatures, signers)) }
}

/**
 * Reads every `<id>/desk.yaml` of a folder; a faulty one is reported and counts as none. Signatures
 * (`<id>/desk.signatures.json`) count by the keys and contracts of `signers`.
 */
export const readDeskPolicies = async (
  folder: string,
  signers: Signers = { approvers: [] },
): Promise<{
  readonly desks: readonly DeskPolicy[]
  readonly faults: readonly PolicyFault[]
}> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  const desks: DeskPolicy[] = []
  const faults: PolicyFault[] = []
  for (const entry of entries.filter((each) => each.isDirectory())) {
    const file = join(folder, entry.name, 'desk.yaml')
    const info = await stat(file).catch(() => undefined)
    if (!info?.isFile()) continue
    let result: DeskPolicy | string
    try {
      result =
        info.size > MAX_BYTES
          ? `larger than ${MAX_BYTES} bytes`
          : await sign(parse(await readFile(file, 'utf8'), file), signers)
    } catch (error) {
      result = messageOf(error)
    }
    if (typeof result === 'string') faults.push({ file, line: 1, column: 1, message: result })
    else desks.push(result)
  }
  return { desks, faults }
}

/** The signing secret of a desk, without its line end; empty when it cannot be had. */
export const readDeskSecret = async ({ secret, file }: DeskPolicy): Promise<string> => {
  if ('env' in secret) return (process.env[secret.env] ?? '').trim()
  const path = secret.file.startsWith('/') ? secret.file : join(dirname(file), secret.file)
  return (await readFile(path, 'utf8').catch(() => '')).trim()
}
