"""Fixtures of the tests of projects."""

import pytest
from projects.project import Runner


@pytest.fixture
def cairn_run(shared_server, tmp_path):
    return Runner(shared_server.url, tmp_path)
