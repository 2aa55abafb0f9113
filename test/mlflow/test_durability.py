"""What Cairn acknowledged is there after a kill -9, on both databases."""

import uuid

import kills
import mlflow
import pytest
from cairntest import Server
from mlflow.entities import Metric, Param, RunTag

LIVES = 40 if kills.FULL else 4


@pytest.fixture
def mortal(database, tmp_path):
    """A server of the test's own, to be killed."""
    with Server(tmp_path, *database()) as cairn:
        yield cairn


def test_kill_between_two_calls_loses_nothing(mortal):
    mlflow.set_tracking_uri(mortal.url)
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("killed-" + uuid.uuid4().hex)
    run = client.create_run(experiment).info.run_id
    acknowledged = []
    for life in range(LIVES):
        for n in range(10):
            step = life * 10 + n
            client.log_metric(run, "loss", step / 7, timestamp=1_000 + step, step=step)
            acknowledged.append((step, step / 7, 1_000 + step))
        client.log_param(run, f"param{life}", life)
        client.set_tag(run, f"tag{life}", "set")
        client.log_batch(
            run,
            metrics=[Metric("batch", i / 3, i, life * 500 + i) for i in range(500)],
            params=[Param(f"batch{life}", "yes")],
            tags=[RunTag(f"batch{life}", "yes")],
        )
        client.log_text(run, f"life {life}", f"notes/{life}.txt")
        mortal.kill()
        mortal.start()
        got = client.get_run(run)
        assert {f"param{i}" for i in range(life + 1)} | {f"batch{i}" for i in range(life + 1)} == set(got.data.params)
        assert {f"tag{i}" for i in range(life + 1)} <= set(got.data.tags)
        assert [(m.step, m.value, m.timestamp) for m in client.get_metric_history(run, "loss")] == acknowledged
        assert len(client.get_metric_history(run, "batch")) == 500 * (life + 1)
        for i in range(life + 1):
            assert mlflow.artifacts.load_text(f"{got.info.artifact_uri}/notes/{i}.txt") == f"life {i}"
    client.set_terminated(run)
    assert client.get_run(run).info.status == "FINISHED"
