"""Every code block of the README is run as it stands, in its order, against one server.

From the block that starts a server on, the blocks talk to that one, by what they say themselves. What cannot stand in a test
is replaced by the nearest thing that can: the server's address by that of a server on a free port, `make demo` by
`make demo ARGS=--once` (test/demo runs the serving form), and `make test`, which runs this, by nothing.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading

import cairntest
import pytest

README = (cairntest.ROOT / "README.md").read_text()
BLOCKS = [(language, code) for language, code in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)]
BLOCK_SECONDS = 300


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with cairntest.Server(tmp_path_factory.mktemp("readme")) as server:
        yield server


@pytest.fixture(scope="module")
def environment(server, tmp_path_factory):
    """What a reader has after the README's own steps: bin on the PATH, the cairn package, a server that answers."""
    home = tmp_path_factory.mktemp("home")
    # As `pip install ./python` does, from a copy, since building leaves files beside the sources.
    source, packages = home / "python", home / "packages"
    shutil.copytree(cairntest.ROOT / "python", source)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", packages, source]
    subprocess.run(install, check=True)
    path = os.pathsep.join([str(cairntest.cairn_bin().parent), os.path.dirname(sys.executable), os.environ["PATH"]])
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CAIRN_RUN", "MLFLOW_"))}
    return {**inherited, "PATH": path, "PYTHONPATH": str(packages), "CAIRN_SERVER": server.url,
            "CAIRN_HOME": str(home)}


def test_every_block_says_its_language():
    assert len(BLOCKS) >= 7
    assert {language for language, _ in BLOCKS} == {"sh", "python"}


@pytest.fixture(scope="module")
def own(environment, tmp_path_factory):
    """The server that the README starts: its address, and what a reader's shell knows who was told of no server."""
    number = next(i for i, (_, code) in enumerate(BLOCKS) if "cairn server" in code)
    unaware = {name: value for name, value in environment.items() if name != "CAIRN_SERVER"}
    with serving(BLOCKS[number][1], unaware, tmp_path_factory.mktemp("own")) as address:
        yield number, address, unaware


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_block(number, server, environment, own, tmp_path):
    language, code = BLOCKS[number]
    code = code.replace("http://127.0.0.1:5000", server.url)
    if code.strip() == "make test":
        return  # what runs this test
    if code.strip() == "make demo":
        code = f"make demo ARGS='--once --data-dir {tmp_path}/demo --port {cairntest.free_port()}'"
    own_number, own_address, unaware = own
    if number == own_number:
        return  # it runs, and ends as it should
    if number > own_number:
        assert "127.0.0.1:5001" in code
        code, environment = code.replace("127.0.0.1:5001", own_address), unaware
    command = ["sh", "-e", "-c", code] if language == "sh" else [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=cairntest.ROOT, env=environment, capture_output=True, text=True, timeout=BLOCK_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    expect = {"cairn exec": "forest", "mlflow.sklearn.autolog": "logistic", "totalCount": "'totalCount': ",
              "cairn.watch": "training_accuracy_score [0] [0."}
    for mark, printed in expect.items():
        if mark in code:
            assert printed in done.stdout, done.stdout + done.stderr


@contextlib.contextmanager
def serving(code, environment, directory):
    """The server of the block comes up and ends when it is told to."""
    address = f"127.0.0.1:{cairntest.free_port()}"
    code = code.replace("127.0.0.1:5001", address).replace("./cairn-data", str(directory / "data"))
    with open(directory / "log", "w") as log:
        process = subprocess.Popen(["sh", "-c", "exec " + code], env=environment, stderr=subprocess.PIPE, text=True)
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            for line in process.stderr:
                if address in line:
                    break
            watchdog.cancel()
            reader = threading.Thread(target=shutil.copyfileobj, args=(process.stderr, log))
            reader.start()
            yield address
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            reader.join()
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
