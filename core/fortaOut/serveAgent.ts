import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js'
import { TocsinError } from '../base/index.ts'
import { agentService } from '../forta/lightGrpc.ts'
import type { Agent } from './createAgent.ts'

type Raw = Readonly<Record<string, unknown>>
export type AgentServer = { readonly port: number; readonly stop: () => Promise<void> }

/** Largest request: a transaction with all its traces (bytes). */
const MOST_BYTES = 64 * 2 ** 20

/** Serves a bot as scan nodes expect it: gRPC without TLS. @throws TocsinError `forta_out.port` */
export const serveAgent = async (
  agent: Agent,
  options: { readonly host: string; readonly port: number },
): Promise<AgentServer> => {
  const server = new Server({
    'grpc.max_receive_message_length': MOST_BYTES,
    'grpc.max_send_message_length': MOST_BYTES,
  })
  const serve =
    (work: (request: Raw) => Promise<Raw>) =>
    (call: ServerUnaryCall<Raw, Raw>, callback: sendUnaryData<Raw>): void => {
      void work(call.request).then(
        (answer) => callback(null, answer),
        (error: Error) => callback(error),
      )
    }
  server.addService(agentService(), {
    Initialize: serve(() => agent.initialize()),
    EvaluateBlock: serve(agent.evaluateBlock),
    EvaluateTx: serve(agent.evaluateTx),
    EvaluateAlert: serve(agent.evaluateAlert),
    HealthCheck: serve(() => agent.healthCheck()),
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(
      `${options.host}:${options.port}`,
      ServerCredentials.createInsecure(),
      (error, bound) =>
        error
          ? reject(
              new TocsinError('forta_out.port', `Port ${options.port} cannot be served.`, {
                cause: error,
              }),
            )
          : resolve(bound),
    ),
  )
  return {
    port,
    stop: async () => {
      server.forceShutdown()
      await agent.stop()
    },
  }
}
