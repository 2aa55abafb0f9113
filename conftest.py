"""Which Python tests are run: those of `@pytest.mark.since(what, version, reason)` are left out where something older or
nothing of it is installed, those of `@pytest.mark.full(reason)` but in `make test-full`. They are named at the end of the
run."""

import collections
import importlib.metadata
import itertools
import json
import os
import platform

import pytest

# The tests that were left out, by what they need and why.
LEFT_OUT = pytest.StashKey()
# The versions that a run is described by.
NAMED = ["python", "mlflow", "scikit-learn", "xgboost-cpu", "lightgbm", "keras", "jax"]


def installed(what):
    """The version of a distribution, or of python; None where it is not there."""
    if what == "python":
        return platform.python_version()
    try:
        return importlib.metadata.version(what)
    except importlib.metadata.PackageNotFoundError:
        return None


def release(version):
    """The numbers of a version, to compare: (3, 17, 2)."""
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


def lacking(item):
    """What a test needs that is not here, each with the reason why it does."""
    for what, version, reason in (mark.args for mark in item.iter_markers("since")):
        found = installed(what)
        if found is None or release(found) < release(version):
            yield f"{what} {version}, not {found or 'there'}: {reason}"
    for mark in item.iter_markers("full"):
        if not os.environ.get("CAIRN_TEST_FULL"):
            yield f"make test-full: {mark.args[0]}"


def pytest_collection_modifyitems(config, items):
    left_out, chosen = collections.defaultdict(list), []
    for item in items:
        missing = next(lacking(item), None)
        (chosen if missing is None else left_out[missing]).append(item)
    config.stash[LEFT_OUT] = left_out
    config.hook.pytest_deselected(items=[item for group in left_out.values() for item in group])
    items[:] = chosen


def pytest_terminal_summary(terminalreporter, config):
    """Names the tests that were left out, and gives what tests counted by record_property, and how they ended."""
    left_out = config.stash.get(LEFT_OUT, {})
    if left_out:
        terminalreporter.section("left out")
    for reason, items in left_out.items():
        terminalreporter.write_line(f"needs {reason}")
        for item in items:
            terminalreporter.write_line(f"    {item.nodeid}")
    stats = terminalreporter.stats
    counts = {kind: len(stats.get(kind, [])) for kind in ("passed", "failed", "error", "skipped")}
    counts["left out"] = sum(len(items) for items in left_out.values())
    counted = collections.Counter()
    for report in itertools.chain.from_iterable(stats.values()):
        if getattr(report, "when", None) == "teardown":  # it has the properties of the whole test
            counted.update(dict(report.user_properties))
    if counted:
        terminalreporter.write_line("counted: " + ", ".join(f"{number} {what}" for what, number in counted.items()))
    if path := os.environ.get("CAIRN_TEST_COUNTS"):
        with open(path, "w") as file:
            versions = {what: version for what in NAMED if (version := installed(what))}
            json.dump({"tests": counts, "counted": counted, "versions": versions}, file)
