import type { Address } from 'tocsin'
import { erc20Abi } from '../../abis/index.ts'
import type { MintContext, MintThing } from './types.ts'

const MAX_WITNESSES = 6

const keyOf = (thing: MintThing): string => `holders:${thing.name}`

/** Blocks until one of the six is given up for another: who was given tokens long ago may have none left. */
const RENEWED_AFTER = 100

type Holders = { readonly known: readonly Address[]; readonly since: number }

/** Keeps six who were given new tokens: they are likely to hold some. */
export const keepWitness = (ctx: MintContext, thing: MintThing, holder: Address): void => {
  const { known, since } = ctx.state.get<Holders>(keyOf(thing)) ?? { known: [], since: 0 }
  const isFull = known.length >= MAX_WITNESSES
  if (known.includes(holder) || (isFull && ctx.block.number - since < RENEWED_AFTER)) return
  ctx.state.set(keyOf(thing), {
    known: [...known, holder].slice(-MAX_WITNESSES),
    since: ctx.block.number,
  })
}

/** What balances of others say of a change of the supply that no event tells of. */
export type Testimony = 'rebase' | 'untouched' | 'none'

/**
 * A rebase moves every balance by the same part; a mint in secret moves one. Asks the known holders, the other watched
 * things and the labelled addresses, twelve at most.
 */
export const askWitnesses = async (
  ctx: MintContext,
  thing: MintThing,
  supply: { readonly before: bigint; readonly after: bigint },
  busy: ReadonlySet<Address>,
): Promise<Testimony> => {
  const asked = [
    ...(ctx.state.get<Holders>(keyOf(thing))?.known ?? []),
    ...ctx.things.filter(({ name }) => name !== thing.name).map(({ address }) => address),
    ...['exchange', 'whale', 'treasury'].flatMap((tag) =>
      ctx.labels.withTag(tag).map(({ address }) => address),
    ),
  ]
  const witnesses = [...new Set(asked)].filter((one) => !busy.has(one)).slice(0, 2 * MAX_WITNESSES)
  const balance = (account: Address, at: 'block' | 'parent') =>
    ctx.read.call<bigint>({
      address: thing.address,
      abi: erc20Abi,
      functionName: 'balanceOf',
      args: [account],
      at,
    })
  const seen = await Promise.all(
    witnesses.map(async (one) => {
      const [before, after] = await Promise.all([balance(one, 'parent'), balance(one, 'block')])
      return before.ok && after.ok ? { before: before.value, after: after.value } : undefined
    }),
  )
  const dust = 1_000_000n
  const holders = seen.flatMap((one) => (one && one.before > dust ? [one] : []))
  const moved = ({ before, after }: { before: bigint; after: bigint }): boolean => {
    const [was, is] = [supply.after - supply.before, after - before]
    // At least half of the supply's part, the same way: contracts may be left out of a rebase in part.
    return was > 0n
      ? is * supply.before * 2n >= was * before
      : is * supply.before * 2n <= was * before
  }
  if (holders.some(moved)) return 'rebase'
  return holders.length > 0 ? 'untouched' : 'none'
}
