import {
  buildGovernedWorld,
  type GovernedWorld,
  people,
  role,
  USD,
} from './scenes/governedWorld.ts'
import { encode, safeTransaction } from './scenes/safeKit.ts'
import { DELAY_S, execute, schedule } from './scenes/votingKit.ts'
import { call, playStories, type Story } from './support/index.ts'

const { hotKey, pauser, minter, compliance, thief, accomplice, users } = people
const bystander = users[0] ?? thief

const attacks: readonly Story<GovernedWorld>[] = [
  {
    name: 'a minter is added, and mints five times what there was',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'ROLE-CHANGED', thing: 'dollar', minSeverity: 'High' },
      {
        botId: 'mint-anomaly',
        alertId: 'SUPPLY-JUMP',
        thing: 'dollar',
        minSeverity: 'Critical',
        mark: 'mint',
      },
    ],
    play: async (scene, { dollar }) => {
      await scene.block([call(hotKey, dollar, 'grantRole', [role('MINTER_ROLE'), thief])])
      await scene.mark()
      await scene.calm(2)
      await scene.block([call(thief, dollar, 'mint', [thief, 100_000_000n * USD])])
      await scene.mark('mint')
    },
  },
  {
    name: 'the key of the minter itself is stolen',
    kind: 'attack',
    expects: [
      {
        botId: 'mint-anomaly',
        alertId: 'SUPPLY-JUMP',
        thing: 'dollar',
        minSeverity: 'Critical',
      },
    ],
    play: async (scene, { dollar }) => {
      for (let n = 0; n < 6; n++)
        await scene.block([call(minter, dollar, 'mint', [bystander, 20_000n * USD])], {
          afterS: 1_200,
        })
      await scene.block([call(minter, dollar, 'mint', [accomplice, 30_000_000n * USD])])
      await scene.mark()
    },
  },
  {
    name: 'the owner of a capped token mints up to its cap',
    kind: 'attack',
    expects: [
      { botId: 'mint-anomaly', alertId: 'SUPPLY-JUMP', thing: 'capped', minSeverity: 'High' },
    ],
    play: async (scene, { capped, safe }) => {
      const inner = encode(capped, 'mint', [thief, 10n ** 24n])
      await scene.block([await safeTransaction(scene, safe, inner)])
      await scene.mark()
    },
  },
  {
    name: 'the block list of a token is taken over, and the protocol put on it',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'ROLE-CHANGED', thing: 'dollar', minSeverity: 'High' },
    ],
    affects: ['vault', 'role-vault', 'beacon-vault'],
    play: async (scene, { dollar, vault }) => {
      await scene.block([call(hotKey, dollar, 'grantRole', [role('BLACKLISTER_ROLE'), thief])])
      await scene.mark()
      await scene.block([call(thief, dollar, 'blacklist', [vault.address])])
    },
  },
  {
    name: 'whoever takes the pauser of a token pauses it, so that nobody can move anything',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'ROLE-CHANGED', thing: 'dollar', minSeverity: 'High' },
      { botId: 'admin-call', alertId: 'PAUSE-CHANGED', thing: 'dollar', mark: 'pause' },
    ],
    play: async (scene, { dollar }) => {
      await scene.block([call(hotKey, dollar, 'grantRole', [role('PAUSER_ROLE'), thief])])
      await scene.mark()
      await scene.calm(3)
      await scene.block([call(thief, dollar, 'pause')])
      await scene.mark('pause')
      await scene.calm(4)
    },
  },
  {
    name: 'a pause is lifted by the thief against whom it was made',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'ROLE-CHANGED', thing: 'role-vault', minSeverity: 'High' },
      {
        botId: 'pause-watch',
        alertId: 'PAUSE-UNDONE',
        thing: 'role-vault',
        minSeverity: 'High',
        mark: 'undone',
      },
    ],
    play: async (scene, { roleVault }) => {
      await scene.block([call(hotKey, roleVault, 'grantRole', [role('PAUSER_ROLE'), thief])])
      await scene.mark()
      await scene.block([call(pauser, roleVault, 'pause')])
      await scene.calm(1, 600)
      await scene.block([call(thief, roleVault, 'unpause')])
      await scene.mark('undone')
    },
  },
  {
    name: 'the vaults are paused and their token is forgotten',
    kind: 'attack',
    expects: [
      {
        botId: 'pause-watch',
        alertId: 'PAUSE-MISSING',
        thing: 'dollar',
        minSeverity: 'High',
        withinBlocks: 11,
      },
    ],
    play: async (scene, { safe, vault, beaconVault, roleVault }) => {
      await scene.block([
        call(pauser, roleVault, 'pause'),
        await safeTransaction(scene, safe, encode(vault, 'pause')),
        await safeTransaction(scene, safe, encode(beaconVault, 'pause'), { after: 1 }),
      ])
      await scene.mark()
      await scene.calm(11)
    },
  },
  {
    name: 'power, money and supply move within ten minutes: one incident',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'ROLE-CHANGED', thing: 'role-vault', minSeverity: 'High' },
      { botId: 'correlation', alertId: 'PAUSE-CANDIDATE', mark: 'drain' },
      { botId: 'correlation', alertId: 'CORRELATED-INCIDENT', mark: 'drain' },
    ],
    affects: ['dollar'],
    play: async (scene, { roleVault, dollar }) => {
      await scene.block([call(hotKey, roleVault, 'grantRole', [role('MANAGER_ROLE'), thief])])
      await scene.mark()
      await scene.calm(1, 200)
      await scene.block([call(minter, dollar, 'mint', [thief, 30_000_000n * USD])])
      await scene.calm(1, 200)
      await scene.block([call(thief, roleVault, 'migrate', [thief, 600_000n * USD])])
      await scene.mark('drain')
    },
  },
  {
    name: 'a role is granted, and fifty minutes later a vault loses a third',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'ROLE-CHANGED', thing: 'role-vault', minSeverity: 'High' },
      { botId: 'correlation', alertId: 'PAUSE-CANDIDATE', mark: 'drain' },
    ],
    affects: ['dollar'],
    play: async (scene, { roleVault }) => {
      await scene.block([call(hotKey, roleVault, 'grantRole', [role('MANAGER_ROLE'), thief])])
      await scene.mark()
      await scene.calm(10, 300)
      await scene.block([call(thief, roleVault, 'migrate', [thief, 260_000n * USD])])
      await scene.mark('drain')
    },
  },
]

