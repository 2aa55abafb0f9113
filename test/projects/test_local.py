"""Runs that go on by themselves, and sweeps; and MLflow's own `mlflow run` against Cairn."""

import subprocess
import sys

import cairntest
from projects.project import git, repository, write


def cairn(runner, *arguments, **options):
    """Another command of the program, with the runner's environment."""
    return subprocess.Popen([str(cairntest.cairn_bin()), *arguments], env=runner.env, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **options)


def test_detached_run_is_followed_and_stopped(cairn_run, tmp_path):
    project = write(
        tmp_path / "project", MLproject="entry_points: {main: {command: 'python wait.py; echo not reached'}}",
        wait__py="import signal, sys\nprint('waiting', flush=True)\nsignal.pause()\n",
    )
    run = cairn_run(project, "--detach", "--experiment", "detached").stdout.strip()
    with cairn(cairn_run, "runs", "logs", "-f", run) as following:
        assert following.stdout.readline() == "waiting\n"
        with cairn(cairn_run, "runs", "stop", run) as stopping:
            out, err = stopping.communicate(timeout=60)
            assert (out, stopping.returncode) == (f"stopped {run}\n", 0), err
        rest, _ = following.communicate(timeout=60)
        assert "not reached" not in rest and following.returncode == 0
    (recorded,) = cairn_run.runs("detached")
    assert recorded["runId"] == run and recorded["status"] == "KILLED", recorded["statusReason"]
    with cairn(cairn_run, "runs", "stop", run) as again:
        _, err = again.communicate(timeout=60)
        assert again.returncode == 1 and "has ended already: KILLED" in err
    # A mistake is said at once, not by a run that goes on.
    assert "no entry point" in cairn_run(project, "--detach", "-e", "nothing", code=1).stderr


def test_sweep(cairn_run, tmp_path):
    project = repository(tmp_path / "project", MLproject="""
entry_points:
  main:
    parameters: {lr: float, depth: {default: "1"}}
    command: "python main.py {lr} {depth}"
""", main__py="""
import sys, cairn
lr, depth = float(sys.argv[1]), int(sys.argv[2])
cairn.log({"loss": (lr - 0.01) ** 2 + depth})
sys.exit(lr > 1)
""")
    cairn_run.env["PYTHONPATH"] = str(cairntest.ROOT / "python")
    done = cairn_run(
        project, "-v", "main", "-P", "lr=0.1,0.01", "-P", "depth=1,2", "--grid", "--minimize", "loss",
        "--experiment", "sweep",
    )
    rows = [line.split() for line in done.stdout.splitlines()[-5:]]
    assert rows[0] == ["run", "depth", "lr", "status", "loss"]
    (best,) = [row for row in rows if row[0] == "best"]
    assert best[2:] == ["1", "0.01", "FINISHED", "1"]
    sweep, *children = cairn_run.runs("sweep")
    assert sweep["status"] == "FINISHED" and sweep["tags"]["cairn.sweep.best_run"] == best[1]
    assert sweep["params"] == {"best_lr": "0.01", "best_depth": "1"}
    assert [child["parent"]["runId"] for child in children] == [sweep["runId"]] * 4
    tried = [(child["params"]["depth"], child["params"]["lr"]) for child in children]
    assert tried == [("1", "0.1"), ("1", "0.01"), ("2", "0.1"), ("2", "0.01")]
    assert {child["tags"]["mlflow.source.git.commit"] for child in children} == {git(project, "rev-parse", "HEAD")}
    # One that fails ends no sweep; drawn at random with a seed, it is the same each time.
    arguments = [project, "-P", "lr=1..3", "--random", "2", "--seed", "1", "--experiment", "random"]
    cairn_run(*arguments, code=1)
    cairn_run(*arguments, code=1)
    first, a, b, second, c, d = cairn_run.runs("random")
    assert first["status"] == "FAILED" and "of 2 runs failed" in first["statusReason"]
    assert [a["params"]["lr"], b["params"]["lr"]] == [c["params"]["lr"], d["params"]["lr"]]
    assert second["runId"] == c["parent"]["runId"]


def test_mlflow_run(cairn_run, tmp_path):
    project = repository(tmp_path / "project", MLproject="""
name: by mlflow
entry_points:
  main:
    parameters: {alpha: {type: float, default: 0.5}}
    command: "python main.py {alpha}"
""", main__py="""
import sys, mlflow
with mlflow.start_run():
    mlflow.log_metric("alpha_twice", 2 * float(sys.argv[1]))
""")
    command = [sys.executable, "-m", "mlflow", "run", str(project), "-P", "alpha=0.25", "--env-manager", "local",
               "--experiment-name", "by mlflow"]
    env = {**cairn_run.env, "MLFLOW_TRACKING_URI": cairn_run.url}
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    (run,) = cairn_run.runs("by mlflow")
    assert run["status"] == "FINISHED" and run["params"] == {"alpha": "0.25"}
    assert run["metrics"][0]["last"]["value"] == 0.5
    for key, value in {"entryPoint": "main", "backend": "local"}.items():
        assert run["tags"][f"mlflow.project.{key}"] == value
    assert run["tags"]["mlflow.source.git.commit"] == git(project, "rev-parse", "HEAD")
