"""Experiments, runs, params, metrics, tags, inputs and searches, as scripts write them."""

import math
import time
import uuid

import mlflow
import pandas as pd
import pytest
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException


def test_set_experiment_makes_and_finds(client):
    name = "made-" + uuid.uuid4().hex
    first = mlflow.set_experiment(name)
    assert first.name == name
    assert first.lifecycle_stage == "active"
    assert first.artifact_location == f"mlflow-artifacts:/{first.experiment_id}"
    assert first.creation_time > 0
    assert mlflow.set_experiment(name).experiment_id == first.experiment_id
    assert client.get_experiment_by_name(name).experiment_id == first.experiment_id
    assert client.get_experiment_by_name("absent-" + name) is None


def test_default_experiment(client):
    assert client.get_experiment("0").name == "Default"


def test_run_with_everything(client, experiment):
    started = int(time.time() * 1000)
    with mlflow.start_run(run_name="first", tags={"team": "vision"}, description="a note") as run:
        mlflow.log_param("alpha", 0.5)
        mlflow.log_params({"beta": 2, "solver/name": "lbfgs", "学习率": "0.1"})
        mlflow.log_metric("loss", 0.9, step=0)
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metrics({"acc": 0.75, "f1 score": 0.7}, step=3)
        mlflow.set_tag("stage", "dev")
        mlflow.set_tags({"a": "1", "b": "2"})
    got = client.get_run(run.info.run_id)
    assert got.info.run_id == run.info.run_id
    assert got.info.run_name == "first"
    assert got.info.status == "FINISHED"
    assert got.info.experiment_id == experiment
    assert got.info.lifecycle_stage == "active"
    assert got.info.start_time >= started
    assert got.info.end_time >= got.info.start_time
    assert got.info.artifact_uri == f"mlflow-artifacts:/{experiment}/{run.info.run_id}/artifacts"
    assert got.data.params == {"alpha": "0.5", "beta": "2", "solver/name": "lbfgs", "学习率": "0.1"}
    assert got.data.metrics == {"loss": 0.5, "acc": 0.75, "f1 score": 0.7}
    tags = got.data.tags
    assert {k: tags[k] for k in ("team", "stage", "a", "b")} == {"team": "vision", "stage": "dev", "a": "1", "b": "2"}
    assert tags["mlflow.runName"] == "first"
    assert tags["mlflow.note.content"] == "a note"
    assert tags["mlflow.source.name"]
    assert tags["mlflow.user"]


def test_failed_run(client, experiment):
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        1 / 0  # noqa: B018
    assert client.get_run(run.info.run_id).info.status == "FAILED"


def test_run_gets_a_name(client, experiment):
    with mlflow.start_run() as run:
        pass
    words = client.get_run(run.info.run_id).info.run_name.split("-")
    assert len(words) == 3 and words[2].isdigit()


def test_rename_a_run(client, experiment):
    with mlflow.start_run(run_name="before") as run:
        mlflow.set_tag("mlflow.runName", "by tag")
    assert client.get_run(run.info.run_id).info.run_name == "by tag"
    client.update_run(run.info.run_id, name="by update")
    got = client.get_run(run.info.run_id)
    assert got.info.run_name == "by update"
    assert got.data.tags["mlflow.runName"] == "by update"


def test_metric_history(client, experiment):
    with mlflow.start_run() as run:
        for step, value in enumerate([3.5, 2.25, 1.125]):
            mlflow.log_metric("loss", value, step=step, timestamp=1_700_000_000_000 + step)
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(m.key, m.value, m.step, m.timestamp) for m in history] == [
        ("loss", 3.5, 0, 1_700_000_000_000),
        ("loss", 2.25, 1, 1_700_000_000_001),
        ("loss", 1.125, 2, 1_700_000_000_002),
    ]
    assert client.get_metric_history(run.info.run_id, "never logged") == []


def test_metric_history_keeps_what_is_hard(client, experiment):
    points = [
        (1e308, 5, 10),
        (5e-324, 0, 11),
        (0.1 + 0.2, 1, 12),
        (-0.5, -3, 13),
        (7.0, 1, 14),
        (123456789.123456789, 2**40, 15),
    ]
    with mlflow.start_run() as run:
        for value, step, timestamp in points:
            mlflow.log_metric("hard", value, step=step, timestamp=timestamp)
    history = client.get_metric_history(run.info.run_id, "hard")
    assert sorted((m.value, m.step, m.timestamp) for m in history) == sorted(points)
    assert client.get_run(run.info.run_id).data.metrics["hard"] == 123456789.123456789


def test_nan(client, experiment):
    with mlflow.start_run() as run:
        mlflow.log_metric("nan", math.nan)
    assert math.isnan(client.get_run(run.info.run_id).data.metrics["nan"])
    assert math.isnan(client.get_metric_history(run.info.run_id, "nan")[0].value)


