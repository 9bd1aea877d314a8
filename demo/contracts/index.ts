/** The demo's contracts on a local chain: for the demo itself, for tests and for benches. */
export {
  type DemoAccount,
  type DemoActors,
  demoAccount,
  FIRST_USER,
} from './accounts.ts'
export {
  callOf,
  ETHER,
  FOREVER,
  mintPosition,
  PRICE_USD,
  ROLE_ADMIN,
  USD,
  V3_FEE,
} from './calls.ts'
export { type ContractArtifact, type ContractArtifacts, compileContracts } from './compile.ts'
export { type DeployOptions, deployDemo } from './deploy.ts'
export type { DemoContract, DemoDeployment } from './deployment.ts'
export {
  createSender,
  type Sender,
  type SenderOptions,
  type SendRequest,
  type SentReceipt,
} from './sender.ts'
