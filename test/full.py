#!/usr/bin/env python3
"""Runs what `make test` has no time for, and writes what was run into docs/test-full.md. `make test-full` calls it.

    python3 test/full.py [--seed N] [--fuzz-seconds N] [PART ...]
    python3 test/full.py --list          the parts, and what was run of them so far
    python3 test/full.py --render        writes the table anew, and runs nothing

A PART is the name of one, or the start of several: kills, versions, rapid, fuzz, or fuzz/internal/search. Without any, all
are run. Each that ends writes its own row, with its commit and day, and leaves the others: parts may be run one by one, on
different days. A part that fails does not keep the others from being run; the exit code is then 1.

Standard library only, Python 3.9 and newer.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import run as tests
from run import ROOT

sys.path.insert(0, str(ROOT / "test" / "env"))
import ensure

TABLE = ROOT / "docs" / "test-full.md"
HEADER = ["part", "what", "with", "counted", "seed", "time", "day", "commit", "verdict"]
FUZZ_SECONDS = 600
# Two targets at a time, with one worker each, whatever the machine has: so the whole takes a time that is known.
FUZZ_AT_ONCE = 2
# Checks of each rapid test, so many that a package takes some minutes. Those that are named here use both databases.
RAPID_CHECKS = {"internal/metric": 2_000, "internal/registry": 5_000, "internal/search": 20_000}
OTHER_RAPID_CHECKS = 100_000
# Files of one folder.
MANY_FILES = 100_000
KILL_TESTS = {
    "kills/server-sqlite": ("the server, in the middle of calls, on SQLite", "test/mlflow", "sqlite"),
    "kills/server-postgres": ("the server, in the middle of calls, on PostgreSQL", "test/mlflow", "postgres"),
    "kills/agent": ("the agent, while fits are recorded", "test/autolog", "agent"),
    "kills/adapter": ("the adapter, while fits are recorded", "test/autolog", "adapter"),
    "kills/delivery": ("the server, while fits are delivered", "test/autolog", "server_is_killed"),
}
# What speaks to PostgreSQL: tested once more through a PgBouncer in transaction mode.
POOLED = ["./graph", "./internal/artifact", "./internal/auth", "./internal/gc", "./internal/metric", "./internal/registry",
          "./internal/search", "./internal/store", "./internal/tracking", "./internal/webhook", "./server/..."]
VERSIONS = {
    "versions/older": ("older", "3.9", "the oldest Python of the hooks, with the mlflow and scikit-learn of its time"),
    "versions/newer": ("sklearn", "3.13", "a newer Python"),
}


@dataclass
class Options:
    seed: int
    fuzz_seconds: int


@dataclass
class Outcome:
    """What a part did: the cells of its row."""

    passed: bool
    counted: str
    versions: str = ""
    seed: str = ""


@dataclass
class Part:
    name: str
    what: str
    job: Callable[[Options], Outcome]
    # Whether it needs what run.py installs and builds.
    prepared: bool = True


def said(command, cwd=ROOT, env=None):
    """Runs a command, shows what it says as it comes, and gives that and whether it succeeded."""
    lines = []
    with subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return "".join(lines), process.returncode == 0


def go_version():
    return tests.output(["go", "env", "GOVERSION"])


def postgres_version():
    """As "PostgreSQL 15.14", of the one that tests start."""
    told = tests.output([os.path.join(os.environ["CAIRN_TEST_POSTGRES"], "postgres"), "--version"])
    return "PostgreSQL " + re.search(r"\d[\d.]*", told).group()


def pooled_versions():
    """Those of Go, PostgreSQL and the PgBouncer that tests start."""
    told = tests.output([os.environ["CAIRN_TEST_PGBOUNCER"], "--version"]).splitlines()[0]
    return f"{go_version()}, {postgres_version()}, {told}"


def pytest(python, arguments, postgres=True, **environment):
    """Runs pytest, and gives what it counted. The row names PostgreSQL where that was used."""
    with tempfile.TemporaryDirectory() as directory:
        counts = Path(directory) / "counts.json"
        env = {**os.environ, "CAIRN_TEST_COUNTS": str(counts), **environment}
        passed = subprocess.run([python, "-m", "pytest", *arguments], cwd=ROOT, env=env).returncode == 0
        told = json.loads(counts.read_text()) if counts.exists() else {"tests": {}, "counted": {}, "versions": {}}
    numbers = [f"{number:,} {kind}" for kind, number in told["tests"].items() if number or kind == "passed"]
    numbers += [f"{number:,} {what}" for what, number in told["counted"].items()]
    versions = [f"{what} {version}" for what, version in told["versions"].items()]
    return Outcome(passed, ", ".join(numbers), ", ".join(versions + [postgres_version()] * postgres))


def kills(folder, chosen):
    def job(options):
        outcome = pytest(os.environ["CAIRN_TEST_PYTHON"], [f"{folder}/test_kills.py", "-k", chosen], chosen == "postgres",
                         CAIRN_TEST_FULL="1", CAIRN_TEST_SEED=str(options.seed))
        outcome.seed = str(options.seed)
        return outcome

    return job


def versions(environment, version):
    def job(options):
        python = str(ensure.ensure(ROOT / "test" / "env" / f"{environment}.lock", version))
        return pytest(python, ["test/autolog", "test/mlflow", "test/package", "python/tests"])

    return job


def go(options):
    os.environ["CAIRN_TEST_FULL"] = "1"
    try:
        plain, racy = tests.go_tests("60m")
    finally:
        del os.environ["CAIRN_TEST_FULL"]
    return Outcome(True, f"{plain + racy} packages, {racy} of them under the race detector",
                   f"{go_version()}, {postgres_version()}")


def fleet(options):
    env = {**os.environ, "CGO_ENABLED": "0", "CAIRN_TEST_FULL": "1"}
    command = ["go", "test", "-v", "-count=1", "-timeout", "60m", "-run", "^TestReplicasLoseNothing$", "./cmd/cairn"]
    text, passed = said(command, env=env)
    counted = re.search(r"\d+ kills, .*", text)
    return Outcome(passed and counted is not None, counted.group() if counted else "", pooled_versions())


def many_files(options):
    env = {**os.environ, "CGO_ENABLED": "0", "CAIRN_TEST_FILES": str(MANY_FILES)}
    command = ["go", "test", "-v", "-count=1", "-timeout", "60m", "-run", "^TestManyFilesInAFolder$", "./server"]
    text, passed = said(command, env=env)
    took = re.findall(r"--- PASS: TestManyFilesInAFolder/(\w+) \((\d+)\.\d+s\)", text)
    counted = ", ".join(f"{seconds} s on {database}" for database, seconds in took)
    return Outcome(passed and len(took) == 2, f"{MANY_FILES:,} files: {counted}", f"{go_version()}, {postgres_version()}")


def pooled(options):
    env = {**os.environ, "CGO_ENABLED": "0", "CAIRN_TEST_POOLED": "1"}
    text, passed = said(["go", "test", "-count=1", "-timeout", "60m", *POOLED], env=env)
    return Outcome(passed, f"{len(re.findall(r'^ok ', text, re.M))} packages", pooled_versions())


def python(options):
    return pytest(os.environ["CAIRN_TEST_PYTHON"], [f"--ignore={path}" for path in tests.FRAMEWORKS + tests.NOTEBOOKS])


def frameworks(options):
    return pytest(os.environ["CAIRN_TEST_FRAMEWORKS"], tests.FRAMEWORKS, CAIRN_TEST_FULL="1")


def notebooks(options):
    return pytest(os.environ["CAIRN_TEST_NOTEBOOK_PYTHON"], tests.NOTEBOOKS, postgres=False)


def ui(options):
    text, passed = said(["node", "--test"], cwd=ROOT / "test/ui", env={**os.environ, "NO_COLOR": "1"})
    numbers = {kind: int(number) for kind, number in re.findall(r"^\S+ (pass|fail) (\d+)$", text, re.M)}
    counted = ", ".join(f"{number} {kind}ed" for kind, number in numbers.items())
    return Outcome(passed and numbers.get("pass", 0) > 0, counted, "Node " + tests.output(["node", "--version"]))


def platforms(options):
    text, passed = said(["sh", "tools/crosscheck.sh", "--build"])
    return Outcome(passed, f"{len(re.findall(r'^   [a-z]+/[a-z0-9]+$', text, re.M))} platforms", go_version())


def functions(pattern):
    """The functions of Go's tests whose text has a match of pattern, by package folder."""
    found = {}
    for path in tests.output(["git", "ls-files", "*_test.go"]).splitlines():
        for name, body in re.findall(r"^func ((?:Test|Fuzz)\w*)\(.*?\n(.*?)^}", (ROOT / path).read_text(), re.M | re.S):
            if re.search(pattern, name + body):
                found.setdefault(str(Path(path).parent), []).append(name)
    return found


