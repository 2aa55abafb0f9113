"""The package `cairn`, with an agent and a server for tests."""

import base64
import fnmatch
import http.server
import json
import math
import struct
import sys
import threading
from pathlib import Path

import pytest
from tests.fake_agent import TOY_HOOK

PACKAGE = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(PACKAGE))
    for name in ("CAIRN_SERVER", "CAIRN_TOKEN", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    """Answers every POST with what `answers` holds, status and body, and keeps the requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            listener.requests.append((self.path, dict(self.headers), json.loads(body)))
            status, answer = listener.answer
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *arguments):
            pass

    listener = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    listener.requests, listener.answer = [], (200, '{"data": {"ok": true}}')
    listener.url = "http://127.0.0.1:%d" % listener.server_port
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
    thread.start()
    yield listener
    listener.shutdown()
    thread.join()
    listener.server_close()


def test_query_sends_variables_and_token(server, monkeypatch):
    import cairn

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url + "/")
    monkeypatch.setenv("CAIRN_TOKEN", "secret")
    assert cairn.query("query($id: ID!) { run(id: $id) { status } }", id="r1") == {"ok": True}
    ((path, headers, body),) = server.requests
    assert path == "/graphql"
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Content-Type"] == "application/json"
    assert body["variables"] == {"id": "r1"}


def test_query_prefers_cairn_server_and_ignores_what_is_no_server(monkeypatch):
    from cairn import _query

    assert _query.server() == "http://127.0.0.1:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")
    assert _query.server() == "http://127.0.0.1:5000"
    monkeypatch.setenv("CAIRN_SERVER", "https://cairn.example/")
    assert _query.server() == "https://cairn.example"


@pytest.mark.parametrize("status", [200, 404, 422])
def test_query_raises_what_the_server_says(server, monkeypatch, status):
    import cairn

    monkeypatch.setenv("CAIRN_SERVER", server.url)
    server.answer = (
        status,
        '{"errors": [{"message": "no run r1", "extensions": {"code": "NOT_FOUND"}}], "data": null}',
    )
    with pytest.raises(cairn.QueryError, match="no run r1") as caught:
        cairn.query("{ run }")
    assert caught.value.code == "NOT_FOUND"


@pytest.mark.parametrize(("status", "body"), [(500, "<html>"), (200, "<html>")])
def test_query_tells_when_it_is_no_cairn_server(server, monkeypatch, status, body):
    import cairn

    monkeypatch.setenv("CAIRN_SERVER", server.url)
    server.answer = (status, body)
    with pytest.raises(cairn.QueryError, match="is it a Cairn server"):
        cairn.query("{ run }")


def test_query_without_server_says_how_to_start_one(monkeypatch):
    import cairn

    monkeypatch.setenv("CAIRN_SERVER", "http://127.0.0.1:1")
    with pytest.raises(cairn.CairnError, match="cairn server"):
        cairn.query("{ run }")


def test_an_answer_that_is_too_long_says_what_to_do(server, monkeypatch):
    import cairn

    monkeypatch.setenv("CAIRN_SERVER", server.url)
    monkeypatch.setattr(cairn._query, "MAX_ANSWER", 1 << 20)
    server.answer = (200, '{"data": "%s"}' % ("x" * (1 << 20)))
    with pytest.raises(cairn.CairnError, match="more than 1 MiB: ask for fewer"):
        cairn.query("{ run }")


def test_all_that_is_public_is_described_and_typed():
    import inspect

    import cairn

    for name in cairn.__all__:
        thing = getattr(cairn, name)
        assert inspect.getdoc(thing), name
        methods = vars(thing) if inspect.isclass(thing) else ()
        for called in [thing, *(getattr(thing, method) for method in methods if not method.startswith("_"))]:
            if inspect.isfunction(called):
                assert called.__doc__, called
                given = inspect.signature(called)
                untyped = [each.name for each in given.parameters.values() if each.annotation is each.empty]
                assert set(untyped) <= {"self", "cls"} and given.return_annotation is not given.empty, called


def test_unpack_gives_the_exact_numbers():
    import cairn

    values = [1.5, -0.0, math.inf, 5e-324]
    column = base64.b64encode(struct.pack("<4d", *values)).decode()
    assert list(cairn.unpack_float64(column)) == values
    assert math.isnan(cairn.unpack_float64(base64.b64encode(struct.pack("<d", math.nan)).decode())[0])
    assert list(cairn.unpack_int64(base64.b64encode(struct.pack("<2q", -(2**63), 7)).decode())) == [-(2**63), 7]
    assert list(cairn.unpack_int64("")) == []


@pytest.mark.parametrize("column", ["abc", "AAAA", "not base64!"])
def test_unpack_refuses_what_is_no_column(column):
    import cairn

    with pytest.raises(ValueError):  # with base64's own message or ours
        cairn.unpack_float64(column)


STAND_IN = """#!%s
import json, os, sys
open(os.environ["TOLD"], "w").write(json.dumps(sys.argv[1:]))
told = {"socket": os.environ["AGENT"], "run_id": "0" * 32, "exec_id": "1" * 32, "server": "http://127.0.0.1:9"}
print(json.dumps(told), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def stand_in(tmp_path):
    """A program in the place of `cairn`: it tells the address of the test agent and ends with its standard input."""
    path = tmp_path / "cairn-program"
    path.write_text(STAND_IN % sys.executable)
    path.chmod(0o755)
    return path


NOTEBOOK = """
import sys; sys.path[:0] = [%r, %r]
import toyframe.core
import cairn
cairn.autolog(experiment="e", run_name="n")
cairn.autolog()
toyframe.core.train(1)
with cairn.run("mine", tags={"a": 1}) as run:
    toyframe.core.train(1)
    cairn.params({"rate": 0.1})
    cairn.log({"loss": float("inf")}, step=2.5)
    with cairn.run(nested=True) as child:
        child.tags({"b": "c"})
cairn.log({"x": 1})
try:
    with cairn.run():
        1 / 0
except ZeroDivisionError:
    print(run.id, child.id)
"""


def test_notebook(start_agent, python, stand_in, toy, tmp_path):
    agent = start_agent(hooks={"toyframe.core": TOY_HOOK.replace('fit="f1"', 'fit="f1", run=cairn.active_run()')})
    done = python(
        agent,
        NOTEBOOK % (str(PACKAGE), str(toy)),
        late=True,
        PYTHONPATH="",
        CAIRN_BIN=stand_in,
        AGENT=agent.path,
        TOLD=tmp_path / "told",
    )
    assert done.stderr == ""
    run, child = done.stdout.split()
    agent.wait_closed()
    assert json.loads((tmp_path / "told").read_text())[:2] == ["agent", "--serve"]
    assert "--experiment" in (tmp_path / "told").read_text()
    assert [m["run"] for m in agent.observations("step")] == ["", run]
    opened = agent.of("run")
    assert (opened[0]["run"], opened[0]["name"], opened[0]["tags"]) == (run, "mine", {"a": "1"})
    assert (opened[1]["run"], opened[1]["parent"]) == (child, run)
    assert [m["status"] for m in agent.of("run.end")] == ["FINISHED", "FINISHED", "FAILED"]
    logs = agent.of("log")
    assert [m["run"] for m in logs] == [run, run, child, ""]
    assert logs[0]["params"] == {"rate": "0.1"}
    assert (logs[1]["values"], logs[1]["step"]) == ({"loss": "Infinity"}, 2.5)
    numbers = [m["seq"] for m in agent.messages if "seq" in m]
    assert numbers == list(range(1, len(numbers) + 1))


def test_autolog_without_the_program_says_how_to_get_it(start_agent, python):
    program = (
        "import sys; sys.path.insert(0, %r); import cairn\n"
        "try:\n    cairn.autolog()\nexcept cairn.CairnError as error:\n    print(error)" % str(PACKAGE)
    )
    done = python(start_agent(), program, late=True, PYTHONPATH="", CAIRN_BIN="/nonexistent/cairn")
    assert "put it on PATH, or set CAIRN_BIN" in done.stdout


def test_logging_where_nothing_records_says_what_to_call(start_agent, python):
    program = (
        "import sys; sys.path.insert(0, %r); import cairn\n"
        "try:\n    cairn.log({'a': 1})\nexcept cairn.CairnError as error:\n    print(error)" % str(PACKAGE)
    )
    assert "cairn.autolog()" in python(start_agent(), program, late=True, PYTHONPATH="").stdout


@pytest.mark.parametrize(
    ("metrics", "step", "said"),
    [
        ({"acc": 1, "loss": "abc"}, 1, "the metric 'loss' must be a number, not 'abc'"),
        ({"loss": None}, 1, "the metric 'loss' must be a number, not None"),
        ({"loss": 1}, "abc", "step must be a number, not 'abc'"),
        ({"loss": 1}, math.nan, "step must be a finite number, not nan"),
        ({"loss": 1}, 2**63, "step must fit 64 bits, not 9223372036854775808"),
        ({"loss": 1}, 1e300, "step must fit 64 bits, not 1e+300"),
    ],
)
def test_log_says_what_is_no_number(metrics, step, said):
    import cairn

    with pytest.raises(ValueError) as caught:
        cairn.Run("0" * 32).log(metrics, step)
    assert str(caught.value) == said


def test_steps_of_every_kind(start_agent, python):
    numpy = "class Scalar:\n    def __init__(self, of): self.of = of\n    def __float__(self): return float(self.of)\n"
    program = (
        "import sys; sys.path.insert(0, %r); import cairn; from decimal import Decimal; from fractions import Fraction\n%s"
        "for step in (None, 3, -2, 2**62 + 1, 1.5, 4.0, 0.1 + 0.2, Decimal('0.25'), Fraction(1, 3), Scalar(7)):\n"
        "    cairn.log({'a': Scalar(1)}, step=step)" % (str(PACKAGE), numpy)
    )
    agent = start_agent()
    python(agent, program)
    agent.wait_closed()
    steps = [m["step"] for m in agent.of("log")]
    assert steps == [0, 3, -2, 2**62 + 1, 1.5, 4, 0.3, 0.25, 0.333333, 7]
    assert all(list(m["values"].values()) == [1] for m in agent.of("log"))


def test_under_exec_the_package_uses_the_session_that_is_there(start_agent, python):
    program = "import sys; sys.path.insert(0, %r); import cairn; cairn.autolog(); cairn.log({'a': 1})" % str(PACKAGE)
    agent = start_agent()
    python(agent, program, CAIRN_BIN="/nonexistent/cairn")
    agent.wait_closed()
    assert len(agent.of("hello")) == len(agent.of("log")) == 1


@pytest.mark.since("python", "3.11", "what reads pyproject.toml came with it")
def test_every_source_is_part_of_the_distribution():
    import tomllib

    tables = tomllib.loads((PACKAGE / "pyproject.toml").read_text())
    patterns = tables["tool"]["setuptools"]["package-data"]["cairn"]
    for path in (PACKAGE / "cairn").rglob("*.py"):
        name = path.relative_to(PACKAGE / "cairn").as_posix()
        assert "/" not in name or any(fnmatch.fnmatch(name, pattern) for pattern in patterns), name
