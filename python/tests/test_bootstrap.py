"""The bootstrap, with an agent for tests and an imaginary framework."""

import ast
import os
import socket
import subprocess
import sys
import time

import pytest
from tests.fake_agent import BOOTSTRAP, TOY_HOOK

TRAIN = "import sys; sys.path.insert(0, sys.argv[1]); import toyframe.core; print(toyframe.core.train(3))"


def hello(agent):
    agent.wait_closed()
    (message,) = agent.of("hello")
    return message


def test_process_without_framework_loads_next_to_nothing(start_agent, python):
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK})
    done = python(
        agent,
        "import sys; print(sorted({'json', 're', 'socket', 'threading', 'importlib.metadata'} & set(sys.modules)))",
    )
    assert done.stdout == "[]\n"
    assert done.stderr == ""
    assert hello(agent)["worker"] is False
    assert len(agent.of("env")) == 1
    assert agent.of("bye") == [{"t": "bye", "dropped": 0}]


def test_start_takes_less_than_thirty_milliseconds(start_agent, python):
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK})
    program = ["-c", "import time; print(time.process_time())"]

    def least(*flags):  # of several: other work on the machine only adds
        return min(float(python(agent, [*flags, *program]).stdout) for _ in range(5))

    # The processor's time, which a busy machine stretches less than the clock's. -E looks for no bootstrap.
    assert least() - least("-E") < 0.030


def test_hello_tells_what_runs(start_agent, python, tmp_path):
    agent = start_agent()
    python(agent, "pass", "--rate", "0.1")
    told = hello(agent)
    assert told["argv"][1:] == ["--rate", "0.1"]
    assert told["main"].endswith("train.py")
    assert told["cwd"] == str(tmp_path)
    assert told["python"] == "%d.%d.%d" % sys.version_info[:3]


@pytest.mark.parametrize(("arguments", "main"), [(["-c", "pass"], "-c"), (["-m", "this"], "-m this")])
def test_other_ways_to_start(start_agent, python, arguments, main):
    agent = start_agent()
    python(agent, arguments)
    assert hello(agent)["main"] == main


@pytest.mark.parametrize("flag", ["-I", "-S", "-E"])
def test_without_site_or_environment_there_is_no_hook(start_agent, python, flag):
    agent = start_agent()
    assert python(agent, [flag, "-c", "print(1)"]).stdout == "1\n"
    assert agent.messages == []


def test_hook_is_installed_right_after_the_import(start_agent, python, toy):
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK})
    done = python(agent, TRAIN, str(toy))
    assert (done.stdout, done.stderr) == ("3\n", "")
    agent.wait_closed()
    assert [(m["kind"], m["payload"]) for m in agent.observations()] == [
        ("installed", {"worker": False}),
        ("step", {"at": 0, "loss": "NaN"}),
        ("step", {"at": 1, "loss": "NaN"}),
        ("step", {"at": 2, "loss": "NaN"}),
    ]
    assert [m["seq"] for m in agent.observations()] == [1, 2, 3, 4]


PACKAGE_HOOK = {
    "__init__": "from . import cairn, steps\ndef install(given):\n    steps.install(given is cairn)\n",
    "steps": "from . import cairn\n"
    "def install(same):\n"
    "    import sys\n"
    "    late = __package__ + '.late' in sys.modules\n"
    "    from .late import payload\n"
    "    cairn.emit('installed', payload=dict(payload(), same=same, late=late))\n"
    "    cairn.guard(fail)()\n"
    "def fail():\n    raise ValueError('on purpose')\n",
    "late": "def payload():\n    return {'name': __name__, 'file': __file__}\n",
}


def test_hook_of_several_files(start_agent, python, toy):
    agent = start_agent(hooks={"toyframe.core": PACKAGE_HOOK})
    program = TRAIN + "\nimport sys\ntry:\n    import _cairn_hook_toyframe.none\nexcept ImportError:\n    print('none')"
    done = python(agent, program, str(toy))
    assert (done.stdout, done.stderr) == ("3\nnone\n", "")
    agent.wait_closed()
    (installed,) = agent.observations()
    name = "_cairn_hook_toyframe.late"
    assert installed["payload"] == {"name": name, "file": "<cairn hook toyframe.late>", "same": True, "late": False}
    (warning,) = agent.of("warn")
    assert "on purpose (<cairn hook toyframe.steps>:9)" in warning["message"]
    assert not any("<" in path for path in told(agent))


