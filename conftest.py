"""Which Python tests are for the versions that are installed: those of `@pytest.mark.since(what, version, reason)` are
left out where something older is, and named at the end of the run."""

import collections
import importlib.metadata
import json
import os
import platform

import pytest

# The tests that were left out, by what they need and why.
LEFT_OUT = pytest.StashKey()


def installed(what):
    """The version of a distribution, or of python."""
    return platform.python_version() if what == "python" else importlib.metadata.version(what)


def release(version):
    """The numbers of a version, to compare: (3, 17, 2)."""
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


def pytest_collection_modifyitems(config, items):
    left_out, chosen = collections.defaultdict(list), []
    for item in items:
        reasons = [f"{what} {version}, not {installed(what)}: {reason}"
                   for what, version, reason in (mark.args for mark in item.iter_markers("since"))
                   if release(installed(what)) < release(version)]
        if reasons:
            left_out[reasons[0]].append(item)
        else:
            chosen.append(item)
    config.stash[LEFT_OUT] = left_out
    config.hook.pytest_deselected(items=[item for group in left_out.values() for item in group])
    items[:] = chosen


def pytest_terminal_summary(terminalreporter, config):
    """Names the tests that were left out, and counts all tests for test/run.py."""
    left_out = config.stash.get(LEFT_OUT, {})
    if left_out:
        terminalreporter.section("left out for the versions here")
    for reason, items in left_out.items():
        terminalreporter.write_line(f"needs {reason}")
        for item in items:
            terminalreporter.write_line(f"    {item.nodeid}")
    if path := os.environ.get("CAIRN_TEST_COUNTS"):
        stats = terminalreporter.stats
        counts = {kind: len(stats.get(kind, [])) for kind in ("passed", "failed", "error", "skipped")}
        counts["left out"] = sum(len(items) for items in left_out.values())
        with open(path, "w") as file:
            json.dump(counts, file)
