"""Histories of many runs: what Cairn answers is what MLflow's own server answers to the same requests."""

import itertools
import math
import random
import urllib.parse

import pytest
import requests
from mlflow.entities import Metric

BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
INTERVAL = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
CREATE = "/api/2.0/mlflow/runs/create"
LOG = "/api/2.0/mlflow/runs/log-batch"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """MLflow's own server, in this process."""
    folder = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("_MLFLOW_SERVER_FILE_STORE", f"sqlite:///{folder}/mlflow.db")
        patch.setenv("_MLFLOW_SERVER_ARTIFACT_ROOT", str(folder / "artifacts"))
        patch.setenv("MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE", "true")
        from mlflow.server import app

        client = app.test_client()

        def call(method, path, params=None, json=None):
            query = urllib.parse.urlencode(params or {}, doseq=True)
            answer = client.open(f"{path}?{query}", method=method, json=json)
            return answer.status_code, answer.get_json(force=True)

        yield call


@pytest.fixture
def cairn(server):
    def call(method, path, params=None, json=None):
        answer = requests.request(method, server.url + path, params=params, json=json, timeout=30)
        return answer.status_code, answer.json()

    return call


def in_order(n):
    return [(step, 1000 + step, math.sin(step)) for step in range(n)]


def no_order():
    chance = random.Random(5)
    return [(chance.randrange(40), chance.randrange(5), chance.choice([chance.random(), -1.5, 0.0])) for _ in range(300)]


