"""The demo as a newcomer runs it: its best run is the same wherever one asks."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request

import pytest
from cairntest import ROOT, cairn_bin, free_port

METRIC = "accuracy_score_X_test"
# The environment may have to be built first, on a slow machine.
DEMO_SECONDS = 600


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The running demo: its address, its experiment and all it printed up to serving."""
    cairn_bin()
    directory = tmp_path_factory.mktemp("demo")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tools" / "demo.py"), "--port", str(port), "--data-dir", str(directory)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=directory,
    )
    watchdog = Watchdog(process, DEMO_SECONDS)
    printed = ""
    try:
        for line in process.stdout:
            printed += line
            if line.startswith("Serving until"):
                break
        else:
            pytest.fail(f"the demo ended with {process.wait()}:\n{printed}")
        yield {"url": f"http://127.0.0.1:{port}", "printed": printed, "process": process}
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.kill()
        process.wait()


class Watchdog:
    """Kills a process that hangs, so that reading its output ends."""

    def __init__(self, process, seconds):
        self.timer = threading.Timer(seconds, process.kill)
        self.timer.start()

    def cancel(self):
        self.timer.cancel()


def graphql(url, query, **variables):
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(url + "/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        result = json.load(answer)
    assert "errors" not in result, result
    return result["data"]


def test_prints_progress_the_table_the_best_and_the_query(demo):
    printed = demo["printed"]
    for step in range(1, 7):
        assert f"[{step}/6] cairn exec -- python examples/" in printed
    assert re.search(r"^  1 +\S+ +0\.9\d+", printed, re.MULTILINE), printed
    assert re.search(r"The best is \S+, accuracy 0\.9\d+, run [0-9a-f]{32}\.", printed)
    assert "query Best($experiment: String!) {" in printed
    assert demo["url"] + "/explorer" in printed


def test_the_best_run_is_the_same_everywhere(demo):
    import mlflow

    url = demo["url"]
    best = re.search(r"The best is \S+, accuracy \S+, run ([0-9a-f]{32})\.", demo["printed"]).group(1)
    experiment = graphql(url, 'query { experiment(name: "digits") { experimentId } }')["experiment"]["experimentId"]
    order = f"metrics.{METRIC} DESC"

    by_graphql = graphql(
        url,
        "query($e: [ID!], $o: [String!]) { runs(experiments: $e, orderBy: $o, first: 1) { edges { node { runId } } } }",
        e=[experiment],
        o=[order],
    )["runs"]["edges"][0]["node"]["runId"]
    assert by_graphql == best

    environment = {**os.environ, "CAIRN_SERVER": url}
    listed = subprocess.run(
        [str(cairn_bin()), "runs", "list", "--experiment", "digits", "--order-by", order, "--limit", "1", "--json"],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        env=environment,
    )
    assert json.loads(listed.stdout)[0]["runId"] == best
    table = subprocess.run(
        [str(cairn_bin()), "runs", "list", "-e", "digits", "-o", order],
        capture_output=True,
        check=True,
        text=True,
        env=environment,
    )
    assert table.stdout.splitlines()[1].startswith(best)
    # Children of runs stand in the table as a number, so that it has the six trainings alone.
    assert len(table.stdout.splitlines()) == 1 + 6
    assert re.search(r"grid-search .* 12 ", table.stdout)
    assert table.stderr == "12 child runs match too; --children shows them.\n"

    client = mlflow.MlflowClient(tracking_uri=url)
    found = client.search_runs([experiment], order_by=[order], max_results=1)
    assert found[0].info.run_id == best


def test_what_was_trained_is_recorded(demo):
    url = demo["url"]
    runs = graphql(
        url,
        """query { experiment(name: "digits") { runs(filter: "metrics.%s > 0", first: 50) { edges { node {
        name status params { key value } loggedModels { status } inputs { context }
        children(first: 100) { edges { node { status params { key } metrics { key } } } }
    } } } } }"""
        % METRIC,
    )["experiment"]["runs"]["edges"]
    assert len(runs) == 6
    for edge in runs:
        run = edge["node"]
        assert run["status"] == "FINISHED"
        assert {"n_estimators", "estimator__n_estimators"} & {param["key"] for param in run["params"]}
        assert [model["status"] for model in run["loggedModels"]] == ["READY"]
        assert "train" in [read["context"] for read in run["inputs"]]
    search = next(edge["node"] for edge in runs if edge["node"]["name"] == "grid-search")
    candidates = [edge["node"] for edge in search["children"]["edges"]]
    assert len(candidates) == 12
    assert all("mean_test_score" in {metric["key"] for metric in candidate["metrics"]} for candidate in candidates)


def test_ctrl_c_ends_it_in_order(demo):
    demo["process"].send_signal(signal.SIGINT)
    rest = demo["process"].stdout.read()
    assert demo["process"].wait(20) == 0, rest
    assert "Stopped." in rest
    with pytest.raises(OSError):
        urllib.request.urlopen(demo["url"] + "/health", timeout=2)
