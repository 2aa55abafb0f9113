"""Starts what the tests drive: Cairn's server, and a real PostgreSQL for it."""

import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 60


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cairn_binary():
    path = pathlib.Path(os.environ.get("CAIRN_BIN") or ROOT / "bin" / "cairn")
    if not path.exists():
        raise RuntimeError(f"{path} is missing; type: make build")
    return path


def wait_until(what, ready, seconds=START_SECONDS):
    """Polls until ready() is true; ready raises to end the wait early."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took more than {seconds} s")
        time.sleep(0.02)


class Cairn:
    """A Cairn server in a directory of its own, on one port for all its lives."""

    def __init__(self, directory, database=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.database = database
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        command = [cairn_binary(), "server", "--listen", f"127.0.0.1:{self.port}"]
        command += ["--data-dir", str(self.directory / "data")]
        if self.database:
            command += ["--database", self.database]
        with open(self.directory / "server.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until("the start of Cairn", self._healthy)
        return self

    def _healthy(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"Cairn ended with code {self.process.returncode}:\n{self.log()}")
        try:
            with urllib.request.urlopen(self.url + "/health", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def log(self):
        return (self.directory / "server.log").read_text(errors="replace")

    def kill(self):
        """Ends the server as a power cut would: it gets no chance to finish anything."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=START_SECONDS)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()


def _ordinary_user():
    """The user that runs PostgreSQL where this one is root, which PostgreSQL refuses; else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("no user to run PostgreSQL as; type: adduser --system postgres")


class Postgres:
    """A PostgreSQL cluster that lives as long as the tests."""

    def __init__(self):
        found = subprocess.run(
            ["sh", str(ROOT / "tools" / "debian.sh"), "postgresql"], capture_output=True, text=True, check=False
        )
        if found.returncode != 0:
            raise RuntimeError(found.stderr.strip())
        self.bin = pathlib.Path(found.stdout.strip())
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="cairn-postgres-"))
        user = _ordinary_user()
        self.identity = {}
        if user is not None:
            shutil.chown(self.directory, user.pw_uid, user.pw_gid)
            self.identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.port = free_port()
        self.process = None

    def _run(self, program, *args):
        done = subprocess.run(
            [self.bin / program, *args],
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            **self.identity,
        )
        return done.returncode, done.stdout + done.stderr

    def start(self):
        data = str(self.directory / "data")
        code, output = self._run(
            "initdb", "-D", data, "-U", "cairn", "--auth=trust", "-N", "-E", "UTF8", "--locale=C"
        )
        if code != 0:
            raise RuntimeError(f"initdb: {output}")
        # These tests kill Cairn, not PostgreSQL: what it acknowledged need not reach the disk.
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
        }
        command = [self.bin / "postgres", "-D", data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with open(self.directory.parent / (self.directory.name + ".log"), "ab") as log:
            self.log_file = pathlib.Path(log.name)
            self.process = subprocess.Popen(
                command, cwd=self.directory, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **self.identity
            )
        wait_until("the start of PostgreSQL", self._ready)
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended:\n{self.log_file.read_text(errors='replace')}")
        return self.sql("postgres", "SELECT 1")[0] == 0

    def sql(self, database, statement):
        url = f"postgres://cairn@127.0.0.1:{self.port}/{database}?sslmode=disable"
        return self._run("psql", "-X", "-q", "-d", url, "-c", statement)

    def database(self, name):
        """Makes an empty database and gives its URL."""
        code, output = self.sql("postgres", f"CREATE DATABASE {name}")
        if code != 0:
            raise RuntimeError(output)
        return f"postgres://cairn@127.0.0.1:{self.port}/{name}?sslmode=disable"

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=START_SECONDS)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.log_file.unlink(missing_ok=True)
