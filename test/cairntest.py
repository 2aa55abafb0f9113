"""What the Python tests share: a Cairn server of their own, and where things are.

Tests get it through the fixtures of conftest.py.
"""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# A server that does not answer by then hangs; a busy machine is slower than an idle one.
START_SECONDS = 30
STOP_SECONDS = 15


def cairn_bin():
    """The program under test: CAIRN_BIN, else the checkout's, built if it is not there."""
    path = Path(os.environ.get("CAIRN_BIN", ROOT / "bin" / "cairn"))
    if not path.exists():
        subprocess.run(["sh", str(ROOT / "tools" / "build.sh")], check=True)
    return path


def free_port():
    """A port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A `cairn server` on loopback, with a data directory that outlives its process.

    start, stop and kill may follow each other: the address and the data stay.
    """

    def __init__(self, directory, *arguments, env=None):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.directory / "server.log"
        self.arguments = arguments
        self.env = env
        self.process = None

    def launch(self):
        """Starts the process, and does not wait until it serves requests."""
        command = [str(cairn_bin()), "server", "--listen", f"127.0.0.1:{self.port}",
                   "--data-dir", str(self.directory / "data"), *self.arguments]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **(self.env or {})})

    def start(self):
        """Starts the process and returns once it serves requests."""
        self.launch()
        deadline = time.monotonic() + START_SECONDS
        while not self.healthy():
            if self.process.poll() is not None:
                raise AssertionError(f"cairn server ended with {self.process.returncode}:\n{self.log.read_text()}")
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"no /health within {START_SECONDS} s:\n{self.log.read_text()}")
            time.sleep(0.02)
        return self

    def healthy(self):
        """Whether GET /health answers OK."""
        try:
            with urllib.request.urlopen(self.url + "/health", timeout=5) as answer:
                return answer.read() == b"OK"
        except OSError:  # nobody listens, or answers in time; on Python 3.9 a socket's timeout is no TimeoutError
            return False

    def stop(self):
        """Ends the process as an operator would, and returns its exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"not stopped {STOP_SECONDS} s after SIGTERM:\n{self.log.read_text()}") from None
        self.process = None
        return code

    def kill(self):
        """Ends the process with SIGKILL: nothing it had not made durable survives."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
