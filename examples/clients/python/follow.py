"""Prints the newest runs, then each point of a metric of one run as it is logged, until the run has ended.

    python follow.py RUN KEY        reads CAIRN_SERVER and CAIRN_TOKEN; needs what requirements.txt names

It knows nothing of Cairn but its schema; the package `cairn` does the same in two lines (docs/python.md).
"""

import asyncio
import base64
import os
import struct
import sys

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportConnectionFailed, TransportError, TransportQueryError
from gql.transport.websockets import WebsocketsTransport

SERVER = os.environ.get("CAIRN_SERVER", "http://127.0.0.1:5000")
TOKEN = os.environ.get("CAIRN_TOKEN")
AUTHORIZATION = {"authorization": f"Bearer {TOKEN}"} if TOKEN else {}

NEWEST = gql("""
  query Newest($key: String!) {
    runs(orderBy: ["attributes.start_time DESC"], first: 3) {
      edges { node { runId name status metric(key: $key) { last { value step } } } }
    }
  }
""")

FOLLOW = """
  subscription Follow($run: ID!, $key: String!, $after: String) {
    metricsAppended(runs: [$run], keys: [$key], after: $after, untilEnded: true) {
      cursor
      series { key stepScale steps values }
    }
  }
"""


def unpack(kind, column):
    """The numbers of a packed column; kind is "q" for integers, "d" for floats."""
    raw = base64.b64decode(column)
    return struct.unpack(f"<{len(raw) // 8}{kind}", raw)


async def follow(run, key):
    """The points of a run's metric, each once, also across connections that break."""
    after, pause = None, 0.1
    while True:
        transport = WebsocketsTransport(
            url=SERVER.replace("http", "ws", 1) + "/graphql", init_payload=AUTHORIZATION,
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL], ping_interval=20, pong_timeout=20)
        try:
            async with Client(transport=transport) as session:
                request = gql(FOLLOW)
                request.variable_values = {"run": run, "key": key, "after": after}
                async for event in session.subscribe(request):
                    event, pause = event["metricsAppended"], 0.1
                    after = event["cursor"]
                    for series in event["series"]:
                        for step, value in zip(unpack("q", series["steps"]), unpack("d", series["values"])):
                            yield step / 10 ** series["stepScale"], value
                return  # completed: the run has ended
        except TransportQueryError:
            raise  # refused: the run is not there, for example
        except (TransportConnectionFailed, TransportError, OSError):
            await asyncio.sleep(pause)
            pause = min(2 * pause, 5)


async def main(run, key):
    async with Client(transport=AIOHTTPTransport(url=SERVER + "/graphql", headers=AUTHORIZATION)) as session:
        request = NEWEST
        request.variable_values = {"key": key}
        newest = await session.execute(request)
    for edge in newest["runs"]["edges"]:
        print("run", edge["node"]["name"], edge["node"]["status"], flush=True)
    async for step, value in follow(run, key):
        print("point", f"{step:g}", value, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
