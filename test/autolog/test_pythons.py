"""`cairn exec` with every Python on this machine: those new enough for the hook are recorded, the others just run."""

import glob
import os
import shutil
import subprocess
import sys

import pytest
from autolog.exec import Exec, runs

OLDEST = (3, 9)
# It is Python 2 as well as Python 3.
SCRIPT = "import sys; sys.stdout.write('%d.%d\\n' % sys.version_info[:2]); sys.exit(3)"


def pythons():
    """One interpreter of each version, by version: of this test, on PATH, among pyenv's, and where Debian puts its own."""
    found = {}
    names = [sys.executable, shutil.which("python3"), "/usr/bin/python3"]
    names += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python")))
    for name in filter(None, names):
        try:
            told = subprocess.run([name, "-c", SCRIPT], capture_output=True, text=True, timeout=60)
        except OSError:
            continue
        if told.returncode == 3:
            found.setdefault(tuple(map(int, told.stdout.split("."))), name)
    return found


@pytest.mark.parametrize(("version", "python"), sorted(pythons().items()), ids=str)
def test_every_python_here_runs_as_without_cairn(shared_server, shared_client, tmp_path, version, python):
    named = "%d.%d" % version
    ended = Exec(shared_server.url, tmp_path, [python, "-c", SCRIPT], "--experiment", "python " + named)
    assert (ended.done.returncode, ended.done.stdout) == (3, named + "\n")
    (run,) = runs(shared_client, "python " + named)
    assert run.info.status == "FAILED"
    artifacts = {artifact.path for artifact in shared_client.list_artifacts(run.info.run_id)}
    if version < OLDEST:
        assert f"Python {named} is too old for Cairn's hook" in run.data.tags["cairn.autolog.warnings"]
        assert f"Python {named} is too old for Cairn's hook" in ended.done.stderr
    else:
        assert ended.done.stderr == ""
        assert "cairn.autolog.warnings" not in run.data.tags
        listed = "import importlib.metadata as m, sys; sys.exit(not any(True for _ in m.distributions()))"
        packages = subprocess.run([python, "-c", listed]).returncode == 0
        assert ("requirements.txt" in artifacts) == packages
