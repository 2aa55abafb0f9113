"""What goes wrong beside a training never reaches it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cairntest
import pytest
from autolog.exec import Exec, clean_environment, logged_models, runs, train

TRAIN = """
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
X, y = load_iris(return_X_y=True)
print(DecisionTreeClassifier(random_state=0).fit(X, y).score(X, y))
"""


def adapters():
    return cairntest.cairn_bin().parent / "adapters"


def test_server_that_is_down_costs_nothing_and_loses_nothing(cairn_server, client, tmp_path):
    cairn_server.stop()
    ended = train(cairn_server.url, tmp_path, TRAIN, "--experiment", "later")
    assert ended.done.stdout == "1.0\n"
    assert "cairn sync" in ended.done.stderr
    assert ended.done.stderr.count("\n") == 1

    cairn_server.start()
    synced = subprocess.run(
        [str(cairntest.cairn_bin()), "sync", "--server", cairn_server.url],
        env=clean_environment(ended.home), capture_output=True, text=True, timeout=120,
    )
    assert synced.returncode == 0, synced.stderr
    (run,) = runs(client, "later")
    assert run.info.status == "FINISHED"
    assert run.data.metrics["DecisionTreeClassifier_score_X"] == run.data.metrics["training_score"] == 1.0
    assert run.data.params["criterion"] == "gini"
    (model,) = logged_models(cairn_server.url, run)
    assert (model["name"], model["status"]) == ("model", "READY")
    spool = ended.home / "spool"
    assert not spool.exists() or not any(spool.iterdir())


BELOW = """
import os, signal, subprocess, time
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

def processes(wanted):
    # Only processes below this exec's are looked at, and only one of them is ended.
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in table.splitlines()]
    below, found = {os.getppid()}, True
    while found:
        found = {int(row[0]) for row in rows if int(row[1]) in below} - below
        below |= found
    return [int(row[0]) for row in rows if int(row[0]) in below and wanted(row[2].split())]

def process(wanted):
    # One that was ended may not have its successor yet.
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for pid in processes(wanted):
            return pid
        time.sleep(0.01)
    raise TimeoutError("no such process")

X, y = load_iris(return_X_y=True)
"""

KILL = BELOW + """
DecisionTreeClassifier(max_depth=1).fit(X, y)
os.kill(process(lambda argv: "cairn-adapter-sklearn" in argv[0]), signal.SIGKILL)
DecisionTreeClassifier(max_depth=2).fit(X, y)
print("trained")
"""


def test_adapter_that_is_killed_is_started_again(cairn_server, client, tmp_path):
    ended = train(cairn_server.url, tmp_path, KILL, "--experiment", "killed")
    assert (ended.done.stdout, ended.done.stderr) == ("trained\n", "")
    first, second = runs(client, "killed")
    for run, depth in ((first, "1"), (second, "2")):
        assert run.data.params["max_depth"] == depth
        assert "training_accuracy_score" in run.data.metrics
        assert run.info.status == "FINISHED"
    assert "sklearn" in first.data.tags["cairn.autolog.warnings"]


KILL_AGENT = BELOW + """
for depth in (1, 2, 3, 4, 5, 6):
    DecisionTreeClassifier(max_depth=depth).fit(X, y)
    if depth in (2, 4):
        os.kill(process(lambda argv: os.path.basename(argv[0]) == "cairn" and argv[1] == "agent"), signal.SIGKILL)
print("trained")
"""


def test_training_goes_on_with_the_agent_after_a_killed_one(cairn_server, client, tmp_path):
    ended = train(cairn_server.url, tmp_path, KILL_AGENT, "--experiment", "agent")
    assert (ended.done.stdout, ended.done.stderr) == ("trained\n", "")
    recorded = runs(client, "agent")
    assert sorted(run.data.params["max_depth"] for run in recorded) == ["1", "2", "3", "4", "5", "6"]
    for run in recorded:
        assert "training_accuracy_score" in run.data.metrics
        assert run.info.status == "FINISHED"
        assert "cairn.autolog.warnings" not in run.data.tags
        assert len(logged_models(cairn_server.url, run)) == 1


def test_adapter_whose_checksum_does_not_match_is_not_started(cairn_server, client, tmp_path):
    changed = tmp_path / "adapters"
    shutil.copytree(adapters(), changed)
    for path in changed.rglob("cairn-adapter-sklearn*"):
        with open(path, "ab") as file:
            file.write(b"\0")
    ended = train(cairn_server.url, tmp_path, TRAIN, "--experiment", "tampered", CAIRN_ADAPTERS=changed)
    assert ended.done.stdout == "1.0\n"
    said = "the adapter sklearn was not started: .* has the SHA-256 [0-9a-f]{64}, expected is [0-9a-f]{64}; .*make build"
    assert re.fullmatch(f"cairn exec: {said}\n", ended.done.stderr), ended.done.stderr
    (run,) = runs(client, "tampered")
    warning = run.data.tags["cairn.autolog.warnings"]
    assert "sklearn" in warning
    assert "make build" in warning
    assert run.data.params == {}


def test_missing_adapter_names_what_installs_it(cairn_server, client, tmp_path):
    (tmp_path / "none").mkdir()
    ended = train(cairn_server.url, tmp_path, TRAIN, "--experiment", "missing", CAIRN_ADAPTERS=tmp_path / "none")
    assert ended.done.stdout == "1.0\n"
    said = "cairn exec: the adapters ([a-z]+, )*sklearn(, [a-z]+)* of this program are not installed: make build\n"
    assert re.fullmatch(said, ended.done.stderr), ended.done.stderr
    (run,) = runs(client, "missing")
    assert "make build" in run.data.tags["cairn.autolog.warnings"]


def test_python_that_is_too_old_trains_and_the_run_says_so(cairn_server, client, tmp_path):
    # No such Python is at hand: this one pretends, before the bootstrap is read, to be one.
    program = (
        "import os, runpy, sys; sys.version_info = (3, 6, 9, 'final', 0)\n"
        "runpy.run_path(os.path.join(os.environ['PYTHONPATH'].split(os.pathsep)[0], 'sitecustomize.py'))\n"
        "print('trained')"
    )
    ended = Exec(cairn_server.url, tmp_path, [sys.executable, "-S", "-c", program], "--experiment", "old")
    assert (ended.done.returncode, ended.done.stdout) == (0, "trained\n")
    assert re.fullmatch("cairn exec: Python 3.6 is too old .* needs Python 3.9 or newer: .*\n", ended.done.stderr)
    (run,) = runs(client, "old")
    assert "Python 3.6 is too old" in run.data.tags["cairn.autolog.warnings"]


@pytest.mark.parametrize("flag", ["-I", "-E"])
def test_python_that_leaves_the_hook_out_trains_and_the_run_says_so(cairn_server, client, tmp_path, flag):
    ended = Exec(cairn_server.url, tmp_path, [sys.executable, flag, "-c", TRAIN], "--experiment", "isolated")
    assert (ended.done.returncode, ended.done.stdout) == (0, "1.0\n")
    assert ended.done.stderr.startswith(f"cairn exec: Python was started with {flag}, which leaves Cairn's hook out")
    (run,) = runs(client, "isolated")
    assert run.data.tags["cairn.autolog.warnings"] in ended.done.stderr
    assert run.info.status == "FINISHED"


BROKEN_HOOK = """
import sys
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
hooks = [module for name, module in sys.modules.items() if name.startswith("_cairn_hook_sklearn")]
def broken(*arguments, **more):
    raise RuntimeError("broken on purpose")
