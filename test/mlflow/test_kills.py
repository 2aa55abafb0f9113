"""The server is killed again and again, between calls and in the middle of them, on both databases. Whoever writes sends a
call again until it is answered: in the end everything is there, and nothing twice."""

import hashlib
import itertools
import json
import random
import subprocess
import threading
import time
import uuid

import kills
import pytest
import requests
import urllib3
from cairntest import Server, cairn_bin

LIVES = 400 if kills.FULL else 5
CALL_SECONDS = 60

CREATE_RUN = "mutation($i: CreateRunInput!) { createRun(input: $i) { runId } }"
LOG_BATCH = "mutation($i: LogBatchInput!) { logBatch(input: $i) { stored } }"
RUN = """query($id: ID!) { run(id: $id) {
    metrics { key count last { step value } } params { key value } tags { key value } } }"""


def begun(error):
    """Whether the server took the connection of a call that was not answered: it was killed in the middle of it."""
    cause = error.args[0] if error.args else None
    return not isinstance(getattr(cause, "reason", None), urllib3.exceptions.NewConnectionError)


class Writer(threading.Thread):
    """Writes to a run of its own, call after call, until it is told to stop; each until it is answered."""

    def __init__(self, server, progress, seed):
        super().__init__()
        self.server = server
        self.progress = progress
        self.random = random.Random(seed)
        self.session = requests.Session()
        self.run_id = uuid.UUID(int=self.random.getrandbits(128)).hex
        self.stop = threading.Event()
        self.answered = self.cut_off = self.stored_unheard = 0
        self.failure = None

    def run(self):
        try:
            self.graphql(CREATE_RUN, i={"runId": self.run_id, "experimentName": "killed", "name": self.name})
            for n in itertools.count(1):
                if self.stop.is_set():
                    return
                self.write(n)
                self.progress.set()
        except Exception as failure:
            self.failure = failure
        finally:
            self.progress.set()

    def call(self, method, path, **more):
        """A request, sent again as long as the server is not there to answer it."""
        while True:
            try:
                answer = self.session.request(method, self.server.url + path, timeout=CALL_SECONDS, **more)
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
                if begun(error):
                    self.cut_off += 1
                    self.interrupted()
                else:
                    self.stop.wait(0.005)  # as long as the server starts
                continue
            assert answer.ok, (path, answer.status_code, answer.text)
            self.answered += 1
            return answer

    def interrupted(self):
        """Called where a call that had begun was not answered, before it is sent again."""

    def graphql(self, query, **variables):
        answer = self.call("POST", "/graphql", json={"query": query, "variables": variables}).json()
        assert not answer.get("errors"), answer["errors"]
        return answer["data"]

    def rest(self, path, **body):
        self.call("POST", "/api/2.0/mlflow/runs/" + path, json={"run_id": self.run_id, **body})

    def found(self):
        found = self.graphql(RUN, id=self.run_id)["run"]
        pairs = {kind: {one["key"]: one["value"] for one in found[kind]} for kind in ("params", "tags")}
        return {series["key"]: series for series in found["metrics"]}, pairs["params"], pairs["tags"]

    def history(self, key):
        points, token = [], ""
        while True:
            query = {"run_id": self.run_id, "metric_key": key, "max_results": 25_000, "page_token": token}
            page = self.call("GET", "/api/2.0/mlflow/metrics/get-history", params=query).json()
            points += [(point["step"], point["value"], point["timestamp"]) for point in page.get("metrics", [])]
            token = page.get("next_page_token")
            if not token:
                return points


class RestWriter(Writer):
    """One point, one param and one tag a call, and now and then a batch, as the mlflow client sends them."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.points, self.batched, self.pairs = [], [], {}

    def write(self, n):
        if n % 10 == 0:
            points = [(n * 100 + i, self.random.random(), n) for i in range(100)]
            self.rest("log-batch", metrics=[self.point("batched", *point) for point in points],
                      params=[{"key": f"batch{n}", "value": str(n)}])
            self.batched += points
            self.pairs[f"batch{n}"] = str(n)
        elif n % 10 == 5:
            self.rest("log-parameter", key=f"p{n}", value=str(n))
            self.rest("set-tag", key=f"p{n}", value=str(n))
            self.pairs[f"p{n}"] = str(n)
        else:
            point = (n, self.random.random(), n)
            self.rest("log-metric", **self.point("loss", *point))
            self.points.append(point)

    @staticmethod
    def point(key, step, value, timestamp):
        return {"key": key, "step": step, "value": value, "timestamp": timestamp}

    def check(self):
        assert self.history("loss") == self.points
        assert self.history("batched") == self.batched
        series, params, tags = self.found()
        assert {key: one["count"] for key, one in series.items()} == {
            key: len(points) for key, points in (("loss", self.points), ("batched", self.batched)) if points}
        assert params == self.pairs
        assert {key: value for key, value in tags.items() if key[0] == "p"} == {
            key: value for key, value in self.pairs.items() if key[0] == "p"}


class SequenceWriter(Writer):
    """Numbered batches of GraphQL whose points get the server's time: sent again, they would be other points."""

    def write(self, n):
        points = [{"key": "loss", "step": str(n), "value": n / 4}, {"key": "accuracy", "step": str(n), "value": n / 8}]
        cut_off = self.cut_off
        batch = {"runId": self.run_id, "client": "writer", "sequence": n, "metrics": points}
        stored = self.graphql(LOG_BATCH, i=batch)["logBatch"]["stored"]
        assert stored or self.cut_off > cut_off, "a batch that was sent once is told to be stored before"
        self.stored_unheard += not stored
        self.written = n

    def check(self):
        series, _, _ = self.found()
        for key in ("loss", "accuracy"):
            assert series[key]["count"] == self.written
            assert [step for step, _, _ in self.history(key)] == list(range(1, self.written + 1))


