"""What the tests of projects share: repositories made here, and `cairn run` on them."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cairntest
from autolog.exec import clean_environment, graphql

MLPROJECT = """\
name: iris
entry_points:
  main:
    parameters:
      depth: {type: float, default: 3}
      note: {type: string, default: "a note"}
    command: "python train.py --depth {depth} --note {note}"
  evaluate:
    parameters:
      data: path
    command: "python evaluate.py {data}"
"""

TRAIN = """\
import argparse
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=float)
parser.add_argument("--note")
arguments, rest = parser.parse_known_args()
X, y = load_iris(return_X_y=True)
DecisionTreeClassifier(max_depth=int(arguments.depth), random_state=7).fit(X, y)
print("note:", arguments.note, rest)
"""


def git(directory, *arguments):
    """Runs git as nobody in particular; gives what it prints."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for who in ("AUTHOR", "COMMITTER"):
        env[f"GIT_{who}_NAME"], env[f"GIT_{who}_EMAIL"] = "test", "test@example.com"
    done = subprocess.run(["git", *arguments], cwd=directory, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def write(directory, **files):
    """Writes files; `__` in a name is a dot."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (directory / name.replace("__", ".")).write_text(text)
    return directory


def repository(directory, **files):
    """A git repository with one commit of these files."""
    write(directory, **files)
    git(directory, "init", "--quiet", "--initial-branch", "main")
    commit(directory)
    return directory


def commit(directory):
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", "a change")
    return git(directory, "rev-parse", "HEAD")


def wheel(directory, name, version):
    """A package of one module, as pip and uv install it, with nothing to download."""
    directory.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(directory / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)


class Runner:
    """Runs `cairn run` against a server, with a state and a cache of its own."""

    package = cairntest.ROOT / "python"

    def __init__(self, url, directory):
        self.url, self.directory = url, Path(directory)
        home, cache = self.directory / "home", self.directory / "cache"
        self.env = clean_environment(home, CAIRN_CACHE=cache, CAIRN_SERVER=url)
        # `python` is the one that the tests run in, with what they train with.
        programs = [str(Path(sys.executable).parent), str(cairntest.cairn_bin().parent)]
        self.env["PATH"] = os.pathsep.join([*programs, self.env["PATH"]])

    def __call__(self, *arguments, **options):
        return self.command("run", *arguments, **options)

    def command(self, *arguments, code=0, stdin="", directory=None, **environment):
        """Runs a command of the program, which must end with this exit code."""
        command = [str(cairntest.cairn_bin()), *map(str, arguments)]
        done = subprocess.run(
            command, cwd=directory or self.directory, env={**self.env, **environment}, input=stdin, capture_output=True,
            text=True, timeout=170,
        )
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def runs(self, experiment="Default"):
        """The runs of an experiment, oldest first."""
        found = graphql(self.url, """query($e: String!) { experiment(name: $e) {
            runs(first: 100, orderBy: ["attributes.start_time ASC"]) { edges { node {
                runId name status statusReason parent { runId } params { key value } tags { key value }
                metrics { key last { value } } fingerprint { dependenciesHash detail } } } } } }""", e=experiment)
        runs = [edge["node"] for edge in found["experiment"]["runs"]["edges"]]
        for run in runs:
            run["params"] = {p["key"]: p["value"] for p in run["params"]}
            run["tags"] = {t["key"]: t["value"] for t in run["tags"]}
        return runs
