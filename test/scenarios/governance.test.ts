import { keccak256, toHex } from 'viem'
import type { Address } from '../../core/base/index.ts'
import {
  ADMIN,
  buildGovernedWorld,
  ETHER,
  type GovernedWorld,
  people,
  role,
  USD,
} from './scenes/governedWorld.ts'
import { encode, type Inner, safeTransaction } from './scenes/safeKit.ts'
import { DELAY_S, execute, operationId, passVote, proposal, schedule } from './scenes/votingKit.ts'
import { actor, call, playStories, type Scene, type Story } from './support/index.ts'

const { thief, accomplice, lender, delegates, users } = people
const [delegate = thief, second = thief] = delegates
const bystander = users[0] ?? thief
const HOLDER = actor(90)

const createdHigh = {
  botId: 'governance',
  alertId: 'PROPOSAL-CREATED',
  thing: 'governor',
  minSeverity: 'High',
} as const
const queuedHigh = {
  botId: 'timelock',
  alertId: 'OPERATION-QUEUED',
  thing: 'timelock',
  minSeverity: 'High',
} as const

/** The Safe puts it into the timelock's queue. */
const queue = async (scene: Scene, world: GovernedWorld, calls: readonly Inner[]) => {
  await scene.block([await safeTransaction(scene, world.safe, schedule(world.timelock, calls))])
}
const drainTreasury = ({ dollar }: GovernedWorld, to: Address, amount: bigint) =>
  encode(dollar, 'transfer', [to, amount * USD])

