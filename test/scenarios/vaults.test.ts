import { actor, call, playStories, type Story } from './support/index.ts'
import {
  BTC,
  build,
  deposit,
  E18,
  exchange,
  hot,
  maker,
  must,
  redeem,
  send,
  thief,
  treasury,
  USD,
  users,
  type VaultWorld,
  whale,
} from './vaultWorld.ts'

const attacks: readonly Story<VaultWorld>[] = [
  {
    name: 'the owner of a vault sweeps a third of its assets',
    kind: 'attack',
    expects: [
      { botId: 'tvl-drop', alertId: 'TVL-DROP-BLOCK', thing: 'eth-vault', minSeverity: 'Critical' },
      {
        botId: 'share-price',
        alertId: 'SHARE-PRICE-DROP',
        thing: 'eth-vault',
        minSeverity: 'High',
      },
    ],
    play: async (scene, { ethVault }) => {
      const total = await scene.read(ethVault, 'totalAssets')
      await scene.block([call(maker, ethVault, 'sweep', [thief, total / 3n])])
      await scene.mark()
    },
  },
  {
    name: 'a vault is drained by one per cent every three minutes',
    kind: 'attack',
    expects: [{ botId: 'tvl-drop', alertId: 'TVL-DROP', thing: 'usd-vault', minSeverity: 'High' }],
    affects: ['usd'],
    play: async (scene, { usdVault }) => {
      const total = await scene.read(usdVault, 'totalAssets')
      for (let n = 1; n <= 13; n++) {
        await scene.block([call(maker, usdVault, 'sweep', [actor(200 + n), total / 100n])], {
          afterS: 180,
        })
        if (n === 11) await scene.mark()
      }
    },
  },
  {
    name: 'shares are made for nothing and redeemed in the next block',
    kind: 'attack',
    expects: [
      { botId: 'mint-anomaly', alertId: 'MINT-UNBACKED', thing: 'usd-vault', minSeverity: 'High' },
    ],
    affects: ['usd'],
    play: async (scene, { usdVault }) => {
      const supply = await scene.read(usdVault, 'totalSupply')
      await scene.block([call(thief, usdVault, 'mintFree', [thief, supply])])
      await scene.mark()
      await scene.block([redeem(thief, usdVault, supply)])
    },
  },
  {
    name: 'a donation makes the shares of a vault dearer at once',
    kind: 'attack',
    expects: [
      {
        botId: 'share-price',
        alertId: 'SHARE-PRICE-JUMP',
        thing: 'eth-vault',
        minSeverity: 'Critical',
      },
    ],
    play: async (scene, { eth, ethVault }) => {
      const total = await scene.read(ethVault, 'totalAssets')
      await scene.block([send(thief, eth, ethVault.address, total)])
      await scene.mark()
    },
  },
  {
    name: 'the first depositor of an old vault inflates its only share, and the second gets none',
    kind: 'attack',
    expects: [
      { botId: 'share-price', alertId: 'SHARE-INFLATION', thing: 'old-vault', minSeverity: 'High' },
      {
        botId: 'share-price',
        alertId: 'DEPOSIT-ROBBED',
        thing: 'old-vault',
        minSeverity: 'Critical',
        mark: 'robbed',
      },
    ],
    play: async (scene, { btc, oldVault }) => {
      await scene.block([
        deposit(thief, oldVault, 1n),
        send(thief, btc, oldVault.address, 20n * BTC),
      ])
      await scene.mark()
      await scene.block([deposit(must(users[0]), oldVault, 19n * BTC)])
      await scene.mark('robbed')
      await scene.block([redeem(thief, oldVault, 1n)])
    },
  },
  {
    name: 'the same in one block, around a deposit that loses half',
    kind: 'attack',
    expects: [
      {
        botId: 'share-price',
        alertId: 'DEPOSIT-ROBBED',
        thing: 'old-vault',
        minSeverity: 'Critical',
      },
    ],
    play: async (scene, { btc, oldVault }) => {
      await scene.block([
        deposit(thief, oldVault, 1n),
        send(thief, btc, oldVault.address, 5n * BTC),
        deposit(must(users[1]), oldVault, 9n * BTC),
        redeem(thief, oldVault, 1n),
      ])
      await scene.mark()
    },
  },
  {
    name: 'a treasury sends away nearly all that it holds',
    kind: 'attack',
    expects: [
      {
        botId: 'large-transfer',
        alertId: 'TREASURY-TRANSFER',
        thing: 'treasury',
        minSeverity: 'High',
      },
      { botId: 'tvl-drop', alertId: 'TVL-DROP-BLOCK', thing: 'treasury', minSeverity: 'Critical' },
    ],
    affects: ['usd'],
    play: async (scene, { usd }) => {
      await scene.block([send(treasury, usd, thief, 19_000_000n * USD)])
      await scene.mark()
    },
  },
  {
    name: 'a treasury is emptied by many transfers within the hour',
    kind: 'attack',
    expects: [{ botId: 'tvl-drop', alertId: 'TVL-DROP', thing: 'treasury', minSeverity: 'High' }],
    affects: ['usd'],
    play: async (scene, { usd }) => {
      for (let n = 1; n <= 15; n++) {
        await scene.block([send(treasury, usd, actor(300 + n), 180_000n * USD)], { afterS: 200 })
        // Twelve of them are 10.8 %.
        if (n === 12) await scene.mark()
      }
    },
  },
  {
    name: 'a hot wallet is emptied',
    kind: 'attack',
    expects: [
      { botId: 'tvl-drop', alertId: 'TVL-DROP-BLOCK', thing: 'hot-wallet', minSeverity: 'High' },
    ],
    affects: ['usd'],
    play: async (scene, { usd }) => {
      await scene.block([send(hot, usd, thief, 19_999_000n * USD)])
      await scene.mark()
    },
  },
  {
    name: 'a treasury sends to an exchange what it holds',
    kind: 'attack',
    expects: [
      {
        botId: 'exchange-flow',
        alertId: 'EXCHANGE-DEPOSIT',
        minSeverity: 'Medium',
      },
    ],
    affects: ['treasury', 'usd', 'some-exchange'],
    mayPage: ['EXCHANGE-NET-FLOW', 'EXCHANGE-DEPOSIT'],
    play: async (scene, { usd }) => {
      await scene.block([send(treasury, usd, exchange, 8_000_000n * USD)])
      await scene.mark()
    },
  },
  {
    name: 'a dollar token is minted to twice its supply by somebody new',
    kind: 'attack',
    expects: [
      { botId: 'mint-anomaly', alertId: 'SUPPLY-JUMP', thing: 'usd', minSeverity: 'Critical' },
    ],
    play: async (scene, { usd }) => {
      const supply = await scene.read(usd, 'totalSupply')
      await scene.block([call(maker, usd, 'mint', [thief, supply])])
      await scene.mark()
    },
  },
]

