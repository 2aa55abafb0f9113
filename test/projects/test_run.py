"""`cairn run` on real projects: a scikit-learn training from a directory and from git, with environments and without."""

import json
import os
import sys

import pytest
from projects.project import MLPROJECT, TRAIN, commit, git, repository, write


def test_sklearn_project_from_a_directory(cairn_run, tmp_path):
    project = repository(tmp_path / "project", MLproject=MLPROJECT, train__py=TRAIN)
    head = git(project, "rev-parse", "HEAD")
    done = cairn_run(
        project, "-P", "depth=2", "-P", "note=it's; $(touch pwned) `id`", "-P", "further=1 2", "--experiment", "directory"
    )
    assert "note: it's; $(touch pwned) `id` ['--further', '1 2']" in done.stdout
    assert not (project / "pwned").exists()
    (run,) = cairn_run.runs("directory")
    # The settings of the project count, also where another directory is the caller's.
    write(project, cairn__toml='[autolog]\nexclude = ["max_depth"]\n')
    cairn_run(project, "--experiment", "settings", "--autolog-models", "off")
    (settings,) = cairn_run.runs("settings")
    assert "max_depth" not in settings["params"] and settings["params"]["random_state"] == "7"
    assert run["status"] == "FINISHED"
    assert run["params"]["depth"] == "2" and run["params"]["further"] == "1 2" and run["params"]["max_depth"] == "2"
    assert "training_accuracy_score" in [metric["key"] for metric in run["metrics"]]
    tags = run["tags"]
    assert tags["mlflow.source.type"] == "PROJECT" and tags["mlflow.source.name"] == str(project)
    assert tags["mlflow.project.entryPoint"] == "main" and tags["mlflow.project.backend"] == "local"
    assert tags["mlflow.project.env"] == "system" and tags["mlflow.source.git.commit"] == head
    assert tags["mlflow.source.git.branch"] == "main" and tags["cairn.git.dirty"] == "false"
    detail = json.loads(run["fingerprint"]["detail"])
    assert detail["environment"] == {"manager": "system"}
    assert detail["seeds"] == {"random_state": "7"} and detail["command"]["directory"] == "."


def test_versions_of_a_git_repository(cairn_run, tmp_path):
    origin = repository(tmp_path / "origin", MLproject="entry_points: {main: {command: 'cat said'}}", said="first")
    first = git(origin, "rev-parse", "HEAD")
    git(origin, "tag", "v1")
    git(origin, "checkout", "--quiet", "-b", "other")
    write(origin, said="other")
    other = commit(origin)
    git(origin, "checkout", "--quiet", "main")
    write(origin, said="second")
    second = commit(origin)
    bare = tmp_path / "origin.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(origin), str(bare))

    declined = cairn_run(bare, code=1)
    for said in ("was not run on this machine before", "cat said", "--yes"):
        assert said in declined.stderr
    assert cairn_run(bare, stdin="y\n", code=0).stdout == "second"
    for version, said in (("v1", "first"), (first[:12], "first"), ("other", "other"), (second, "second")):
        assert cairn_run(bare, "--version", version).stdout == said
    # A directory keeps its files; the version is checked out elsewhere.
    write(origin, said="not committed")
    assert cairn_run(origin).stdout == "not committed"
    assert cairn_run(origin, "-v", "other").stdout == "other"
    assert (origin / "said").read_text() == "not committed"

    found = cairn_run.runs()
    commits = [run["tags"].get("mlflow.source.git.commit") for run in found]
    assert commits == [second, first, first, other, second, second, other]
    branches = [run["tags"].get("mlflow.source.git.branch") for run in found]
    assert branches == ["main", None, None, "other", None, "main", "other"]
    assert found[0]["tags"]["mlflow.source.git.repoURL"] == str(bare)
    assert [run["tags"]["cairn.git.dirty"] for run in found] == ["false"] * 5 + ["true", "false"]
    # Nothing of a run's checkout is left.
    left = [name for name in os.listdir(tmp_path / "cache" / "projects") if len(name) == 16]
    assert left and all(os.listdir(tmp_path / "cache" / "projects" / name) == ["repository.git"] for name in left)


def test_scripts_without_a_file_and_folders(cairn_run, tmp_path):
    project = repository(tmp_path / "project", top__txt="")
    below = f"{project}#below/deeper"
    scripts = {"hello__py": "import sys; print('hello', sys.argv[1:])", "hello__sh": "echo in a shell $1 $2"}
    write(project / "below" / "deeper", **scripts)
    commit(project)
    assert cairn_run(below, "-e", "hello.py", "-P", "a=b c").stdout == "hello ['--a', 'b c']\n"
    assert cairn_run(below, "-e", "hello.sh", "-P", "a=1", "--version", "main").stdout == "in a shell --a 1\n"
    missing = cairn_run(below, code=1).stderr
    assert 'no entry point "main"; its scripts can be run with --entry-point: hello.py, hello.sh' in missing


def test_exit_codes_and_nested_projects(cairn_run, tmp_path):
    project = write(tmp_path / "project", MLproject="""
entry_points:
  main: {command: "cairn run . -e child; exit 7"}
  child: {command: "echo inner $CAIRN_ENV_MANAGER"}
""")
    done = cairn_run(project, "--experiment", "nested", "--env-manager", "system", code=7)
    assert "inner system" in done.stdout
    outer, inner = cairn_run.runs("nested")
    assert outer["status"] == "FAILED" and outer["statusReason"] == "exit code 7"
    assert inner["status"] == "FINISHED" and inner["parent"]["runId"] == outer["runId"]


