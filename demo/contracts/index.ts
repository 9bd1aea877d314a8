/** The demo's contracts on a local chain: for the demo itself, for tests and for benches. */
export {
  createActors,
  createUsers,
  type DemoAccount,
  type DemoActors,
  demoAccount,
  FIRST_USER,
} from './accounts.ts'
export { type ContractArtifact, type ContractArtifacts, compileContracts } from './compile.ts'
export {
  callOf,
  type DemoContract,
  type DemoDeployment,
  type DeployOptions,
  deployDemo,
  ETHER,
  mintPosition,
  PRICE_USD,
  rangeAround,
  USD,
  V3_FEE,
} from './deploy.ts'
export {
  createSender,
  type Sender,
  type SenderOptions,
  type SendRequest,
  type SentReceipt,
} from './sender.ts'