def test_imports_look_untouched(start_agent, python, toy):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import toyframe.core as core, inspect\n"
        "loader = core.__loader__\n"
        "print(type(loader).__name__, core.__spec__.loader is loader, 'exec_module' in vars(loader))\n"
        "ours = [p for p in sys.path if 'bootstrap' in p]\n"
        "print(inspect.getsource(core).splitlines()[0], ours, 'sitecustomize' in sys.modules)\n"
        "import threading; print(threading.active_count())"
    )
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK})
    done = python(agent, program, str(toy))
    assert done.stdout == "SourceFileLoader True False\ndef train(n): [] True\n1\n"


def test_packages_are_sent_with_name_and_version(start_agent, python):
    agent = start_agent()
    python(agent, "pass")
    agent.wait_closed()
    (environment,) = agent.of("env")
    from importlib.metadata import version

    assert "scikit-learn==" + version("scikit-learn") in environment["packages"]
    assert "typing-extensions==" + version("typing_extensions") in environment["packages"]


IMPORTS = """
import sys, time; sys.path.insert(0, sys.argv[1])
import helper, package.inner, json, pytest
class Lazy(type(sys)):
    def __getattribute__(self, name):
        print("loaded", name)
        return super().__getattribute__(name)
sys.modules["lazy"] = Lazy("lazy")
sys.modules["odd"] = 7
"""


@pytest.fixture
def sources(tmp_path):
    """A directory with modules of the user's own."""
    root = tmp_path / "sources"
    (root / "package").mkdir(parents=True)
    for name in ("helper.py", "unused.py", "package/__init__.py", "package/inner.py", "late.py"):
        (root / name).write_text("x = 1\n")
    return root


def told(agent):
    return [path for message in agent.of("code") for path in message["imported"]]


UNFINISHED_HOOK = """
import sys
def install(cairn):
    def told(module):
        kind = str(type(module.__spec__))
        cairn.emit("told", payload={"name": module.__name__, "done": hasattr(module, "last"), "spec": kind})
    for name in ("outer", "outer", "broken", "toyframe.core"):
        cairn.after_import(name, told)
"""


def test_modules_in_the_middle_of_their_import_are_waited_for(start_agent, python, toy):
    """Two callbacks of one module, one of a module whose import fails in the end, and one of the watched module itself."""
    (toy / "outer.py").write_text("import broken_importer\nlast = 1\n")
    (toy / "broken_importer.py").write_text("try:\n    import broken\nexcept ValueError:\n    pass\n")
    (toy / "broken.py").write_text("import toyframe.core\nraise ValueError\n")
    agent = start_agent(hooks={"toyframe.core": UNFINISHED_HOOK})
    program = "import sys; sys.path.insert(0, sys.argv[1]); import outer; print(type(outer.__spec__).__name__)"
    done = python(agent, program, str(toy))
    assert (done.stdout, done.stderr) == ("ModuleSpec\n", "")
    told = [message["payload"] for message in agent.observations("told")]
    plain = "<class '_frozen_importlib.ModuleSpec'>"
    assert [(item["name"], item["done"], item["spec"]) for item in told] == [
        ("toyframe.core", False, plain), ("outer", True, plain), ("outer", True, plain)]
    assert not agent.of("warn")


def test_imported_source_files_are_told_at_exit(start_agent, python, sources, tmp_path):
    agent = start_agent()
    done = python(agent, IMPORTS, str(sources))
    assert (done.stdout, done.stderr) == ("", "")
    agent.wait_closed()
    wanted = [tmp_path / "train.py"] + [sources / name for name in ("helper.py", "package/__init__.py", "package/inner.py")]
    assert sorted(told(agent)) == sorted(map(str, wanted))


