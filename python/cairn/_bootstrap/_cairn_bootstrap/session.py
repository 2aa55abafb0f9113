"""The connection of one process with the agent: what goes out, what comes in, and how it ends."""

import _thread
import atexit
import os
import sys
import time
from collections import deque

from . import code, frame, process

CONNECT_SECONDS = 1.0
WELCOME_SECONDS = 5.0
HOOK_SECONDS = 3.0
DRAIN_SECONDS = 5.0
# How long the agent's socket is tried again after the agent was lost, and the first and the longest pause between tries.
RECONNECT_SECONDS = 60.0
RECONNECT_PAUSES = (0.05, 5.0)
# How many connections in a row may end without an acknowledgement, and how long an exit with nothing to send waits for one.
FRUITLESS = 3
FAREWELL_SECONDS = 1.0
# How long an exit waits until the agent has on disk what it was sent, to send it again if the agent dies just then.
DURABLE_SECONDS = 0.5
# How often a process that sends anything says which of the user's files it has imported.
CODE_SECONDS = 10.0
MAX_QUEUED = 10_000
MAX_QUEUED_BYTES = 64 << 20


class Refused(frame.Closed):
    """The agent does not want this process."""


class Session:
    """Everything public may be called by any thread and never raises (KeyboardInterrupt aside)."""

    def __init__(self, socket_path):
        self._path = socket_path
        self._forked = False
        self._chosen = {}
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
        self._state = "new"  # → open ⇄ lost → closed
        self._welcome_body = b""
        self._welcome = None
        # Both hold (sequence, frame). A message without a number stands half-way between two, and counts as received when
        # the next number is. Whatever is sent stays until it is acknowledged, so that it can be sent to another agent.
        self._queue = deque()
        self._unacknowledged = deque()
        self._held_bytes = 0  # of both
        self._sequence = 0
        self._acknowledged = 0
        self._forgotten = 0  # the last sequence that made room before it was acknowledged
        self._dropped = 0
        self._busy = False
        self._threads = False
        self._jobs = None
        self._jobs_open = 0
        self._environment_sent = False
        self._imported = code.Imported()
        self._code_due = 0.0
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
        """Says hello and waits for the welcome, WELCOME_SECONDS at most. False: stay silent for good."""
        with self._lock:
            return self._connect_locked()

    def _connect_locked(self):
        if self._state != "new":
            return self._state != "closed"
        self._state = "closed"
        deadline = time.monotonic() + WELCOME_SECONDS
        try:
            sock = frame.connect(self._path, CONNECT_SECONDS)
        except (OSError, AttributeError):
            return False
        try:
            body = self._greet(sock, "", deadline)
        except (OSError, frame.Closed) as error:
            if time.monotonic() >= deadline and not isinstance(error, Refused):
                _tell_unanswered(sock)
            sock.close()
            return False
        self._sock, self._welcome_body, self._state = sock, body, "open"
        self._welcome = None
        return True

    def _greet(self, sock, resume, deadline):
        """Says hello; the welcome. deadline None: waits as long as the other end of the socket is there."""
        sock.sendall(frame.pack(self._hello(resume).encode("ascii")))
        body = frame.receive(sock, deadline)
        if not body.startswith(b"{") or b'"welcome"' not in body:
            raise Refused("refused")
        sock.settimeout(None)
        return body

    def _hello(self, resume):
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
        if resume:
            fields.append('"resume":' + text(resume))
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

    def choose(self, models, every_n_steps):
        """The user's choices for what is trained from here on; None for none."""
        if models is not None:
            self._chosen["models"] = "on" if models else "off"
        if every_n_steps is not None:
            self._chosen["every_n_steps"] = str(int(every_n_steps))

    @property
    def options(self):
        """Options of the run: what exec was told, and what the user chose since."""
        return dict(self.welcome.get("options") or {}, **self._chosen)

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

    def send(self, message, numbered=False, ready=False):
        """Queues a message; False if it was dropped. numbered: it gets the next sequence number. ready: it is in terms that
        JSON knows already."""
        with self._lock:
            if not self._connect_locked():
                return False
            if numbered:
                message = dict(message, seq=self._sequence + 1)
            data = frame.encode(message, ready)
            if not self._make_room(len(data)):
                self._dropped += 1
                return False
            if numbered:
                self._sequence += 1
            self._queue.append((self._sequence if numbered else self._sequence + 0.5, data))
            self._held_bytes += len(data)
            self._start_threads()
            self._finalize_with_multiprocessing()
        self._signal()
        return True

    def _make_room(self, size):
        if size > frame.MAX_FRAME:
            return False
        while (
            len(self._queue) + len(self._unacknowledged) >= MAX_QUEUED or self._held_bytes + size > MAX_QUEUED_BYTES
        ):
            # What was sent is kept for an agent that dies only; what was not is lost for sure.
            if self._state != "open" or not self._unacknowledged:
                return False
            sequence, data = self._unacknowledged.popleft()
            self._held_bytes -= len(data)
            self._forgotten = max(self._forgotten, int(sequence))
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
            _thread.start_new_thread(self._send_loop, ())
            _thread.start_new_thread(self._receive_loop, ())
        except RuntimeError:  # the interpreter is ending: close() sends what is queued
            self._threads = False

    def _finalize_with_multiprocessing(self):
        # Children of multiprocessing leave by os._exit, past atexit. When they begin their work they forget the
        # finalizers of their start.
        util = sys.modules.get("multiprocessing.util")
        if util is not None and self.worker and not (self._finalizer and self._finalizer.still_active()):
            self._finalizer = util.Finalize(None, self.close, exitpriority=0)

    def _send_loop(self):
        while True:
            self._wake.acquire(True, CODE_SECONDS)
            self._send_code_in_time()
            while True:
                with self._lock:
                    if self._state == "closed":
                        return
                    if self._state != "open" or not self._queue:
                        break
                    sock, batch = self._sock, list(self._queue)
                    self._queue.clear()
                    self._unacknowledged.extend(batch)
                    self._busy = True
                try:
                    for _, data in batch:
                        sock.sendall(data)
                except OSError:
                    _hang_up(sock)  # the receiving thread finds it broken, and all of the batch unacknowledged
                with self._lock:
                    self._busy = False

    # Receiving

    def _receive_loop(self):
        sock, fruitless = self._sock, 0
        while sock is not None:
            before = self._acknowledged
            try:
                self._receive(sock)
            except Exception:  # a broken frame, a closed socket: the same silence
                pass
            _hang_up(sock)
            while self._busy:  # the sending thread finds it broken too, and then nobody uses it
                time.sleep(0.001)
            sock.close()
            fruitless = fruitless + 1 if self._acknowledged == before else 0
            sock = self._reconnect() if fruitless < FRUITLESS else None
        with self._lock:
            self._state = "closed"
            self._queue.clear()
            self._unacknowledged.clear()
        self._signal()
        if self._hooks is not None:
            self._hooks.disconnected()

    def _receive(self, sock):
        import json

        while True:
            message = json.loads(frame.receive(sock))
            kind = message.get("t")
            if kind == "ack":
                with self._lock:
                    self._received(message["seq"])
            elif kind == "hook":
                self.hooks.arrived(message)
            elif kind == "nohook":
                self.hooks.refused(message)

    def _received(self, sequence):
        """The agent has everything up to a sequence for good."""
        self._acknowledged = max(self._acknowledged, sequence)
        for kept in (self._unacknowledged, self._queue):
            while kept and kept[0][0] <= sequence:
                self._held_bytes -= len(kept.popleft()[1])

    # An agent that was killed is started again on the same socket: the session goes on there.

    def _reconnect(self):
        """The connection with the next agent, or None once this session is over. Only the receiving thread calls it."""
        with self._lock:
            if self._state != "open":
                return None
            self._state = "lost"
            self._queue.extendleft(reversed(self._unacknowledged))
            self._unacknowledged.clear()
            session = self.welcome.get("session", "")
        if not isinstance(session, str) or not session:
            return None
        pause, longest = RECONNECT_PAUSES
        deadline = time.monotonic() + RECONNECT_SECONDS
        while self._state == "lost" and time.monotonic() < deadline:
            sock = None
            try:
                self._sock = sock = frame.connect(self._path, CONNECT_SECONDS)
                sock.settimeout(None)
                # Not in a hurry: a connection that is given up would be taken for the session's end when it is accepted.
                if self._resume(sock, self._greet(sock, session, None)):
                    return sock
            except (FileNotFoundError, Refused):
                return None  # whoever started the agent has ended, or the agent is about to
            except (OSError, frame.Closed):
                if sock is not None:
                    sock.close()
            time.sleep(pause)
            pause = min(pause * 2, longest)
        return None

    def _resume(self, sock, body):
        import json

        welcome = json.loads(body)
        accepted = int(welcome.get("seq", 0))
        with self._lock:
            if self._state != "lost":
                sock.close()
                return False
            self._received(accepted)
            self._dropped += max(0, self._forgotten - self._acknowledged)
            self._forgotten = 0
            self._sock, self._welcome_body, self._welcome, self._state = sock, body, welcome, "open"
        self._signal()
        return True

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

    def _send_code_in_time(self):
        now = time.monotonic()
        if now < self._code_due or self._state != "open":
            return
        self._code_due = now + CODE_SECONDS
        try:
            self.send_code()
        except Exception:  # the thread must go on
            pass

    def send_code(self):
        """Sends which source files of the user's were imported since the last time, where the agent wants to know."""
        if not self.welcome.get("code"):
            return
        files = self._imported.news()
        if files and self.send({"t": "code", "imported": [os.path.abspath(file) for file in files]}):
            self._imported.told(files)

    # The end

    def close(self):
        """Sends what is queued, for DRAIN_SECONDS at most, and says goodbye."""
        try:
            self._close()
        except Exception:  # the training's exit code is its own
            pass

    def _close(self):
        if self._state not in ("open", "lost"):
            return
        deadline = time.monotonic() + DRAIN_SECONDS
        self._await(lambda: not self._jobs_open, deadline)
        self.send_environment()
        self.send_code()
        if self._state == "lost" and not self._queue:
            deadline = min(deadline, time.monotonic() + FAREWELL_SECONDS)
        if self._threads:
            self._await(self._is_sent, deadline)
            durable = min(deadline, time.monotonic() + DURABLE_SECONDS)
            self._await(lambda: self._acknowledged >= self._sequence or self._state == "lost", durable)
            self._await(self._is_sent, deadline)
        with self._lock:
            if self._state != "open":
                self._state = "closed"
                return
            self._state = "closed"
            sock, left = self._sock, [data for _, data in self._queue]
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
        _hang_up(sock)

    def _is_sent(self):
        return self._state == "open" and not self._queue and not self._busy

    def _await(self, done, deadline):
        pause = 0.0002
        while not done() and self._state != "closed" and time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(pause * 2, 0.02)


def _tell_unanswered(sock):
    """Leaves word with an agent that is too busy to answer: it reads this when it comes to it."""
    message = "the agent did not answer Python process %d within %g s: nothing of it was recorded automatically"
    try:
        sock.settimeout(CONNECT_SECONDS)
        sock.sendall(frame.encode({"t": "warn", "unrecorded": True, "message": message % (os.getpid(), WELCOME_SECONDS)}))
        sock.sendall(frame.encode({"t": "bye", "dropped": 0}))
    except OSError:
        pass


def _hang_up(sock):
    import _socket

    try:
        sock.shutdown(_socket.SHUT_RDWR)
    except OSError:
        pass


def _cwd():
    try:
        return os.getcwd()
    except OSError:
        return ""
