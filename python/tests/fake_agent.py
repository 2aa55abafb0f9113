"""An agent for tests: speaks the socket protocol, serves hooks from files, keeps what it was told."""

import contextlib
import hashlib
import json
import os
import socket
import struct
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKLEARN_HOOK = ROOT / "plugins" / "sklearn" / "hook"

BOOTSTRAP = ROOT / "python" / "cairn" / "_bootstrap"

# The module that each adapter watches for.
WATCHED = {
    "fastai": "fastai.learner",
    "keras": "keras.src.models.model",
    "lightgbm": "lightgbm.engine",
    "pytorch": "torch.optim.lr_scheduler",
    "sklearn": "sklearn.base",
    "tensorflow": "tensorflow.python.eager.backprop",
    "transformers": "transformers.trainer",
    "xgboost": "xgboost.training",
}

ADAPTERS = {module: name for name, module in WATCHED.items()}

# The hook of an imaginary framework.
TOY_HOOK = """
def install(cairn):
    cairn.emit("installed", payload={"worker": cairn.worker})
    import sys
    def train(n):
        for at in range(n):
            cairn.emit("step", fit="f1", payload={"at": at, "loss": float("nan")})
        return n
    sys.modules["toyframe.core"].train = train
"""


def package(directory):
    """The sources of a hook of several files."""
    return {file.stem: file.read_text() for file in Path(directory).glob("*.py")}


def all_hooks():
    """The hooks of the adapters in plugins/, by watched module."""
    return {module: package(ROOT / "plugins" / name / "hook") for name, module in WATCHED.items()}


class FakeAgent:
    """Listens on a socket of its own until close(). `messages` holds everything received, in order of arrival."""

    def __init__(self, directory, hooks=None, answer_hooks=True, welcome=True, dies_at=None, code=True):
        """dies_at: the connection breaks before this sequence is acknowledged, once, as if the agent were killed."""
        self.directory = Path(directory)
        self.files = self.directory / "files"
        self.files.mkdir(parents=True, exist_ok=True)
        # A socket's path is bounded to about 100 bytes; pytest's directories are longer.
        self._socket_dir = tempfile.mkdtemp(prefix="cairn-")
        self.path = os.path.join(self._socket_dir, "s")
        # By watched module: a hook of one file is its source, one of several the sources by name of module.
        self.hooks = {"sklearn.base": package(SKLEARN_HOOK)} if hooks is None else hooks
        self.answer_hooks = answer_hooks
        self.welcome = welcome
        self.dies_at = dies_at
        self.code = code
        self._accepted = 0
        self.messages = []
        self.connections = 0
        self._open = 0
        self._changed = threading.Condition()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(16)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def environment(self, **more):
        """The environment that `cairn exec` would give a command."""
        env = dict(os.environ)
        env.pop("PYTHONPATH", None)
        env.update(
            PYTHONPATH=str(BOOTSTRAP),
            PYTHONDONTWRITEBYTECODE="1",
            CAIRN_AGENT_SOCKET=self.path,
            CAIRN_RUN_ID="0" * 32,
            CAIRN_EXEC_ID="1" * 32,
            CAIRN_SERVER="http://127.0.0.1:1",
        )
        env.update({key: str(value) for key, value in more.items()})
        return env

    def of(self, kind):
        with self._changed:
            return [message for message in self.messages if message["t"] == kind]

    def observations(self, kind=None):
        return [message for message in self.of("obs") if kind is None or message["kind"] == kind]

    def wait_closed(self, timeout=20):
        """Waits until every connection so far has been closed by its process."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.connections and not self._open, timeout), "still connected"

    def close(self):
        self._listener.close()
        os.unlink(self.path)
        os.rmdir(self._socket_dir)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._changed:
                self.connections += 1
                self._open += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection:
                while True:
                    message = _receive(connection)
                    if message is None:
                        return
                    if self.dies_at is not None and message.get("seq", 0) >= self.dies_at:
                        self.dies_at = None
                        return
                    with self._changed:
                        self.messages.append(message)
                        self._accepted = max(self._accepted, message.get("seq", 0))
                    # The process may have ended meanwhile; what it sent before is still to be read.
                    with contextlib.suppress(OSError):
                        self._answer(connection, message)
        except OSError:
            pass
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _answer(self, connection, message):
        kind = message["t"]
        if kind == "hello" and self.welcome:
            _send(
                connection,
                {
                    "t": "welcome",
                    "proto": 1,
                    "run_id": "0" * 32,
                    "exec_id": "1" * 32,
                    "session": message.get("resume", "s%d" % self.connections),
                    "seq": self._accepted if "resume" in message else 0,
                    "files_dir": str(self.files),
                    "modules": list(self.hooks),
                    "options": {},
                    "code": self.code,
                },
            )
        elif kind == "import" and self.answer_hooks:
            hook = self.hooks[message["module"]]
            sources = dict(hook) if isinstance(hook, dict) else {"__init__": hook}
            source = sources.pop("__init__")
            _send(
                connection,
                {
                    "t": "hook",
                    "adapter": ADAPTERS.get(message["module"], message["module"].partition(".")[0]),
                    "modules": [message["module"]],
                    "source": source,
                    "sources": sources,
                    "sha256": hashlib.sha256(source.encode()).hexdigest(),
                },
            )
        elif "seq" in message:
            _send(connection, {"t": "ack", "seq": message["seq"]})


def _send(connection, message):
    body = json.dumps(message).encode()
    connection.sendall(struct.pack(">I", len(body)) + body)


def _receive(connection):
    head = _exactly(connection, 4)
    if head is None:
        return None
    body = _exactly(connection, struct.unpack(">I", head)[0])
    return None if body is None else json.loads(body)


def _exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            return None
        data += part
    return data
