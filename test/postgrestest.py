"""A real PostgreSQL for the Python tests, which get it through the fixtures of conftest.py."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

from cairntest import ROOT, free_port

DATABASES = ["sqlite", "postgres"]
START_SECONDS = 60


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
        code, output = self._run("initdb", "-D", data, "-U", "cairn", "--auth=trust", "-N", "-E", "UTF8", "--locale=C")
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
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL did not start within {START_SECONDS} s")
            time.sleep(0.05)
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
