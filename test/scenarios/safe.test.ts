import { pad, toHex, zeroAddress } from 'viem'
import type { Address } from '../../core/base/index.ts'
import {
  buildGovernedWorld,
  ETHER,
  type GovernedWorld,
  people,
  USD,
} from './scenes/governedWorld.ts'
import { batch, encode, safeTransaction } from './scenes/safeKit.ts'
import { actor, type Contract, call, playStories, type Story } from './support/index.ts'

const { operator, thief, users } = people
const bystander = users[0] ?? thief
const drained = ['treasury', 'dollar'] as const

/** The dollar that a Safe pays, as a call. */
const pay = ({ dollar }: GovernedWorld, to: Address, amount: bigint) =>
  encode(dollar, 'transfer', [to, amount * USD])
const taken = (safe: Contract, { abi }: Contract): Contract => ({ address: safe.address, abi })
const SENTINEL: Address = '0x0000000000000000000000000000000000000001'
const changed = {
  botId: 'admin-call',
  alertId: 'MULTISIG-CHANGED',
  thing: 'safe',
  minSeverity: 'High',
} as const

const attacks: readonly Story<GovernedWorld>[] = [
  {
    name: 'an owner is added and one signature made enough, in one transaction',
    kind: 'attack',
    expects: [{ ...changed, minSeverity: 'Critical', times: 2 }],
    play: async (scene, { safe, multiSendCallOnly }) => {
      const parts = [
        encode(safe, 'addOwnerWithThreshold', [thief, 2n]),
        encode(safe, 'changeThreshold', [1n]),
      ]
      await scene.block([await safeTransaction(scene, safe, batch(multiSendCallOnly, parts))])
      await scene.mark()
    },
  },
  {
    name: 'a module is enabled, and it empties the Safe without signatures',
    kind: 'attack',
    expects: [
      { ...changed, thing: 'ops-safe', minSeverity: 'Critical' },
      { botId: 'tvl-drop', alertId: 'TVL-DROP-BLOCK', thing: 'ops-treasury', mark: 'drain' },
      { botId: 'correlation', alertId: 'PAUSE-CANDIDATE', mark: 'drain' },
    ],
    affects: drained,
    things: (world) => [
      ...world.things,
      {
        kind: 'treasury',
        name: 'ops-treasury',
        address: world.opsSafe.address,
        tokens: [world.dollar.address],
        protocol: 'acme',
      },
    ],
    play: async (scene, world) => {
      const { opsSafe, module } = world
      await scene.block([
        await safeTransaction(scene, opsSafe, encode(opsSafe, 'enableModule', [module.address])),
      ])
      await scene.mark()
      await scene.calm(20)
      const { to, data } = pay(world, thief, 199_000n)
      await scene.block([call(operator, module, 'spend', [opsSafe.address, to, 0n, data])])
      await scene.mark('drain')
    },
  },
  {
    name: 'the guard is taken off',
    kind: 'attack',
    expects: [{ ...changed, minSeverity: 'Critical' }],
    play: async (scene, { safe }) => {
      await scene.block([
        await safeTransaction(scene, safe, encode(safe, 'setGuard', [zeroAddress])),
      ])
      await scene.mark()
    },
  },
  {
    name: 'another fallback handler answers for the Safe',
    kind: 'attack',
    expects: [changed],
    play: async (scene, { safe }) => {
      await scene.block([
        await safeTransaction(scene, safe, encode(safe, 'setFallbackHandler', [thief])),
      ])
      await scene.mark()
    },
  },
  {
    name: 'the Safe runs code that nobody knows as its own',
    kind: 'attack',
    expects: [
      {
        botId: 'admin-call',
        alertId: 'MULTISIG-DELEGATECALL',
        thing: 'safe',
        minSeverity: 'High',
      },
    ],
    play: async (scene, { safe, slotWriter }) => {
      const { to, data } = encode(slotWriter, 'write', [toHex(99n, { size: 32 }), pad('0x01')])
      await scene.block([await safeTransaction(scene, safe, { to, data, operation: 1 })])
      await scene.mark()
    },
  },
  {
    name: 'a `transfer` that is a delegatecall puts another singleton into slot 0, and the coin leaves',
    kind: 'attack',
    expects: [
      {
        botId: 'admin-call',
        alertId: 'ADMIN-SLOT-CHANGED',
        thing: 'safe',
        minSeverity: 'Critical',
      },
      { botId: 'tvl-drop', alertId: 'TVL-DROP-BLOCK', thing: 'native', mark: 'drain' },
      { botId: 'correlation', alertId: 'PAUSE-CANDIDATE', mark: 'drain' },
    ],
    things: (world) => [
      ...world.things,
      { kind: 'treasury', name: 'native', address: world.safe.address, protocol: 'acme' },
    ],
    play: async (scene, { safe, slotWriter, thiefSingleton }) => {
      const { to, data } = encode(slotWriter, 'transfer', [thiefSingleton.address, 0n])
      await scene.block([await safeTransaction(scene, safe, { to, data, operation: 1 })])
      await scene.mark()
      await scene.calm(2)
      await scene.block([call(thief, taken(safe, thiefSingleton), 'sweepNative', [thief])])
      await scene.mark('drain')
    },
  },
  {
    name: 'a delegatecall hides in a batch of ordinary calls',
    kind: 'attack',
    expects: [
      {
        botId: 'admin-call',
        alertId: 'MULTISIG-DELEGATECALL',
        thing: 'safe',
        minSeverity: 'High',
      },
      {
        botId: 'admin-call',
        alertId: 'ADMIN-SLOT-CHANGED',
        thing: 'safe',
        minSeverity: 'Critical',
      },
    ],
    play: async (scene, world) => {
      const { safe, multiSend, slotWriter, thiefSingleton } = world
      const hidden = encode(slotWriter, 'transfer', [thiefSingleton.address, 0n])
      const parts = [pay(world, bystander, 10n), { ...hidden, operation: 1 as const }]
      await scene.block([await safeTransaction(scene, safe, batch(multiSend, parts))])
      await scene.mark()
    },
  },
  {
    name: 'all owners are exchanged in one transaction',
    kind: 'attack',
    expects: [{ ...changed, times: 6 }],
    play: async (scene, { safe, multiSendCallOnly }) => {
      const owners = await scene.read<readonly Address[]>(safe, 'getOwners')
      const parts = owners.map((owner, index) => {
        const before = index === 0 ? SENTINEL : actor(70 + index)
        return encode(safe, 'swapOwner', [before, owner, actor(71 + index)])
      })
      await scene.block([await safeTransaction(scene, safe, batch(multiSendCallOnly, parts))])
      await scene.mark()
    },
  },
]

