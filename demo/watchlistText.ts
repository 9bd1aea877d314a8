import { getAddress } from 'viem'
import type { DemoContract, DemoDeployment } from './contracts/index.ts'
import { demoAccount } from './contracts/index.ts'

export type DemoPorts = {
  readonly console: number
  readonly indexer: number
  /** 0: any free ones. */
  readonly metrics: number
}

export type WatchlistValues = {
  /** Absolute; Tocsin's own data. */
  readonly dataDir: string
  readonly rpcUrl: string
  readonly wsUrl: string
  readonly webhookUrl: string
  readonly ports: DemoPorts
}

const thing = (
  kind: string,
  name: string,
  contract: Pick<DemoContract, 'address'> & Partial<Pick<DemoContract, 'deployBlock'>>,
  owner: string,
  lines: readonly string[] = [],
): string =>
  [
    `  - kind: ${kind}`,
    `    name: ${name}`,
    '    chain: demo',
    `    address: "${getAddress(contract.address)}"`,
    `    owner: ${owner}`,
    ...(contract.deployBlock === undefined ? [] : [`    deployBlock: ${contract.deployBlock}`]),
    ...lines.map((line) => `    ${line}`),
  ].join('\n')

/** The demo's watchlist: what a team with one vault, two pools and a governance would write. */
export const watchlistText = (deployment: DemoDeployment, options: WatchlistValues): string => {
  const { usd, weth, vote, vault, pair, pool, governor, timelock, safe, actors } = deployment
  return `# The demo's watchlist, written anew at every run. The example for your own is watchlist.yaml in the repository.
version: 1
name: demo
dataDir: ${JSON.stringify(options.dataDir)}

chains:
  demo:
    id: ${deployment.chainId}
    rpc:
      - { name: anvil, http: "${options.rpcUrl}", ws: "${options.wsUrl}" }
    blockTimeMs: 1000
    finality: { depth: 12 } # anvil has no finality of its own worth the name

owners:
  protocol: { description: The people who run the vault }
  markets: { description: The people who look after the pools }
  governance: { description: Delegates and Safe owners }

watch:
  # The vault, behind an upgradeable proxy. setFeeRecipient emits no event: it is seen in call traces.
${thing('vault', 'demo-vault', vault, 'protocol', [
  'protocol: demo',
  'proxy: true',
  `asset: "${getAddress(usd.address)}"`,
  'abi: abis/vault.json',
  'adminFunctions: [setFeeRecipient(address), initializeV2(address), pause(), unpause(), "upgradeToAndCall(address,bytes)"]',
  'bots:',
  '  admin-call: { traces: whenTouched }',
])}

  # Tokens. Ordinary payments stay far below these thresholds.
${thing('token', 'dusd', usd, 'protocol', ['protocol: demo', 'symbol: dUSD', 'decimals: 6', 'abi: abis/usd.json', 'bots:', '  large-transfer: { threshold: "250000" }'])}
${thing('token', 'weth', weth, 'markets', ['symbol: WETH', 'decimals: 18', 'abi: abis/weth.json', 'bots:', '  large-transfer: { threshold: "150" }'])}
${thing('token', 'dvote', vote, 'governance', ['protocol: demo', 'symbol: dVOTE', 'decimals: 18', 'abi: abis/vote.json', 'bots:', '  large-transfer: { threshold: "100000" }'])}

  # Two pools of dUSD and WETH.
${thing('pool', 'dusd-weth-v2', pair, 'markets', ['protocol: demo', 'variant: uniswap-v2', 'abi: abis/v2-pair.json'])}
${thing('pool', 'dusd-weth-v3', pool, 'markets', ['protocol: demo', 'variant: uniswap-v3', 'abi: abis/v3-pool.json'])}

  # Who decides.
${thing('governor', 'demo-governor', governor, 'governance', ['protocol: demo', 'abi: abis/governor.json'])}
${thing('timelock', 'demo-timelock', timelock, 'governance', ['protocol: demo', 'abi: abis/timelock.json'])}
${thing('multisig', 'demo-safe', safe, 'governance', ['protocol: demo', 'variant: safe', 'abi: abis/safe.json'])}

  # Who holds money, and who is who.
${thing('treasury', 'demo-treasury', { address: actors.treasury.address }, 'protocol', ['protocol: demo', `tokens: ["${getAddress(usd.address)}"]`])}
${thing('label', 'market-maker', { address: actors.marketMaker.address }, 'markets', ['tags: [own]'])}
${thing('label', 'an-exchange', { address: demoAccount(10).address }, 'markets', ['tags: [exchange]'])}

# All bots of the catalogue, as they come. Each looks at the kinds of things that it knows, and sleeps where there are none.
bots:
  # Value that leaves.
  tvl-drop: {} # more than 10 % within an hour, or within one block; many small steps within days
  outflow-cap: {} # more at once than ever before
  liquidity-pull: {} # more than 5 % of a pool
  large-transfer: {} # thresholds stand with the tokens
  whale-watch: {} # large holders come and go
  exchange-flow: {} # what goes to exchanges
  rug-pull: {} # two of the signs of one within a day
  # Books that do not balance.
  solvency: {} # less there than is owed
  share-price: {} # a vault's share jumps, drops or is inflated
  mint-anomaly: {} # supply out of nothing
  utilisation: {} # little left to withdraw, bad debt
  bridge: {} # releases without locks
  # Prices.
  oracle: {} # feeds off their market, stale or jumping
  price-manipulation: {} # a pool's price moved within a block
  flash-loan: {} # what others warn of was done with borrowed money
  # Who commands.
  admin-call: {} # owners, roles, upgrades, admin functions, also silent ones
  governance: {} # proposals, votes and executions
  timelock: {} # what is queued, due and executed
  pause-watch: {} # what is paused, and what should be
  approval-drain: {} # spenders who take from many at once
  attacker-preparation: {} # contracts made for an attack
  reentrancy: {} # contracts entered again while they are at work
  # How things are used.
  activity: {} # users missing, functions that fail
  gas-by-function: {} # functions that use far more gas than they did
  silence: {} # chains that stand still, things that fall silent
  # What others found, together.
  correlation: {} # several warnings on one protocol

channels:
  console: { kind: console }
  pager:
    kind: webhook
    url: ${options.webhookUrl}
    secret: { file: secrets/webhook.secret }

# Whatever is graver than a note reaches the pager.
routes:
  - name: pager
    match: { severity: [SEV1, SEV2, SEV3] }
    channels: [pager, console]
  - name: rest
    channels: [console]

# The whole attack takes half a minute, and you want to see each step: the usual waits and budgets would fold most of
# it into a few messages.
incidents:
  groupWaitS: { SEV2: 0, SEV3: 0, SEV4: 0 }
  messagesPerMinute: 100

answers:
  - when: { bot: [tvl-drop], thing: [demo-vault], minSeverity: Critical }
    action: pause-vault
actionsDir: actions

# The signer believes nobody: endpoints and key are its own.
signer:
  rpc: { demo: ["${options.rpcUrl}"] }
  keystore: secrets/signer.keystore.json
  password: { file: secrets/signer.password }
  mode: auto

console: { host: 127.0.0.1, port: ${options.ports.console} }
indexer: { enabled: true, port: ${options.ports.indexer} }
metrics: { host: 127.0.0.1, basePort: ${options.ports.metrics} }
`
}