def test_imported_source_files_are_told_while_the_training_runs(start_agent, python, sources, toy):
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK})
    program = IMPORTS + (
        "import _cairn_bootstrap as b, _cairn_bootstrap.session as s; s.CODE_SECONDS = 0.01\n"
        "sys.path.insert(0, sys.argv[2]); import toyframe.core; toyframe.core.train(1)\n"
        "import late, os, signal; session, until = b.current(), time.monotonic() + 30\n"
        "while late.__file__ not in session._imported._told and time.monotonic() < until: time.sleep(0.001)\n"
        "session._await(session._is_sent, until); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert python(agent, program, str(sources), str(toy), check=False).returncode == -9
    agent.wait_closed()
    assert str(sources / "helper.py") in told(agent)
    assert told(agent).count(str(sources / "late.py")) == 1
    assert len(told(agent)) == len(set(told(agent)))


def test_imports_are_told_only_to_who_asks(start_agent, python, sources):
    agent = start_agent(code=False)
    python(agent, IMPORTS, str(sources))
    agent.wait_closed()
    assert agent.of("code") == []


def test_editable_and_direct_packages_are_named_without_credentials(start_agent, python, tmp_path):
    home = tmp_path / "site" / "my_package-1.2.dist-info"
    home.mkdir(parents=True)
    (home / "direct_url.json").write_text('{"url": "https://me:secret@host/x", "dir_info": {"editable": true}}')
    agent = start_agent()
    python(agent, "import sys; sys.path.append(%r)" % str(home.parent))
    agent.wait_closed()
    (environment,) = agent.of("env")
    assert {"name": "my-package", "url": "https://host/x", "editable": True, "revision": ""} in environment["direct"]


def test_own_sitecustomize_still_runs(start_agent, python, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text("import builtins; builtins.own = __file__")
    agent = start_agent()
    path = os.pathsep.join([str(BOOTSTRAP), str(tmp_path / "own")])
    done = python(agent, "import sitecustomize; print(own == sitecustomize.__file__)", PYTHONPATH=path)
    assert done.stdout == "True\n"
    assert hello(agent)


def test_error_in_own_sitecustomize_is_told_as_without_cairn(start_agent, python, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text("1 / 0")
    agent = start_agent()
    path = os.pathsep.join([str(BOOTSTRAP), str(tmp_path / "own")])
    done = python(agent, "print('trained')", PYTHONPATH=path)
    assert done.stdout == "trained\n"
    assert "ZeroDivisionError" in done.stderr


def test_virtual_environments_work(start_agent, python, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    agent = start_agent()
    python(agent, "print(1)", executable=str(tmp_path / "venv" / "bin" / "python"))
    assert hello(agent)["executable"] == str(tmp_path / "venv" / "bin" / "python")


def test_child_processes_are_seen_too(start_agent, python):
    agent = start_agent()
    python(agent, "import subprocess, sys; subprocess.run([sys.executable, '-c', 'pass'], check=True)")
    agent.wait_closed()
    first, second = agent.of("hello")
    assert second["ppid"] == first["pid"]
    assert second["worker"] is False


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children_have_connections_of_their_own(start_agent, python, toy, method):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import multiprocessing, toyframe.core\n"
        "def work(n):\n    toyframe.core.train(n)\n"
        "if __name__ == '__main__':\n"
        "    toyframe.core.train(1)\n"
        "    child = multiprocessing.get_context(%r).Process(target=work, args=(2,))\n"
        "    child.start(); child.join(); assert child.exitcode == 0\n"
        "    toyframe.core.train(1)\n" % method
    )
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK})
    assert python(agent, program, str(toy)).stderr == ""
    agent.wait_closed()
    # A child's own first observation is its number 1: the parent's queue did not come along.
    assert len(agent.observations("step")) == 4
    workers = [message for message in agent.of("hello") if message["worker"]]
    assert workers
    assert all(m["dropped"] == 0 for m in agent.of("bye"))


def test_helpers_of_joblib_stay_silent(start_agent, python):
    program = (
        "from joblib import Parallel, delayed\n"
        "import os\n"
        "if __name__ == '__main__':\n    print(len(set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(4)))) >= 1)"
    )
    agent = start_agent()
    assert python(agent, program).stdout == "True\n"
    agent.wait_closed()
    assert len(agent.of("hello")) == 1


def test_everything_arrives_before_the_process_ends(start_agent, python, toy):
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK})
    python(agent, TRAIN.replace("train(3)", "train(5000)"), str(toy))
    agent.wait_closed()
    assert [m["payload"]["at"] for m in agent.observations("step")] == list(range(5000))
    assert agent.of("bye") == [{"t": "bye", "dropped": 0}]


