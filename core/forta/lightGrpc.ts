/** The side door for whoever speaks the protocol of scan nodes; what it loads costs a third of a second. */
export { type AgentMethod, agentService, createAgentClient } from './grpc/agentService.ts'
export { encodeEvents } from './grpc/encodeEvents.ts'
