"""What a server must get right beside its calls, point by point, as docs/mlflow.md numbers them. What a client's own checks
would refuse before it is sent is sent by hand."""

import math
import uuid

import mlflow
import numpy as np
import pytest
import requests
from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflowtest import refused

API = "/api/2.0/mlflow/"
FAR = "s3://models/iris"


@pytest.fixture
def call(server):
    """Sends a request by hand; gives the status and the JSON of the answer."""

    def send(method, path, body=None, **options):
        options = {"json": body} | options if method != "GET" else {"params": body} | options
        answer = requests.request(method, server.url + API + path, timeout=60, **options)
        return answer.status_code, answer.json() if answer.content else {}

    return send


@pytest.fixture
def wrong(call):
    """Sends what is to be refused as invalid: 400, and never a 5xx, which a client would send again for minutes."""

    def send(method, path, body=None, **options):
        status, answer = call(method, path, body, **options)
        assert (status, answer.get("error_code")) == (400, "INVALID_PARAMETER_VALUE"), answer
        return answer["message"]

    return send


@pytest.fixture
def run(client, experiment):
    return client.create_run(experiment).info.run_id


@pytest.fixture
def name():
    return "points-" + uuid.uuid4().hex


# 1 Errors


def test_codes_and_statuses(call, client, experiment, run, name):
    client.create_registered_model(name)
    nobody = "0" * 32
    for method, path, body, status, code in (
        ("POST", "runs/log-parameter", {"run_id": run, "key": "a//b", "value": "1"}, 400, "INVALID_PARAMETER_VALUE"),
        ("GET", "runs/get", {}, 400, "INVALID_PARAMETER_VALUE"),
        ("POST", "experiments/create", {"name": client.get_experiment(experiment).name}, 400, "RESOURCE_ALREADY_EXISTS"),
        ("POST", "registered-models/create", {"name": name}, 400, "RESOURCE_ALREADY_EXISTS"),
        ("GET", "runs/get", {"run_id": nobody}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("GET", "experiments/get", {"experiment_id": "77777777"}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("GET", "experiments/get-by-name", {"experiment_name": "none-" + name}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("POST", "runs/set-tag", {"run_id": nobody, "key": "k", "value": "v"}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("GET", "registered-models/get", {"name": "none-" + name}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("GET", "model-versions/get", {"name": name, "version": "1"}, 404, "RESOURCE_DOES_NOT_EXIST"),
        ("POST", "registered-models/alias", {"name": name, "alias": "a", "version": "1"}, 404, "RESOURCE_DOES_NOT_EXIST"),
    ):
        answer = call(method, path, body)
        assert (answer[0], answer[1]["error_code"]) == (status, code), (path, answer)
        assert isinstance(answer[1]["message"], str) and answer[1]["message"]


def test_an_alias_that_is_not_set(client, name):
    client.create_registered_model(name)
    client.create_model_version(name, FAR)
    with refused("INVALID_PARAMETER_VALUE", "Registered model alias champion not found"):
        client.get_model_version_by_alias(name, "champion")
    with refused("RESOURCE_DOES_NOT_EXIST", name + "-none"):
        client.get_model_version_by_alias(name + "-none", "champion")
    with pytest.raises(MlflowException, match="champion"):
        mlflow.pyfunc.load_model(f"models:/{name}@champion")


NO_RUN, NO_MODEL = "0" * 32, "m-" + "0" * 32
# What each kind of mistake is answered with, where MLflow's server answers with something else.
OTHERWISE = {
    "history of no run": ("GET", "metrics/get-history", {"run_id": NO_RUN, "metric_key": "loss"}, 404),
    "an experiment deleted twice": ("POST", "experiments/delete", {"experiment_id": "{deleted}"}, 400),
    "a taken name": ("POST", "experiments/update", {"experiment_id": "{experiment}", "new_name": "Default"}, 400),
    "a blank name": ("POST", "experiments/create", {"name": "  "}, 400),
    "a run of no experiment": ("POST", "runs/create", {}, 400),
    "a model of no run": ("POST", "logged-models", {"experiment_id": "{experiment}", "source_run_id": NO_RUN}, 404),
    "a param of a model twice": ("POST", "logged-models",
                                 {"experiment_id": "{experiment}", "params": [{"key": "a", "value": "1"}] * 2}, 400),
    "an output that is none": ("POST", "runs/outputs", {"run_id": "{run}", "models": [{"model_id": NO_MODEL}]}, 404),
    "an input that is none": ("POST", "runs/log-inputs", {"run_id": "{run}", "models": [{"model_id": NO_MODEL}]}, 404),
    "a dataset without a digest": ("POST", "runs/log-inputs",
                                   {"run_id": "{run}", "datasets": [{"dataset": {"name": "d"}}]}, 400),
    "a model's long name": ("POST", "registered-models/create", {"name": "n" * 257}, 400),
    "a page of none": ("GET", "registered-models/search", {"max_results": 0}, 400),
}
CODES = {"a taken name": "RESOURCE_ALREADY_EXISTS"}


@pytest.mark.parametrize("mistake", OTHERWISE)
def test_mistakes_are_told_for_what_they_are(call, client, experiment, run, mistake):
    deleted = client.create_experiment("deleted-" + uuid.uuid4().hex)
    client.delete_experiment(deleted)
    method, path, body, status = OTHERWISE[mistake]
    known = {"{experiment}": experiment, "{run}": run, "{deleted}": deleted}
    body = {key: known.get(value, value) if isinstance(value, str) else value for key, value in body.items()}
    code = CODES.get(mistake, {400: "INVALID_PARAMETER_VALUE", 404: "RESOURCE_DOES_NOT_EXIST"}[status])
    answer = call(method, path, body)
    assert (answer[0], answer[1].get("error_code")) == (status, code), answer
    assert "SQL" not in answer[1]["message"]


# 2 Retries


@pytest.mark.parametrize(("method", "path", "body"), [
    ("POST", "experiments/search", {"max_results": 0}),
    ("POST", "experiments/search", {"max_results": -1}),
    ("POST", "experiments/create", {}),
    ("POST", "experiments/create", {"name": ""}),
    ("POST", "experiments/create", {"name": 5}),
    ("POST", "experiments/delete", {"experiment_id": ""}),
    ("POST", "experiments/update", {}),
    ("POST", "runs/create", {"experiment_id": "0", "start_time": "yesterday"}),
    ("POST", "runs/log-metric", {"run_id": "RUN", "key": "m"}),
    ("POST", "runs/log-parameter", {"run_id": "RUN"}),
    ("POST", "runs/set-tag", {"run_id": "RUN", "key": "k", "value": {"a": 1}}),
    ("POST", "runs/log-batch", {"run_id": "RUN", "metrics": 1}),
    ("POST", "runs/log-inputs", {"run_id": "RUN", "datasets": "x"}),
    ("POST", "runs/search", {"experiment_ids": ["0"], "filter": "metrics."}),
    ("POST", "runs/search", {"experiment_ids": ["0"], "order_by": ["nonsense DESC"]}),
    ("POST", "runs/search", {"experiment_ids": ["0"], "page_token": "nonsense"}),
    ("GET", "metrics/get-history", {"run_id": "RUN"}),
    ("POST", "registered-models/create", {"name": "a/b"}),
    ("POST", "model-versions/create", {"name": "x"}),
    ("GET", "model-versions/get", {"name": "x", "version": "one"}),
], ids=lambda value: value if isinstance(value, str) else None)
def test_mistakes_are_the_clients(wrong, run, method, path, body):
    wrong(method, path, {key: run if value == "RUN" else value for key, value in body.items()})


def test_what_is_no_status_and_no_number(wrong, client, run):
    wrong("POST", "runs/update", {"run_id": run, "status": "NONSENSE"})
    wrong("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": True, "timestamp": 1})
    got = client.get_run(run)
    assert (got.info.status, got.data.metrics) == ("RUNNING", {})


def test_a_deleted_experiment_is_not_renamed(wrong, client, name):
    made = client.create_experiment(name)
    client.delete_experiment(made)
    assert "active" in wrong("POST", "experiments/update", {"experiment_id": made, "new_name": name + "-new"})
    assert client.get_experiment(made).name == name


def test_others_are_archived_for_two_stages(wrong, client, name):
    client.create_registered_model(name)
    client.create_model_version(name, FAR)
    for stage in ("None", "Archived"):
        wrong("POST", "model-versions/transition-stage",
              {"name": name, "version": "1", "stage": stage, "archive_existing_versions": True})


# 3 The shape of JSON


def test_shape_of_answers(call, client, experiment, run):
    """Names as in MLflow's protocol, int64 as numbers, and what is empty left out."""
    status, answer = call("GET", "runs/get", {"run_uuid": run, "nonsense": "1"})
    assert status == 200
    info = answer["run"]["info"]
    assert info["run_id"] == info["run_uuid"] == run
    assert type(info["start_time"]) is int
    assert "end_time" not in info
    assert {"metrics", "params"}.isdisjoint(answer["run"]["data"])
    body = {"run_uuid": run, "key": "m", "value": 0.5, "timestamp": "7", "step": 3, "unknown": {"a": [1]}}
    assert call("POST", "runs/log-metric", body) == (200, {})
    (metric,) = call("GET", "runs/get", {"run_id": run})[1]["run"]["data"]["metrics"]
    assert metric.items() >= {"key": "m", "value": 0.5, "timestamp": 7, "step": 3}.items()
    assert type(metric["timestamp"]) is int and type(metric["step"]) is int
    _, history = call("GET", "metrics/get-history", {"run_id": run, "metric_key": "none"})
    assert history == {}
    _, found = call("POST", "experiments/search", {"max_results": 5, "filter": "name = 'nothing has this name'"})
    assert found == {}


# 4 Numbers


def test_words_are_no_numbers(wrong, client, run):
    for value in ("abc", "", "1e", "0x", None):
        wrong("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": value, "timestamp": 1})
    assert client.get_run(run).data.metrics == {}


def test_steps_and_times(wrong, client, run):
    client.log_metric(run, "m", 1.0, timestamp=0, step=-5)
    client.log_metric(run, "m", 2.0, timestamp=2**40, step=2**40)
    assert [(m.timestamp, m.step) for m in client.get_metric_history(run, "m")] == [(0, -5), (2**40, 2**40)]
    wrong("POST", "runs/log-metric", {"run_id": run, "key": "m", "value": 1, "timestamp": -1})


# 5 Params and batches


def test_a_param_twice_in_a_batch(wrong, client, run):
    for values in (("1", "1"), ("1", "2")):
        wrong("POST", "runs/log-batch", {"run_id": run, "params": [{"key": "p", "value": v} for v in values],
                                         "metrics": [{"key": "m", "value": 1, "timestamp": 1, "step": 0}]})
    data = client.get_run(run).data
    assert (data.params, data.metrics) == ({}, {})


@pytest.mark.since("mlflow", "3.0", "logged models came with it")
def test_a_batch_is_whole_or_not_there(call, client, run):
    """What fails last, a metric of a model that is not there, keeps back what would be written before it."""
    status, answer = call("POST", "runs/log-batch", {
        "run_id": run, "params": [{"key": "p", "value": "1"}], "tags": [{"key": "t", "value": "1"}],
        "metrics": [{"key": "m", "value": 1, "timestamp": 1, "step": 0, "model_id": "m-" + "0" * 32, "run_id": run}],
    })
    assert 400 <= status < 500, answer
    data = client.get_run(run).data
    assert (data.params, data.metrics, data.tags.get("t")) == ({}, {}, None)


# 6 Points


def test_the_latest_is_by_step_time_and_value(client, run):
    for value, step, time in ((9.0, 1, 9), (1.0, 2, 1), (3.0, 2, 5), (2.0, 2, 5), (8.0, 0, 99)):
        client.log_metric(run, "m", value, timestamp=time, step=step)
    assert client.get_run(run).data.metrics == {"m": 3.0}
    assert len(client.get_metric_history(run, "m")) == 5


# 7 Bounds


def test_bounds_that_hold(client, experiment, run):
    long = "k" * 250
    client.log_param(run, long, "v" * 6000)
    client.set_tag(run, long, "v" * 8000)
    client.log_metric(run, long, 1.0)
    data = client.get_run(run).data
    assert (len(data.params[long]), len(data.tags[long]), data.metrics[long]) == (6000, 8000, 1.0)
    made = client.create_experiment(uuid.uuid4().hex.ljust(500, "e"))
    client.set_experiment_tag(made, long, "v" * 5000)
    assert len(client.get_experiment(made).tags[long]) == 5000
    client.log_inputs(run, [DatasetInput(Dataset("n" * 500, "d" * 36, "local", "s" * 60_000))])
    assert len(client.get_run(run).inputs.dataset_inputs[0].dataset.name) == 500
    client.log_batch(run, metrics=[Metric(f"m{i}", 1.0, 1, 0) for i in range(1000)])
    client.log_batch(run, params=[Param(f"p{i}", "1") for i in range(100)], tags=[RunTag(f"t{i}", "1") for i in range(100)])
    data = client.get_run(run).data
    assert len(data.metrics) == 1001 and len(data.params) == 101


def test_bounds_of_the_registry_that_hold(client, name):
    client.create_registered_model(name)
    client.create_model_version(name, FAR)
    client.set_registered_model_tag(name, "k" * 250, "v" * 100_000)
    client.set_model_version_tag(name, "1", "k" * 250, "v" * 100_000)
    client.set_registered_model_alias(name, "a" * 255, "1")
    assert client.get_model_version_by_alias(name, "a" * 255).tags == {"k" * 250: "v" * 100_000}


@pytest.mark.parametrize(("path", "body"), [
    ("runs/log-batch", {"metrics": [{"key": f"m{i}", "value": 1, "timestamp": 1, "step": 0} for i in range(1001)]}),
    ("runs/log-metric", {"key": "k" * 251, "value": 1, "timestamp": 1}),
    ("runs/log-parameter", {"key": "k" * 251, "value": "v"}),
    ("runs/set-tag", {"key": "k" * 251, "value": "v"}),
    ("runs/log-inputs", {"datasets": [{"dataset": {"name": "n" * 501, "digest": "d", "source_type": "a", "source": "s"}}]}),
    ("runs/log-inputs", {"datasets": [{"dataset": {"name": "n", "digest": "d" * 65, "source_type": "a", "source": "s"}}]}),
    ("runs/search", {"experiment_ids": ["0"], "max_results": 50_001}),
    ("experiments/create", {"name": "e" * 501}),
    ("experiments/search", {"max_results": 50_001}),
], ids=lambda value: value if isinstance(value, str) else "-".join(value))
def test_bounds_refuse(wrong, client, run, path, body):
    wrong("POST", path, {"run_id": run} | body if path.startswith("runs/log") or "tag" in path else body)
    data = client.get_run(run).data
    assert (data.metrics, data.params) == ({}, {})


def test_a_batch_of_the_longest_values(client, run):
    """The client writes each character as an escape of six: this is more than 3 MB on its way."""
    client.log_batch(run, params=[Param(f"p{i}", "值" * 6000) for i in range(90)])
    assert set(client.get_run(run).data.params.values()) == {"值" * 6000}


def test_a_body_that_is_too_long(call, client, run):
    body = {"run_id": run, "metrics": [{"key": "m", "value": 1, "timestamp": 1, "step": 0}], "unknown": "x" * 8_000_000}
    assert call("POST", "runs/log-batch", body)[0] in (400, 413)
    assert client.get_run(run).data.metrics == {}


def test_a_digest_may_be_a_whole_sha256(client, run):
    client.log_inputs(run, [DatasetInput(Dataset("iris", "d" * 64, "local", "{}"))])
    assert client.get_run(run).inputs.dataset_inputs[0].dataset.digest == "d" * 64


def test_long_values_are_not_cut_off(client, run):
    client.log_param(run, "p", "v" * 6001)
    client.set_tag(run, "t", "v" * 8001)
    data = client.get_run(run).data
    assert (len(data.params["p"]), len(data.tags["t"])) == (6001, 8001)


# 8 Keys


def test_keys(wrong, client, run):
    good = ["a", "a/b/c", "train loss", "a.b-c_d", "a:b", "学习率", "é", ".hidden", "0"]
    for key in good:
        client.log_metric(run, key, 1.0)
        client.log_param(run, key, "1")
        client.set_tag(run, key, "1")
    data = client.get_run(run).data
    assert set(data.metrics) == set(data.params) == set(good)
    assert set(good) <= set(data.tags)
    for key in ("", "..", "../a", "a/../b", "a/./b", "a//b", "/a", "a/", "a?", "a\nb", "a\\b"):
        wrong("POST", "runs/log-metric", {"run_id": run, "key": key, "value": 1, "timestamp": 1})
        wrong("POST", "runs/log-parameter", {"run_id": run, "key": key, "value": "1"})
        wrong("POST", "runs/set-tag", {"run_id": run, "key": key, "value": "1"})
        wrong("POST", "runs/log-batch", {"run_id": run, "metrics": [{"key": key, "value": 1, "timestamp": 1, "step": 0}]})
    assert set(client.get_run(run).data.metrics) == set(good)


# 9 Filters


@pytest.fixture(scope="module")
def three(server):
    """An experiment with three runs: what they have, and what one of them lacks."""
    client = mlflow.MlflowClient(server.url)
    experiment = client.create_experiment("filters-" + uuid.uuid4().hex)
    ids = {}
    for i, (name, a, b, p, t) in enumerate((
        ("alpha", 1.0, 5.0, "Adam", "Blue"), ("beta", 2.0, None, "sgd", "blue"), ("gamma", 3.0, math.nan, None, None),
    )):
        run = client.create_run(experiment, start_time=100 * (i + 1), run_name=name).info.run_id
        # The newest value counts, not the greatest.
        client.log_metric(run, "a", 99.0, step=0)
        client.log_metric(run, "a", a, step=1)
        given = [("b", b, client.log_metric), ("opt name", p, client.log_param), ("color", t, client.set_tag)]
        for key, value, write in given:
            if value is not None:
                write(run, key, value)
        client.set_terminated(run, "FAILED" if name == "gamma" else "FINISHED", end_time=1000 * (i + 1))
        ids[name] = run
    client.log_inputs(ids["beta"], [DatasetInput(Dataset("iris", "abc", "local", "{}"))])

    def find(text="", **options):
        found = client.search_runs([experiment], text, **options)
        return [r.info.run_name for r in found]

    find.ids = ids
    return find


@pytest.mark.parametrize(("text", "names"), [
    ("metrics.a > 1", "beta gamma"),
    ("metrics.a >= 2", "beta gamma"),
    ("metric.a = 2", "beta"),
    ("metrics.a != 2", "alpha gamma"),
    ("metrics.a < 3", "alpha beta"),
    ("metrics.`a` <= 1.0", "alpha"),
    ('metrics."a" > 2.5', "gamma"),
    ("metrics.b > 0", "alpha"),
    ("params.`opt name` = 'sgd'", "beta"),
    ("parameters.\"opt name\" != 'sgd'", "alpha"),
    ("param.`opt name` LIKE 'A%'", "alpha"),
    ("params.`opt name` LIKE 'a%'", ""),
    ("params.`opt name` ILIKE 'a%'", "alpha"),
    ("tags.color = 'blue'", "beta"),
    ("tag.color LIKE 'B%'", "alpha"),
    ("tags.color ILIKE 'B%'", "alpha beta"),
    ("tags.color != 'blue'", "alpha"),
    ("tags.color IS NULL", "gamma"),
    ("tags.color IS NOT NULL", "alpha beta"),
    ("params.`opt name` IS NULL", "gamma"),
    ("attributes.run_name = 'beta'", "beta"),
    ("attribute.run_name LIKE '%a'", "alpha beta gamma"),
    ("attr.`run name` = 'beta'", "beta"),
    ("run_name = 'beta'", "beta"),
    ("attributes.status = 'FAILED'", "gamma"),
    ("status != 'FAILED'", "alpha beta"),
    ("attributes.start_time > 100", "beta gamma"),
    ("attributes.created <= 200", "alpha beta"),
    ("attributes.end_time >= 3000", "gamma"),
    ("dataset.name = 'iris'", "beta"),
    ("datasets.digest = 'abc'", "beta"),
    ("dataset.name = 'none'", ""),
    ("metrics.a > 1 AND tags.color = 'blue' and attributes.start_time < 250", "beta"),
], ids=lambda value: value)
def test_filters_of_runs(three, text, names):
    assert sorted(three(text)) == names.split()


def test_filters_of_run_ids(three):
    ids = three.ids
    assert sorted(three(f"attributes.run_id IN ('{ids['alpha']}', '{ids['gamma']}')")) == ["alpha", "gamma"]
    assert three(f"run_id NOT IN ('{ids['alpha']}', '{ids['gamma']}')") == ["beta"]
    assert three(f"attributes.run_id = '{ids['beta']}'") == ["beta"]


@pytest.mark.parametrize("text", [
    "metrics.a", "metrics.a >", "metrics.a > 'x'", "params.p > 'x'", "tags.t = blue", "nothing.a = 1",
    "metrics.a > 1 AND", "attributes.nonsense = 'x'", "metrics.a LIKE 'x'", "attributes.start_time LIKE '1%'",
    "dataset.nonsense = 'x'", "metrics.a > 1; DROP TABLE runs",
], ids=lambda value: value)
def test_filters_that_are_none(three, text):
    with refused("INVALID_PARAMETER_VALUE"):
        three(text)


def test_filters_have_or_and_parentheses(three):
    assert sorted(three("metrics.a > 2 OR params.`opt name` = 'Adam'")) == ["alpha", "gamma"]
    assert sorted(three("NOT (metrics.a > 2 OR params.`opt name` = 'Adam')")) == ["beta"]


def test_filters_compare_params_as_numbers(client, experiment):
    for depth in (2, 9, 10):
        client.log_param(client.create_run(experiment, run_name=str(depth)).info.run_id, "depth", depth)
    assert {r.info.run_name for r in client.search_runs([experiment], "params.depth > 5")} == {"9", "10"}


def test_a_quote_in_a_filter_is_doubled(client, experiment):
    """As in SQL: how else would a text have both kinds of quotes?"""
    text = """it's "so" """
    client.log_param(client.create_run(experiment, run_name="quoted").info.run_id, "say", text)
    for literal in ("'" + text.replace("'", "''") + "'", '"' + text.replace('"', '""') + '"'):
        assert [r.info.run_name for r in client.search_runs([experiment], f"params.say = {literal}")] == ["quoted"]


def test_experiments_are_searched_without_a_bound(call):
    status, found = call("POST", "experiments/search", {})
    assert status == 200 and found["experiments"]


def test_filters_of_experiments(client, name):
    ids = [client.create_experiment(f"{name}-{i}", tags={"team": "A" if i else "b"}) for i in range(3)]

    def find(text):
        found = client.search_experiments(filter_string=text, order_by=["name"])
        return [e.name.removeprefix(name + "-") for e in found]

    assert find(f"name LIKE '{name}%'") == ["0", "1", "2"]
    assert find(f"name ILIKE '{name.upper()}-1'") == ["1"]
    assert find(f"name = '{name}-2'") == ["2"]
    assert find(f"name LIKE '{name}%' AND tags.team = 'A'") == ["1", "2"]
    assert find(f"name LIKE '{name}%' AND tag.team != 'A'") == ["0"]
    assert find(f"name LIKE '{name}%' AND name != '{name}-0'") == ["1", "2"]
    made = client.get_experiment(ids[1])
    assert find(f"name LIKE '{name}%' AND creation_time < {made.creation_time - 60_000}") == []
    assert find(f"name LIKE '{name}%' AND last_update_time >= {made.creation_time - 60_000}") == ["0", "1", "2"]
    newest = client.search_experiments(filter_string=f"name LIKE '{name}%'")
    times = [e.creation_time for e in newest]
    assert times == sorted(times, reverse=True)
    for wrong in ("nonsense = 'x'", "name > 'x'", "creation_time = 'x'", "tags.team", "metrics.a > 1"):
        with refused("INVALID_PARAMETER_VALUE"):
            client.search_experiments(filter_string=wrong)


# 10 Orders


@pytest.mark.parametrize(("terms", "names"), [
    (["metrics.a DESC"], "gamma beta alpha"),
    (["metrics.a"], "alpha beta gamma"),
    (["params.`opt name`"], "alpha beta gamma"),
    (["params.`opt name` DESC"], "beta alpha gamma"),
    (["tags.color ASC"], "alpha beta gamma"),
    (["attributes.start_time DESC"], "gamma beta alpha"),
    (["attributes.run_name DESC"], "gamma beta alpha"),
    (["attribute.end_time"], "alpha beta gamma"),
    (["attributes.status", "metrics.a DESC"], "gamma beta alpha"),
    ([], "gamma beta alpha"),
], ids=str)
def test_orders_of_runs(three, terms, names):
    assert three(order_by=terms) == names.split()


@pytest.mark.parametrize("term", ["metrics.b", "metrics.b DESC"])
def test_nan_is_behind_numbers_and_nothing_is_last(three, term):
    assert three(order_by=[term]) == ["alpha", "gamma", "beta"]


def test_equal_ones_are_ordered_by_time_and_id(client, experiment):
    times = [300, 100, 300, 200]
    made = [(-time, client.create_run(experiment, start_time=time).info.run_id) for time in times]
    found = client.search_runs([experiment], order_by=["metrics.nothing"])
    assert [r.info.run_id for r in found] == [run for _, run in sorted(made)]


def test_orders_that_are_none(three):
    for terms in (["nonsense"], ["metrics.a SIDEWAYS"], ["attributes.nonsense"], ["metrics.a DESC, metrics.b"]):
        with refused("INVALID_PARAMETER_VALUE"):
            three(order_by=terms)


def test_a_field_twice_in_an_order(wrong, client, experiment):
    wrong("POST", "runs/search", {"experiment_ids": [experiment], "order_by": ["metrics.a", "metrics.a DESC"]})


# 11 Pages


def test_pages_of_every_search(client, experiment, name):
    """Each page goes on where the one before ended, and the last has no token."""
    for i in range(5):
        client.create_run(experiment, run_name=f"run-{i}")
        client.create_registered_model(f"{name}-{i}")
        client.create_experiment(f"{name}-{i}")
        client.create_model_version(f"{name}-0", FAR)
    searches = [
        lambda token: client.search_runs([experiment], order_by=["attributes.run_name"], max_results=2, page_token=token),
        lambda token: client.search_experiments(filter_string=f"name LIKE '{name}%'", max_results=2, page_token=token),
        lambda token: client.search_registered_models(f"name LIKE '{name}%'", max_results=2, page_token=token),
        lambda token: client.search_model_versions(f"name = '{name}-0'", max_results=2, page_token=token),
    ]
    for search in searches:
        token, sizes, seen = None, [], []
        while token != "":
            page = search(token)
            sizes.append(len(page))
            seen += [repr(thing) for thing in page]
            token = page.token or ""
        assert sizes == [2, 2, 1]
        assert len(set(seen)) == 5


def test_an_exact_page_is_the_last(client, experiment):
    for _ in range(2):
        client.create_run(experiment)
    assert not client.search_runs([experiment], max_results=2).token


# 12 Lives


def test_what_is_deleted_is_not_written_to(client, experiment, run):
    client.log_param(run, "p", "1")
    client.delete_run(run)
    for write in (
        lambda: client.log_metric(run, "m", 1.0),
        lambda: client.log_param(run, "q", "1"),
        lambda: client.set_tag(run, "t", "1"),
        lambda: client.log_batch(run, metrics=[Metric("m", 1.0, 1, 1)]),
        lambda: client.update_run(run, name="new"),
    ):
        with refused("INVALID_PARAMETER_VALUE", "must be in the 'active' state"):
            write()
    client.restore_run(run)
    got = client.get_run(run)
    assert (got.data.params, got.data.metrics, got.info.lifecycle_stage) == ({"p": "1"}, {}, "active")


def test_a_finished_run_is_written_to(client, run):
    client.set_terminated(run)
    client.log_metric(run, "late", 1.0)
    client.set_tag(run, "late", "1")
    got = client.get_run(run)
    assert (got.info.status, got.data.metrics, got.data.tags["late"]) == ("FINISHED", {"late": 1.0}, "1")


def test_a_deleted_experiment(client, name):
    made = client.create_experiment(name)
    run = client.create_run(made).info.run_id
    client.delete_experiment(made)
    assert client.get_experiment_by_name(name).lifecycle_stage == "deleted"
    with refused("RESOURCE_ALREADY_EXISTS", name):
        client.create_experiment(name)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    assert made in {e.experiment_id for e in client.search_experiments(ViewType.DELETED_ONLY, max_results=1000)}
    with pytest.raises(MlflowException, match="(?i)deleted"):
        mlflow.set_experiment(name)
    client.restore_experiment(made)
    assert client.get_run(run).info.lifecycle_stage == "active"


def test_a_restored_experiment_has_the_runs_that_it_had(client, name):
    made = client.create_experiment(name)
    kept, gone = (client.create_run(made).info.run_id for _ in range(2))
    client.delete_run(gone)
    client.delete_experiment(made)
    client.restore_experiment(made)
    assert client.get_run(kept).info.lifecycle_stage == "active"
    assert client.get_run(gone).info.lifecycle_stage == "deleted"


def test_a_deleted_experiment_takes_no_model(wrong, client):
    experiment = client.create_experiment("deleted-" + uuid.uuid4().hex)
    client.delete_experiment(experiment)
    assert "active" in wrong("POST", "logged-models", {"experiment_id": experiment})


# 13 Names and ids of runs


def test_a_name_and_its_tag_agree(wrong, call, client, experiment):
    wrong("POST", "runs/create", {"experiment_id": experiment, "run_name": "one", "start_time": 1,
                                  "tags": [{"key": "mlflow.runName", "value": "two"}]})
    status, answer = call("POST", "runs/create", {"experiment_id": experiment, "start_time": 1,
                                                  "tags": [{"key": "mlflow.runName", "value": "by tag"}]})
    assert (status, answer["run"]["info"]["run_name"]) == (200, "by tag")
    run = answer["run"]["info"]["run_id"]
    assert len(run) == 32 and set(run) <= set("0123456789abcdef")
    client.log_batch(run, tags=[RunTag("mlflow.runName", "by batch")])
    assert client.get_run(run).info.run_name == "by batch"


def test_ids_of_experiments(client, name):
    made = client.create_experiment(name)
    assert isinstance(made, str) and made.isdigit()
    assert (client.get_experiment("0").name, client.get_experiment_by_name("Default").experiment_id) == ("Default", "0")


# 14 Tags of clients


def test_tags_that_clients_set(client, experiment):
    with mlflow.start_run(description="a note") as parent:
        mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), key="sample", step=1)
        mlflow.flush_artifact_async_logging()
        mlflow.log_table({"a": [1]}, "table.json")
        with mlflow.start_run(nested=True) as child:
            pass
    tags = client.get_run(parent.info.run_id).data.tags
    assert tags["mlflow.user"] and tags["mlflow.source.name"]
    assert tags["mlflow.source.type"] == "LOCAL"
    assert tags["mlflow.note.content"] == "a note"
    assert "table.json" in tags["mlflow.loggedArtifacts"]
    assert tags["mlflow.loggedImages"] == "True"
    assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id


# 17 Sources of versions: also test_attacks.py


def test_sources_of_versions(wrong, client, experiment, run, name):
    client.create_registered_model(name)
    other = client.create_run(experiment).info.run_id
    root = client.get_run(run).info.artifact_uri
    for source, owner in (
        (f"runs:/{run}/model", other), (root + "/model", other), (root + "/../x", run), (root + "/%2e%2e/x", run),
        (root + "/a%00b", run), ("/etc", None), ("file:///etc", run), ("relative/path", None),
    ):
        wrong("POST", "model-versions/create", {"name": name, "source": source} | ({"run_id": owner} if owner else {}))
    assert client.search_model_versions(f"name = '{name}'") == []
    assert client.create_model_version(name, f"runs:/{run}/model", run_id=run).version == "1"
    assert client.create_model_version(name, root + "/model", run_id=run).version == "2"
    assert client.create_model_version(name, FAR).version == "3"


def test_experiments_in_stores_of_the_clients(client, wrong):
    """Clients write there with credentials of their own, and the server names the place."""
    for location in ("s3://bucket/prefix", "s3://bucket/prefix/", "gs://bucket"):
        experiment = client.create_experiment("elsewhere-" + uuid.uuid4().hex, artifact_location=location)
        assert client.get_experiment(experiment).artifact_location.rstrip("/") == location.rstrip("/")
        run = client.create_run(experiment).info
        assert run.artifact_uri == f"{location.rstrip('/')}/{run.run_id}/artifacts"
    for location in ("s3://bucket/x?y=..", "s3://bucket/x#y"):
        wrong("POST", "experiments/create", {"name": "elsewhere-" + uuid.uuid4().hex, "artifact_location": location})


def test_the_number_of_a_version_is_an_integer(wrong, client, name):
    client.create_registered_model(name)
    client.create_model_version(name, FAR)
    for version in ("1.0", "1e0", "one"):
        wrong("GET", "model-versions/get", {"name": name, "version": version})
        wrong("POST", "registered-models/alias", {"name": name, "version": version, "alias": "a"})
        wrong("POST", "model-versions/transition-stage", {"name": name, "version": version, "stage": "Production"})
    wrong("POST", "model-versions/create", {"name": name, "source": f"models:/{name}@none"})


# 18 The type of a body


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/xml"])
def test_bodies_of_other_types(server, client, run, kind):
    """What a page of another site could send without being asked."""
    body = f'{{"run_id": "{run}", "key": "m", "value": 1, "timestamp": 1}}'
    answer = requests.post(server.url + API + "runs/log-metric", data=body, headers={"Content-Type": kind}, timeout=60)
    assert answer.status_code == 400, answer.text
    assert client.get_run(run).data.metrics == {}
    good = requests.post(server.url + API + "runs/log-metric", data=body, timeout=60,
                         headers={"Content-Type": "application/json; charset=utf-8"})
    assert good.status_code == 200, good.text
