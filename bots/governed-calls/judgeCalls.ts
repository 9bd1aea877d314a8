import { type Address, bpsOf, formatBps } from 'tocsin'
import { isAddress } from 'viem/utils'
import type { Facts } from './readFacts.ts'
import type { Category, DecodedCall, Grade, JudgedCall } from './types.ts'

type Verdict = { readonly grade: Grade; readonly reason: string }

const verdict = (grade: Grade, reason: string): Verdict => ({ grade, reason })
const ZERO = '0x0000000000000000000000000000000000000000'
const ADMIN_ROLE = `0x${'0'.repeat(64)}`
/** No token has so much: an approval without end. */
const ENDLESS = 1n << 128n

const asAddress = (value: unknown): Address | undefined =>
  typeof value === 'string' && isAddress(value, { strict: false })
    ? (value.toLowerCase() as Address)
    : undefined
const addressesOf = (call: DecodedCall): readonly Address[] =>
  call.args.flatMap(({ value }) => asAddress(value) ?? [])
const numbersOf = (call: DecodedCall): readonly bigint[] =>
  call.args.flatMap(({ value }) =>
    typeof value === 'bigint' ? [value] : typeof value === 'number' ? [BigInt(value)] : [],
  )

const upgrade = async (call: DecodedCall, facts: Facts): Promise<Verdict> => {
  const installed = addressesOf(call).at(-1)
  if (call.item?.name === 'diamondCut') return verdict(2, 'replace code of a diamond')
  if (installed === undefined) return verdict(2, 'replace the code')
  if (!(await facts.hasCode(installed)))
    return verdict(3, 'install an implementation that has no code yet: nobody can have read it')
  if (facts.limits.knownAddresses.includes(installed))
    return verdict(1, 'install an implementation that is expected')
  return verdict(2, 'replace the code')
}

/** Which argument takes the power, by function; the last address unless told otherwise. */
const HOLDER: Readonly<Record<string, number>> = { addOwnerWithThreshold: 0, swapOwner: 2 }
const GIVEN_UP = new Set(['revokeRole', 'renounceRole', 'renounceOwnership', 'removeOwner'])
const ACCEPTED = new Set(['acceptOwnership', 'acceptAdmin'])

const power = async (call: DecodedCall, facts: Facts): Promise<Verdict> => {
  const name = call.item?.name ?? ''
  if (GIVEN_UP.has(name))
    return verdict(call.args[0]?.value === ADMIN_ROLE ? 2 : 1, 'take power away from somebody')
  if (ACCEPTED.has(name)) return verdict(1, 'accept power that was offered')
  if (name === 'changeThreshold')
    return (numbersOf(call)[0] ?? 0n) <= 1n
      ? verdict(3, 'let one signature be enough')
      : verdict(2, 'change how many signatures are enough')
  const holder = addressesOf(call).at(HOLDER[name] ?? -1)
  if (holder === undefined) return verdict(2, 'change who has power')
  if (holder === ZERO) return verdict(2, 'give power up for ever')
  if (facts.isOurs(holder)) return verdict(1, 'give power to an address of ours')
  if (!(await facts.hasCode(holder)))
    return verdict(3, 'give power to an account without code: one key holds it')
  return verdict(2, 'give power to a contract that the watchlist does not name')
}

const TOKEN_CALLS = new Set(['transfer', 'approve', 'increaseAllowance', 'transferFrom'])
const ALLOWANCES = new Set(['approve', 'increaseAllowance'])

type Payment = {
  /** Undefined: native coin, or a token that the call does not name. */
  readonly token: Address | undefined
  readonly isNative: boolean
  readonly from: Address
  readonly to: Address | undefined
  readonly amount: bigint | undefined
  readonly what: string
}