def test_more_than_the_queue_holds_is_dropped_and_counted(start_agent, python, toy):
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK})
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import _cairn_bootstrap.session as s; s.MAX_QUEUED = 0\n"
        "import toyframe.core; toyframe.core.train(7); s.MAX_QUEUED = 10\n"
    )
    # Nothing can be queued, so the hook never comes either: the import waits for it in vain.
    done = python(agent, program, str(toy))
    assert done.stderr == ""
    agent.wait_closed()
    assert agent.of("bye")[0]["dropped"] > 0


def test_no_agent_means_no_difference(start_agent, python, toy):
    agent = start_agent()
    done = python(agent, TRAIN, str(toy), CAIRN_AGENT_SOCKET="/nonexistent/socket")
    assert (done.stdout, done.stderr) == ("3\n", "")


def test_agent_that_does_not_answer_is_waited_for_a_few_seconds_and_told(start_agent, python, toy):
    agent = start_agent(welcome=False)
    began = time.monotonic()
    done = python(agent, TRAIN, str(toy))
    assert (done.stdout, done.stderr) == ("3\n", "")
    assert time.monotonic() - began < 20
    agent.wait_closed()
    (warning,) = agent.of("warn")
    assert warning["unrecorded"]
    assert "within 5 s: nothing of it was recorded" in warning["message"]
    assert agent.of("bye") == [{"t": "bye", "dropped": 0}]


def test_hook_that_never_comes_is_waited_for_three_seconds_once(start_agent, python, toy):
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK}, answer_hooks=False)
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); began = time.monotonic()\n"
        "import toyframe.core; print(toyframe.core.train(3), 2.9 < time.monotonic() - began < 10)"
    )
    done = python(agent, program, str(toy))
    assert (done.stdout, done.stderr) == ("3 True\n", "")
    agent.wait_closed()
    assert "did not come within 3 s" in agent.of("warn")[0]["message"]


def test_agent_that_dies_is_not_missed(start_agent, python, toy):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import toyframe.core, _cairn_bootstrap as b\n"
        "toyframe.core.train(10)\n"
        "import _socket; b.current()._sock.shutdown(_socket.SHUT_RDWR)\n"
        "print(toyframe.core.train(20000))"
    )
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK})
    done = python(agent, program, str(toy))
    assert (done.stdout, done.stderr) == ("20000\n", "")


AGAIN = """
import sys, time; sys.path.insert(0, sys.argv[1]); import toyframe.core, _cairn_bootstrap as b
toyframe.core.train(100)
session, until = b.current(), time.monotonic() + 30
while session._acknowledged < 101 and time.monotonic() < until:
    time.sleep(0.001)
print(session._acknowledged, toyframe.core.train(3))
"""


def test_session_goes_on_with_the_next_agent(start_agent, python, toy):
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK}, dies_at=50)
    done = python(agent, AGAIN, str(toy))
    assert (done.stdout, done.stderr) == ("101 3\n", "")
    agent.wait_closed()
    assert [m["seq"] for m in agent.observations()] == list(range(1, 105)), "every observation once, in order"
    first, second = agent.of("hello")
    assert "resume" not in first
    assert second["resume"] == "s1"
    assert agent.of("bye") == [{"t": "bye", "dropped": 0}]


def test_what_was_sent_last_reaches_the_next_agent_at_exit(start_agent, python, toy):
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK}, dies_at=4)
    assert python(agent, TRAIN, str(toy)).stdout == "3\n"
    agent.wait_closed()
    assert [m["seq"] for m in agent.observations()] == [1, 2, 3, 4]


