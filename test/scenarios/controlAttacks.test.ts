import { encodeFunctionData, pad } from 'viem'
import { IMPLEMENTATION_SLOT } from '../../abis/index.ts'
import {
  ADMIN,
  buildGovernedWorld,
  type GovernedWorld,
  people,
  role,
  USD,
} from './scenes/governedWorld.ts'
import { encode, safeTransaction } from './scenes/safeKit.ts'
import { call, playStories, type Story } from './support/index.ts'

const { hotKey, thief, accomplice } = people

/** Who takes over what, and how the catalogue must tell of it. */
const stories: readonly Story<GovernedWorld>[] = [
  {
    name: 'a Safe is talked into giving a contract away',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'OWNER-CHANGED', thing: 'executor', minSeverity: 'Critical' },
    ],
    play: async (scene, { safe, executor }) => {
      await scene.block([
        await safeTransaction(scene, safe, encode(executor, 'transferOwnership', [thief])),
      ])
      await scene.mark()
    },
  },
  {
    name: 'ownership in two steps, offered and accepted by an account that nobody knows',
    kind: 'attack',
    expects: [
      {
        botId: 'admin-call',
        alertId: 'OWNER-CHANGED',
        thing: 'capped',
        minSeverity: 'Critical',
        times: 2,
      },
    ],
    play: async (scene, { safe, capped }) => {
      await scene.block([
        await safeTransaction(scene, safe, encode(capped, 'transferOwnership', [thief])),
      ])
      await scene.mark()
      await scene.calm(5)
      await scene.block([call(thief, capped, 'acceptOwnership')])
    },
  },
  {
    name: 'a role goes to a fresh account, which uses it in the same block',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'ROLE-CHANGED', thing: 'role-vault', minSeverity: 'High' },
      {
        botId: 'tvl-drop',
        alertId: 'TVL-DROP-BLOCK',
        thing: 'role-vault',
        minSeverity: 'Critical',
      },
      { botId: 'correlation', alertId: 'PAUSE-CANDIDATE', minSeverity: 'Critical' },
    ],
    affects: ['dollar'],
    play: async (scene, { roleVault }) => {
      await scene.block([
        call(hotKey, roleVault, 'grantRole', [role('MANAGER_ROLE'), thief]),
        call(thief, roleVault, 'migrate', [thief, 700_000n * USD]),
      ])
      await scene.mark()
    },
  },
  {
    name: 'DEFAULT_ADMIN_ROLE goes to a stranger',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'ROLE-CHANGED', thing: 'dollar', minSeverity: 'Critical' },
    ],
    play: async (scene, { dollar }) => {
      await scene.block([call(hotKey, dollar, 'grantRole', [ADMIN, thief])])
      await scene.mark()
    },
  },
  {
    name: 'an AccessManager gives a role that waits for nothing, and it is used',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'ROLE-CHANGED', thing: 'manager', minSeverity: 'High' },
      { botId: 'tvl-drop', alertId: 'TVL-DROP-BLOCK', thing: 'managed-vault' },
    ],
    affects: ['dollar'],
    play: async (scene, { manager, managedVault, dollar }) => {
      await scene.block([call(hotKey, manager, 'grantRole', [7n, thief, 0])])
      await scene.mark()
      await scene.block([
        call(thief, managedVault, 'withdrawTo', [dollar.address, accomplice, 390_000n * USD]),
      ])
    },
  },
  {
    name: 'the role that an AccessManager wants for a function becomes the public one',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'ROLE-CHANGED', thing: 'manager', minSeverity: 'Critical' },
    ],
    play: async (scene, { manager, managedVault }) => {
      const selector = encodeFunctionData({
        abi: managedVault.abi,
        functionName: 'withdrawTo',
        args: [thief, thief, 0n],
      }).slice(0, 10)
      await scene.block([
        call(hotKey, manager, 'setTargetFunctionRole', [
          managedVault.address,
          [selector],
          2n ** 64n - 1n,
        ]),
      ])
      await scene.mark()
    },
  },
  {
    name: 'a stolen key upgrades a proxy past the timelock, and everything leaves',
    kind: 'attack',
    expects: [
      {
        botId: 'admin-call',
        alertId: 'PROXY-CHANGED',
        thing: 'role-vault',
        minSeverity: 'Critical',
      },
      {
        botId: 'tvl-drop',
        alertId: 'TVL-DROP-BLOCK',
        thing: 'role-vault',
        minSeverity: 'Critical',
        mark: 'drain',
      },
      {
        botId: 'correlation',
        alertId: 'PAUSE-CANDIDATE',
        minSeverity: 'Critical',
        mark: 'drain',
      },
    ],
    affects: ['dollar'],
    play: async (scene, { roleVault, thiefVault, dollar }) => {
      await scene.block([call(hotKey, roleVault, 'upgradeToAndCall', [thiefVault.address, '0x'])])
      await scene.mark()
      await scene.calm(3)
      const taken = { address: roleVault.address, abi: thiefVault.abi }
      await scene.block([call(thief, taken, 'take', [dollar.address, thief])])
      await scene.mark('drain')
    },
  },
  {
    name: 'a UUPS proxy of which only the kind is known is upgraded to code of an hour ago',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'PROXY-CHANGED', thing: 'dollar', minSeverity: 'Critical' },
    ],
    things: ({ dollar }) => [{ kind: 'token', name: 'dollar', address: dollar.address }],
    play: async (scene, { dollar, thiefVault }) => {
      await scene.block([call(hotKey, dollar, 'upgradeToAndCall', [thiefVault.address, '0x'])])
      await scene.mark()
    },
  },
  {
    name: 'the beacon behind a vault is turned to other code; the vault itself says nothing',
    kind: 'attack',
    expects: [
      {
        botId: 'admin-call',
        alertId: 'PROXY-CHANGED',
        thing: 'beacon-vault',
        minSeverity: 'Critical',
      },
    ],
    play: async (scene, { beacon, thiefVault }) => {
      await scene.block([call(hotKey, beacon, 'upgradeTo', [thiefVault.address])])
      await scene.mark()
    },
  },
  {
    name: 'the beacon itself is watched, and turned to other code',
    kind: 'attack',
    expects: [
      { botId: 'admin-call', alertId: 'PROXY-CHANGED', thing: 'beacon', minSeverity: 'Critical' },
    ],
    things: ({ beacon }) => [{ kind: 'contract', name: 'beacon', address: beacon.address }],
    play: async (scene, { beacon, thiefVault }) => {
      await scene.block([call(hotKey, beacon, 'upgradeTo', [thiefVault.address])])
      await scene.mark()
    },
  },
  {
    name: 'code that is run by delegatecall writes the implementation slot, without an event',
    kind: 'attack',
    expects: [
      {
        botId: 'admin-call',
        alertId: 'ADMIN-SLOT-CHANGED',
        thing: 'proxied-executor',
        minSeverity: 'Critical',
      },
    ],
    play: async (scene, { proxiedExecutor, slotWriter, thiefVault }) => {
      const { to, data } = encode(slotWriter, 'write', [
        IMPLEMENTATION_SLOT,
        pad(thiefVault.address),
      ])
      await scene.block([call(hotKey, proxiedExecutor, 'run', [to, data])])
      await scene.mark()
    },
  },
  {
    name: 'a proxy that can be initialised again, without an event, gets another owner',
    kind: 'attack',
    expects: [
      {
        botId: 'admin-call',
        alertId: 'ADMIN-CALL',
        thing: 'proxied-executor',
        minSeverity: 'Critical',
      },
    ],
    play: async (scene, { proxiedExecutor }) => {
      await scene.block([call(thief, proxiedExecutor, 'initialize', [thief])])
      await scene.mark()
    },
  },
  {
    name: 'a second initialiser that was never called hands a vault over',
    kind: 'attack',
    expects: [
      {
        botId: 'admin-call',
        alertId: 'REINITIALISED',
        thing: 'role-vault',
        minSeverity: 'Critical',
      },
      { botId: 'admin-call', alertId: 'ROLE-CHANGED', thing: 'role-vault', minSeverity: 'High' },
    ],
    play: async (scene, { roleVault }) => {
      await scene.block([call(thief, roleVault, 'initializeV2', [thief])])
      await scene.mark()
    },
  },
  {
    name: 'the owner of a ProxyAdmin is a stranger now',
    kind: 'attack',
    expects: [
      {
        botId: 'admin-call',
        alertId: 'OWNER-CHANGED',
        thing: 'proxy-admin',
        minSeverity: 'Critical',
      },
    ],
    mayPage: ['OPERATION-UNQUEUED'],
    play: async (scene, { proxyAdmin, timelock, safe }) => {
      const { to, data } = encode(proxyAdmin, 'transferOwnership', [thief])
      await scene.block([
        await safeTransaction(scene, safe, encode(timelock, 'force', [to, 0n, data])),
      ])
      await scene.mark()
    },
  },
  {
    name: 'owners and admins give up what they no longer need',
    kind: 'benign',
    play: async (scene, { safe, executor, roleVault }) => {
      await scene.block([
        await safeTransaction(scene, safe, encode(executor, 'renounceOwnership')),
        call(hotKey, roleVault, 'renounceRole', [ADMIN, hotKey]),
      ])
    },
  },
  {
    name: 'strangers knock at every door',
    kind: 'benign',
    play: async (scene, { executor, roleVault, dollar, proxiedExecutor, thiefVault }) => {
      for (let round = 0; round < 3; round++)
        await scene.block(
          [
            call(thief, executor, 'transferOwnership', [thief]),
            call(thief, roleVault, 'grantRole', [ADMIN, thief]),
            call(thief, roleVault, 'upgradeToAndCall', [thiefVault.address, '0x']),
            call(thief, dollar, 'mint', [thief, 1n]),
            call(accomplice, proxiedExecutor, 'run', [thief, '0x']),
          ],
          { status: 'reverted' },
        )
    },
  },
]

playStories({ build: buildGovernedWorld, stories })