def test_infinities(client, experiment):
    with mlflow.start_run() as run:
        mlflow.log_metrics({"plus": math.inf, "minus": -math.inf})
    assert client.get_run(run.info.run_id).data.metrics == {"plus": math.inf, "minus": -math.inf}
    assert client.get_metric_history(run.info.run_id, "plus")[0].value == math.inf


def test_identical_points_are_kept_once(client, experiment):
    with mlflow.start_run() as run:
        for _ in range(3):
            client.log_metric(run.info.run_id, "m", 1.0, timestamp=5, step=1)
        client.log_metric(run.info.run_id, "m", 2.0, timestamp=5, step=1)
    history = client.get_metric_history(run.info.run_id, "m")
    assert sorted(m.value for m in history) == [1.0, 2.0]


def test_metric_history_in_pages(client, experiment):
    with mlflow.start_run() as run:
        for part in range(3):
            client.log_batch(
                run.info.run_id,
                metrics=[Metric("loss", float(i), 1_000 + i, i) for i in range(part * 1000, part * 1000 + 1000)],
            )
    store = client._tracking_client.store
    page = store.get_metric_history(run.info.run_id, "loss", max_results=700)
    values, pages = [m.value for m in page], 1
    while page.token:
        page = store.get_metric_history(run.info.run_id, "loss", max_results=700, page_token=page.token)
        values += [m.value for m in page]
        pages += 1
    assert pages == 5
    assert values == [float(i) for i in range(3000)]
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 3000


def test_log_batch(client, experiment):
    run = client.create_run(experiment)
    now = int(time.time() * 1000)
    client.log_batch(
        run.info.run_id,
        metrics=[Metric(f"m{i % 10}", i / 7, now, i) for i in range(800)],
        params=[Param(f"p{i}", str(i)) for i in range(100)],
        tags=[RunTag(f"t{i}", str(i)) for i in range(100)],
    )
    data = client.get_run(run.info.run_id).data
    assert len(data.params) == 100
    assert data.params["p99"] == "99"
    assert data.tags["t42"] == "42"
    assert data.metrics["m9"] == 799 / 7


def test_async_logging(client, experiment):
    with mlflow.start_run() as run:
        for step in range(50):
            mlflow.log_metric("loss", step / 2, step=step, synchronous=False)
        mlflow.log_params({"a": 1}, synchronous=False)
        mlflow.flush_async_logging()
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 50
    assert client.get_run(run.info.run_id).data.params == {"a": "1"}


def test_params_are_written_once(client, experiment):
    with mlflow.start_run() as run:
        mlflow.log_param("depth", 3)
        mlflow.log_param("depth", 3)
        with pytest.raises(MlflowException, match="Changing param values is not allowed"):
            client.log_param(run.info.run_id, "depth", 4)
    assert client.get_run(run.info.run_id).data.params == {"depth": "3"}


def test_delete_tag(client, experiment):
    with mlflow.start_run() as run:
        mlflow.set_tag("gone", "soon")
        mlflow.delete_tag("gone")
        with pytest.raises(MlflowException) as missing:
            mlflow.delete_tag("gone")
    assert missing.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert "gone" not in client.get_run(run.info.run_id).data.tags


def test_nested_runs(client, experiment):
    with mlflow.start_run(run_name="parent") as parent:
        for name in ("a", "b"):
            with mlflow.start_run(run_name=name, nested=True):
                mlflow.log_metric("score", 1.0)
    children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert sorted(r.info.run_name for r in children) == ["a", "b"]
    assert mlflow.get_parent_run(children[0].info.run_id).info.run_id == parent.info.run_id


def test_log_input(client, experiment):
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [0, 1]})
    dataset = mlflow.data.from_pandas(frame, source="https://example.org/data.csv", name="toy", targets="y")
    with mlflow.start_run() as run:
        mlflow.log_input(dataset, context="training", tags={"split": "a"})
    (got,) = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert got.dataset.name == "toy"
    assert got.dataset.digest == dataset.digest
    assert got.dataset.source_type == "http"
    assert "example.org" in got.dataset.source
    assert "mlflow_colspec" in got.dataset.schema
    assert "num_rows" in got.dataset.profile
    assert {t.key: t.value for t in got.tags} == {"mlflow.data.context": "training", "split": "a"}
    for text in ("dataset.name = 'toy'", f"dataset.digest = '{dataset.digest}'", "dataset.context = 'training'"):
        assert [r.info.run_id for r in client.search_runs([experiment], text)] == [run.info.run_id], text
    assert client.search_runs([experiment], "dataset.name = 'other'") == []


def test_log_inputs_twice_is_one(client, experiment):
    run = client.create_run(experiment)
    inputs = [DatasetInput(Dataset("d", "abc", "local", "{}"), [InputTag("mlflow.data.context", "test")])]
    client.log_inputs(run.info.run_id, inputs)
    client.log_inputs(run.info.run_id, inputs)
    assert len(client.get_run(run.info.run_id).inputs.dataset_inputs) == 1