class ArtifactWriter(Writer):
    """Files large enough to be killed in the middle. One that was not acknowledged is whole, or not there."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.digests, self.sent = {}, None

    def write(self, n):
        self.sent = f"files/{n}.bin", self.random.randbytes(1 << 20)
        self.call("PUT", f"/artifacts/{self.run_id}/{self.sent[0]}", data=self.sent[1])
        self.digests[self.sent[0]], self.sent = hashlib.sha256(self.sent[1]).digest(), None

    def interrupted(self):
        if self.sent is None:
            return
        name, content = self.sent
        try:
            answer = requests.get(f"{self.server.url}/artifacts/{self.run_id}/{name}", timeout=CALL_SECONDS)
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            return
        assert answer.status_code in (200, 404), answer.text
        assert answer.status_code == 404 or answer.content == content
        self.stored_unheard += answer.status_code == 200

    def check(self):
        for name, digest in self.digests.items():
            assert hashlib.sha256(self.call("GET", f"/artifacts/{self.run_id}/{name}").content).digest() == digest, name


class RunWriter(Writer):
    """Runs with ids of the client's choice, made and finished."""

    def write(self, n):
        made = {"runId": f"{n:04x}{self.run_id[4:]}", "parentRunId": self.run_id,
                "experimentName": "killed", "name": f"child {n}"}
        assert self.graphql(CREATE_RUN, i=made)["createRun"]["runId"] == made["runId"]
        self.graphql("mutation($i: FinishRunInput!) { finishRun(input: $i) { runId } }", i={"runId": made["runId"]})
        self.written = n

    def check(self):
        names = []
        after = None
        while True:
            page = self.graphql(
                """query($f: String!, $after: String) { runs(filter: $f, first: 100, after: $after) {
                    edges { node { name status } } pageInfo { hasNextPage endCursor } } }""",
                f=f"tags.mlflow.parentRunId = '{self.run_id}'", after=after)["runs"]
            assert {edge["node"]["status"] for edge in page["edges"]} <= {"FINISHED"}
            names += [edge["node"]["name"] for edge in page["edges"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                break
        assert sorted(names) == sorted(f"child {n}" for n in range(1, self.written + 1))


class Folder:
    """Folds points into chunks while the server is down, and is killed after a while too."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.whole = self.killed = 0

    def __call__(self, seconds):
        with subprocess.Popen([str(cairn_bin()), "db", "compact", *self.arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as process:
            try:
                said, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                self.killed += 1
                return
        assert process.returncode == 0, said
        self.whole += 1


def db(command, arguments):
    """What `cairn db` says of a database, as JSON."""
    done = subprocess.run([str(cairn_bin()), "db", command, *arguments, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.timeout(120 + 3 * LIVES)
def test_kills_within_calls_lose_nothing_and_store_nothing_twice(database, tmp_path, record_property):
    arguments = database()
    where = ["--data-dir", str(tmp_path / "data"), *arguments]
    fold, startups = Folder(where), 0
    with Server(tmp_path, *arguments) as server:
        progress = threading.Event()
        kinds = [RestWriter, RestWriter, SequenceWriter, SequenceWriter, ArtifactWriter, RunWriter]
        writers = [kind(server, progress, kills.SEED + i) for i, kind in enumerate(kinds)]
        for writer in writers:
            writer.start()
        try:
            for life, pause in enumerate(itertools.islice(kills.pauses((0.0, 0.2), kills.SEED), LIVES)):
                progress.clear()
                assert progress.wait(CALL_SECONDS), "nothing was answered in this life"
                threading.Event().wait(pause)  # long enough to be in the middle of something else each time
                server.kill()
                if life % 2:
                    fold(pause)
                if life % 5 == 4:
                    server.launch()
                    threading.Event().wait(pause / 2)
                    server.kill()
                    startups += 1
                server.start()
                if any(writer.failure for writer in writers):
                    break
        finally:
            for writer in writers:
                writer.stop.set()
            for writer in writers:
                writer.join(CALL_SECONDS)
        assert [writer.failure for writer in writers] == [None] * len(writers)
        for writer in writers:
            writer.check()
        assert server.stop() == 0
    db("check", where)
    # The same again, of points that all lie in chunks. A folding that was killed holds its leases for half a minute.
    deadline = time.monotonic() + CALL_SECONDS
    while True:
        fold(CALL_SECONDS)
        status = db("status", where)
        if status["backlog"]["points"] == 0:
            break
        assert time.monotonic() < deadline, status
        threading.Event().wait(1)
    assert status["points"] > 0
    db("check", where)
    with server:
        for writer in writers:
            writer.check()
    cut_off = sum(writer.cut_off for writer in writers)
    for counted, number in {
        "kills of the server": LIVES, "kills while it starts": startups, "kills of a folding": fold.killed,
        "calls answered": sum(writer.answered for writer in writers), "cut off": cut_off,
        "of these found stored": sum(writer.stored_unheard for writer in writers), "points": status["points"],
    }.items():
        record_property(counted, number)
    assert cut_off >= LIVES
