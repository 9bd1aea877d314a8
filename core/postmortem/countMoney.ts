import type { IncidentRecord, Money } from './types.ts'

type Finding = IncidentRecord['findings'][number]

const UNITS = /^\d{1,78}$/
const PRICE = /^\d{1,30}(\.\d{1,30})?$/

const unitsOf = (value: string | undefined): bigint | undefined =>
  value !== undefined && UNITS.test(value) ? BigInt(value) : undefined

/** Smallest units as an exact decimal, with separators; no digit is dropped but zeros at the end. */
export const exactAmount = (units: bigint, decimals: number): string => {
  const digits = units.toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, ',')
  const rest = decimals === 0 ? '' : digits.slice(-decimals).replace(/0+$/, '')
  return rest === '' ? whole : `${whole}.${rest}`
}

/** Units times a price, in dollars and cents, rounded down. */
const dollars = (units: bigint, decimals: number, price: string): string => {
  const [whole = '0', part = ''] = price.split('.')
  const cents = (units * BigInt(`${whole}${part}`) * 100n) / 10n ** BigInt(decimals + part.length)
  return `${exactAmount(cents / 100n, 0)}.${(cents % 100n).toString().padStart(2, '0')}`
}

type Loss = {
  readonly row: Finding
  readonly thing: string
  readonly unit: string
  readonly decimals: number
  readonly before: bigint
  readonly after: bigint
  readonly price: string | undefined
}

const lossOf = (row: Finding): Loss | undefined => {
  const { metadata } = row
  const decimals = Number(metadata['decimals'] ?? Number.NaN)
  const [before, after] = [unitsOf(metadata['before']), unitsOf(metadata['after'])]
  const lost = unitsOf(metadata['lost'])
  if (row.status === 'retracted' || row.status === 'dropped') return undefined
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > 77) return undefined
  // `lost` says that the figures are of money; others call a role or a delay before and after.
  if (lost === undefined || before === undefined || after === undefined || after > before)
    return undefined
  const price = metadata['priceUsd']
  return {
    row,
    thing: row.thing ?? row.addresses[0] ?? 'unknown',
    unit: metadata['symbol'] ?? metadata['unit'] ?? metadata['asset'] ?? 'units',
    decimals,
    before,
    after,
    price: price && PRICE.test(price) ? price : undefined,
  }
}

/**
 * What stood there, what went, and what was left when an action of ours took effect, for each asset of each thing whose
 * findings tell of a loss in exact units. What an action saved is what it stopped from following: all that was left.
 */
export const countMoney = (record: IncidentRecord): readonly Money[] => {
  const groups = new Map<string, Loss[]>()
  for (const row of record.findings) {
    const loss = lossOf(row)
    if (!loss) continue
    const key = `${row.chainId} ${loss.thing} ${loss.unit} ${row.metadata['line'] ?? ''}`
    const group = groups.get(key)
    if (group) group.push(loss)
    else groups.set(key, [loss])
  }
  return [...groups.values()].flatMap((losses): readonly Money[] => {
    const inOrder = losses.toSorted((a, b) => a.row.blockNumber - b.row.blockNumber)
    const [first, last] = [inOrder[0], inOrder.at(-1)]
    if (!first || !last) return []
    const before = inOrder.reduce((most, each) => (each.before > most ? each.before : most), 0n)
    const lost = before > last.after ? before - last.after : 0n
    const stopped = record.executions.some(
      ({ status, thing, chainId }) =>
        status === 'succeeded' && chainId === last.row.chainId && thing === last.row.thing,
    )
    const saved = stopped ? last.after : null
    const price = last.price ?? first.price
    const show = (units: bigint): string => exactAmount(units, last.decimals)
    const usd = (units: bigint): string => dollars(units, last.decimals, price ?? '0')
    return [
      {
        chainId: last.row.chainId,
        thing: last.thing,
        unit: last.unit,
        decimals: last.decimals,
        atRisk: show(before),
        lost: show(lost),
        saved: saved === null ? null : show(saved),
        usd: price
          ? { atRisk: usd(before), lost: usd(lost), saved: saved === null ? null : usd(saved) }
          : null,
        finding: last.row.id,
      },
    ]
  })
}
