import { parse } from 'graphql'
import { messageOf } from '../../base/index.ts'
import type { Runbook } from './readRunbook.ts'

/** What is wrong with the shape of SQL statements; undefined when they can be read. */
const sqlFault = (text: string): string | undefined => {
  const bare = text
    .replace(/--[^\n]*/g, '')
    .replace(/'(?:[^']|'')*'/g, "''")
    .trim()
    .replace(/;$/, '')
  if (bare.split(';').some((one) => !/^\s*(select|with)\b/i.test(one)))
    return 'a statement begins with neither select nor with'
  if (bare.replaceAll("''", '').includes("'")) return 'a quote is never closed'
  let depth = 0
  for (const mark of bare) {
    if (mark === '(') depth++
    if (mark === ')' && --depth < 0) return 'a bracket closes that was never opened'
  }
  if (depth > 0) return 'a bracket is never closed'
  if (/<[a-z][\w ]*>/i.test(bare)) return 'a placeholder stands outside of quotes'
  return undefined
}

const graphqlFault = (text: string): string | undefined => {
  try {
    parse(text)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** Faults of the queries of a runbook. */
export const checkQueries = ({ queries }: Runbook): readonly { line: number; fault: string }[] =>
  queries.flatMap(({ kind, text, line }) => {
    const fault = kind === 'sql' ? sqlFault(text) : graphqlFault(text)
    return fault === undefined
      ? []
      : [{ line, fault: `the ${kind} query cannot be read: ${fault}` }]
  })
