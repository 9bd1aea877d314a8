"""A bot of the network in Python, without any SDK: serves agent.proto and reads the chain by JSON-RPC."""

import json
import os
import sys
import tempfile
import urllib.request
from concurrent import futures

import grpc
from grpc_tools import protoc

protos = sys.argv[1]
out = tempfile.mkdtemp()
failed = protoc.main(
    ["", f"-I{protos}", f"--python_out={out}", f"--grpc_python_out={out}", "agent.proto", "alert.proto"]
)
if failed:
    sys.exit("agent.proto cannot be compiled")
sys.path.insert(0, out)
import agent_pb2  # noqa: E402
import agent_pb2_grpc  # noqa: E402

TETHER = "0xdac17f958d2ee523a2206206994597c13d831ec7"
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
SUCCESS = agent_pb2.SUCCESS


def ask(method, *params):
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    url = f"http://{os.environ['JSON_RPC_HOST']}:{os.environ['JSON_RPC_PORT']}/"
    request = urllib.request.Request(
        url, json.dumps(call).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.load(response)["result"]


def finding(alert_id, description, **more):
    return agent_pb2.Finding(
        protocol="ethereum",
        severity=agent_pb2.Finding.LOW,
        type=agent_pb2.Finding.INFORMATION,
        alertId=alert_id,
        name="Python",
        description=description,
        **more,
    )


class Agent(agent_pb2_grpc.AgentServicer):
    seen = 0

    def Initialize(self, request, context):
        return agent_pb2.InitializeResponse(status=SUCCESS)

    def EvaluateTx(self, request, context):
        event = request.event
        Agent.seen += 1
        found = []
        for log in event.logs:
            if log.address != TETHER or log.topics[0] != TRANSFER:
                continue
            amount = int(log.data, 16) // 10**6
            if amount > 10_000:
                status = ask("eth_getTransactionReceipt", event.transaction.hash)["status"]
                found.append(
                    finding(
                        "PY-TETHER",
                        f"{amount} moved, {len(event.traces)} traces, status {status}",
                        metadata={"from": event.transaction.__getattribute__("from")},
                    )
                )
        return agent_pb2.EvaluateTxResponse(status=SUCCESS, findings=found)

    def EvaluateBlock(self, request, context):
        number = request.event.blockNumber
        code = ask("eth_getCode", TETHER, number)
        text = f"block {int(number, 16)} after {Agent.seen} transactions, code of {len(code)}"
        return agent_pb2.EvaluateBlockResponse(status=SUCCESS, findings=[finding("PY-BLOCK", text)])

    def HealthCheck(self, request, context):
        return agent_pb2.HealthCheckResponse(status=SUCCESS)


server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
agent_pb2_grpc.add_AgentServicer_to_server(Agent(), server)
server.add_insecure_port(f"127.0.0.1:{os.environ['AGENT_GRPC_PORT']}")
server.start()
server.wait_for_termination()
