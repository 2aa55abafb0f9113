"""What a client is told when it asks for what cannot be: the code that it can act on, and the parameter."""

import uuid

import mlflow
import pytest
import requests
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflowtest import refused


def test_unknown_things(client, experiment):
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_run("0" * 32)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_experiment("77777777")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.log_metric("0" * 32, "m", 1.0)


@pytest.mark.since("mlflow", "3.0", "logged models came with it")
def test_unknown_logged_model(client):
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_logged_model("m-" + "0" * 32)


def test_names(client, experiment):
    run = client.create_run(experiment).info.run_id
    for key in ("k" * 251, "a//b", "../up", "/root", "what?"):
        with pytest.raises(MlflowException):
            client.log_param(run, key, 1)
        with pytest.raises(MlflowException):
            client.log_metric(run, key, 1.0)
    with pytest.raises(MlflowException):
        client.create_experiment("e" * 501)
    got = client.get_run(run).data
    assert got.params == {} and got.metrics == {}


def test_a_refused_batch_stores_nothing(client, experiment):
    run = client.create_run(experiment).info.run_id
    client.log_param(run, "depth", "3")
    with refused("INVALID_PARAMETER_VALUE", "Changing param values is not allowed"):
        client.log_batch(run, metrics=[Metric("m", 1.0, 1, 1)], params=[Param("new", "1"), Param("depth", "4")])
    got = client.get_run(run).data
    assert got.params == {"depth": "3"} and got.metrics == {}


def test_filters(client, experiment):
    with refused("INVALID_PARAMETER_VALUE", "filter"):
        client.search_runs([experiment], "metrics.a > ")
    with refused("INVALID_PARAMETER_VALUE", "filter"):
        client.search_experiments(filter_string="name =")
    with refused("INVALID_PARAMETER_VALUE"):
        client.search_runs([experiment], page_token="forged")


def test_filters_say_where(client, experiment):
    with refused("INVALID_PARAMETER_VALUE", "filter", "at 13"):
        client.search_runs([experiment], "metrics.a > ")


def test_raw_requests(server, experiment, client):
    run = client.create_run(experiment).info.run_id
    url = server.url + "/api/2.0/mlflow/runs/log-metric"
    body = {"run_id": run, "key": "m", "value": "abc", "timestamp": 1}
    answer = requests.post(url, json=body, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert "'value'" in answer.json()["message"]
    for data, kind in (("{bad", "application/json"), ('{"run_id": 1}', "text/plain")):
        answer = requests.post(url, data=data, headers={"Content-Type": kind}, timeout=10)
        assert answer.status_code == 400, answer.text
    assert client.get_run(run).data.metrics == {}


def test_experiment_name_is_taken(client):
    name = "taken-" + uuid.uuid4().hex
    client.create_experiment(name)
    with refused("RESOURCE_ALREADY_EXISTS", name):
        client.create_experiment(name)
    assert mlflow.get_experiment_by_name(name).name == name
