"""`cairn reproduce`: a run is rebuilt from its fingerprint, run again and compared."""

import json
import os
import shutil
import sys

from projects.project import MLPROJECT, TRAIN, commit, repository, write

SEEDED = """
import random, sys
import cairn
import helper
random.seed(helper.seed)
for step in range(5):
    cairn.log({"loss": random.random(), "other": step}, step=step)
"""


def reproduce(runner, run, *arguments, code=0, **options):
    return json.loads(runner.command("reproduce", run, "--yes", "--json", *arguments, code=code, **options).stdout)


def trained(runner, project, experiment, *command, **options):
    """The run of a command under `cairn exec`."""
    runner.env["PYTHONPATH"] = str(runner.package)
    runner.command("exec", "--experiment", experiment, "--", *command, directory=project, **options)
    return runner.runs(experiment)[-1]["runId"]


def test_seeded_training_with_changes_is_identical(cairn_run, tmp_path):
    project = repository(tmp_path / "project", train__py=SEEDED, data__txt="committed")
    # What was not committed belongs to the run: a change, and a file that is imported and not tracked.
    write(project, helper__py="seed = 7\n")
    (project / "train.py").write_text(SEEDED.replace("range(5)", "range(6)"))
    run = trained(cairn_run, project, "seeded", "python", "train.py")
    (project / "helper.py").unlink()
    write(project, train__py="raise SystemExit('edited since')\n")
    commit(project)

    checked = cairn_run.command("reproduce", run, "--check", directory=project)
    assert checked.stdout == "nothing that is recorded is missing\n"
    declined = cairn_run.command("reproduce", run, stdin="n\n", directory=project)
    assert "python train.py" in declined.stderr and "changes that were not committed" in declined.stderr
    found = reproduce(cairn_run, run, directory=project)
    assert found["outcome"] == "identical"
    assert found["same"] == dict.fromkeys(["code", "data", "dependencies", "seeds", "command", "hardware"], True)
    first, again = cairn_run.runs("seeded")
    assert first["tags"]["cairn.reproduction.verdict"] == again["tags"]["cairn.reproduction.verdict"] == "identical"
    assert first["tags"]["cairn.reproduction.run"] == again["runId"] == found["reproduction"]
    assert again["tags"]["cairn.reproduces"] == run


def test_unseeded_training_diverges_at_its_first_random_step(cairn_run, tmp_path):
    project = repository(tmp_path / "project", train__py="""
import random
import cairn
for step in range(4):
    cairn.log({"loss": random.random() if step >= 2 else 1.0, "steady": step}, step=step)
""")
    run = trained(cairn_run, project, "unseeded", "python", "train.py")
    found = reproduce(cairn_run, run, "--repository", project, code=1)
    assert (found["outcome"], found["key"], found["step"]) == ("diverged", "loss", "2")
    assert cairn_run.runs("unseeded")[0]["tags"]["cairn.reproduction.verdict"] == "diverged"


def test_project_in_an_environment_that_is_built_again(cairn_run, tmp_path, packages):
    packages["PATH"] = packages.pop("uv") + os.pathsep + cairn_run.env["PATH"]
    project = repository(
        tmp_path / "project", python_env__yaml="python: '%d.%d'\ndependencies: [tinything==1.0]\n" % sys.version_info[:2],
        MLproject="python_env: python_env.yaml",
        train__py="import cairn, tinything\ncairn.log({'v': float(tinything.version)})\n",
    )
    cairn_run.env["PYTHONPATH"] = str(cairn_run.package)
    cairn_run(project, "-e", "train.py", "--experiment", "rebuilt", **packages)
    (run,) = cairn_run.runs("rebuilt")
    reused = cairn_run.command("reproduce", run["runId"], "--yes", **packages)
    assert "identical" in reused.stdout and "building" not in reused.stderr
    shutil.rmtree(tmp_path / "cache" / "environments")
    built = cairn_run.command("reproduce", run["runId"], "--yes", **packages)
    assert "identical" in built.stdout and "building the environment from its lock" in built.stderr
    locks = {run["tags"]["cairn.project.environment"]}
    locks |= {json.loads(r["fingerprint"]["detail"])["environment"]["lock_sha256"] for r in cairn_run.runs("rebuilt")}
    assert len(locks) == 1


def test_what_is_missing_is_named(cairn_run, tmp_path):
    project = write(tmp_path / "project", train__py="import cairn; cairn.log({'loss': 1})\n")
    run = trained(cairn_run, project, "missing", "python", "train.py", "--token", "abcdefgh")
    checked = cairn_run.command("reproduce", run, "--check", code=1).stdout
    assert "not reproducible" in checked and "code: it was in no git repository" in checked
    assert "command: it has a secret, which is not recorded" in checked
    assert "cairn.reproduction.verdict" not in cairn_run.runs("missing")[0]["tags"]

    project = repository(tmp_path / "gone", train__py="import cairn; cairn.log({'loss': 1})\n")
    run = trained(cairn_run, project, "gone", "python", "train.py")
    shutil.rmtree(project)
    found = reproduce(cairn_run, run, code=1)
    assert found["outcome"] == "not reproducible" and "is not to be had" in found["reason"]
    assert cairn_run.runs("gone")[0]["tags"]["cairn.reproduction.verdict"] == "not reproducible"
    assert "there is no run" in cairn_run.command("reproduce", "0" * 32, code=1).stderr


def test_sklearn_project_from_git_is_identical(cairn_run, tmp_path):
    project = repository(tmp_path / "project", MLproject=MLPROJECT, train__py=TRAIN)
    cairn_run(project, "--version", "main", "-P", "depth=2", "--experiment", "sklearn")
    (run,) = cairn_run.runs("sklearn")
    found = reproduce(cairn_run, run["runId"])
    assert found["outcome"] == "identical" and found["same"]["data"] and found["same"]["seeds"]
    again = cairn_run.runs("sklearn")[-1]
    assert {m["key"]: m["last"] for m in again["metrics"]}["training_accuracy_score"]["value"] > 0.9