const attacks: readonly Story<GovernedWorld>[] = [
  {
    name: 'somebody proposes to give himself the treasury',
    kind: 'attack',
    expects: [createdHigh],
    play: async (scene, world) => {
      const calls = [drainTreasury(world, thief, 2_900_000n)]
      await scene.block([proposal(world.governor, calls, 'Housekeeping').propose(thief)])
      await scene.mark()
    },
  },
  {
    name: 'a proposal grants power in its third call, behind two harmless ones',
    kind: 'attack',
    expects: [createdHigh],
    play: async (scene, world) => {
      const calls = [
        drainTreasury(world, delegate, 5n),
        encode(world.vote, 'delegate', [delegate]),
        encode(world.dollar, 'grantRole', [role('MINTER_ROLE'), thief]),
      ]
      await scene.block([proposal(world.governor, calls, 'Pay the delegates').propose(thief)])
      await scene.mark()
    },
  },
  {
    name: 'votes are borrowed for the snapshot, and carry a proposal',
    kind: 'attack',
    expects: [
      createdHigh,
      {
        botId: 'governance',
        alertId: 'FLASH-VOTE',
        thing: 'governor',
        minSeverity: 'Critical',
        mark: 'vote',
      },
    ],
    affects: ['timelock', 'vote'],
    play: async (scene, world) => {
      const { vote, governor } = world
      const calls = [encode(world.dollar, 'grantRole', [ADMIN, thief])]
      const plan = proposal(governor, calls, 'Security update')
      await scene.block([plan.propose(thief)])
      await scene.mark()
      const id = await plan.id(scene)
      await scene.calm(12)
      await scene.block([
        call(lender, vote, 'transfer', [thief, 300_000n * ETHER]),
        call(thief, vote, 'delegate', [thief]),
      ])
      await scene.calm(2)
      await scene.block([call(thief, vote, 'transfer', [lender, 300_000n * ETHER])])
      await scene.block([plan.vote(thief, id)])
      await scene.mark('vote')
    },
  },
  {
    name: 'the vote is turned in its last blocks',
    kind: 'attack',
    expects: [
      createdHigh,
      { botId: 'governance', alertId: 'LATE-SWING', thing: 'governor', mark: 'swing' },
    ],
    play: async (scene, world) => {
      const plan = proposal(
        world.governor,
        [encode(world.dollar, 'grantRole', [role('MINTER_ROLE'), thief])],
        'Liquidity mining',
      )
      await scene.block([plan.propose(thief)])
      await scene.mark()
      const id = await plan.id(scene)
      await scene.calm(15)
      await scene.block([plan.vote(second, id, 0)])
      await scene.calm(27)
      await scene.block([plan.vote(delegate, id)])
      await scene.mark('swing')
    },
  },
  {
    name: 'what is executed is not what was voted on: the code behind it was exchanged',
    kind: 'attack',
    expects: [
      {
        botId: 'governance',
        alertId: 'PROPOSAL-BREACH',
        thing: 'governor',
        minSeverity: 'Critical',
      },
    ],
    affects: ['timelock', 'dollar', 'vote'],
    play: async (scene, world) => {
      const { grant, greedyGrant, dollar, governor } = world
      const calls = [
        encode(dollar, 'transfer', [grant.address, 1_000_000n * USD]),
        encode(grant, 'pay', [dollar.address, bystander, 10n]),
      ]
      const plan = proposal(governor, calls, 'A grant')
      await scene.block([plan.propose(delegate)])
      await passVote(scene, plan, [delegate, second])
      await scene.block([plan.queue(delegate)])
      await scene.calm(1, DELAY_S + 12)
      // As if it had destroyed itself and been created again at the same place.
      const code = await scene.rpc<string>('eth_getCode', [greedyGrant.address, 'latest'])
      await scene.rpc('anvil_setCode', [grant.address, code])
      await scene.block([plan.execute(thief)])
      await scene.mark()
    },
  },
  {
    name: 'the delay of the timelock is cut to nothing, through its own queue',
    kind: 'attack',
    expects: [
      { ...queuedHigh, mark: 'queued' },
      {
        botId: 'admin-call',
        alertId: 'GOVERNANCE-CHANGED',
        thing: 'timelock',
        minSeverity: 'Critical',
      },
    ],
    play: async (scene, world) => {
      const { timelock } = world
      const calls = [encode(timelock, 'updateDelay', [0n])]
      await queue(scene, world, calls)
      await scene.mark('queued')
      await scene.calm(1, DELAY_S + 60)
      await scene.block([execute(bystander, timelock, calls)])
      await scene.mark()
    },
  },
  {
    name: 'an operation runs that nobody ever queued',
    kind: 'attack',
    expects: [
      {
        botId: 'timelock',
        alertId: 'OPERATION-UNQUEUED',
        thing: 'timelock',
        minSeverity: 'Critical',
      },
    ],
    affects: ['dollar'],
    play: async (scene, world) => {
      const { timelock, safe } = world
      const { to, data } = encode(world.dollar, 'grantRole', [ADMIN, thief])
      await scene.block([
        await safeTransaction(scene, safe, encode(timelock, 'force', [to, 0n, data])),
      ])
      await scene.mark()
    },
  },
  {
    name: 'an operation hides another one inside, which gives power away',
    kind: 'attack',
    expects: [queuedHigh],
    play: async (scene, world) => {
      const { timelock, dollar } = world
      const hidden = schedule(timelock, [encode(dollar, 'grantRole', [ADMIN, thief])], {
        salt: keccak256(toHex('later')),
      })
      await queue(scene, world, [drainTreasury(world, delegate, 5n), hidden])
      await scene.mark()
    },
  },
  {
    name: 'the right to propose to the timelock goes to a single key',
    kind: 'attack',
    expects: [
      queuedHigh,
      {
        botId: 'admin-call',
        alertId: 'ROLE-CHANGED',
        thing: 'timelock',
        minSeverity: 'Medium',
        mark: 'granted',
      },
    ],
    play: async (scene, world) => {
      const { timelock } = world
      const calls = [encode(timelock, 'grantRole', [role('PROPOSER_ROLE'), thief])]
      await queue(scene, world, calls)
      await scene.mark()
      await scene.calm(1, DELAY_S + 60)
      await scene.block([execute(bystander, timelock, calls)])
      await scene.mark('granted')
    },
  },
]

