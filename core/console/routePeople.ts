import { and, desc, eq } from 'drizzle-orm'
import type { Context, Hono } from 'hono'
import { z } from 'zod'
import { isSameText, isTocsinError, messageOf, TocsinError } from '../base/index.ts'
import type { Config } from '../config/types.ts'
import type { ApprovalClaims, LoadedPolicy, PeopleSecret } from '../response/index.ts'
import { type Store, tables } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { open } from './principal.ts'
import { readBounded } from './readBounded.ts'
import { renderOutcome, renderProposal } from './renderAnswer.ts'
import type { ConsoleVariables } from './security.ts'

const MAX_BYTES = 8 * 1024
const MIN_TOKEN = 16

type App = Hono<{ Variables: ConsoleVariables }>
type PageContext = Context<{ Variables: ConsoleVariables }>
type Row = typeof tables.execution.$inferSelect
type Claimed = { readonly claims: ApprovalClaims; readonly proof: string }

/** The room with viem in it is loaded when somebody answers, not with the console. */
const loadResponse = () => import('../response/index.ts')

/** How the console answers for people: what it may see, and where it writes. */
export type PeopleOptions = {
  readonly config: () => Config
  readonly store: Store
  readonly log: Logger
}

const haltBody = z.strictObject({
  reason: z.string().max(2_000).default('by the API'),
  by: z.string().max(200).default('API'),
})

const readHaltBody = async (
  c: PageContext,
): Promise<{ readonly reason: string; readonly by: string } | undefined> => {
  const text = await readBounded(c.req.raw.body, MAX_BYTES)
  if (text === undefined) return undefined
  try {
    return haltBody.parse(text.trim() === '' ? {} : JSON.parse(text))
  } catch {
    return undefined
  }
}

/** `POST /api/halt`: the file is written first, so that it works while the database is down. */
const halt = async (c: PageContext, { config, store, log }: PeopleOptions): Promise<Response> => {
  const expected = config().people?.haltToken ?? ''
  const fail = (status: 400 | 401 | 403, code: string, message: string): Response =>
    c.json({ error: { code, message } }, status)
  if (expected.length < MIN_TOKEN)
    return fail(
      403,
      'halt.not_configured',
      `Give \`people.haltToken\`, ${MIN_TOKEN} characters or more.`,
    )
  const given = /^Bearer (\S{1,1000})$/.exec(c.req.header('authorization') ?? '')?.[1]
  if (!given || !isSameText(given, expected))
    return fail(401, 'halt.unauthorized', 'The bearer token is wrong or missing.')
  // A body that makes no sense does not keep anybody from stopping.
  const body = (await readHaltBody(c)) ?? { reason: 'by the API', by: 'API' }
  const { recordHalt, writeHaltFile } = await loadResponse()
  const stop = { who: body.by, via: 'api' as const, reason: body.reason }
  const results = await Promise.allSettled([
    writeHaltFile(config().dataDir, stop),
    recordHalt(store.db, stop),
  ])
  const [file, database] = results.map(({ status }) => status === 'fulfilled')
  for (const result of results)
    if (result.status === 'rejected')
      log.error({ error: messageOf(result.reason) }, 'A part of the stop failed.')
  return c.json({ halted: file || database, file, database }, file || database ? 200 : 503)
}

