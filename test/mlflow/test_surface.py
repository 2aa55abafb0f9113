"""That docs/mlflow.md tells the truth: the calls are there, and so are the tests that it names."""

import mlflowsurface as surface
import pytest
import requests


def test_the_page_is_current():
    assert (surface.ROOT / "docs" / "mlflow.md").read_text() == surface.page(), (
        "type: python3 test/mlflowsurface.py > docs/mlflow.md")


def test_the_tests_that_it_names_are_there():
    assert surface.missing_tests() == []


def test_every_call_has_a_test_that_drives_the_server():
    assert [call[2] for call in surface.CALLS if ".py::" not in call[3]] == []
    assert [point[0] for point in surface.POINTS if not any(".py::" in test for test in point[1:])] == []


def ask(server, method, path):
    return requests.request(method, server.url + path, json=None if method == "GET" else {}, timeout=60)


@pytest.mark.parametrize(("method", "path"), [call[1:3] for call in surface.CALLS], ids=lambda value: value)
def test_calls_are_offered(server, method, path):
    answer = ask(server, method, path.replace("{id}", "m-" + "0" * 32).replace("{key}", "k").replace("{path}", "0/x"))
    said = answer.text if answer.status_code >= 400 else ""
    assert "ENDPOINT_NOT_FOUND" not in said
    assert answer.status_code != 405, said
    # Of what a folder of files cannot do, the store of a bucket can.
    assert answer.status_code < 500 or (answer.status_code == 501 and "presigned" in path), said


def test_calls_that_are_not_offered_say_so(server):
    for path, _ in surface.ABSENT:
        answer = ask(server, "GET", path)
        assert (answer.status_code, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED"), path


def test_health_and_version(server):
    assert ask(server, "GET", "/health").text == "OK"
    assert ask(server, "GET", "/version").text