SERIES = {
    "long": in_order(3000),
    "short": in_order(7),
    "one step": [(0, 1, v / 8) for v in range(100)],
    "no order": no_order(),
    "nan": [(i // 3, 5, math.nan if i % 4 == 0 else float(i % 5 - 2)) for i in range(60)],
    "none": [],
}


def fill(call):
    """Makes a run for each series, and gives their ids by name."""
    runs = {}
    for name, points in SERIES.items():
        status, made = call("POST", CREATE, json={"experiment_id": "0", "start_time": 1})
        assert status == 200, made
        runs[name] = made["run"]["info"]["run_id"]
        for part in batched(points):
            metrics = [
                {"key": "m", "step": step, "timestamp": time, "value": "NaN" if math.isnan(value) else value}
                for step, time, value in part
            ]
            status, answer = call("POST", LOG, json={"run_id": runs[name], "metrics": metrics})
            assert status == 200, answer
    return runs


def batched(points):
    return [points[i : i + 1000] for i in range(0, len(points), 1000)]


@pytest.fixture(scope="module")
def original_runs(original):
    return fill(original)


@pytest.fixture
def both(original, original_runs, cairn):
    """Asks both, checks that they agree, and gives the points that both answered, by the runs' names."""
    runs = fill(cairn)

    def ask(path, names, **parameters):
        answers = []
        for call, ids in ((original, original_runs), (cairn, runs)):
            named = "run_ids" if path == INTERVAL else "run_id"
            query = {"metric_key": "m", named: [ids.get(name, "0" * 32) for name in names], **parameters}
            status, answer = call("GET", path, query)
            assert status == 200, answer
            found = answer.get("metrics", [])
            assert all(m["key"] == "m" for m in found)
            order = [run for run, _ in itertools.groupby(m["run_id"] for m in found)]
            if path == BULK:
                assert order == sorted(order)
            by_name = {}
            for name, run in ids.items():
                points = [(m["step"], m["timestamp"], float(m["value"])) for m in found if m["run_id"] == run]
                by_name[name] = [(s, t, None if math.isnan(v) else v) for s, t, v in points]
            answers.append(by_name)
        assert answers[0] == answers[1]
        return answers[1]

    return ask


sampled_as_now = pytest.mark.since("mlflow", "3.0", "the server of mlflow 2 takes other points of a history as its samples")


@sampled_as_now
@pytest.mark.parametrize("most", [1, 2, 3, 7, 50, 320, 2500, None])
def test_samples(both, most):
    parameters = {} if most is None else {"max_results": most}
    got = both(INTERVAL, SERIES, **parameters)
    for name, points in SERIES.items():
        assert len(got[name]) == min(len(set(points) if name == "no order" else points), most or 2500)


@sampled_as_now
@pytest.mark.parametrize("most", [1, 5, 20, 2500])
@pytest.mark.parametrize("steps", [(0, 0), (3, 17), (-5, 10_000), (100, 2_000), (7_000, 8_000)])
def test_samples_in_a_range(both, most, steps):
    got = both(INTERVAL, SERIES, max_results=most, start_step=steps[0], end_step=steps[1])
    assert all(steps[0] <= step <= steps[1] for points in got.values() for step, _, _ in points)


def test_samples_of_runs_named_twice_or_not_there(both):
    got = both(INTERVAL, ["short", "unknown", "short", "none"])
    assert len(got["short"]) == 14
    assert both(INTERVAL, ["unknown", "none"]) == {name: [] for name in SERIES}


@pytest.mark.parametrize("name", list(SERIES))
@pytest.mark.parametrize("most", [1, 20, 150, 25_000, 30_000, None])
def test_bulk_of_one(both, name, most):
    both(BULK, [name], **({} if most is None else {"max_results": most}))


def test_bulk_of_many(both):
    got = both(BULK, [*SERIES, "unknown", "short"])
    assert got["short"] == in_order(7), "a run that is named twice stands there once"
    assert len(got["long"]) == 3000


def test_bulk_is_cut_in_the_order_of_the_runs(cairn):
    runs = fill(cairn)
    whole = cairn("GET", BULK, {"run_id": list(runs.values()), "metric_key": "m"})[1]["metrics"]
    for most in (1, 100, 1500):
        some = cairn("GET", BULK, {"run_id": list(runs.values()), "metric_key": "m", "max_results": most})[1]["metrics"]
        assert [repr(m) for m in some] == [repr(m) for m in whole[:most]]


def test_both_prefixes(cairn, client, experiment):
    run = client.create_run(experiment).info.run_id
    client.log_batch(run, metrics=[Metric("m", 1.5, 2, 3)])
    want = {"metrics": [{"key": "m", "value": 1.5, "timestamp": 2, "step": 3, "run_id": run}]}
    for path, named in ((BULK, "run_id"), (INTERVAL, "run_ids")):
        for prefix in ("/api/2.0", "/ajax-api/2.0"):
            assert cairn("GET", path.replace("/ajax-api/2.0", prefix), {named: run, "metric_key": "m"}) == (200, want)


REFUSED = [
    (BULK, {"metric_key": "m"}, "run_id"),
    (BULK, {"run_id": "0" * 32}, "metric_key"),
    (BULK, {"run_id": ["0" * 32] * 101, "metric_key": "m"}, "100"),
    (INTERVAL, {"metric_key": "m"}, "run_ids"),
    (INTERVAL, {"run_ids": "0" * 32}, "metric_key"),
    (INTERVAL, {"run_ids": ["0" * 32] * 101, "metric_key": "m"}, "100"),
    (INTERVAL, {"run_ids": "0" * 32, "metric_key": "m", "max_results": 0}, "max_results"),
    (INTERVAL, {"run_ids": "0" * 32, "metric_key": "m", "max_results": 2501}, "2500"),
    (INTERVAL, {"run_ids": "0" * 32, "metric_key": "m", "max_results": "many"}, "max_results"),
    (INTERVAL, {"run_ids": "0" * 32, "metric_key": "m", "start_step": 1}, "both"),
    (INTERVAL, {"run_ids": "0" * 32, "metric_key": "m", "start_step": 3, "end_step": 2}, "end_step"),
    (INTERVAL, {"run_ids": "0" * 32, "metric_key": "m", "start_step": "x", "end_step": 2}, "start_step"),
]


@pytest.mark.parametrize(("path", "query", "word"), REFUSED)
def test_refusals(original, cairn, path, query, word):
    for call in (original, cairn):
        status, answer = call("GET", path, query)
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer
        assert word in answer["message"]


@pytest.mark.parametrize("most", [0, -1, "many"])
def test_bulk_refuses_what_is_no_number_of_points(cairn, most):
    status, answer = cairn("GET", BULK, {"run_id": "0" * 32, "metric_key": "m", "max_results": most})
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer
    assert "max_results" in answer["message"]
