"""Fixtures of the tests of adapters with their real frameworks, in the environment test/env/frameworks.in."""

import json

import mlflow
import pytest
from autolog.conftest import shared_client  # noqa: F401
from autolog.exec import runs, train


class Trained:
    """A training script that ran under `cairn exec`, with what was recorded of it."""

    def __init__(self, server, client, directory, script, *flags, **environment):
        name = directory.name
        self.client = client
        self.exec = train(server.url, directory, script, "--experiment", name, *flags, **environment)
        self.runs = runs(client, name)

    @property
    def run(self):
        (only,) = self.runs
        return only

    def printed(self):
        """The last line of the script's output, as JSON."""
        return json.loads(self.exec.done.stdout.splitlines()[-1])

    def points(self, run, key):
        """[(step, value), …] of a metric, in the order of the steps."""
        return sorted((m.step, m.value) for m in self.client.get_metric_history(run.info.run_id, key))

    def model(self, run):
        """The address of a run's one model."""
        (output,) = self.client.get_run(run.info.run_id).outputs.model_outputs
        return "models:/" + output.model_id

    def file(self, run, path):
        """The content of a run's text artifact."""
        return open(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=path)).read()


@pytest.fixture
def exec_train(shared_server, shared_client, tmp_path):  # noqa: F811
    def start(script, *flags, **environment):
        return Trained(shared_server, shared_client, tmp_path, script, *flags, **environment)

    return start
