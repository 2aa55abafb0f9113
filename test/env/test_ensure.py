"""Tests of the script that builds the environments."""

import concurrent.futures
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("ensure.py")


def load():
    spec = importlib.util.spec_from_file_location("ensure", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ensure(tmp_path, monkeypatch):
    monkeypatch.setenv("CAIRN_TEST_CACHE", str(tmp_path / "cache"))
    module = load()
    # No package is installed here: what is tested is the building, not the index.
    monkeypatch.setattr(module, "find_uv", lambda: None)
    builds = []

    def build_with_pip(target, lock, base):
        builds.append(target)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", target], check=True)

    monkeypatch.setattr(module, "build_with_pip", build_with_pip)
    module.builds = builds
    return module


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "small.lock"
    path.write_text("# nothing\n")
    return path


def test_builds_once_and_answers_a_working_python(ensure, lock):
    python = ensure.ensure(lock)
    assert subprocess.run([python, "-c", "pass"]).returncode == 0
    assert ensure.ensure(lock) == python
    assert len(ensure.builds) == 1


def test_another_lock_is_another_environment(ensure, lock):
    first = ensure.ensure(lock)
    lock.write_text("# something else\n")
    assert ensure.ensure(lock) != first


def test_another_python_is_another_environment(ensure, lock, monkeypatch):
    found = ensure.find_python()
    monkeypatch.setattr(ensure, "find_python", lambda version: found)
    assert ensure.ensure(lock) != ensure.ensure(lock, "3.9")
    assert [path.name[-6:] == "-py3.9" for path in ensure.builds] == [False, True]


def test_pythons_are_found_among_those_of_pyenv(ensure, tmp_path, monkeypatch):
    kept = tmp_path / "versions" / "3.77.1" / "bin" / "python3.77"
    kept.parent.mkdir(parents=True)
    kept.write_text("#!/bin/sh\nexit 0\n")
    kept.chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert ensure.find_python("3.77") == str(kept)
    assert ensure.first_python(["3.78", "3.77", "3.11"]) == "3.77"
    kept.write_text("#!/bin/sh\nexit 127\n")  # as a version manager's shim whose version is not installed
    assert ensure.first_python(["3.78", "3.77"]) is None
    with pytest.raises(ensure.EnsureError, match="apt-get install python3.77"):
        ensure.find_python("3.77")


def test_calls_at_the_same_time_build_once(ensure, lock):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: ensure.ensure(lock), range(8)))
    assert len(found) == 1
    assert len(ensure.builds) == 1


def test_what_was_cut_short_is_built_again(ensure, lock):
    python = ensure.ensure(lock)
    directory = python.parent.parent
    (directory / ensure.COMPLETE).unlink()
    (directory / "rest").touch()
    ensure.ensure(lock)
    assert len(ensure.builds) == 2
    assert not (directory / "rest").exists()


def test_a_python_that_has_gone_is_replaced(ensure, lock):
    python = ensure.ensure(lock)
    python.unlink()
    python.symlink_to("/nonexistent/python3.11")
    assert subprocess.run([ensure.ensure(lock), "-c", "pass"]).returncode == 0


def test_a_failed_build_is_not_taken_for_an_environment(ensure, lock, monkeypatch):
    def fail(target, lock, base):
        raise subprocess.CalledProcessError(1, ["pip", "install"])

    good = ensure.build_with_pip
    monkeypatch.setattr(ensure, "build_with_pip", fail)
    with pytest.raises(subprocess.CalledProcessError):
        ensure.ensure(lock)
    monkeypatch.setattr(ensure, "build_with_pip", good)
    ensure.ensure(lock)
    assert len(ensure.builds) == 1


def test_an_unknown_name_lists_the_known_ones():
    done = subprocess.run([sys.executable, SCRIPT, "no-such"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "sklearn" in done.stderr
    assert done.stdout == ""


def test_a_base_python_that_does_not_start_is_named(tmp_path):
    environment = {**os.environ, "CAIRN_TEST_CACHE": str(tmp_path), "CAIRN_TEST_BASE_PYTHON": "/nonexistent/python"}
    done = subprocess.run([sys.executable, SCRIPT, "lint"], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "CAIRN_TEST_BASE_PYTHON=/nonexistent/python" in done.stderr
