"""Fixtures of the tests of Cairn's Python side."""

import subprocess
import sys

import pytest
from tests.fake_agent import FakeAgent


@pytest.fixture
def start_agent(tmp_path):
    """Starts test agents; all end with the test."""
    started = []

    def start(**options):
        agent = FakeAgent(tmp_path / ("agent%d" % len(started)), **options)
        started.append(agent)
        return agent

    yield start
    for agent in started:
        agent.close()


@pytest.fixture
def toy(tmp_path):
    """A directory with an imaginary framework, toyframe, whose core module is watched."""
    package = tmp_path / "toy" / "toyframe"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from . import core\n")
    (package / "core.py").write_text("def train(n):\n    return n\n")
    return package.parent


@pytest.fixture
def python(tmp_path):
    """Runs a Python program under an agent: python(agent, code_or_arguments, **environment)."""

    def run(agent, program, *arguments, check=True, executable=sys.executable, late=False, **environment):
        """late: the agent's address comes as CAIRN_AGENT_SOCKET_LATER, and nothing connects by itself."""
        if late:
            environment.update(CAIRN_AGENT_SOCKET="", CAIRN_AGENT_SOCKET_LATER=agent.path)
        if isinstance(program, str):
            script = tmp_path / "train.py"
            script.write_text(program)
            program = [str(script), *arguments]
        done = subprocess.run(
            [executable, *program],
            env=agent.environment(**environment),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run