for name in ("training_data", "describe_estimator", "evaluate_classifier", "requirements"):
    for hook in hooks:
        if name in vars(hook):
            setattr(hook, name, broken)
X, y = load_iris(return_X_y=True)
print(DecisionTreeClassifier(random_state=0).fit(X, y).score(X, y))
"""


def test_hook_that_raises_is_said_on_the_run(cairn_server, client, tmp_path):
    ended = train(cairn_server.url, tmp_path, BROKEN_HOOK, "--experiment", "broken")
    assert (ended.done.stdout, ended.done.stderr) == ("1.0\n", "")
    (run,) = runs(client, "broken")
    assert "broken on purpose" in run.data.tags["cairn.autolog.warnings"]


def test_notebook_records_without_exec(cairn_server, client, tmp_path):
    package = Path(cairntest.ROOT) / "python"
    script = f"""
import sys; sys.path.insert(0, {str(package)!r})
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier
import cairn
cairn.autolog(experiment="notebook")
X, y = load_iris(return_X_y=True)
with cairn.run("mine", experiment="notebook") as run:
    DecisionTreeClassifier(max_depth=1).fit(X, y)
    cairn.log({{"loss": 0.5}}, step=3)
    cairn.params({{"rate": 0.1}})
print(run.id)
"""
    env = clean_environment(tmp_path / "home", CAIRN_SERVER=cairn_server.url, CAIRN_BIN=cairntest.cairn_bin())
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    wait_for(lambda: client.get_run(done.stdout.strip()).info.status == "FINISHED")
    run = client.get_run(done.stdout.strip())
    assert run.info.run_name == "mine"
    assert run.data.params["max_depth"] == "1"
    assert run.data.params["rate"] == "0.1"
    assert client.get_metric_history(run.info.run_id, "loss")[0].step == 3
    assert "training_accuracy_score" in run.data.metrics


def wait_for(condition, seconds=30):
    """Waits until the condition holds: the agent of a notebook ends after its Python."""
    import threading
    import time

    pause, deadline = threading.Event(), time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except Exception:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, "not delivered in time"
        pause.wait(0.05)


MANY_FITS = """
import sys
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
X, y = load_iris(return_X_y=True)
for seed in range(12):
    RandomForestClassifier(n_estimators=60, random_state=seed).fit(X, y)
print("trained")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a file system of its own, of a size, is made as Linux makes it")
@pytest.mark.parametrize("size", ["600k", "1200k"])  # full after a few fits, and at the very end
def test_full_disk_of_the_spool_is_said_and_costs_the_training_nothing(cairn_server, client, tmp_path, size):
    (tmp_path / "train.py").write_text(MANY_FITS)
    home = tmp_path / "home"
    home.mkdir()
    script = (f'mount -t tmpfs -o size={size} tmpfs "{home}" && exec "{cairntest.cairn_bin()}" exec '
              f'--server {cairn_server.url} --experiment full -- "{sys.executable}" train.py')
    ended = subprocess.run(["unshare", *([] if os.geteuid() == 0 else ["-r"]), "-m", "sh", "-c", script], cwd=tmp_path,
                           env=clean_environment(home), capture_output=True, text=True, timeout=300)
    assert "mount" not in ended.stderr, f"{ended.stderr}; allow user namespaces: sysctl kernel.unprivileged_userns_clone=1"
    assert (ended.returncode, ended.stdout) == (0, "trained\n"), ended.stderr
    assert re.search(r"cairn exec: \d+ records were dropped: the disk of the spool was full", ended.stderr), ended.stderr
    recorded = runs(client, "full")
    assert recorded and {run.info.status for run in recorded} == {"FINISHED"}, "room for the ends of runs is kept"
    warned = [run for run in recorded if "the disk of the spool was full" in run.data.tags.get("cairn.autolog.warnings", "")]
    assert len(warned) == 1, "the command's run says what was dropped"