def rapid(package, names):
    def job(options):
        checks = RAPID_CHECKS.get(package, OTHER_RAPID_CHECKS)
        env = {**os.environ, "CGO_ENABLED": "0", "RAPID_CHECKS": str(checks), "RAPID_SEED": str(options.seed)}
        chosen = f"^({'|'.join(names)})$"
        text, passed = said(["go", "test", "-v", "-count=1", "-timeout", "60m", "-run", chosen, f"./{package}"], env=env)
        done = [int(number) for number in re.findall(r"\[rapid\] OK, passed (\d+) tests", text)]
        return Outcome(passed and len(done) >= len(names), f"{sum(done):,} checks of {len(done)} properties",
                       f"{go_version()}, {postgres_version()}", str(options.seed))

    return job


def fuzz(package, target):
    def job(options):
        text, passed = tests.fuzz_one(f"./{package}", target, options.fuzz_seconds)
        execs = re.findall(r"execs: (\d+)", text)
        found = re.findall(r"new interesting: (\d+) \(total: (\d+)\)", text)
        if not execs or not found:
            return Outcome(False, "fuzzing did not begin", go_version())
        counted = f"{int(execs[-1]):,} inputs tried in {options.fuzz_seconds} s, {found[-1][1]} kept"
        return Outcome(passed, counted, go_version())

    return job


