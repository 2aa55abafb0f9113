"""Fixtures of the tests of projects."""

import os
import subprocess
import sys

import cairntest
import pytest
from projects.project import Runner, wheel


@pytest.fixture
def cairn_run(shared_server, tmp_path):
    return Runner(shared_server.url, tmp_path)


@pytest.fixture
def packages(tmp_path):
    """The environment in which installers know the packages of a folder only."""
    folder = tmp_path / "wheels"
    for version in ("1.0", "2.0"):
        wheel(folder, "tinything", version)
    ensure = [sys.executable, cairntest.ROOT / "test" / "env" / "ensure.py", "--uv"]
    uv = subprocess.run(ensure, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    clear = {name: "" for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX")}
    return {
        **clear, "PIP_FIND_LINKS": str(folder), "PIP_NO_INDEX": "1", "UV_NO_INDEX": "1", "UV_PYTHON_DOWNLOADS": "never",
        "uv": os.path.dirname(uv),
    }