@pytest.fixture
def three_runs(client, experiment):
    ids = {}
    for name, accuracy, depth in (("low", 0.7, 2), ("high", 0.95, 8), ("mid", 0.8, 4)):
        with mlflow.start_run(run_name=name) as run:
            mlflow.log_metric("accuracy", accuracy)
            mlflow.log_param("depth", depth)
            mlflow.set_tag("kind", "forest")
        ids[name] = run.info.run_id
    return experiment, ids


def test_search_runs_filters_and_orders(client, three_runs):
    experiment, _ = three_runs

    def names(text="", **more):
        return [r.info.run_name for r in client.search_runs([experiment], text, **more)]

    assert names(order_by=["metrics.accuracy DESC"]) == ["high", "mid", "low"]
    assert names("metrics.accuracy > 0.75", order_by=["metrics.accuracy ASC"]) == ["mid", "high"]
    assert names("params.depth = '2'") == ["low"]
    assert names("tags.kind LIKE 'for%' and attributes.run_name = 'mid'") == ["mid"]
    assert names("attributes.status = 'FINISHED' and metrics.`accuracy` >= 0.95") == ["high"]
    assert names() == ["mid", "high", "low"]


def test_search_runs_as_frame(client, three_runs):
    experiment, ids = three_runs
    frame = mlflow.search_runs([experiment], order_by=["metrics.accuracy DESC"])
    assert list(frame["run_id"]) == [ids["high"], ids["mid"], ids["low"]]
    assert list(frame["metrics.accuracy"]) == [0.95, 0.8, 0.7]
    assert list(frame["params.depth"]) == ["8", "4", "2"]


def test_search_runs_in_pages(client, three_runs):
    experiment, ids = three_runs
    first = client.search_runs([experiment], order_by=["metrics.accuracy"], max_results=2)
    assert [r.info.run_name for r in first] == ["low", "mid"]
    second = client.search_runs([experiment], order_by=["metrics.accuracy"], max_results=2, page_token=first.token)
    assert [r.info.run_name for r in second] == ["high"]
    assert not second.token


def test_search_runs_views(client, three_runs):
    experiment, ids = three_runs
    client.delete_run(ids["low"])
    active = client.search_runs([experiment])
    deleted = client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)
    everything = client.search_runs([experiment], run_view_type=ViewType.ALL)
    assert (len(active), len(deleted), len(everything)) == (2, 1, 3)
    with pytest.raises(MlflowException, match="must be in the 'active' state"):
        client.log_metric(ids["low"], "accuracy", 1.0)
    client.restore_run(ids["low"])
    assert len(client.search_runs([experiment])) == 3


def test_experiments_live_and_die(client):
    name = "life-" + uuid.uuid4().hex
    made = client.create_experiment(name, tags={"owner": "me"})
    client.set_experiment_tag(made, "note", "x")
    assert client.get_experiment(made).tags == {"owner": "me", "note": "x"}
    client.rename_experiment(made, name + "-renamed")
    assert client.get_experiment(made).name == name + "-renamed"
    kept = client.create_run(made).info.run_id
    client.delete_experiment(made)
    assert client.get_experiment(made).lifecycle_stage == "deleted"
    assert client.get_run(kept).info.lifecycle_stage == "deleted"
    with pytest.raises(MlflowException) as taken:
        client.create_experiment(name + "-renamed")
    assert taken.value.error_code == "RESOURCE_ALREADY_EXISTS"
    client.restore_experiment(made)
    assert client.get_experiment(made).lifecycle_stage == "active"
    assert client.get_run(kept).info.lifecycle_stage == "active"


@pytest.mark.since("mlflow", "3.2", "clients have had delete_experiment_tag from there on")
def test_delete_experiment_tag(client):
    made = client.create_experiment("tags-" + uuid.uuid4().hex, tags={"owner": "me", "note": "x"})
    client.delete_experiment_tag(made, "note")
    assert client.get_experiment(made).tags == {"owner": "me"}


def test_search_experiments(client):
    stem = "search-" + uuid.uuid4().hex
    for i in range(5):
        client.create_experiment(f"{stem}-{i}", tags={"stem": stem, "number": str(i)})
    found = client.search_experiments(filter_string=f"name LIKE '{stem}%'", order_by=["name DESC"])
    assert [e.name for e in found] == [f"{stem}-{i}" for i in reversed(range(5))]
    (one,) = client.search_experiments(filter_string=f"tags.stem = '{stem}' and tags.number = '3'")
    assert one.name == f"{stem}-3"
    assert one.tags == {"stem": stem, "number": "3"}
    page = client.search_experiments(filter_string=f"tags.stem = '{stem}'", order_by=["name"], max_results=3)
    rest = client.search_experiments(
        filter_string=f"tags.stem = '{stem}'", order_by=["name"], max_results=3, page_token=page.token
    )
    assert [e.name for e in [*page, *rest]] == [f"{stem}-{i}" for i in range(5)]
    assert not rest.token
    client.delete_experiment(one.experiment_id)
    deleted = client.search_experiments(filter_string=f"tags.stem = '{stem}'", view_type=ViewType.DELETED_ONLY)
    assert [e.name for e in deleted] == [one.name]
