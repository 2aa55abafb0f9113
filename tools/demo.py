#!/usr/bin/env python3
"""Shows Cairn at work: a server, six real trainings, the comparison.

    make demo               trains, compares, and goes on serving until Ctrl-C
    make demo ARGS=--once   ends after the comparison

It starts bin/cairn on an embedded database, trains five random forests and a grid search of 12 candidates under
`cairn exec`, with nothing changed in the scripts, and asks GraphQL for the best. Standard library only; the trainings
run in a Python environment of their own (test/env/demo.lock).
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CAIRN = ROOT / "bin" / "cairn"
USUAL_PORT = 5000
START_SECONDS = 20
STOP_SECONDS = 12
METRIC = "accuracy_score_X_test"

FORESTS = [
    {"trees": 5, "depth": 3},
    {"trees": 20, "depth": 6},
    {"trees": 60, "depth": 8},
    {"trees": 100, "depth": 12},
    {"trees": 200},
]

QUERY = """query Best($experiment: String!) {
  experiment(name: $experiment) {
    experimentId
    runs(orderBy: ["metrics.%s DESC"], first: 6) {
      edges {
        node {
          runId
          name
          metric(key: "%s") { last { value } }
          params(keys: ["n_estimators", "max_depth", "best_n_estimators", "best_max_depth"]) { key value }
          children(first: 1) { totalCount }
        }
      }
    }
  }
}""" % (METRIC, METRIC)


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


def say(text=""):
    print(text, flush=True)


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def clean_environment(directory):
    """The environment without what would send the demo's trainings elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAIRN_", "MLFLOW_"))}
    # What the agents spool belongs to the demo, too.
    return {**kept, "CAIRN_HOME": str(directory / "agent")}