def parts():
    """All parts, in the order in which they are run."""
    for name, (what, folder, chosen) in KILL_TESTS.items():
        yield Part(name, "kill -9 of " + what, kills(folder, chosen))
    yield Part("kills/fleet", "kill -9 of each of three servers, three NATS and PostgreSQL behind PgBouncer, in turn", fleet)
    for name, (environment, version, what) in VERSIONS.items():
        yield Part(name, what, versions(environment, version))
    for package, names in functions(r"rapid\.Check\(").items():
        yield Part(f"rapid/{package}", "more checks of " + ", ".join(names), rapid(package, names))
    yield Part("tests/go", "all Go tests, some with larger sizes", go)
    yield Part("tests/files", f"{MANY_FILES:,} files uploaded into one folder, listed and deleted", many_files)
    yield Part("tests/pooled", "the core and its shells on PostgreSQL behind PgBouncer in transaction mode", pooled)
    yield Part("tests/python", "all Python tests but those of other frameworks", python)
    yield Part("tests/frameworks", "autologging of mlflow itself, of xgboost, lightgbm and keras", frameworks)
    yield Part("tests/notebooks", "the notebooks in docs/examples with a real kernel, polars, the live chart", notebooks)
    yield Part("tests/ui", "all tests in a browser", ui)
    yield Part("platforms", "builds for every platform", platforms, prepared=False)
    for package, names in functions(r"^Fuzz").items():
        for name in names:
            yield Part(f"fuzz/{package}/{name}", "fuzzing with one worker", fuzz(package, name), prepared=False)