/** Who pays whom, of what. */
const readPayment = (call: DecodedCall, executor: Address): Payment => {
  const name = call.item?.name ?? ''
  const addresses = addressesOf(call)
  if (call.item === undefined || call.input.length < 10)
    return {
      token: undefined,
      isNative: true,
      from: executor,
      to: call.target,
      amount: call.valueWei,
      what: 'send',
    }
  const amount = numbersOf(call).at(-1)
  if (!TOKEN_CALLS.has(name)) {
    const token = addresses.length > 1 ? addresses[0] : undefined
    return { token, isNative: false, from: call.target, to: addresses.at(-1), amount, what: 'send' }
  }
  const isPull = name === 'transferFrom'
  return {
    token: call.target,
    isNative: false,
    from: isPull ? (addresses[0] ?? executor) : executor,
    to: addresses[isPull ? 1 : 0],
    amount,
    what: ALLOWANCES.has(name) ? 'let somebody take' : 'send',
  }
}

const readBalance = ({ token, isNative, from }: Payment, facts: Facts) =>
  isNative ? facts.nativeOf(from) : token ? facts.balanceOf(token, from) : undefined

/** How much of what there is: as text, and whether that is a lot. */
const measure = (
  amount: bigint | undefined,
  balance: bigint | undefined,
  limitBps: number,
): { readonly share: string; readonly isLarge: boolean } => {
  if (amount === undefined || amount >= ENDLESS)
    return { share: 'all there is', isLarge: balance !== 0n }
  if (balance === undefined) return { share: 'an unknown part of what there is', isLarge: true }
  if (balance === 0n) return { share: 'more than there is', isLarge: false }
  return {
    share: `${formatBps(bpsOf(amount, balance))} of what there is`,
    isLarge: amount * 10_000n >= balance * BigInt(limitBps),
  }
}

const money = async (call: DecodedCall, facts: Facts): Promise<Verdict> => {
  const payment = readPayment(call, facts.executor)
  const { to, amount } = payment
  if (amount === 0n) return verdict(0, 'move nothing')
  const balance = await readBalance(payment, facts)
  const { share, isLarge } = measure(amount, balance, facts.limits.treasuryShareBps)
  const text = `${payment.what} ${share}`
  const isEndless = amount !== undefined && amount >= ENDLESS
  if (!isLarge) return verdict(isEndless ? 2 : 1, text)
  if (to === undefined) return verdict(2, text)
  if (facts.isOurs(to)) return verdict(1, `${text}, to an address of ours`)
  // A balance that cannot be read says nothing of how much it is: no page for that.
  if (balance === undefined && !isEndless) return verdict(2, text)
  if (await facts.hasCode(to)) return verdict(2, `${text}, to a contract`)
  return verdict(3, `${text}, to an account without code`)
}

const mint = async (call: DecodedCall, facts: Facts): Promise<Verdict> => {
  const amount = numbersOf(call).at(-1)
  const supply = await facts.supplyOf(call.target)
  if (amount === undefined || supply === undefined) return verdict(2, 'mint')
  const share =
    supply > 0n ? `${formatBps(bpsOf(amount, supply))} of the supply` : 'the first units'
  const isLarge = amount * 10_000n >= supply * BigInt(facts.limits.mintShareBps) && amount > 0n
  if (!isLarge) return verdict(1, `mint ${share}`)
  const to = addressesOf(call)[0]
  if (to !== undefined && (facts.isOurs(to) || (await facts.hasCode(to))))
    return verdict(2, `mint ${share}`)
  return verdict(3, `mint ${share} to an account without code`)
}

/** What a setter's value is now. */
const GETTER: Readonly<Record<string, string>> = {
  updateDelay: 'getMinDelay',
  setDelay: 'delay',
  setVotingDelay: 'votingDelay',
  setVotingPeriod: 'votingPeriod',
  setProposalThreshold: 'proposalThreshold',
  updateQuorumNumerator: 'quorumNumerator',
  _setVotingDelay: 'votingDelay',
  _setVotingPeriod: 'votingPeriod',
  _setProposalThreshold: 'proposalThreshold',
}

