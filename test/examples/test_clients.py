"""The example clients in examples/clients, each in its language, against a real server that goes away and comes back."""

import base64
import os
import re
import struct
import subprocess
import sys
import threading
import uuid

import cairn
import cairntest
import pytest

CLIENTS = cairntest.ROOT / "examples" / "clients"
POINTS = 30
READ_SECONDS = 90


def checked(command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def python_client():
    return [sys.executable, str(CLIENTS / "python" / "follow.py")]


@pytest.fixture(scope="module")
def go_client(tmp_path_factory):
    built = tmp_path_factory.mktemp("go") / "follow"
    checked(["go", "build", "-o", str(built), "./examples/clients/go"], cairntest.ROOT)
    return [str(built)]


@pytest.fixture(scope="module")
def typescript_client():
    folder = CLIENTS / "typescript"
    compiler = folder / "node_modules" / ".bin" / "tsc"
    assert compiler.exists(), f"the packages are not installed; type: npm ci --prefix {folder.relative_to(cairntest.ROOT)}"
    checked([str(compiler)], folder)
    return ["node", str(folder / "dist" / "follow.js")]


@pytest.fixture(params=["python", "go", "typescript"])
def client(request):
    return request.getfixturevalue(request.param + "_client")


def log(run, step, value):
    def pack(kind, number):
        return base64.b64encode(struct.pack("<" + kind, number)).decode()

    column = {"key": "loss", "steps": pack("q", step), "times": pack("q", 1_700_000_000_000), "values": pack("d", value)}
    cairn.query("mutation ($i: LogBatchInput!) { logBatch(input: $i) { stored } }", i={"runId": run, "columns": [column]})


def environment(server, token):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAIRN_", "MLFLOW_"))}
    return {**kept, "CAIRN_SERVER": server.url, "CAIRN_TOKEN": token}


def new_token(role):
    text = "mutation ($i: CreateTokenInput!) { createToken(input: $i) { secret } }"
    return cairn.query(text, i={"name": role, "role": role})["createToken"]["secret"]


def test_every_point_once_until_the_run_ends(client, tmp_path, monkeypatch):
    """With a token that may only read; the server is killed in the middle, and stopped in order later on."""
    with cairntest.Server(tmp_path / "server") as server:
        monkeypatch.setenv("CAIRN_SERVER", server.url)
        monkeypatch.setenv("CAIRN_TOKEN", new_token("ADMIN"))
        run = uuid.uuid4().hex
        create = "mutation ($i: CreateRunInput!) { createRun(input: $i) { runId } }"
        cairn.query(create, i={"runId": run, "name": "followed"})
        log(run, 0, 0.0)
        with open(tmp_path / "errors", "w+") as errors:
            process = subprocess.Popen([*client, run, "loss"], env=environment(server, new_token("VIEWER")),
                                       stdout=subprocess.PIPE, stderr=errors, text=True)
            watchdog = threading.Timer(READ_SECONDS, process.kill)
            watchdog.start()
            try:
                lines = []
                for line in process.stdout:
                    lines.append(line.rstrip("\n"))
                    step = int(re.fullmatch(r"point (\d+) .*", lines[-1])[1]) if lines[-1].startswith("point") else None
                    if step is None:
                        continue
                    if step == 10:
                        server.kill()
                        server.start()
                    elif step == 20:
                        assert server.stop() == 0
                        server.start()
                    if step + 1 < POINTS:
                        log(run, step + 1, (step + 1) / 2)
                    else:
                        cairn.query("mutation ($run: ID!) { finishRun(input: {runId: $run}) { runId } }", run=run)
            finally:
                watchdog.cancel()
                process.kill()
                process.wait()
            errors.seek(0)
            told = errors.read()
    assert lines[0] == "run followed RUNNING", told
    points = [tuple(map(float, line.split()[1:])) for line in lines[1:]]
    assert points == [(step, step / 2) for step in range(POINTS)], told
    assert process.returncode == 0, told


def test_what_is_refused_ends_it(client, shared_server):
    done = subprocess.run([*client, "0" * 32, "loss"], env=environment(shared_server, ""), capture_output=True, text=True,
                          timeout=READ_SECONDS)
    assert done.returncode != 0
    assert "not found" in done.stderr


def test_versions_are_those_that_are_tested():
    """requirements.txt of the Python example and its lock say the same."""
    wanted = re.search(r"^gql\[.*\]==(\S+)$", (CLIENTS / "python" / "requirements.txt").read_text(), re.MULTILINE)[1]
    assert f"gql=={wanted} " in (cairntest.ROOT / "test" / "env" / "sklearn.lock").read_text()
    assert '"resolved"' not in (CLIENTS / "typescript" / "package-lock.json").read_text(), "an address of a registry"
