"""Runs trainings under `cairn exec` and reads back what was recorded, for the tests of this directory."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import cairntest

# Delivery to the server ends with exec; reading back allows for a busy machine.
DELIVERY_SECONDS = 60


class Exec:
    """One `cairn exec` that has ended: `done` (exit code, output), `home` (its state) and the server to ask."""

    def __init__(self, server_url, directory, command, *flags, stdin=None, home=None, meanwhile=None,
                 **environment):
        """meanwhile(process) is called in a thread of its own while exec runs."""
        self.url = server_url
        self.home = Path(home or directory) / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.env = clean_environment(self.home, **environment)
        program = [str(cairntest.cairn_bin()), "exec", "--server", server_url, *flags, "--", *command]
        began = time.monotonic()
        with subprocess.Popen(
            program, env=self.env, cwd=directory, stdin=subprocess.PIPE if stdin is not None else None,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            beside = threading.Thread(target=meanwhile or (lambda process: None), args=(process,))
            beside.start()
            try:
                out, err = process.communicate(stdin, timeout=300)
            finally:
                process.kill()  # only where it hangs
                beside.join()
        self.done = subprocess.CompletedProcess(program, process.returncode, out, err)
        self.seconds = time.monotonic() - began


def clean_environment(home, **more):
    """This process's environment without what would point to other servers, with a state directory of its own."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("CAIRN_", "MLFLOW_"))}
    env.update(CAIRN_HOME=str(home), PYTHONHASHSEED="0")
    env.update({key: str(value) for key, value in more.items()})
    return env


def train(server_url, directory, script, *flags, **options):
    """Runs a Python script under exec; it must succeed."""
    path = Path(directory) / "train.py"
    path.write_text(script)
    ended = Exec(server_url, directory, [sys.executable, "train.py"], *flags, **options)
    assert ended.done.returncode == 0, ended.done.stderr
    return ended


def graphql(url, query, **variables):
    """The data of a GraphQL query."""
    request = urllib.request.Request(
        url + "/graphql",
        data=json.dumps({"query": query, "variables": variables}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found = json.loads(answer.read())
    assert not found.get("errors"), found["errors"]
    return found["data"]


def logged_models(url, run):
    """The models that a run logged, oldest first. Clients of mlflow 2 cannot ask for them."""
    query = """query($id: ID!) { run(id: $id) { loggedModels {
        modelId name status artifactLocation params { key value } tags { key value } } } }"""
    return graphql(url, query, id=run.info.run_id)["run"]["loggedModels"]


def runs(client, experiment, top=True):
    """The runs of an experiment, oldest first; only those without a parent when top."""
    (found,) = [e for e in client.search_experiments() if e.name == experiment] or [None]
    assert found is not None, f"no experiment {experiment}"
    everything = client.search_runs([found.experiment_id], max_results=1000, order_by=["attributes.start_time ASC"])
    return [run for run in everything if not top or "mlflow.parentRunId" not in run.data.tags]


def children(client, run):
    """The runs below a run, by name."""
    found = client.search_runs(
        [run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'", max_results=1000
    )
    return sorted(found, key=lambda child: child.info.run_name)
