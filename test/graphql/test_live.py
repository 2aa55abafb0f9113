"""Subscriptions as clients of other people's making have them, while a real training logs.

The WebSocket client is gql's (graphql-transport-ws), the SSE client httpx-sse's; neither knows anything of Cairn.
"""

import asyncio
import base64
import json
import os
import struct
import subprocess
import sys
import uuid
from pathlib import Path

import httpx
import httpx_sse
import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport

EPOCHS = 60
TRAINING_SECONDS = 150  # most of it importing, on a busy machine

METRICS_APPENDED = """
subscription ($runs: [ID!]!, $keys: [String!], $after: String) {
  metricsAppended(runs: $runs, keys: $keys, after: $after) {
    cursor
    series { runId key stepScale steps times values }
  }
}
"""

RUNS_CHANGED = """
subscription ($filter: String, $after: String) {
  runsChanged(filter: $filter, after: $after) {
    cursor
    changes { kind runId run { name status metric(key: "accuracy") { last { value step } } } }
  }
}
"""


def unpack(kind, text):
    """The numbers of a packed array; kind is "q" for integers, "d" for floats."""
    raw = base64.b64decode(text)
    return struct.unpack(f"<{len(raw) // 8}{kind}", raw)


def post(server, query, **variables):
    answer = httpx.post(server.url + "/graphql", json={"query": query, "variables": variables}, timeout=30)
    body = answer.json()
    assert "errors" not in body, body
    return body["data"]


def new_run(server, name):
    run = uuid.uuid4().hex
    post(server, "mutation ($i: CreateRunInput!) { createRun(input: $i) { runId } }", i={"runId": run, "name": name})
    return run


async def websocket_events(server, query, variables):
    """The events of a subscription over graphql-transport-ws."""
    transport = WebsocketsTransport(url=server.url.replace("http", "ws", 1) + "/graphql",
                                    subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL])
    async with Client(transport=transport, fetch_schema_from_transport=False) as session:
        request = gql(query)
        request.variable_values = variables
        async for event in session.subscribe(request):
            yield event


async def sse_events(server, query, variables):
    """The events of a subscription over server-sent events."""
    async with httpx.AsyncClient(timeout=60) as client:
        body = {"query": query, "variables": variables}
        async with httpx_sse.aconnect_sse(client, "POST", server.url + "/graphql", json=body) as source:
            async for event in source.aiter_sse():
                if event.event == "complete":
                    return
                answer = json.loads(event.data)
                assert "errors" not in answer, answer
                yield answer["data"]


async def collect(events, server, run, stops):
    """Every point of the run's loss. The connection is dropped, and made anew, whenever so many points have come."""
    points, cursor, stops = [], None, [*stops, EPOCHS]
    for stop in stops:
        if len(points) >= stop:  # the last event brought more than was waited for
            continue
        variables = {"runs": [run], "keys": ["loss"], "after": cursor}
        stream = events(server, METRICS_APPENDED, variables)
        async for event in stream:
            event = event["metricsAppended"]
            cursor = event["cursor"]
            for series in event["series"]:
                assert (series["runId"], series["key"], series["stepScale"]) == (run, "loss", 0)
                points += zip(unpack("q", series["steps"]), unpack("d", series["values"]))
            if len(points) >= stop:
                break
        await stream.aclose()
    return points


async def train(server, run):
    """Runs the training and gives what it logged."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": server.url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).with_name("train.py")), run, str(EPOCHS),
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [tuple(json.loads(line)) for line in out.decode().splitlines() if line.startswith("[")]


def test_every_point_of_a_training_once(shared_server):
    async def watch():
        run = new_run(shared_server, "watched")
        async with asyncio.timeout(TRAINING_SECONDS), asyncio.TaskGroup() as together:
            tasks = [together.create_task(work) for work in (
                train(shared_server, run),
                collect(websocket_events, shared_server, run, [10, 25, 26]),
                collect(sse_events, shared_server, run, [7, 33]),
                collect(websocket_events, shared_server, run, []),
            )]
        async with asyncio.timeout(TRAINING_SECONDS):
            late = await collect(sse_events, shared_server, run, [])  # who comes late gets the same
        return [task.result() for task in tasks] + [late]

    logged, *received = asyncio.run(watch())
    assert [step for step, _ in logged] == list(range(EPOCHS))
    for points in received:
        assert points == logged, "each point once, in order, to the last bit"


def test_a_run_is_followed_while_it_trains(shared_server):
    async def watch():
        run = new_run(shared_server, "followed")
        seen, greeting = [], asyncio.Event()

        async def follow():
            stream = websocket_events(shared_server, RUNS_CHANGED, {"filter": "params.eta0 = '0.01'"})
            async for event in stream:
                greeting.set()
                seen.extend(c for c in event["runsChanged"]["changes"] if c["runId"] == run)
                if seen and seen[-1]["run"] and seen[-1]["run"]["status"] == "FINISHED" \
                        and seen[-1]["run"]["metric"]["last"]["step"] == EPOCHS - 1:
                    break
            await stream.aclose()

        async with asyncio.timeout(TRAINING_SECONDS), asyncio.TaskGroup() as together:
            together.create_task(follow())
            await greeting.wait()
            await train(shared_server, run)
        return seen

    seen = asyncio.run(watch())
    kinds = [c["kind"] for c in seen if c["kind"] != "LEFT"]
    assert kinds[0] == "ENTERED" and set(kinds[1:]) == {"UPDATED"}
    steps = [c["run"]["metric"]["last"]["step"] for c in seen if c["run"] and c["run"]["metric"]]
    assert steps == sorted(steps), "as it is at each event"


def test_errors_reach_a_websocket_client(shared_server):
    async def ask():
        async for _ in websocket_events(shared_server, METRICS_APPENDED, {"runs": ["0" * 32]}):
            pytest.fail("an event of a run that is not there")

    with pytest.raises(TransportQueryError) as caught:
        asyncio.run(ask())
    assert caught.value.errors[0]["extensions"]["code"] == "NOT_FOUND"
