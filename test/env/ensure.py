#!/usr/bin/env python3
"""Builds the Python environments that tests, demo and benchmarks run in.

    python3 test/env/ensure.py NAME [VERSION]   prints the path of NAME's python
    python3 test/env/ensure.py --uv             prints the path of uv

An environment is built once from NAME.lock, which names every package with its
version and hashes, and is kept outside the checkout in
${CAIRN_TEST_CACHE:-~/.cache/cairn-test}/env/NAME-<start of the lock's SHA-256>
(and of what is run after its installation, AFTER), with -py3.9 behind it where VERSION is another one than 3.11.
Calls that run at the same time wait for the one that builds. Progress goes to
stderr; stdout holds the path alone. Nothing is ever removed from the cache,
except the rest of a build that was cut short.

Standard library only. It runs on Python 3.9 and newer, and builds with 3.11:
the one that CAIRN_TEST_BASE_PYTHON names, else the running interpreter where it
is one, else the python3.11 found on PATH or among pyenv's. VERSION asks for
another than 3.11.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = "3.11"
# Scripts that are run with an environment's site-packages once its packages are installed, on Linux.
AFTER = {"frameworks": HERE.parent.parent / "tools" / "torch_cpu.py"}
# Written last: a directory without it is the rest of a build that was cut short.
COMPLETE = ".complete"


class EnsureError(Exception):
    """Something is missing on this machine; the message says what to do."""


def say(text):
    print(f"ensure: {text}", file=sys.stderr, flush=True)


def cache_dir():
    """The directory of everything that is built once per user, not per checkout."""
    configured = os.environ.get("CAIRN_TEST_CACHE")
    return Path(configured) if configured else Path.home() / ".cache" / "cairn-test"


def run(*command, env=None):
    """Runs a command with its output on stderr, where progress belongs."""
    subprocess.run([str(c) for c in command], check=True, stdout=sys.stderr, env=env)


@contextlib.contextmanager
def locked(path):
    """Holds an exclusive lock; the kernel frees it when its holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another call builds {path.stem}; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def is_python(version, command):
    """Whether command is an interpreter of this version that starts.

    Starting it matters: a version manager's shim stands on PATH even where
    the version behind it is not installed.
    """
    check = f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != {version!r})"
    try:
        return subprocess.run([command, "-c", check], capture_output=True).returncode == 0
    except OSError:
        return False


def find_python(version=PYTHON):
    """The interpreter of a version that environments are built with."""
    name = f"python{version}"
    configured = os.environ.get("CAIRN_TEST_BASE_PYTHON")
    if configured and version == PYTHON:
        if is_python(version, configured):
            return configured
        raise EnsureError(f"CAIRN_TEST_BASE_PYTHON={configured} is not a working {name}")
    if "%d.%d" % sys.version_info[:2] == version and sys.prefix == sys.base_prefix:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    kept = sorted(pyenv.glob(f"versions/{version}.*/bin"))
    for directory in [*os.get_exec_path(), *kept]:
        candidate = os.path.join(directory, name)
        if os.access(candidate, os.X_OK) and is_python(version, candidate):
            return candidate
    raise EnsureError(
        f"no {name} found; install it (Debian: apt-get install {name} {name}-venv)"
        + (f", or name one: CAIRN_TEST_BASE_PYTHON=/path/to/{name}" if version == PYTHON else "")
    )


def first_python(versions):
    """The first of some versions that is on this machine, or None."""
    for version in versions:
        with contextlib.suppress(EnsureError):
            find_python(version)
            return version
    return None


def install_uv(target):
    """Installs the pinned uv into target, which does not exist yet."""
    python = find_python()
    lock = HERE / "uv.lock"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", lock]
    try:
        run(python, "-m", "venv", target)
        run(target / "bin" / "python", "-m", "pip", "install", *options)
        return
    except subprocess.CalledProcessError:
        shutil.rmtree(target, ignore_errors=True)
    # Debian's Python comes without ensurepip, and still may have a pip.
    run(python, "-m", "pip", "install", "--target", target, *options)