def test_what_waits_for_the_next_agent_is_bounded_and_counted(start_agent, python, toy):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import toyframe.core, _cairn_bootstrap as b\n"
        "session = b.current(); session._is_sent() or session._await(session._is_sent, 1e9)\n"
        "import _cairn_bootstrap.session as s; s.MAX_QUEUED = 5; s.RECONNECT_PAUSES = (0.5, 0.5)\n"
        "path, session._path = session._path, '/dev/null'\n"
        "s._hang_up(session._sock); session._await(lambda: session._state == 'lost', 1e9)\n"
        "toyframe.core.train(20); print(len(session._queue)); session._path = path"
    )
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK})
    done = python(agent, program, str(toy))
    assert (done.stdout, done.stderr) == ("5\n", "")
    agent.wait_closed()
    (bye,) = agent.of("bye")
    assert bye["dropped"] >= 15


def test_agent_that_never_comes_back_holds_nothing_up(start_agent, python, toy):
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK})
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import toyframe.core, _cairn_bootstrap as b, time\n"
        "session = b.current(); session._path = '/nonexistent/socket'\n"
        "import _cairn_bootstrap.session as s; s._hang_up(session._sock)\n"
        "began = time.monotonic(); toyframe.core.train(1000); print(time.monotonic() - began < 1)"
    )
    began = time.monotonic()
    done = python(agent, program, str(toy))
    assert (done.stdout, done.stderr) == ("True\n", "")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "hook",
    [
        "raise RuntimeError('broken')",
        "def install(cairn):\n    raise RuntimeError('broken')",
        "this is no Python",
        {"__init__": "from .broken import install", "broken": "raise RuntimeError('broken')"},
    ],
)
def test_hook_that_fails_is_reported_and_harms_nothing(start_agent, python, toy, hook):
    agent = start_agent(hooks={"toyframe.core": hook})
    done = python(agent, TRAIN, str(toy))
    assert (done.stdout, done.stderr) == ("3\n", "")
    agent.wait_closed()
    assert "could not be installed" in agent.of("warn")[0]["message"]


def test_garbage_from_the_agent_harms_nothing(python, start_agent, toy, tmp_path):
    agent = start_agent()
    path = os.path.join(agent._socket_dir, "garbage")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(1)
        import threading

        def answer():
            connection, _ = listener.accept()
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        done = python(agent, TRAIN, str(toy), CAIRN_AGENT_SOCKET=path)
        thread.join()
    os.unlink(path)
    assert (done.stdout, done.stderr) == ("3\n", "")


def test_python_that_is_too_old_trains_and_says_so(start_agent, python):
    # The interpreter that runs this pretends to be old before the file is read, as an old one would.
    program = "import sys, runpy; sys.version_info = (3, 6, 9, 'final', 0)\nrunpy.run_path(%r)\nprint('trained')" % str(
        BOOTSTRAP / "sitecustomize.py"
    )
    agent = start_agent()
    done = python(agent, ["-S", "-c", program])
    assert (done.stdout, done.stderr) == ("trained\n", "")
    agent.wait_closed()
    assert "Python 3.6 is too old for Cairn's hook, which needs Python 3.9" in agent.of("warn")[0]["message"]
    assert agent.of("env") == []


def test_sitecustomize_has_only_syntax_that_old_pythons_know():
    tree = ast.parse((BOOTSTRAP / "sitecustomize.py").read_text())
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.AsyncFunctionDef, ast.YieldFrom)
    for node in ast.walk(tree):
        assert not isinstance(node, newer), ast.dump(node)
        if isinstance(node, ast.FunctionDef):
            assert not node.args.kwonlyargs
            assert node.returns is None
        if isinstance(node, ast.Raise):
            assert node.cause is None
    assert (BOOTSTRAP / "sitecustomize.py").read_bytes().isascii()


@pytest.mark.parametrize(
    "path", sorted(BOOTSTRAP.rglob("*.py")) + sorted(BOOTSTRAP.parent.glob("*.py")), ids=lambda p: p.name
)
def test_sources_parse_on_python_3_9(path):
    ast.parse(path.read_text(), feature_version=(3, 9))