def test_project_that_uses_mlflow(cairn_run, tmp_path):
    project = write(tmp_path / "project", main__py="""
import os, mlflow
with mlflow.start_run() as run:
    assert run.info.run_id == os.environ["CAIRN_RUN_ID"]
    mlflow.log_metric("loss", 0.5)
    mlflow.log_param("alpha", "0.1")
""", other__py="""
import mlflow
mlflow.set_experiment("chosen by the script")
with mlflow.start_run():
    mlflow.log_metric("loss", 0.25)
""")
    cairn_run(project, "-e", "main.py", "-P", "alpha=0.1", "--experiment", "mlflow")
    (run,) = cairn_run.runs("mlflow")
    assert run["status"] == "FINISHED" and run["params"] == {"alpha": "0.1"}
    assert [metric["key"] for metric in run["metrics"]] == ["loss"]
    # An experiment of the script's own is no clash with the run that it was given.
    cairn_run(project, "-e", "other.py", "--experiment", "mlflow")
    (chosen,) = cairn_run.runs("chosen by the script")
    assert chosen["metrics"][0]["last"]["value"] == 0.25


ENVIRONMENT = "python: '%d.%d'\ndependencies:\n  - -r requirements.txt\n" % sys.version_info[:2]


@pytest.fixture
def environment_project(tmp_path):
    return write(
        tmp_path / "project", MLproject="python_env: python_env.yaml", python_env__yaml=ENVIRONMENT,
        requirements__txt="tinything>=1\n", show__py="import sys, tinything; print(tinything.version, sys.prefix)",
    )


def test_environment_is_built_once(cairn_run, environment_project, packages):
    packages["PATH"] = packages.pop("uv") + os.pathsep + cairn_run.env["PATH"]
    arguments = [environment_project, "-e", "show.py", "--experiment", "uv"]
    built = cairn_run(*arguments, **packages)
    assert built.stdout.startswith("2.0 ") and "building the environment" in built.stderr
    again = cairn_run(*arguments, **packages)
    assert again.stdout == built.stdout and "building" not in again.stderr
    write(environment_project, requirements__txt="tinything<2\n")
    other = cairn_run(*arguments, **packages)
    assert other.stdout.startswith("1.0 ") and other.stdout != built.stdout
    # Another wording that resolves to the same packages is the same environment.
    write(environment_project, requirements__txt="tinything==1.0\n")
    assert cairn_run(*arguments, **packages).stdout == other.stdout
    first, second, third, fourth = cairn_run.runs("uv")
    environments = [json.loads(run["fingerprint"]["detail"])["environment"] for run in (first, second, third, fourth)]
    assert environments[0] == environments[1] != environments[2] == environments[3]
    assert environments[0]["manager"] == first["tags"]["mlflow.project.env"] == "uv"
    assert environments[0]["lock_sha256"] == first["tags"]["cairn.project.environment"]
    # What does not resolve says where it stands, and the run that there would have been says why there is none.
    write(environment_project, requirements__txt="\ntinything>=3\n")
    failed = cairn_run(*arguments, code=1, **packages)
    assert "requirements.txt, line 2: " in failed.stderr
    run = cairn_run.runs("uv")[-1]
    assert run["status"] == "FAILED" and "requirements.txt, line 2: " in run["statusReason"]


def test_environment_by_virtualenv(cairn_run, environment_project, packages):
    del packages["uv"]
    arguments = [environment_project, "-e", "show.py", "--env-manager", "virtualenv", "--experiment", "virtualenv"]
    built = cairn_run(*arguments, **packages)
    assert built.stdout.startswith("2.0 ") and "building the environment" in built.stderr
    again = cairn_run(*arguments, **packages)
    assert again.stdout == built.stdout and "building" not in again.stderr
    for run in cairn_run.runs("virtualenv"):
        assert run["tags"]["mlflow.project.env"] == "virtualenv" and len(run["tags"]["cairn.project.environment"]) == 64


def test_what_cannot_be_run_is_recorded_as_failed(cairn_run, tmp_path):
    project = write(tmp_path / "project", MLproject=MLPROJECT, train__py=TRAIN)
    done = cairn_run(
        project, "-P", "depth=deep", "-P", "api_key=abcdef123", "--run-name", "n", "--tag", "team=vision",
        "--experiment", "bad", code=1,
    )
    assert '-P depth: "deep" is no number (MLproject, line 5)' in done.stderr
    (run,) = cairn_run.runs("bad")
    assert run["status"] == "FAILED" and "is no number" in run["statusReason"] and run["name"] == "n"
    assert run["params"] == {"depth": "deep", "api_key": "***"}
    assert run["tags"]["team"] == "vision" and run["tags"]["mlflow.source.name"] == str(project)
    url = "http://me:s3cretword@127.0.0.1:1/repository.git"
    done = cairn_run(url, "--experiment", "bad", code=1)
    run = cairn_run.runs("bad")[-1]
    assert "could not be fetched" in run["statusReason"]
    assert "s3cretword" not in done.stderr + json.dumps(run)
    assert run["tags"]["mlflow.source.name"] == "http://127.0.0.1:1/repository.git"


def test_a_server_that_is_down_costs_nothing(cairn_run, tmp_path):
    project = write(tmp_path / "project", main__py="print('ran')")
    done = cairn_run(project, "-e", "main.py", "-P", "a=1", CAIRN_SERVER="http://127.0.0.1:1")
    assert done.stdout == "ran\n" and "cairn sync" in done.stderr
