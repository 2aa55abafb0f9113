"""What the server refuses of a whole run is neither lost nor passed over in silence; the training is not touched."""

import subprocess
import sys

import cairntest
from autolog.exec import Exec, clean_environment, graphql


def test_a_run_of_a_deleted_experiment_is_kept_until_it_is_restored(client, cairn_server, tmp_path):
    experiment = client.create_experiment("gone")
    client.delete_experiment(experiment)
    ended = Exec(cairn_server.url, tmp_path, [sys.executable, "-c", "print('trained')"], "--experiment", "gone")
    assert ended.done.returncode == 0
    assert ended.done.stdout == "trained\n"
    assert "must be in the 'active' state" in ended.done.stderr, ended.done.stderr
    assert "cairn sync" in ended.done.stderr

    client.restore_experiment(experiment)
    sync = subprocess.run([str(cairntest.cairn_bin()), "sync", "--json"], env=clean_environment(ended.home),
                          capture_output=True, text=True, timeout=120)
    assert sync.returncode == 0, sync.stdout + sync.stderr
    runs = graphql(cairn_server.url, '{ runs { edges { node { status experiment { name } } } } }')["runs"]["edges"]
    assert [run["node"] for run in runs] == [{"status": "FINISHED", "experiment": {"name": "gone"}}]


def test_a_name_that_no_run_may_have_is_told_before_the_command_runs(cairn_server, tmp_path):
    marker = tmp_path / "ran"
    ended = Exec(cairn_server.url, tmp_path, ["touch", str(marker)], "--run-name", "x" * 600)
    assert ended.done.returncode not in (0, 127)
    assert "--run-name: has 600 characters: at most 500 are allowed" in ended.done.stderr
    assert not marker.exists()