/** What a proposal would do, what speaks for it, and who has answered: everything that an answer is bound to. */
export const describeProposal = async (
  { config, store }: Pick<PeopleOptions, 'config' | 'store'>,
  row: Row,
  policy: LoadedPolicy,
): Promise<readonly (readonly [string, string])[]> => {
  const { describeCall, describeSimulation, loadActions } = await loadResponse()
  const action = (await loadActions()).find(({ id }) => id === policy.action)
  const [finding] = await store.db
    .select()
    .from(tables.finding)
    .where(eq(tables.finding.id, row.findingId))
  const answers = await store.db
    .select()
    .from(tables.executionApproval)
    .where(and(eq(tables.executionApproval.executionId, row.id)))
    .orderBy(desc(tables.executionApproval.at))
    .limit(20)
  const chain = config().chains.find(({ id }) => id === policy.chain)
  return [
    ['Action', `${policy.id}, version ${policy.version}: ${action?.summary ?? policy.action}`],
    ['Effect', action?.postcondition.description ?? 'unknown'],
    ['Chain', chain ? `${chain.name} (${policy.chain})` : String(policy.chain)],
    ['Target', policy.target],
    ['Call', describeCall(action, policy) ?? 'not known to the action type'],
    ['Exact calldata', policy.calldata],
    ['Value', '0'],
    [
      'Asked for by',
      finding ? `${finding.name} (${finding.botId}, ${finding.alertId})` : 'unknown',
    ],
    ['Evidence', finding?.description ?? 'The finding does not exist.'],
    [
      'In block',
      finding ? `${finding.blockNumber}${finding.txHash ? `, ${finding.txHash}` : ''}` : '–',
    ],
    ['Simulation', describeSimulation(row.simulation)],
    ['People needed', String(policy.approval.required)],
    [
      'Answers so far',
      answers.map(({ who, decision }) => `${who}: ${decision}`).join('; ') || 'none',
    ],
    ['Policy hash', policy.hash],
    ['Execution', row.id],
  ]
}

/** The proposal of a link, held against the console's own copy of the policy file. */
const openProposal = async (
  options: PeopleOptions,
  secret: PeopleSecret,
  token: string,
): Promise<Claimed & { readonly row: Row; readonly policy: LoadedPolicy }> => {
  const { bytesHashOf, decodeToken, readPolicies, readProposal } = await loadResponse()
  const claimed = decodeToken(secret, token)
  const row = await readProposal(options.store.db, claimed.claims.execution)
  const { policies } = await readPolicies(options.config().actionsDir)
  const policy = policies.find(({ id }) => id === row.actionId)
  if (!policy || bytesHashOf(row.id, policy) !== claimed.claims.bytesHash)
    throw new TocsinError(
      'approval.other_bytes',
      'The policy is another one by now than this link was made for.',
    )
  return { ...claimed, row, policy }
}

const refuse = (c: PageContext, error: unknown): Response => {
  if (!isTocsinError(error)) throw error
  return c.html(renderOutcome('Nothing was done', error.message, false, c.get('nonce')), 409)
}

const show = async (
  c: PageContext,
  options: PeopleOptions,
  getSecret: () => Promise<PeopleSecret>,
): Promise<Response> => {
  try {
    const token = c.req.query('t') ?? ''
    const { claims, row, policy } = await openProposal(options, await getSecret(), token)
    const facts = await describeProposal(options, row, policy)
    const view = { facts, decision: claims.decision, who: claims.who, token }
    return c.html(renderProposal(view, c.get('nonce')))
  } catch (error) {
    return refuse(c, error)
  }
}

const take = async (
  c: PageContext,
  options: PeopleOptions,
  getSecret: () => Promise<PeopleSecret>,
): Promise<Response> => {
  try {
    const body = await readBounded(c.req.raw.body, MAX_BYTES)
    const token = new URLSearchParams(body ?? '').get('t') ?? ''
    const { claims, proof } = await openProposal(options, await getSecret(), token)
    const { answerProposal } = await loadResponse()
    await answerProposal(options.store.db, claims, proof)
    const isDenial = claims.decision === 'deny'
    return c.html(
      renderOutcome(
        isDenial ? 'Denied' : 'Approved',
        isDenial
          ? 'The signer ends the proposal.'
          : 'The signer verifies it, checks everything again, and acts when enough people have approved.',
        true,
        c.get('nonce'),
      ),
    )
  } catch (error) {
    return refuse(c, error)
  }
}

/** The three ways to change anything by the console: read a proposal, answer it, and stop everything. */
export const routePeople = (app: App, options: PeopleOptions): void => {
  let secret: PeopleSecret | undefined
  const getSecret = async (): Promise<PeopleSecret> => {
    const { loadPeopleSecret } = await loadResponse()
    secret ??= await loadPeopleSecret(options.config())
    return secret
  }
  const link = open('a link proves by itself who may answer, and what')
  app.get('/answer', link, (c) => show(c, options, getSecret))
  app.post('/answer', link, (c) => take(c, options, getSecret))
  app.post('/api/halt', open('it asks for `people.haltToken`'), (c) => halt(c, options))
}
