import { type HDAccount, mnemonicToAccount } from 'viem/accounts'
import type { Address } from '../../core/base/index.ts'

/** The mnemonic that anvil starts with: its keys are public, so nothing of value may ever lie on them. */
const DEMO_MNEMONIC = 'test test test test test test test test test test test junk'
/** Index of the first ordinary user. */
export const FIRST_USER = 12

/** Places of the demo's actors in the mnemonic. */
const ACTORS = {
  deployer: 0,
  safeOwnerA: 1,
  safeOwnerB: 2,
  safeOwnerC: 3,
  marketMaker: 4,
  attacker: 5,
  /** A large liquidity provider whose key the attacker has. */
  whale: 6,
  pauser: 7,
  treasury: 8,
  delegate: 9,
} as const

export type DemoAccount = HDAccount & { readonly address: Address }
export type DemoActors = { readonly [name in keyof typeof ACTORS]: DemoAccount }

/** The account at `index` of the well-known mnemonic; `address` is lower case, as everywhere in Tocsin. */
export const demoAccount = (index: number): DemoAccount => {
  const account = mnemonicToAccount(DEMO_MNEMONIC, { addressIndex: index })
  return { ...account, address: account.address.toLowerCase() as Address }
}

/** `count` ordinary users. Start anvil with `accounts: FIRST_USER + count` and all of them are funded and unlocked. */
export const createUsers = (count: number): readonly DemoAccount[] =>
  Array.from({ length: count }, (_, i) => demoAccount(FIRST_USER + i))

export const createActors = (): DemoActors => ({
  deployer: demoAccount(ACTORS.deployer),
  safeOwnerA: demoAccount(ACTORS.safeOwnerA),
  safeOwnerB: demoAccount(ACTORS.safeOwnerB),
  safeOwnerC: demoAccount(ACTORS.safeOwnerC),
  marketMaker: demoAccount(ACTORS.marketMaker),
  attacker: demoAccount(ACTORS.attacker),
  whale: demoAccount(ACTORS.whale),
  pauser: demoAccount(ACTORS.pauser),
  treasury: demoAccount(ACTORS.treasury),
  delegate: demoAccount(ACTORS.delegate),
})