class Table:
    """docs/test-full.md: one row for each part, the last that was run of it."""

    def __init__(self, path, chosen):
        self.path = path
        self.parts = chosen
        self.lock = threading.Lock()
        self.rows = {}
        if path.exists():
            for line in path.read_text().splitlines():
                cells = [cell.strip() for cell in line.strip("|").split("|")]
                if line.startswith("|") and len(cells) == len(HEADER) and cells[0] != HEADER[0]:
                    self.rows[cells[0].strip("`")] = cells

    def set(self, part, outcome, seconds, day, commit):
        verdict = "passed" if outcome.passed else "**failed**"
        cells = [f"`{part.name}`", part.what, outcome.versions, outcome.counted, outcome.seed, f"{seconds:.0f} s", day,
                 commit, verdict]
        with self.lock:
            self.rows[part.name] = [cell.replace("|", "/") for cell in cells]
            self.write()

    def row(self, part):
        return self.rows.get(part.name) or [f"`{part.name}`", part.what, *[""] * (len(HEADER) - 3), "not run"]

    def write(self):
        lines = [HEADER, ["---"] * len(HEADER), *(self.row(part) for part in self.parts)]
        self.path.write_text(INTRODUCTION + "\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in lines))


INTRODUCTION = f"""# What `make test-full` has run

Written by `test/full.py`. Each part is run by itself, and its row is that of its last run: with what, what it counted
itself, from which seed its pauses and inputs were drawn, how long it took, on which day and commit (`-dirty` where files of
it were changed). `make test-full` runs all, `make test-full ARGS="kills fuzz/internal/search"` those whose names begin so.
`--seed N` draws the same pauses and inputs again; what a kill hits is also the machine's luck.

A fuzz target runs for {FUZZ_SECONDS // 60} minutes (`--fuzz-seconds`), {FUZZ_AT_ONCE} at a time with one worker each.
"""


def commit():
    """The commit of the checkout, and whether something but the table differs from it."""
    told = tests.output(["git", "rev-parse", "--short=12", "HEAD"])
    changed = tests.output(["git", "status", "--porcelain", "--", ".", f":!{TABLE.relative_to(ROOT)}"])
    return told + ("-dirty" if changed else "")


def run_part(part, options, table, at):
    """Runs a part, writes its row, and tells whether it passed."""
    began, day = time.monotonic(), time.strftime("%Y-%m-%d")
    print(f"== {part.name}: {part.what}", flush=True)
    try:
        outcome = part.job(options)
    except (tests.Failure, ensure.EnsureError, subprocess.CalledProcessError) as err:
        print(err, flush=True)
        outcome = Outcome(False, str(err))
    seconds = time.monotonic() - began
    table.set(part, outcome, seconds, day, at)
    print(f"   {part.name}: {'passed' if outcome.passed else 'FAILED'} in {seconds:.0f} s: {outcome.counted}", flush=True)
    return outcome.passed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="print the parts, and run nothing")
    parser.add_argument("--render", action="store_true", help="write the table anew, and run nothing")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000,
                        help="draw the same pauses and inputs again")
    parser.add_argument("--fuzz-seconds", type=int, default=FUZZ_SECONDS, help="for each target")
    parser.add_argument("names", nargs="*", metavar="PART", help="only the parts whose names begin so")
    options = parser.parse_args()
    everything = list(parts())
    table = Table(TABLE, everything)
    chosen = [part for part in everything if not options.names or part.name.startswith(tuple(options.names))]
    for name in options.names:
        if not any(part.name.startswith(name) for part in everything):
            parser.error(f"no part begins with {name!r}; --list names them")
    if options.list:
        for part in chosen:
            print(f"{part.name:45} {table.row(part)[-1]:10} {part.what}")
        return 0
    if options.render:
        table.write()
        return 0
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    at = commit()
    if any(part.prepared for part in chosen):
        try:
            tests.prepare()
        except tests.Failure as err:
            print(f"test-full: {err}", file=sys.stderr)
            return 1
    alone = [part for part in chosen if not part.name.startswith("fuzz/")]
    passed = [run_part(part, options, table, at) for part in alone]
    with concurrent.futures.ThreadPoolExecutor(FUZZ_AT_ONCE) as pool:
        passed += pool.map(lambda part: run_part(part, options, table, at), [part for part in chosen if part not in alone])
    print(f"== {passed.count(True)} of {len(passed)} parts passed; {TABLE.relative_to(ROOT)} has them")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