const benign: readonly Story<GovernedWorld>[] = [
  {
    name: 'an upgrade is queued, waits, runs',
    kind: 'benign',
    play: async (scene, world) => {
      const { proxyAdmin, vault, vaultV2, timelock } = world
      const calls = [encode(proxyAdmin, 'upgradeAndCall', [vault.address, vaultV2.address, '0x'])]
      await queue(scene, world, calls)
      await scene.calm(4, 12 * 3_600 + 60)
      await scene.block([execute(bystander, timelock, calls)])
      await scene.calm(10)
    },
  },
  {
    name: 'a UUPS vault is upgraded by vote and timelock',
    kind: 'benign',
    play: async (scene, world) => {
      const { roleVault, roleVaultV2, governor } = world
      const calls = [encode(roleVault, 'upgradeToAndCall', [roleVaultV2.address, '0x'])]
      const plan = proposal(governor, calls, 'Second version')
      await scene.block([plan.propose(delegate)])
      await passVote(scene, plan, [delegate, second])
      await scene.block([plan.queue(delegate)])
      await scene.calm(2, DELAY_S / 2 + 60)
      await scene.block([plan.execute(bystander)])
    },
  },
  {
    name: 'delegates vote on a grant, against each other, and it is paid',
    kind: 'benign',
    play: async (scene, world) => {
      const plan = proposal(world.governor, [drainTreasury(world, bystander, 30_000n)], 'Grant')
      await scene.block([plan.propose(delegate)])
      const id = await plan.id(scene)
      await scene.calm(16)
      await scene.block([plan.vote(delegate, id), plan.vote(delegates[2] ?? second, id, 0)])
      await scene.block([plan.vote(second, id)])
      await scene.calm(30)
      await scene.block([plan.queue(delegate)])
      await scene.calm(1, DELAY_S + 60)
      await scene.block([plan.execute(bystander)])
    },
  },
  {
    name: 'the timelock gives roles to a Safe of ours and takes one back',
    kind: 'benign',
    play: async (scene, world) => {
      const { dollar, opsSafe, timelock } = world
      const calls = [
        encode(dollar, 'grantRole', [role('PAUSER_ROLE'), opsSafe.address]),
        encode(dollar, 'revokeRole', [role('PAUSER_ROLE'), people.pauser]),
      ]
      await queue(scene, world, calls)
      await scene.calm(1, DELAY_S + 60)
      await scene.block([execute(bystander, timelock, calls)])
    },
  },
  {
    name: 'the owner of a ProxyAdmin is moved to a Safe of ours, through the timelock',
    kind: 'benign',
    play: async (scene, world) => {
      const { proxyAdmin, opsSafe, timelock } = world
      const calls = [encode(proxyAdmin, 'transferOwnership', [opsSafe.address])]
      await queue(scene, world, calls)
      await scene.calm(1, DELAY_S + 60)
      await scene.block([execute(bystander, timelock, calls)])
    },
  },
  {
    name: 'a dangerous operation is cancelled in time',
    kind: 'attack',
    expects: [queuedHigh, { botId: 'timelock', alertId: 'OPERATION-CANCELLED', mark: 'cancelled' }],
    play: async (scene, world) => {
      const { timelock, dollar, safe } = world
      const calls = [encode(dollar, 'grantRole', [ADMIN, accomplice])]
      await queue(scene, world, calls)
      await scene.mark()
      await scene.calm(5)
      const id = await operationId(scene, timelock, calls)
      await scene.block([await safeTransaction(scene, safe, encode(timelock, 'cancel', [id]))])
      await scene.mark('cancelled')
    },
  },
  {
    name: 'votes are delegated to and fro, bought and sold, and nobody proposes anything',
    kind: 'benign',
    play: async (scene, world) => {
      const { vote } = world
      await scene.block(users.map((user) => call(user, vote, 'delegate', [delegate])))
      await scene.block(users.map((user) => call(user, vote, 'delegate', [user])))
      for (let round = 0; round < 4; round++)
        await scene.block(
          users.map((user, index) =>
            call(user, vote, 'transfer', [users[(index + 1) % users.length] ?? HOLDER, ETHER]),
          ),
        )
      await scene.block([call(lender, vote, 'delegate', [second])])
    },
  },
]

playStories({ build: buildGovernedWorld, stories: [...attacks, ...benign] })