const delay = async (call: DecodedCall, facts: Facts): Promise<Verdict> => {
  const name = call.item?.name ?? ''
  const getter = GETTER[name]
  const next = numbersOf(call)[0]
  const now = getter && (await facts.numberOf(call.target, getter))
  if (next === undefined || now === undefined || now === '')
    return verdict(2, 'change a setting that protects')
  const change = `from ${now} to ${next}`
  if (next === now) return verdict(0, `leave a setting at ${next}`)
  if (next > now) return verdict(1, `raise a setting that protects, ${change}`)
  return next * 2n < now
    ? verdict(3, `cut a setting that protects to less than half, ${change}`)
    : verdict(2, `lower a setting that protects, ${change}`)
}

const foreignCode = async (call: DecodedCall, facts: Facts): Promise<Verdict> => {
  const target = call.isDelegatecall ? call.target : addressesOf(call)[0]
  if (target !== undefined && facts.isOurs(target))
    return verdict(2, 'run the code of a contract of ours as its own')
  if (target !== undefined && !(await facts.hasCode(target)))
    return verdict(3, 'run code as its own that is not there yet')
  return verdict(3, 'run foreign code as its own')
}

const oracle = async (call: DecodedCall, facts: Facts): Promise<Verdict> => {
  const source = call.args.findLast(({ value }) => Array.isArray(value) || asAddress(value))?.value
  const sources = (Array.isArray(source) ? source : [source]).flatMap((one) => asAddress(one) ?? [])
  for (const one of sources.slice(0, 16))
    if (one !== ZERO && !facts.isOurs(one) && !(await facts.hasCode(one)))
      return verdict(3, 'take prices from an account without code')
  return verdict(2, 'take prices from elsewhere')
}

/** Loans of all that the collateral is worth, or more. */
const isWholeCollateral = (call: DecodedCall): boolean => {
  const name = call.item?.name
  const numbers = numbersOf(call)
  if (name === '_setCollateralFactor') return (numbers[0] ?? 0n) >= 950_000_000_000_000_000n
  if (name === 'configureReserveAsCollateral') return (numbers[0] ?? 0n) >= 9_800n
  return false
}

const JUDGES: Readonly<
  Record<Category, (call: DecodedCall, facts: Facts) => Verdict | Promise<Verdict>>
> = {
  upgrade,
  power,
  money,
  mint,
  delay,
  'foreign-code': foreignCode,
  oracle,
  destroy: () => verdict(3, 'destroy the contract'),
  pause: (call) =>
    call.item?.name === 'pause'
      ? verdict(1, 'pause')
      : verdict(1, 'change whether the contract is paused'),
  parameter: (call) =>
    isWholeCollateral(call)
      ? verdict(3, 'lend nearly all that the collateral is worth')
      : verdict(1, 'change a parameter'),
  other: () => verdict(0, 'make an ordinary call'),
  unknown: () => verdict(1, 'call a function that cannot be read'),
}

/** How dangerous each call is. Value sent along with a call counts as money too. */
export const judgeCalls = async (
  calls: readonly DecodedCall[],
  facts: Facts,
): Promise<readonly JudgedCall[]> => {
  const judged: JudgedCall[] = []
  for (const call of calls) {
    const found = await JUDGES[call.category](call, facts)
    const native =
      call.valueWei > 0n && call.category !== 'money'
        ? await money({ ...call, item: undefined, args: [], input: '0x' }, facts)
        : undefined
    const worse = native && native.grade > found.grade ? native : found
    judged.push({ call, ...worse })
  }
  return judged
}

/** The worst of them; 0 when there is none. */
export const gradeOf = (judged: readonly JudgedCall[]): Grade =>
  judged.some(({ grade }) => grade === 3)
    ? 3
    : judged.some(({ grade }) => grade === 2)
      ? 2
      : judged.some(({ grade }) => grade === 1)
        ? 1
        : 0