const benign: readonly Story<VaultWorld>[] = [
  {
    name: 'a whale doubles a vault and leaves three hours later',
    kind: 'benign',
    play: async (scene, { usdVault, ethVault }) => {
      await scene.block([
        deposit(whale, usdVault, 2_500_000n * USD),
        deposit(whale, ethVault, 1_900n * E18),
      ])
      await scene.calm(5, 2_160)
      const shares = await scene.read(usdVault, 'balanceOf', [whale])
      await scene.block([redeem(whale, usdVault, shares)])
      await scene.calm(2, 300)
      await scene.block([redeem(whale, ethVault, await scene.read(ethVault, 'balanceOf', [whale]))])
    },
  },
  {
    name: 'the largest holder takes a quarter of a vault out, in three parts',
    kind: 'benign',
    play: async (scene, { usdVault }) => {
      const holder = must(users[4])
      const shares = await scene.read(usdVault, 'balanceOf', [holder])
      for (let n = 0; n < 3; n++)
        await scene.block([redeem(holder, usdVault, shares / 3n)], { afterS: 240 })
    },
  },
  {
    name: 'yield is paid in every few hours, and once a week a little more',
    kind: 'benign',
    play: async (scene, { usd, eth, usdVault, ethVault }) => {
      for (let n = 1; n <= 10; n++) {
        const [usdTotal, ethTotal] = await Promise.all([
          scene.read(usdVault, 'totalAssets'),
          scene.read(ethVault, 'totalAssets'),
        ])
        const part = n === 7 ? 2_000n : 10_000n
        await scene.block(
          [
            send(maker, usd, usdVault.address, usdTotal / part),
            send(maker, eth, ethVault.address, ethTotal / 8_000n),
          ],
          { afterS: 14_400 },
        )
      }
    },
  },
  {
    name: 'an hour of heavy traffic in vaults and tokens',
    kind: 'benign',
    play: async (scene, { usd, usdVault, ethVault }) => {
      for (let n = 1; n <= 14; n++)
        await scene.block(
          users.flatMap((who, index) => [
            deposit(who, usdVault, BigInt(1_000 * n + 137 * index) * USD),
            call(who, ethVault, 'withdraw', [BigInt(n + index) * (E18 / 2n), who, who]),
            send(who, usd, must(users[(index + n) % users.length]), BigInt(5_000 + n) * USD),
            send(who, usd, exchange, BigInt(1_000 + 10 * index) * USD),
          ]),
          { afterS: 250 },
        )
    },
  },
  {
    name: 'salaries and grants leave a treasury, a hot wallet serves its customers',
    kind: 'benign',
    play: async (scene, { usd }) => {
      for (let n = 1; n <= 10; n++)
        await scene.block(
          [
            send(treasury, usd, actor(400 + n), BigInt(8_000 + 500 * n) * USD),
            ...[1, 2, 3, 4].map((k) => send(hot, usd, actor(500 + 4 * n + k), 21_000n * USD)),
            send(must(users[n % 5]), usd, hot, 60_000n * USD),
          ],
          { afterS: 300 },
        )
    },
  },
  {
    name: 'the first deposits into new vaults',
    kind: 'benign',
    play: async (scene, { btcVault, oldVault }) => {
      await scene.block([deposit(must(users[0]), btcVault, 10n * BTC)])
      await scene.block([deposit(must(users[1]), oldVault, 5n * BTC)])
      await scene.block([
        deposit(whale, btcVault, 200n * BTC),
        deposit(must(users[2]), oldVault, 3n * BTC),
      ])
    },
  },
]

playStories({
  build,
  before: async (scene, { usd, usdVault, ethVault }) => {
    for (let n = 1; n <= 12; n++) {
      const who = must(users[n % users.length])
      await scene.block(
        [
          deposit(who, usdVault, BigInt(900 * n) * USD),
          call(who, ethVault, 'withdraw', [BigInt(n) * (E18 / 4n), who, who]),
          send(who, usd, actor(600 + n), BigInt(300 * n) * USD),
        ],
        { afterS: 60 },
      )
    }
  },
  stories: [...attacks, ...benign],
})
