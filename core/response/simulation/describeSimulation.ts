import { cleanText } from '../../base/index.ts'
import { isRecord } from './readAnswers.ts'

const MAX_TEXT = 500
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** What a simulation found, in words for people: outcome, by what, on which block, and every assertion. */
export const describeSimulation = (simulation: unknown): string => {
  if (!isRecord(simulation)) return 'none'
  const { outcome, method, block, detail, assertions } = simulation
  const list: readonly unknown[] = Array.isArray(assertions) ? assertions : []
  const held = list.flatMap((each) =>
    isRecord(each) ? [`${text(each['name'])} ${text(each['outcome'])}`] : [],
  )
  const words = [
    text(outcome).replaceAll('_', ' '),
    text(method) && text(method) !== 'none' ? `by ${text(method)}` : '',
    typeof block === 'number' ? `on block ${block}` : '',
  ].filter(Boolean)
  const whole = [words.join(' '), ...held, text(detail)].filter(Boolean).join('; ')
  return cleanText(whole || 'none', MAX_TEXT)
}