def find_uv():
    """The path of a uv: the user's own, else one installed into the cache, else None."""
    found = shutil.which("uv")
    if found:
        return Path(found)
    key = hashlib.sha256((HERE / "uv.lock").read_bytes()).hexdigest()[:12]
    target = cache_dir() / "env" / f"uv-{key}"
    with locked(target.with_suffix(".lock")):
        if not (target / COMPLETE).exists():
            shutil.rmtree(target, ignore_errors=True)
            say("installing uv")
            try:
                install_uv(target)
            except subprocess.CalledProcessError as err:
                say(f"uv could not be installed ({err}); falling back to pip")
                return None
            (target / COMPLETE).touch()
    return target / "bin" / "uv"


def uv_environment():
    """uv does not read pip's settings: hand it the index that pip was given."""
    env = dict(os.environ)
    env.setdefault("UV_HTTP_TIMEOUT", "180")
    if "PIP_INDEX_URL" in env:
        env.setdefault("UV_DEFAULT_INDEX", env["PIP_INDEX_URL"])
    return env


def build_with_uv(uv, target, lock, base):
    env = uv_environment()
    run(uv, "venv", "--quiet", "--no-project", "--python", base, target, env=env)
    # Compiled now, as pip does: where PYTHONDONTWRITEBYTECODE is set, every start
    # of mlflow would otherwise compile its 2,000 modules anew.
    run(uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--compile-bytecode",
        "--python", target / "bin" / "python", "-r", lock, env=env)


def build_with_pip(target, lock, base):
    run(base, "-m", "venv", target)
    run(target / "bin" / "python", "-m", "pip", "install", "--quiet",
        "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", lock)


def build(target, lock, base):
    """Builds the environment of lock in target from the interpreter base, with uv or else with pip."""
    uv = find_uv()
    if uv is not None:
        try:
            build_with_uv(uv, target, lock, base)
            return
        except subprocess.CalledProcessError as err:
            say(f"uv failed ({err}); trying pip")
            shutil.rmtree(target, ignore_errors=True)
    build_with_pip(target, lock, base)


def ensure(lock, version=PYTHON):
    """The python of the environment that lock describes, built if need be."""
    name = lock.stem
    after = AFTER.get(name) if sys.platform == "linux" else None
    made_of = lock.read_bytes() + (after.read_bytes() if after else b"")
    key = hashlib.sha256(made_of).hexdigest()[:12]
    target = cache_dir() / "env" / (f"{name}-{key}" + (f"-py{version}" if version != PYTHON else ""))
    python = target / "bin" / "python"

    def ready():
        # The interpreter is a link to the machine's own, which may have gone.
        return (target / COMPLETE).exists() and python.exists()

    if ready():
        return python
    with locked(target.with_name(target.name + ".lock")):
        if ready():
            return python
        # Built in its final place, since an environment cannot be moved.
        shutil.rmtree(target, ignore_errors=True)
        say(f"building the environment {name} (once)")
        began = time.monotonic()
        build(target, lock, find_python(version))
        if after:
            run(sys.executable, after, target / "lib" / f"python{version}" / "site-packages")
        (target / COMPLETE).touch()
        say(f"built {name} in {time.monotonic() - began:.0f} s")
    return python


def main(arguments):
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    name = arguments[0]
    names = sorted(path.stem for path in HERE.glob("*.lock") if path.stem != "uv")
    try:
        if name == "--uv":
            uv = find_uv()
            if uv is None:
                raise EnsureError("uv could not be installed; the lines above say why")
            print(uv)
            return 0
        if name not in names:
            raise EnsureError(f"no environment {name!r}; there are: {', '.join(names)}")
        print(ensure(HERE / f"{name}.lock", *arguments[1:]))
        return 0
    except EnsureError as err:
        say(str(err))
    except subprocess.CalledProcessError as err:
        say(f"building {name} failed: {' '.join(err.cmd)} ended with {err.returncode}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
