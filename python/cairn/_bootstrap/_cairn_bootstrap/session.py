"""The connection of one process with the agent: what goes out, what comes in, and how it ends."""

import _thread
import atexit
import os
import sys
import time
from collections import deque

from . import frame, process

CONNECT_SECONDS = 1.0
HOOK_SECONDS = 3.0
DRAIN_SECONDS = 5.0
MAX_QUEUED = 10_000
MAX_QUEUED_BYTES = 64 << 20


class Session:
    """Everything public may be called by any thread and never raises (KeyboardInterrupt aside)."""

    def __init__(self, socket_path):
        self._path = socket_path
        self._forked = False
        self._fresh()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork, after_in_parent=self._after_fork_in_parent, after_in_child=self._after_fork
            )
        atexit.register(self.close)

    def _fresh(self):
        # _lock guards all below. Raw locks and threads: nothing of ours shows up in threading.enumerate().
        self._lock = _thread.allocate_lock()
        self._wake = _thread.allocate_lock()
        self._wake.acquire()
        self._sock = None
        self._state = "new"  # → open → closed
        self._welcome_body = b""
        self._welcome = None
        self._queue = deque()
        self._queued_bytes = 0
        self._sequence = 0
        self._dropped = 0
        self._busy = False
        self._threads = False
        self._jobs = None
        self._jobs_open = 0
        self._environment_sent = False
        self._hooks = None
        self._finalizer = None

    # Fork: the child has none of our threads and must not write to the parent's connection.

    def _before_fork(self):
        self._lock.acquire()

    def _after_fork_in_parent(self):
        self._lock.release()

    def _after_fork(self):
        sock, hooks, state, body = self._sock, self._hooks, self._state, self._welcome_body
        self._fresh()
        self._forked = True
        self._hooks = hooks
        self._welcome_body = body  # says what to watch until this process connects, when it has something to send
        if state == "closed":
            self._state = "closed"
        if sock is not None:
            sock.close()
        if hooks is not None:
            hooks.forked()

    @property
    def worker(self):
        """True in a child that some parent training started by fork, spawn or forkserver."""
        return self._forked or process.is_worker()

    # Connecting

    def connect(self):
        """Says hello and waits for the welcome, a second at most in all. False: stay silent for good."""
        with self._lock:
            return self._connect_locked()

    def _connect_locked(self):
        if self._state != "new":
            return self._state == "open"
        self._state = "closed"
        deadline = time.monotonic() + CONNECT_SECONDS
        try:
            sock = frame.connect(self._path, CONNECT_SECONDS)
        except (OSError, AttributeError):
            return False
        try:
            sock.sendall(frame.pack(self._hello().encode("ascii")))
            body = frame.receive(sock, deadline)
            if not body.startswith(b"{") or b'"welcome"' not in body:
                raise frame.Closed("refused")
            sock.settimeout(None)
        except (OSError, frame.Closed):
            sock.close()
            return False
        self._sock, self._welcome_body, self._state = sock, body, "open"
        self._welcome = None
        return True

    def _hello(self):
        text = frame.quote
        rank = process.rank()
        fields = [
            '"t":"hello","proto":1',
            '"pid":%d,"ppid":%d' % (os.getpid(), os.getppid()),
            '"python":' + text("%d.%d.%d" % sys.version_info[:3]),
            '"executable":' + text(sys.executable or ""),
            '"argv":[' + ",".join(text(str(part)) for part in getattr(sys, "argv", [])) + "]",
            '"cwd":' + text(_cwd()),
            '"main":' + text(process.main()),
            '"rank":' + ("null" if rank is None else str(rank)),
            '"worker":' + ("true" if self.worker else "false"),
        ]
        return "{" + ",".join(fields) + "}"

    @property
    def welcome(self):
        """The agent's welcome, {} if there is none."""
        if self._welcome is None:
            import json

            try:
                self._welcome = json.loads(self._welcome_body)
            except ValueError:
                self._welcome = {}
        return self._welcome

    def may_watch(self, package):
        """False if the agent surely has no adapter for the package. Reads the welcome unparsed: that is asked often."""
        name = package.encode("utf-8", "replace")
        return b'"' + name + b'"' in self._welcome_body or b'"' + name + b"." in self._welcome_body

    def watch(self):
        """Begins to watch imports."""
        from . import watch

        self.watcher = watch.Watcher(self)
        sys.meta_path.insert(0, self.watcher)
        if "CAIRN_MLFLOW_ADOPT" in os.environ:
            from . import mlflow_run

            mlflow_run.install(self)

    def catch_up(self):
        """Installs the hooks of modules that were imported before this session began."""
        for module in self.welcome.get("modules", ()):
            if module in sys.modules:
                self.hooks.announce(module.partition(".")[0])
                self.hooks.imported(module)

    @property
    def hooks(self):
        if self._hooks is None:
            from . import hooks

            self._hooks = hooks.Hooks(self)
        return self._hooks

    # Sending

    def send(self, message, numbered=False):
        """Queues a message; False if it was dropped. numbered: it gets the next sequence number."""
        with self._lock:
            if not self._connect_locked():
                return False
            if numbered:
                message = dict(message, seq=self._sequence + 1)
            data = frame.encode(message)
            if (
                len(data) > frame.MAX_FRAME
                or len(self._queue) >= MAX_QUEUED
                or self._queued_bytes + len(data) > MAX_QUEUED_BYTES
            ):
                self._dropped += 1
                return False
            if numbered:
                self._sequence += 1
            self._queue.append(data)
            self._queued_bytes += len(data)
            self._start_threads()
            self._finalize_with_multiprocessing()
        self._signal()
        return True

    def _signal(self):
        try:
            self._wake.release()
        except RuntimeError:
            pass  # already signalled

    def _start_threads(self):
        if self._threads:
            return
        self._threads = True
        try:
            _thread.start_new_thread(self._send_loop, (self._sock,))
            _thread.start_new_thread(self._receive_loop, (self._sock,))
        except RuntimeError:  # the interpreter is ending: close() sends what is queued
            self._threads = False

    def _finalize_with_multiprocessing(self):
        # Children of multiprocessing leave by os._exit, past atexit. When they begin their work they forget the
        # finalizers of their start.
        util = sys.modules.get("multiprocessing.util")
        if util is not None and self.worker and not (self._finalizer and self._finalizer.still_active()):
            self._finalizer = util.Finalize(None, self.close, exitpriority=0)

    def _send_loop(self, sock):
        while True:
            self._wake.acquire()
            while True:
                with self._lock:
                    if self._sock is not sock:
                        return
                    batch = list(self._queue)
                    self._queue.clear()
                    self._busy = bool(batch)
                if not batch:
                    break
                try:
                    for data in batch:
                        sock.sendall(data)
                except OSError:
                    self._fail()
                    return
                with self._lock:
                    self._queued_bytes -= sum(map(len, batch))
                    self._busy = False

    def _fail(self):
        """The agent is gone. What comes from now on is dropped without a word."""
        with self._lock:
            self._state = "closed"
            self._queue.clear()
            self._busy = False
        if self._hooks is not None:
            self._hooks.disconnected()

    # Receiving

    def _receive_loop(self, sock):
        import json

        try:
            while True:
                message = json.loads(frame.receive(sock))
                kind = message.get("t")
                if kind == "hook":
                    self.hooks.arrived(message)
                elif kind == "nohook":
                    self.hooks.refused(message)
        except Exception:  # a broken frame, a closed socket: the same silence
            self._fail()

    # Work beside the training

    def background(self, function, *arguments):
        """Runs function(*arguments) on the one background thread, in order."""
        with self._lock:
            if self._jobs is None:
                self._jobs = deque()
            self._jobs.append((function, arguments))
            self._jobs_open += 1
            first = self._jobs_open == 1
        if first:
            try:
                _thread.start_new_thread(self._work, ())
            except RuntimeError:
                self._work()

    def _work(self):
        while True:
            with self._lock:
                if not self._jobs:
                    return
                function, arguments = self._jobs.popleft()
            try:
                function(*arguments)
            except Exception:
                pass  # guard() has reported it; here only the thread is kept alive
            with self._lock:
                self._jobs_open -= 1
                if not self._jobs_open:
                    return

    def send_environment(self):
        """Sends the packages of this environment, once."""
        with self._lock:
            if self._environment_sent or self.worker:
                return
            self._environment_sent = True
        from . import packages

        self.send(dict(packages.facts(), t="env"))

    # The end

    def close(self):
        """Sends what is queued, for DRAIN_SECONDS at most, and says goodbye."""
        try:
            self._close()
        except Exception:  # the training's exit code is its own
            pass

    def _close(self):
        if self._state != "open":
            return
        deadline = time.monotonic() + DRAIN_SECONDS
        self._await(lambda: not self._jobs_open, deadline)
        self.send_environment()
        self._await(lambda: not self._queue and not self._busy, deadline if self._threads else 0)
        with self._lock:
            if self._state != "open":
                return
            self._state = "closed"
            sock, left = self._sock, list(self._queue)
            lost = self._dropped
            self._queue.clear()
            if self._busy or (left and self._threads):
                lost += len(left)
                left = []
        sock.settimeout(CONNECT_SECONDS)
        try:
            for data in left:
                sock.sendall(data)
            sock.sendall(frame.encode({"t": "bye", "dropped": lost}))
        except OSError:
            pass
        try:
            import _socket

            sock.shutdown(_socket.SHUT_RDWR)
        except OSError:
            pass

    def _await(self, done, deadline):
        pause = 0.0002
        while not done() and self._state == "open" and time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(pause * 2, 0.02)


def _cwd():
    try:
        return os.getcwd()
    except OSError:
        return ""
