"""The agent, the adapter and the server are killed again and again while a training goes on. The training does not notice,
and its runs have everything, or say what is missing."""

import subprocess
import sys

import cairntest
import kills
import pytest
from autolog.exec import Exec, clean_environment, graphql, logged_models, runs

ROUNDS = 12 if kills.FULL else 1
FITS = 16

TRAIN = f"""
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
X, y = load_iris(return_X_y=True)
for depth in range(1, {FITS + 1}):
    model = RandomForestClassifier(20, max_depth=depth, random_state=0).fit(X, y)
    with open("fits", "a") as fits:
        fits.write("1")
    print(depth, len(model.estimators_), flush=True)
"""
OUTPUT = "".join(f"{depth} 20\n" for depth in range(1, FITS + 1))


@pytest.fixture
def killer(tmp_path, record_property):
    """Makes the test's killer of what its training starts; it must have killed, and what it hit is counted."""
    made = []

    def make(harm, span, seed, **more):
        made.append(kills.Killer(harm, span, seed, kills.Progress(tmp_path / "fits", FITS), **more))
        return made[0]

    yield make
    record_property("kills", made[0].kills)
    record_property("kills before the last fit", made[0].amid)


# What exec says while it waits long for the delivery, as on a busy machine.
WAITS = "cairn exec: the command has ended; waiting until what was recorded of it is delivered"


def train(server, directory, killer, amid=True):
    """The training under exec while it is harmed; it ends and prints as it does without Cairn. amid: it must have been
    harmed before its end."""
    (directory / "train.py").write_text(TRAIN)
    ended = Exec(server.url, directory, [sys.executable, "train.py"], "--experiment", "killed", meanwhile=killer)
    assert killer.amid > 0 or not amid, "nothing was killed in the middle of the training"
    assert (ended.done.returncode, ended.done.stdout) == (0, OUTPUT), ended.done.stderr
    assert all(line.startswith("cairn exec: ") for line in ended.done.stderr.splitlines()), ended.done.stderr
    return ended


def sync(server, ended):
    """Delivers what exec said it has kept."""
    if "cairn sync" not in ended.done.stderr:
        return
    done = subprocess.run([str(cairntest.cairn_bin()), "sync", "--server", server.url],
                          env=clean_environment(ended.home), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not any((ended.home / "spool").iterdir())


def warnings(run):
    return run.data.tags.get("cairn.autolog.warnings", "")


def requires_everything(server, run, depth):
    """The run has all that is recorded of a fit, each record once."""
    assert run.info.status == "FINISHED"
    assert run.data.params["max_depth"] == str(depth)
    assert run.data.params["n_estimators"] == "20"
    assert len(run.data.params) == 19
    (model,) = logged_models(server.url, run)
    assert model["status"] == "READY"
    found = graphql(server.url, "query($id: ID!) { run(id: $id) { metrics { key count } } }", id=run.info.run_id)
    counts = {series["key"]: series["count"] for series in found["run"]["metrics"]}
    assert set(counts.values()) == {1}, counts
    assert {"training_accuracy_score", "training_log_loss", "training_score", "fit_time"} <= set(counts)


def whole(server, run, depth):
    try:
        requires_everything(server, run, depth)
    except (AssertionError, KeyError, ValueError):
        return False
    return True


@pytest.mark.parametrize("seed", kills.seeds(ROUNDS))
def test_agent_is_killed_while_fits_are_recorded(cairn_server, client, tmp_path, killer, seed):
    # As often as exec starts another one.
    ended = train(cairn_server, tmp_path, killer(kills.below(kills.is_agent), (0.0, 0.3), seed, most=3))
    sync(cairn_server, ended)
    recorded = runs(client, "killed")
    assert len(recorded) == FITS
    for depth, run in enumerate(recorded, 1):
        requires_everything(cairn_server, run, depth)
        assert warnings(run) == ""


@pytest.mark.full("the training waits seconds for an agent that does not come back; test_failures.py kills one in a while")
@pytest.mark.parametrize("seed", kills.seeds(ROUNDS))
def test_agent_that_is_killed_for_ever(cairn_server, client, tmp_path, killer, record_property, seed):
    killer = killer(kills.below(kills.is_agent), (0.0, 0.2), seed)
    ended = train(cairn_server, tmp_path, killer)
    sync(cairn_server, ended)
    recorded = runs(client, "killed")
    missing = [depth for depth, run in enumerate(recorded, 1) if not whole(cairn_server, run, depth)]
    record_property("fits recorded in part", len(missing))
    record_property("fits not recorded", FITS - len(recorded))
    assert ("the agent did not stay up" in ended.done.stderr) == (killer.kills > 3)
    if missing or len(recorded) < FITS:
        assert "the agent was killed" in warnings(recorded[0]), (missing, len(recorded), ended.done.stderr)
    for run in (recorded[depth - 1] for depth in missing if depth > 1):
        found = graphql(cairn_server.url, "query($id: ID!) { run(id: $id) { statusReason } }", id=run.info.run_id)
        assert run.info.status == "KILLED"
        assert found["run"]["statusReason"] == "the agent was killed while it recorded this run"


@pytest.mark.parametrize("seed", kills.seeds(ROUNDS))
@pytest.mark.parametrize("pauses", [
    (0.0, 0.1), pytest.param((0.1, 0.8), marks=pytest.mark.full("a training may end ahead of the first of these kills"))])
def test_adapter_is_killed_while_fits_are_recorded(cairn_server, client, tmp_path, killer, record_property, pauses, seed):
    ended = train(cairn_server, tmp_path, killer(kills.below(kills.is_adapter), pauses, seed), amid=pauses[0] == 0)
    assert all(line.startswith(WAITS) for line in ended.done.stderr.splitlines()), ended.done.stderr
    recorded = runs(client, "killed")
    missing = [run for depth, run in enumerate(recorded, 1) if not whole(cairn_server, run, depth)]
    record_property("fits recorded in part", len(missing))
    record_property("fits not recorded", FITS - len(recorded))
    if len(recorded) < FITS:  # killed five times in a row before it answered, as on a busy machine
        assert "the adapter sklearn ended 5 times in a row and was given up" in warnings(recorded[0])
    for run in recorded:
        assert run.info.status == "FINISHED"
        if run in missing:
            assert "the adapter sklearn" in warnings(run)
            assert "not all that was observed of this run was recorded" in warnings(run)


@pytest.mark.parametrize("seed", kills.seeds(ROUNDS))
def test_server_is_killed_while_fits_are_delivered(cairn_server, client, tmp_path, killer, seed):
    def harm(_):
        cairn_server.kill()
        cairn_server.start()
        return 1

    ended = train(cairn_server, tmp_path, killer(harm, (0.05, 0.4), seed))
    sync(cairn_server, ended)
    recorded = runs(client, "killed")
    assert len(recorded) == FITS
    for depth, run in enumerate(recorded, 1):
        requires_everything(cairn_server, run, depth)
        assert warnings(run) == ""
