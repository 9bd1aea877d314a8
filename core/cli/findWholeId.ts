import { cleanText, TocsinError } from '../base/index.ts'
import type { Store } from '../store/index.ts'

const PREFIX = { alert: 'a_', incident: 'i_', silence: 's_' } as const

/**
 * The whole id of what a person typed the beginning of.
 * @throws TocsinError `alert.ambiguous`, `alert.unknown`, and the same of `incident` and `silence`
 */
export const findWholeId = async (
  { pool }: Pick<Store, 'pool'>,
  what: keyof typeof PREFIX,
  id: string,
): Promise<string> => {
  const prefix = PREFIX[what]
  const bare = id.startsWith(prefix) ? id.slice(prefix.length) : id
  if (/^[0-9a-f]{4,40}$/.test(bare)) {
    const { rows } = await pool.query<{ id: string }>(
      `select id from tocsin.${what} where starts_with(id, $1) limit 2`,
      [`${prefix}${bare}`],
    )
    if (rows.length > 1)
      throw new TocsinError(`${what}.ambiguous`, `Several ${what}s begin with "${id}".`)
    if (rows[0]) return rows[0].id
  }
  throw new TocsinError(`${what}.unknown`, `There is no ${what} "${cleanText(id, 60)}".`, {
    hints: [`\`tocsin ${what}s list --all\` shows them.`],
  })
}