class Server:
    """A `cairn server` of the demo's own, with its log in the data directory."""

    def __init__(self, directory, port, environment):
        self.log = directory / "server.log"
        command = [str(CAIRN), "server", "--listen", f"127.0.0.1:{port}", "--data-dir", str(directory / "data")]
        with open(self.log, "wb") as log:
            # A session of its own, so that Ctrl-C reaches the demo alone and the server is stopped in order.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        self.url = f"http://127.0.0.1:{port}"

    def wait(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), urllib.request.urlopen(self.url + "/health", timeout=2) as answer:
                if answer.read() == b"OK":
                    return
            time.sleep(0.02)
        raise DemoError(f"the server did not start; its log says:\n{self.log.read_text(errors='replace')}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def query(self, text, **variables):
        body = json.dumps({"query": text, "variables": variables}).encode()
        request = urllib.request.Request(self.url + "/graphql", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                result = json.load(answer)
        except urllib.error.HTTPError as error:
            raise DemoError(f"GraphQL answered {error.code}: {error.read().decode(errors='replace')}") from None
        if result.get("errors"):
            raise DemoError(f"GraphQL answered: {result['errors'][0]['message']}")
        return result["data"]


class Progress:
    """One line for each step: what it does while it does it, then what came out."""

    def __init__(self, steps):
        self.steps = steps
        self.done = 0

    @contextlib.contextmanager
    def step(self, what):
        self.done += 1
        head = f"[{self.done}/{self.steps}] {what}"
        began = time.monotonic()
        outcome = []
        ended = threading.Event()
        moving = sys.stdout.isatty()
        clock = threading.Thread(target=self.tick, args=(head, began, ended), daemon=True)
        if moving:
            clock.start()
        try:
            yield outcome.append
        finally:
            ended.set()
            if moving:
                clock.join()
                print("\r\033[K", end="")
        say(f"{head:<68} {' '.join(outcome):<16} {time.monotonic() - began:5.1f} s")

    @staticmethod
    def tick(head, began, ended):
        for dots in iter(lambda: int(time.monotonic() - began) % 4, None):
            print(f"\r\033[K{head} {'.' * dots}", end="", flush=True)
            if ended.wait(0.25):
                return


def training_python():
    """The python of the environment that the demo trains in; built the first time, which takes a minute."""
    done = subprocess.run([sys.executable, str(ROOT / "test/env/ensure.py"), "demo"], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise DemoError("the Python environment of the demo could not be built; see above")
    return done.stdout.strip()


def free_experiment(server):
    """A name that no experiment has yet, so that a demo compares its own runs alone."""
    number = 1
    while True:
        name = "digits" if number == 1 else f"digits-{number}"
        if server.query("query($n: String!) { experiment(name: $n) { name } }", n=name)["experiment"] is None:
            return name
        number += 1


def train(server, environment, experiment, run_name, command):
    """Runs a script under `cairn exec`, and gives the last word of what it printed: its accuracy."""
    done = subprocess.run(
        [str(CAIRN), "exec", "--server", server.url, "--experiment", experiment, "--run-name", run_name, "--", *command],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise DemoError(f"the training ended with exit code {done.returncode}:\n{done.stdout}")
    return next((line.split()[-1] for line in reversed(done.stdout.splitlines()) if line.startswith("accuracy ")), "?")


def train_all(server, environment, python):
    experiment = free_experiment(server)
    progress = Progress(len(FORESTS) + 1)
    for forest in FORESTS:
        options = [text for name, value in forest.items() for text in (f"--{name}", str(value))]
        with progress.step("cairn exec -- python examples/train.py " + " ".join(options)) as tell:
            name = "forest-" + "-".join(f"{value}-{what}" for what, value in forest.items())
            tell("accuracy " + train(server, environment, experiment, name, [python, "examples/train.py", *options]))
    with progress.step("cairn exec -- python examples/grid_search.py") as tell:
        tell("accuracy " + train(server, environment, experiment, "grid-search", [python, "examples/grid_search.py"]))
    return experiment


def table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        say("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        if number == 0:
            say("  " + "  ".join("─" * width for width in widths))


def compare(server, experiment):
    """Prints the runs by accuracy as GraphQL gives them, and gives the best."""
    found = server.query(QUERY, experiment=experiment)["experiment"]["runs"]["edges"]
    runs = [edge["node"] for edge in found if edge["node"]["metric"]]
    if len(runs) != len(FORESTS) + 1:
        raise DemoError(
            f"{len(FORESTS) + 1} runs with {METRIC} were expected, {len(runs)} are there; the server's log is {server.log}"
        )
    rows = [["", "run", "accuracy", "trees", "depth", "candidates"]]
    for place, run in enumerate(runs, 1):
        params = {param["key"]: param["value"] for param in run["params"]}
        candidates = run["children"]["totalCount"]
        rows.append(
            [
                str(place),
                run["name"],
                f"{run['metric']['last']['value']:.4f}",
                params.get("best_n_estimators") or params.get("n_estimators", ""),
                (params.get("best_max_depth") or params.get("max_depth", "")).replace("None", "any"),
                str(candidates) if candidates else "",
            ]
        )
    say(f"\nThe runs of the experiment “{experiment}” by accuracy on data that no forest had seen:\n")
    table(rows)
    best = runs[0]
    say(f"\nThe best is {best['name']}, accuracy {best['metric']['last']['value']:.4f}, run {best['runId']}.")
    say(f'\nGraphQL said so (experiment = "{experiment}"):\n')
    say("\n".join("  " + line for line in QUERY.splitlines()))
    return best


def stop_on_signals():
    """Ctrl-C and SIGTERM both end the demo in order."""

    def interrupt(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)


def run(arguments, directory):
    environment = clean_environment(directory)
    port = arguments.port or (USUAL_PORT if is_free(USUAL_PORT) else 0)
    if not port:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    server = Server(directory, port, environment)
    try:
        server.wait()
        say(f"Cairn serves on {server.url}, its data in {directory}.")
        python = training_python()
        experiment = train_all(server, environment, python)
        compare(server, experiment)
        if arguments.once:
            return
        say(f"""
Look around:
  {server.url}/             the runs
  {server.url}/explorer     ask GraphQL yourself
  bin/cairn runs list --server {server.url} --experiment {experiment} --order-by 'metrics.{METRIC} DESC'

Serving until Ctrl-C.""")
        server.process.wait()
        raise DemoError(f"the server ended by itself; its log is {server.log}")
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--once", action="store_true", help="end after the comparison, and leave nothing behind")
    parser.add_argument("--port", type=int, default=0, help=f"port of the server (default: {USUAL_PORT} if it is free)")
    parser.add_argument(
        "--data-dir", type=Path, help="where the data goes (default: ./cairn-demo-data; with --once a temporary folder)"
    )
    arguments = parser.parse_args()
    stop_on_signals()
    if not CAIRN.exists():
        print(f"demo: {CAIRN} is not built; run `make demo`, or `make build` first", file=sys.stderr)
        return 1
    temporary = None
    if arguments.data_dir:
        directory = arguments.data_dir.resolve()
    elif arguments.once:
        directory = temporary = Path(tempfile.mkdtemp(prefix="cairn-demo-"))
    else:
        directory = Path.cwd() / "cairn-demo-data"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        run(arguments, directory)
    except KeyboardInterrupt:
        say("\nStopped." if temporary else f"\nStopped. The data stays in {directory}.")
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    finally:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
