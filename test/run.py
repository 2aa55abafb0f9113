#!/usr/bin/env python3
"""Runs all of Cairn's tests: Go, Python, clients in JavaScript, browser. `make test` calls it.

    python3 test/run.py [PART ...]     parts: go python clients ui

It first installs, per user and once, what the tests need, while the program is
being built. The first part that fails ends the run with exit code 1.
test/full.py is for what this has no time for.

Standard library only, Python 3.9 and newer.
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The packages with goroutines of their own, tested under the race detector.
# The others are tested without it, which halves the time to compile them.
RACE = [
    "./graph/...",
    "./internal/artifact/...",
    "./internal/auth/...",
    "./internal/autolog/...",
    "./internal/client/...",
    "./internal/live/...",
    "./internal/metric",
    "./internal/store/...",
    "./internal/tracking/...",
    "./internal/webhook/...",
    "./plugins/sdk/...",
    "./server/...",
]
PARTS = ["go", "python", "clients", "ui"]
NODE = ["examples/clients/typescript", "test/clients", "test/ui"]

# What reads bytes from outside or from disk is fuzzed in every run; test/full.py fuzzes all targets, and for long.
FUZZED = {
    "./internal/metric": ["FuzzDecodeBatch", "FuzzDecodePack", "FuzzDecodeRollup"],
    "./internal/registry": ["FuzzSignature"],
    "./internal/search": ["FuzzParse"],
    "./server/mlflow": ["FuzzReader", "FuzzLogBatch"],
}
FUZZ_SECONDS = 10


class Failure(Exception):
    """A part failed; its own output, which was shown, says why."""


def run(command, cwd=ROOT, env=None):
    """Runs a command whose output goes straight to the terminal."""
    code = subprocess.run(command, cwd=cwd, env=env).returncode
    if code != 0:
        raise Failure(f"{' '.join(command[:6])} ... ended with exit code {code}")


def output(command, cwd=ROOT):
    """The standard output of a command, whose progress goes to the terminal."""
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)} ended with exit code {done.returncode}")
    return done.stdout.strip()


class Section:
    """Prints a header, and how many seconds what it heads took."""

    def __init__(self, title):
        self.title = title

    def __enter__(self):
        print(f"== {self.title}", flush=True)
        self.began = time.monotonic()

    def __exit__(self, kind, value, traceback):
        verdict = "" if kind is None else "FAILED "
        print(f"   {verdict}{self.title}: {time.monotonic() - self.began:.0f} s", flush=True)


def install_system():
    """PostgreSQL, its pooler, the browser, and the C compiler that the race detector needs."""
    script = ["sh", "tools/debian.sh", "postgresql", "pgbouncer", "chromium"]
    if sys.platform == "linux":
        script.append("gcc")
    found = output(script).splitlines()
    return {"CAIRN_TEST_POSTGRES": found[0], "CAIRN_TEST_PGBOUNCER": found[1], "CAIRN_TEST_CHROMIUM": found[2]}


def install_python(system):
    """The environments that tests train in. The last needs a C compiler, which `system` installs."""
    python = output([sys.executable, "test/env/ensure.py", "sklearn"])
    output([sys.executable, "test/env/ensure.py", "demo"])
    system.result()
    frameworks = output([sys.executable, "test/env/ensure.py", "frameworks"])
    notebooks = output([sys.executable, "test/env/ensure.py", "notebooks"])
    return {"CAIRN_TEST_PYTHON": python, "CAIRN_TEST_FRAMEWORKS": frameworks, "CAIRN_TEST_NOTEBOOK_PYTHON": notebooks}


def install_node():
    """The driver of the browser, and clients that are written in JavaScript."""
    for folder in NODE:
        lock = ROOT / folder / "package-lock.json"
        installed = ROOT / folder / "node_modules/.package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            output(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=ROOT / folder)
    return {}


def install_web():
    """What the web UI is built and tested with."""
    output(["sh", "tools/web.sh", "version"])
    return {}


def prepare():
    """Installs and builds all that the parts need, side by side.

    Sets what was found in this process's environment, where every test sees it.
    """
    with Section("install and build"), concurrent.futures.ThreadPoolExecutor() as pool:
        system = pool.submit(install_system)
        jobs = [system, pool.submit(install_python, system), pool.submit(install_node), pool.submit(install_web)]
        jobs.append(pool.submit(lambda: run(["sh", "tools/build.sh"]) or {}))
        for job in concurrent.futures.as_completed(jobs):
            os.environ.update(job.result())
    os.environ["CAIRN_BIN"] = str(ROOT / "bin" / "cairn")


def packages(patterns):
    """The packages under patterns that have tests."""
    template = "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"
    return output(["go", "list", "-f", template, *patterns]).split()


def go_tests(timeout="8m"):
    """Runs the Go tests; gives how many packages, without and with the race detector."""
    racy = packages([pattern for pattern in RACE if (ROOT / pattern.split("/...")[0]).is_dir()])
    plain = [package for package in packages(["./..."]) if package not in racy]
    with Section(f"Go, {len(plain)} packages"):
        # Without cgo, as the program is built: what was compiled for it serves here.
        run(["go", "test", "-timeout", timeout, *plain], env={**os.environ, "CGO_ENABLED": "0"})
    with Section(f"Go with the race detector, {len(racy)} packages"):
        run(["go", "test", "-race", "-timeout", timeout, *racy], env={**os.environ, "CGO_ENABLED": "1"})
    return len(plain), len(racy)


def go():
    go_tests()
    fuzz()


# What needs the environment `frameworks`; the other one leaves it out.
FRAMEWORKS = ["test/mlflow/test_frameworks.py", "test/frameworks"]
# What needs the environment `notebooks`.
NOTEBOOKS = ["test/notebooks"]


def python():
    with Section("Python"):
        run([os.environ["CAIRN_TEST_PYTHON"], "-m", "pytest", *(f"--ignore={path}" for path in FRAMEWORKS + NOTEBOOKS)])
    with Section("Python, other frameworks"):
        run([os.environ["CAIRN_TEST_FRAMEWORKS"], "-m", "pytest", *FRAMEWORKS])
    with Section("Python, notebooks"):
        run([os.environ["CAIRN_TEST_NOTEBOOK_PYTHON"], "-m", "pytest", *NOTEBOOKS])


def clients():
    with Section("clients in JavaScript, and the schema"):
        run(["node", "--test"], cwd=ROOT / "test/clients")


def ui():
    with Section("the web UI's units"):
        run(["sh", "tools/web.sh", "test"])
    with Section("web pages in a browser"):
        run(["node", "--test"], cwd=ROOT / "test/ui")


def fuzz_one(package, target, seconds):
    """Fuzzes one target with one worker; gives what was said, and whether nothing was found."""
    # By default a minute goes by while one input is made smaller.
    command = ["go", "test", "-run", "^$", "-fuzz", f"^{target}$", "-fuzztime", f"{seconds}s", "-fuzzminimizetime", "50x",
               "-parallel", "1", package]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "CGO_ENABLED": "0"}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(done.stdout, flush=True)
    return done.stdout, done.returncode == 0


def fuzz_all(package, targets):
    for target in targets:
        _, passed = fuzz_one(package, target, FUZZ_SECONDS)
        if not passed:
            raise Failure(f"{target} of {package} found something")


def fuzz():
    with Section(f"fuzzing, {FUZZ_SECONDS} s for each target"), concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(fuzz_all, package, targets) for package, targets in FUZZED.items()]
        for job in jobs:
            job.result()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these parts: " + " ".join(PARTS))
    arguments = parser.parse_args()
    for part in arguments.parts:
        if part not in PARTS:
            parser.error(f"no part {part!r}; there are: {', '.join(PARTS)}")
    # The mlflow client, which many tests drive, would report to its makers.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

    began = time.monotonic()
    try:
        prepare()
        for part, job in (("go", go), ("python", python), ("clients", clients), ("ui", ui)):
            if not arguments.parts or part in arguments.parts:
                job()
    except Failure as err:
        print(f"test: {err}", file=sys.stderr)
        return 1
    print(f"== all passed in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