const benign: readonly Story<GovernedWorld>[] = [
  {
    name: 'a Safe pays its bills, one by one and in a batch',
    kind: 'benign',
    play: async (scene, world) => {
      const { safe, multiSendCallOnly } = world
      for (const amount of [8_000n, 12_500n])
        await scene.block([await safeTransaction(scene, safe, pay(world, bystander, amount))], {
          afterS: 1_800,
        })
      const payroll = users.map((user) => pay(world, user, 4_000n))
      await scene.block([await safeTransaction(scene, safe, batch(multiSendCallOnly, payroll))])
      await scene.block([
        await safeTransaction(scene, safe, { to: bystander, valueWei: 5n * ETHER }),
      ])
    },
  },
  {
    name: 'the batch goes through the MultiSend that could do more, and does plain calls only',
    kind: 'benign',
    play: async (scene, world) => {
      const { safe, multiSend, vault, dollar } = world
      const parts = [
        encode(dollar, 'approve', [vault.address, 50_000n * USD]),
        encode(vault, 'deposit', [50_000n * USD, safe.address]),
        pay(world, bystander, 1_000n),
      ]
      await scene.block([await safeTransaction(scene, safe, batch(multiSend, parts))])
    },
  },
  {
    name: 'two Safes sign in one block, and one of them has its transaction refused',
    kind: 'benign',
    play: async (scene, world) => {
      const { safe, opsSafe, capped } = world
      await scene.block([
        await safeTransaction(scene, safe, pay(world, bystander, 2_000n)),
        await safeTransaction(scene, opsSafe, pay(world, bystander, 3_000n)),
      ])
      const refused = encode(capped, 'mint', [bystander, 1n])
      await scene.block(
        [
          await safeTransaction(scene, opsSafe, refused),
          await safeTransaction(scene, safe, pay(world, bystander, 2_500n)),
        ],
        { status: 'any' },
      )
    },
  },
  {
    name: 'a module spends what it may, day after day',
    kind: 'benign',
    play: async (scene, world) => {
      const { safe, module } = world
      for (let day = 0; day < 4; day++) {
        const { to, data } = pay(world, bystander, 5_000n)
        await scene.block([call(operator, module, 'spend', [safe.address, to, 0n, data])], {
          afterS: 86_400,
        })
      }
    },
  },
  {
    name: 'a Safe that is watched before it exists is created by the factory',
    kind: 'benign',
    atMost: 'Info',
    things: (world) => [
      ...world.things,
      { kind: 'multisig', name: 'next-safe', address: world.nextSafe.address },
    ],
    play: async (scene, { nextSafe }) => {
      await scene.block([nextSafe.request])
    },
  },
]

playStories({ build: buildGovernedWorld, stories: [...attacks, ...benign] })
