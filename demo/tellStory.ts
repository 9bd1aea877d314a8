import type { StoryHandlers } from './followStory.ts'
import type { Narrator, Voice } from './narrate.ts'

const ms = (value: number): string => `${Math.round(value)} ms`
const short = (hash: string): string => `${hash.slice(0, 10)}…`

/** The thing, where the title does not name it. */
const aboutOf = ({
  title,
  thing,
}: {
  readonly title: string
  readonly thing: string | null
}): string => (thing === null || title.includes(thing) ? '' : ` (${thing})`)

const GRAVE: ReadonlySet<string> = new Set(['Critical', 'High', 'Medium'])

const ACTION_VOICE: Readonly<Record<string, Voice>> = {
  succeeded: 'good',
  refused: 'bad',
  failed: 'bad',
}

/** Says, as it happens, what the bots found, which alerts stand, and what became of each action. */
export const tellStory = (narrator: Narrator): StoryHandlers => ({
  onFinding: (row) => {
    const latency = row.latencyMs === null ? 'catching up' : `${ms(row.latencyMs)} after the block`
    narrator.say(
      GRAVE.has(row.severity) ? 'finding' : 'dim',
      row.chainId === 0 ? undefined : row.blockNumber,
      row.botId,
      `${row.severity}: ${row.description || row.name}`,
      latency,
    )
  },
  onRetracted: (row) => narrator.say('dim', row.blockNumber, row.botId, `taken back: ${row.name}`),
  onAlert: (row, before) => {
    const change =
      before === undefined
        ? 'opened'
        : before.status === row.status
          ? `now ${row.severity}`
          : row.status
    narrator.say(
      'alert',
      row.lastBlock > 0 ? row.lastBlock : undefined,
      'alert',
      `${row.severity} ${row.title}${aboutOf(row)}`,
      change,
    )
  },
  onExecution: (row) => {
    const voice = ACTION_VOICE[row.status] ?? 'action'
    const sinceHead =
      row.seenAtMs !== null && row.broadcastAt !== null
        ? `${ms(row.broadcastAt.getTime() - row.seenAtMs)} after the block that called for it`
        : undefined
    const hash = row.minedTxHash ?? row.txHashes.at(-1)
    const proof = row.status === 'succeeded' ? 'the vault says paused' : ''
    const facts = [
      row.status,
      proof,
      hash === undefined ? '' : short(hash),
      row.reason ?? '',
    ].filter((fact) => fact !== '')
    narrator.say(
      voice,
      row.minedBlock ?? undefined,
      'action',
      `${row.actionId} ${facts.join(', ')}`,
      sinceHead,
    )
  },
})
