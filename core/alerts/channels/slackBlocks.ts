import type { AlertMessage } from '../types.ts'
import { describeMessage, escapeMarks, isOver, joinWithin } from './describeMessage.ts'

const SIGNS: Readonly<Record<AlertMessage['severity'], string>> = {
  SEV1: '🔴',
  SEV2: '🟠',
  SEV3: '🟡',
  SEV4: '⚪',
}

const section = (text: string) => ({
  type: 'section',
  // Verbatim: what looks like an address in a stranger's text does not become a link.
  text: { type: 'mrkdwn', text, verbatim: true },
})

/** A header knows no escapes: what could be read as a mark is replaced by its look-alike. */
const headerText = (text: string): string =>
  [...text.replaceAll('<', '‹').replaceAll('>', '›')].slice(0, 148).join('')

const button = (action: string, text: string, value: string, style?: 'primary' | 'danger') => ({
  type: 'button',
  action_id: `tocsin_${action}`,
  text: { type: 'plain_text', text, emoji: false },
  value,
  ...(style ? { style } : {}),
})

const buttonsOf = ({ buttons }: AlertMessage): readonly unknown[] => {
  const elements = [
    ...(buttons?.acknowledge ? [button('acknowledge', 'Acknowledge', buttons.acknowledge)] : []),
    ...(buttons?.approve ? [button('approve', 'Approve', buttons.approve, 'primary')] : []),
    ...(buttons?.deny ? [button('deny', 'Deny', buttons.deny, 'danger')] : []),
  ]
  return elements.length > 0 ? [{ type: 'actions', elements }] : []
}

/** At most 3,000 characters stand in one section, 150 in a header, and 50 blocks in a message. */
const SECTION_MAX = 2_900

/**
 * A message in Slack's Block Kit, and the plain text that notifications show. Text of strangers is escaped.
 */
export const slackBlocks = (
  message: AlertMessage,
): { readonly text: string; readonly blocks: readonly unknown[] } => {
  const { headline, title, summary, facts, links, runbook } = describeMessage(message)
  const sign = isOver(message) ? '✅' : SIGNS[message.severity]
  const lines = facts.map(({ name, value }) => `*${escapeMarks(name)}* ${escapeMarks(value)}`)
  const shown = links.map(({ text, url }) => `<${escapeMarks(url)}|${escapeMarks(text)}>`)
  return {
    text: escapeMarks(`${sign} ${headline}`),
    blocks: [
      {
        type: 'header',
        text: {
          type: 'plain_text',
          text: headerText(`${sign} ${title}`),
          emoji: false,
        },
      },
      section(joinWithin([`*${escapeMarks(headline)}*`, escapeMarks(summary)], '\n', SECTION_MAX)),
      ...(lines.length > 0 ? [section(joinWithin(lines, '\n', SECTION_MAX))] : []),
      ...(shown.length > 0 ? [section(joinWithin(shown, ' · ', SECTION_MAX))] : []),
      ...buttonsOf(message),
      {
        type: 'context',
        elements: [
          {
            type: 'mrkdwn',
            verbatim: true,
            text: escapeMarks(
              joinWithin(
                [
                  ...(runbook ? [`Runbook: ${runbook}`] : []),
                  `alert ${message.alert}`,
                  message.dedupKey,
                ],
                ' · ',
                1_900,
              ),
            ),
          },
        ],
      },
    ],
  }
}