const benign: readonly Story<GovernedWorld>[] = [
  {
    name: 'the minter mints as ever, and holders burn',
    kind: 'benign',
    play: async (scene, { dollar }) => {
      for (let n = 0; n < 12; n++)
        await scene.block(
          [
            call(minter, dollar, 'mint', [
              users[n % 8] ?? bystander,
              BigInt(20 + n) * 1_000n * USD,
            ]),
            call(bystander, dollar, 'burn', [5_000n * USD]),
          ],
          { afterS: 900 },
        )
    },
  },
  {
    name: 'a vault is paused for its planned upgrade and runs again',
    kind: 'benign',
    play: async (scene, { roleVault, roleVaultV2, timelock, safe }) => {
      const calls = [encode(roleVault, 'upgradeToAndCall', [roleVaultV2.address, '0x'])]
      await scene.block([await safeTransaction(scene, safe, schedule(timelock, calls))])
      await scene.calm(2, DELAY_S / 2 + 60)
      await scene.block([call(pauser, roleVault, 'pause')])
      await scene.calm(3)
      await scene.block([execute(bystander, timelock, calls)])
      await scene.calm(60, 20)
      await scene.block([call(pauser, roleVault, 'unpause')])
    },
  },
  {
    name: 'a day of traffic: transfers, deposits, withdrawals, approvals of everybody',
    kind: 'benign',
    play: async (scene, { dollar, vault, roleVault, beaconVault, vote }) => {
      const vaults = [vault, roleVault, beaconVault]
      for (let round = 0; round < 10; round++)
        await scene.block(
          users.flatMap((user, index) => {
            const place = vaults[(index + round) % 3] ?? vault
            const next = users[(index + 1) % users.length] ?? bystander
            return [
              call(user, dollar, 'transfer', [next, BigInt(100 + 37 * index) * USD]),
              call(user, place, 'deposit', [BigInt(500 + 11 * round) * USD, user]),
              call(user, place, 'withdraw', [BigInt(400 + 9 * round) * USD, user, user]),
              call(user, vote, 'approve', [next, 1n]),
            ]
          }),
          { afterS: 600 },
        )
    },
  },
  {
    name: 'the compliance team puts an address on the block list',
    kind: 'benign',
    play: async (scene, { dollar }) => {
      await scene.block([call(compliance, dollar, 'blacklist', [accomplice])])
    },
  },
  {
    name: 'a role that was granted on a branch of the chain which did not last',
    kind: 'benign',
    mayPage: ['ROLE-CHANGED'],
    play: async (scene, { dollar }) => {
      const fork = await scene.fork()
      await scene.block([call(hotKey, dollar, 'grantRole', [role('MINTER_ROLE'), thief])])
      await scene.follow()
      await scene.goBack(fork)
      await scene.calm(4)
    },
  },
]

playStories({ build: buildGovernedWorld, stories: [...attacks, ...benign] })
