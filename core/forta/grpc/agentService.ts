import {
  type ChannelOptions,
  type Client,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceDefinition,
} from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'
import { AGENT_PROTOCOL } from './agentProtocol.ts'

/** Numbers are numbers, enums too, and what is not there has its empty value. */
const definition = () =>
  fromJSON(
    { nested: { network: { nested: { forta: { nested: AGENT_PROTOCOL } } } } },
    { keepCase: true, longs: Number, defaults: true, oneofs: true },
  )

const isService = (value: unknown): value is ServiceClientConstructor =>
  typeof value === 'function' && 'service' in value

let known: ServiceClientConstructor | undefined
const agentConstructor = (): ServiceClientConstructor => {
  if (known) return known
  const { network } = loadPackageDefinition(definition())
  const { forta } = network as GrpcObject
  const { Agent } = forta as GrpcObject
  if (!isService(Agent)) throw new Error('The protocol has no service Agent.')
  known = Agent
  return Agent
}

export const agentService = (): ServiceDefinition => agentConstructor().service
export type AgentMethod =
  | 'Initialize'
  | 'EvaluateTx'
  | 'EvaluateBlock'
  | 'EvaluateAlert'
  | 'HealthCheck'

/** Without TLS, as bots are served. */
export const createAgentClient = (address: string, options: ChannelOptions): Client =>
  new (agentConstructor())(address, credentials.createInsecure(), options)
