import { getAddress } from 'viem/utils'
import { cleanText } from '../../base/index.ts'
import { explainHosted } from './planHosted.ts'
import type { PlannedAnswer, WatchPlan } from './planWatch.ts'
import { answerText, joinRoutes, parameterText } from './renderPlan.ts'

const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`
const and = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`

const MODE: Readonly<Record<PlannedAnswer['mode'], string>> = {
  off: 'There is no signer, so nothing is done.',
  observe: 'It only writes down what it would have done.',
  propose: 'It is prepared, and waits for a person to approve it.',
  auto: 'It is sent at once, without asking anybody.',
}

const explainAnswer = (answer: PlannedAnswer): string => {
  const target = answer.target
    ? ` ${answer.kind} at ${getAddress(answer.target)} on chain ${answer.chainId}`
    : ''
  const capped =
    answer.policyMode && answer.mode !== 'off' && answer.policyMode !== answer.mode
      ? ` Its file says ${answer.policyMode}; \`signer.mode\` allows no more than ${answer.mode}.`
      : ''
  return `When ${answerText(answer)} is found, the action "${answer.action}" is asked for:${target || ' no approved file says what it does'}. ${MODE[answer.mode]}${capped}`
}

/** The plan in full sentences, for people who have not seen the file. */
export const explainPlan = (plan: WatchPlan): readonly string[] => {
  const lines: string[] = [
    `The watchlist "${plan.name}"${plan.env ? `, as changed for the environment "${plan.env}",` : ''} names ${count(plan.things.length, 'thing')} on ${count(plan.chains.length, 'chain')}.`,
  ]
  for (const chain of plan.chains) {
    lines.push(
      '',
      `On ${chain.name} (chain id ${chain.id}), read through ${count(chain.endpoints, 'endpoint')}${chain.webSocket ? ', with new heads by WebSocket' : ', by polling'}:`,
    )
    for (const thing of plan.things.filter((each) => each.chain === chain.name)) {
      const kind = thing.variant ? `${thing.variant} ${thing.kind}` : thing.kind
      const owner = thing.owner ? `It belongs to ${thing.owner}.` : 'It has no owner.'
      const bots =
        thing.bots.length > 0
          ? `${and(thing.bots)} ${thing.bots.length === 1 ? 'watches' : 'watch'} it.`
          : thing.kind === 'label'
            ? 'It names an address for the bots.'
            : 'No bot watches it.'
      lines.push(`  ${thing.name} is a ${kind} at ${getAddress(thing.address)}. ${owner} ${bots}`)
    }
  }
  lines.push('', 'The bots:')
  if (plan.bots.length === 0) lines.push('  None is switched on.')
  for (const bot of plan.bots) {
    lines.push(
      `  ${bot.id} (version ${bot.version})${bot.enabled ? '' : ' is switched off'}: ${cleanText(bot.summary, 300)}`,
    )
    if (!bot.enabled) continue
    lines.push(
      `    It looks at ${bot.things.length > 0 ? and(bot.things) : 'nothing'} with these parameters: ${parameterText(bot.parameters)}.`,
    )
    for (const [thing, parameters] of Object.entries(bot.overrides))
      lines.push(`    For ${thing} they are: ${parameterText(parameters)}.`)
    lines.push(
      `    It can raise ${and(bot.alerts.map(({ id, title, severity }) => `${id} ("${cleanText(title, 120)}", up to ${severity})`))}.`,
    )
  }
  if (plan.hosted.length > 0) lines.push('', 'Bots of the Forta SDK, each in a process of its own:')
  lines.push(...plan.hosted.flatMap(explainHosted))
  lines.push('', 'Who is told:')
  for (const { severity, owners, channels } of joinRoutes(plan.routes))
    lines.push(
      `  Findings of severity ${severity} about things of ${and(owners.map((owner) => (owner === 'no owner' ? 'nobody' : owner)))} go to ${channels.length > 0 ? and(channels) : 'nobody'}.`,
    )
  lines.push(...plan.specialRoutes.map((text) => `  Before that, ${text}.`))
  lines.push('', 'What may act:')
  if (plan.answers.length === 0) lines.push('  Nothing: the watchlist has no answers.')
  lines.push(...plan.answers.map((answer) => `  ${explainAnswer(answer)}`))
  return lines
}
