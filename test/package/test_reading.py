"""What `import cairn` reads from a real server: tables, series, points as they come, lineage, and errors."""

import asyncio
import base64
import math
import struct
import subprocess
import sys
import threading
import uuid

import cairn
import cairntest
import numpy
import pandas
import pytest

POINTS = 3000
CREATE = "mutation ($i: CreateRunInput!) { createRun(input: $i) { runId experiment { experimentId } } }"
LOG = "mutation ($i: LogBatchInput!) { logBatch(input: $i) { stored cursor } }"


@pytest.fixture(scope="module")
def server(database, tmp_path_factory):
    with cairntest.Server(tmp_path_factory.mktemp("server"), *database()) as started:
        yield started


@pytest.fixture(autouse=True)
def address(request, monkeypatch):
    for name in ("CAIRN_TOKEN", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    if "server" in request.fixturenames:
        monkeypatch.setenv("CAIRN_SERVER", request.getfixturevalue("server").url)


def new_run(name, experiment="reading", params=None, tags=None):
    run = uuid.uuid4().hex
    tags = [{"key": key, "value": value} for key, value in (tags or {}).items()]
    cairn.query(CREATE, i={"runId": run, "name": name, "experimentName": experiment, "tags": tags})
    if params:
        cairn.query(LOG, i={"runId": run, "params": [{"key": key, "value": value} for key, value in params.items()]})
    return run


def log(run, key, points, scale=0):
    """Logs (step, value) points; a step is in units of 10 ** -scale."""
    steps, values = zip(*points)

    def pack(kind, numbers):
        return base64.b64encode(struct.pack("<%d%s" % (len(numbers), kind), *numbers)).decode()

    times = [1_700_000_000_000 + at for at in range(len(steps))]
    columns = {"steps": pack("q", steps), "times": pack("q", times), "values": pack("d", values)}
    return cairn.query(LOG, i={"runId": run, "columns": [{"key": key, "stepScale": scale, **columns}]})["logBatch"]


def finish(run):
    cairn.query("mutation ($run: ID!) { finishRun(input: {runId: $run}) { runId } }", run=run)


@pytest.fixture(scope="module")
def made(server):
    """Three runs of an experiment of their own, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CAIRN_SERVER", server.url)
        runs = {}
        for at, name in enumerate(["low", "middle", "high"]):
            runs[name] = new_run(name, "table", {"depth": str(at)}, {"team": "a"})
            log(runs[name], "acc", [(0, 0.0), (1, at / 2)])
        log(runs["low"], "loss", [(0, math.inf)])
        log(runs["high"], "curve", [(step, math.sin(step / 50)) for step in range(POINTS)])
        log(runs["high"], "decimal", [(25, 1.0), (150, 2.0)], scale=2)
        finish(runs["high"])
    return runs


def test_runs_as_a_data_frame(made):
    found = cairn.runs("metrics.acc >= 0.5", "metrics.acc DESC", experiments="table")
    assert isinstance(found, pandas.DataFrame)
    assert list(found["run_id"]) == [made["high"], made["middle"]]
    assert list(found["name"]) == ["high", "middle"]
    assert list(found["metrics.acc"]) == [1.0, 0.5]
    assert list(found["params.depth"]) == ["2", "1"]
    assert list(found["tags.team"]) == ["a", "a"]
    assert list(found["status"]) == ["FINISHED", "RUNNING"]
    assert list(found["experiment"]) == ["table", "table"]
    assert found["metrics.curve"].notna().tolist() == [True, False]
    assert str(found["start_time"].dtype) == "datetime64[ms, UTC]"
    assert found["end_time"].notna().tolist() == [True, False]
    assert abs((found["start_time"][0] - pandas.Timestamp.now("UTC")).total_seconds()) < 3600


def test_runs_as_rows_with_chosen_columns(made):
    rows = cairn.runs(
        experiments=["table"], order_by="params.depth", params=(), tags=(), metrics=["acc", "loss"], frame="rows")
    assert [row["metrics.acc"] for row in rows] == [0.0, 0.5, 1.0]
    assert rows[0]["metrics.loss"] == math.inf
    assert math.isnan(rows[1]["metrics.loss"])
    assert rows[0]["start_time"].tzinfo is not None
    assert rows[0]["end_time"] is None
    assert not [name for name in rows[0] if name.startswith(("params.", "tags."))]


def test_runs_of_no_match_have_the_columns(made):
    assert list(cairn.runs("metrics.acc > 9", experiments="table").columns)[:3] == ["run_id", "name", "status"]
    assert cairn.runs("metrics.acc > 9", experiments="table", frame="rows") == []


def test_many_runs_come_in_pages(server, recwarn):
    for at in range(cairn._search.PAGE + 5):
        new_run("many %d" % at, "many")
    found = cairn.runs(experiments="many", params=(), metrics=(), tags=())
    assert len(found) == len(set(found["run_id"])) == cairn._search.PAGE + 5
    assert len(cairn.runs(experiments="many", limit=cairn._search.PAGE + 1, frame="rows")) == cairn._search.PAGE + 1
    assert not recwarn, "a limit that was asked for is no reason to warn"


def test_who_gives_no_limit_is_told_of_what_is_left_out(made, monkeypatch):
    monkeypatch.setattr(cairn._search, "DEFAULT_LIMIT", 2)
    with pytest.warns(cairn.IncompleteWarning, match="more than 2 runs"):
        assert len(cairn.runs(experiments="table")) == 2


def test_a_run_with_more_metrics_than_come_with_it(made, monkeypatch):
    monkeypatch.setattr(cairn._search, "METRICS_OF_A_RUN", 2)
    (row,) = cairn.runs("attributes.run_name = 'high'", experiments="table", frame="rows")
    assert {name for name in row if name.startswith("metrics.")} == {"metrics.acc", "metrics.curve", "metrics.decimal"}


def test_a_wrong_filter_shows_the_place(server):
    with pytest.raises(cairn.FilterError) as caught:
        cairn.runs("metrics.acc > 0.9 and metrics.loss <")
    assert (caught.value.code, caught.value.field) == ("INVALID_ARGUMENT", "filter")
    assert caught.value.position == len("metrics.acc > 0.9 and metrics.loss <") + 1
    message, text, pointer = str(caught.value).split("\n")
    assert text.strip() == caught.value.text == "metrics.acc > 0.9 and metrics.loss <"
    assert pointer.index("^") == 4 + caught.value.position - 1


def test_a_wrong_order_shows_the_place(server):
    with pytest.raises(cairn.FilterError) as caught:
        cairn.runs(order_by=["metrics.acc", "metrics.loss SIDEWAYS"])
    assert caught.value.text == "metrics.loss SIDEWAYS"
    assert caught.value.position == 14


def test_what_is_not_there_is_named(server):
    unknown = "0" * 32
    for ask in (
        lambda: cairn.metric_series(unknown, "loss"),
        lambda: cairn.metric_series(unknown, max_points=None),
        lambda: cairn.lineage(unknown),
        lambda: cairn.lineage("models:/nothing/1"),
        lambda: cairn.runs(experiments="nothing"),
        lambda: next(iter(cairn.watch(unknown))),
    ):
        with pytest.raises(cairn.NotFoundError) as caught:
            ask()
        assert caught.value.code == "NOT_FOUND"


@pytest.mark.parametrize("ask", [
    lambda: cairn.runs(limit=0),
    lambda: cairn.runs(frame="spark"),
    lambda: cairn.metric_series("0" * 32, axis="WEEK"),
    lambda: cairn.metric_series("0" * 32, start=1, max_points=None),
    lambda: cairn.metric_series(7),
    lambda: cairn.lineage("0" * 32, direction="sideways"),
    lambda: cairn.lineage("0" * 32, depth=-1),
])
def test_arguments_that_are_none(ask):
    with pytest.raises(ValueError):
        ask()


def test_a_server_that_is_away_is_told_at_once(monkeypatch):
    monkeypatch.setenv("CAIRN_SERVER", "http://127.0.0.1:%d" % cairntest.free_port())
    for ask in (cairn.runs, lambda: cairn.metric_series("0" * 32), lambda: next(iter(cairn.watch("0" * 32)))):
        with pytest.raises(cairn.UnreachableError, match="cairn server"):
            ask()


def test_series_as_a_data_frame(made):
    found = cairn.metric_series(made["high"], "curve", max_points=POINTS)
    assert list(found.columns) == ["run_id", "key", "step", "time", "value", "min", "max", "mean", "count"]
    assert found["step"].to_numpy().tolist() == list(range(POINTS))
    assert found["value"].to_numpy().tolist() == [math.sin(step / 50) for step in range(POINTS)], "to the last bit"
    assert found["time"][1] == pandas.Timestamp(1_700_000_000_001, unit="ms", tz="UTC")

    joined = cairn.metric_series(made["high"], "curve", max_points=100)
    assert 50 <= len(joined) <= 100
    assert joined["count"].sum() == POINTS
    assert joined["max"].max() == found["value"].max()
    assert joined["min"].min() == found["value"].min()
    part = cairn.metric_series(made["high"], "curve", start=10, end=20)
    assert part["step"].tolist() == list(range(10, 21))


def test_series_of_what_runs_gave(made):
    found = cairn.metric_series(cairn.runs(experiments="table"), ["acc"], frame="rows")
    assert {(row["run_id"], row["step"], row["value"]) for row in found if row["step"] == 1} == {
        (made["low"], 1, 0.0), (made["middle"], 1, 0.5), (made["high"], 1, 1.0)}
    rows = cairn.runs(experiments="table", frame="rows")
    assert len(cairn.metric_series(rows, "acc")) == 6
    assert len(cairn.metric_series([], "acc")) == 0


def test_series_as_arrays(made, monkeypatch):
    monkeypatch.setattr(cairn._series, "RUNS", 1)  # several requests
    found = cairn.metric_series([made["high"], made["low"]], frame="arrays")
    assert [(one.run_id, one.key) for one in found] == [
        *((made["high"], key) for key in ("acc", "curve", "decimal")), (made["low"], "acc"), (made["low"], "loss")]
    decimal = found[2]
    assert decimal.steps.dtype == numpy.float64
    assert decimal.steps.tolist() == [0.25, 1.5]
    assert found[1].steps.dtype == numpy.int64
    assert not found[1].exact and found[1].total == POINTS
    assert found[4].values.tolist() == [math.inf]


def test_every_point_as_it_was_recorded(made, monkeypatch):
    monkeypatch.setattr(cairn._series, "PAGE", 1000)
    found = cairn.metric_series(made["high"], max_points=None, frame="arrays")
    assert [one.key for one in found] == ["acc", "curve", "decimal"]
    assert found[1].values.tolist() == [math.sin(step / 50) for step in range(POINTS)]
    assert found[1].exact
    assert found[2].steps.tolist() == [0.25, 1.5]
    assert cairn.metric_series(made["low"], "never", max_points=None, frame="arrays") == []


def test_watching_ends_with_the_run(server):
    run = new_run("watched")
    log(run, "loss", [(0, 1.0), (1, 0.5)])
    log(run, "other", [(0, 1.0)])
    watch = cairn.watch(run, "loss")
    points = []
    for update in watch:
        for one in update.series:
            assert (one.run_id, one.key) == (run, "loss")
            points += zip(one.steps.tolist(), one.values.tolist())
        if len(points) == 2:
            log(run, "loss", [(2, math.nan)])
            finish(run)
    assert points[:2] == [(0, 1.0), (1, 0.5)]
    assert points[2][0] == 2 and math.isnan(points[2][1])
    assert list(cairn.watch(run, "loss", after=watch.cursor)) == [], "nothing is behind the end"
    assert list(cairn.watch([run], ["loss"]))[0].frame()["step"].tolist() == [0, 1, 2]


def test_who_leaves_the_loop_goes_on_behind_it(server):
    run = new_run("left")
    log(run, "loss", [(0, 0.0)])
    watch = cairn.watch(run)
    for update in watch:
        assert update.series[0].steps.tolist() == [0]
        break
    log(run, "loss", [(1, 0.0)])
    for update in watch:
        assert update.series[0].steps.tolist() == [1]
        break
    finish(run)
    assert list(watch) == []


def test_a_cursor_that_is_none_is_refused(server):
    run = new_run("forged")
    with pytest.raises(cairn.QueryError, match="not a cursor") as caught:
        next(iter(cairn.watch(run, after="AAAA")))
    assert caught.value.field == "after"


def test_a_plain_loop_in_a_running_event_loop_says_what_to_write(server):
    async def main():
        with pytest.raises(RuntimeError, match="async for"):
            iter(cairn.watch("0" * 32))

    asyncio.run(main())


def test_watching_several_at_once_while_they_are_logged(server):
    """Readers in one event loop, one of which gives up; a writer in another thread."""
    runs = [new_run("at once %d" % at) for at in range(3)]

    def write():
        for step in range(50):
            for run in runs:
                log(run, "loss", [(step, step / 2)])
        for run in runs:
            finish(run)

    async def read(chosen):
        seen = {run: [] for run in chosen}
        async for update in cairn.watch(chosen, ["loss"], max_rate=20):
            for one in update.series:
                seen[one.run_id] += one.steps.tolist()
        return seen

    async def give_up():
        async for _ in cairn.watch(runs):
            return True

    async def main():
        return await asyncio.gather(read(runs), read(runs[:1]), give_up())

    writer = threading.Thread(target=write)
    writer.start()
    everything, first, gave_up = asyncio.run(main())
    writer.join()
    assert everything == {run: list(range(50)) for run in runs}
    assert first == {runs[0]: list(range(50))}
    assert gave_up


def test_watching_goes_on_when_the_server_was_away(tmp_path, monkeypatch):
    """Killed in the middle of a stream, and started again on the same address."""
    with cairntest.Server(tmp_path / "server") as server:
        monkeypatch.setenv("CAIRN_SERVER", server.url)
        run = new_run("broken")
        log(run, "loss", [(0, 0.0)])
        steps = []
        for update in cairn.watch(run, patience=60):
            steps += [step for one in update.series for step in one.steps.tolist()]
            if len(steps) == 1:
                server.kill()
                server.start()
                log(run, "loss", [(1, 0.0)])
            elif len(steps) == 2:
                assert server.stop() == 0  # in order: it is not the end of the run
                server.start()
                log(run, "loss", [(2, 0.0)])
                finish(run)
        assert steps == [0, 1, 2]
        with pytest.raises(cairn.UnreachableError):
            for _ in cairn.watch(run, patience=0, until_ended=False):
                server.kill()


def test_a_viewer_of_a_server_with_tokens(tmp_path, monkeypatch):
    """The token goes with every kind of request, and a wrong one is said to be so."""
    with cairntest.Server(tmp_path / "server") as server:
        monkeypatch.setenv("CAIRN_SERVER", server.url)
        run = new_run("secret")
        log(run, "loss", [(0, 0.0)])
        finish(run)
        for role in ("ADMIN", "VIEWER"):
            text = "mutation ($i: CreateTokenInput!) { createToken(input: $i) { secret } }"
            made = cairn.query(text, i={"name": role, "role": role})
            monkeypatch.setenv("CAIRN_TOKEN", made["createToken"]["secret"])
        assert len(cairn.runs()) == 1
        assert len(list(cairn.watch(run))) == 1
        monkeypatch.setenv("CAIRN_TOKEN", "wrong")
        for ask in (cairn.runs, lambda: list(cairn.watch(run))):
            with pytest.raises(cairn.QueryError) as caught:
                ask()
            assert caught.value.code == "UNAUTHENTICATED"


def test_lineage_from_data_to_version(server):
    parent, run, other = new_run("sweep"), uuid.uuid4().hex, new_run("reader")
    cairn.query(CREATE, i={"runId": run, "name": "candidate", "experimentName": "reading", "parentRunId": parent})
    dataset = {"name": "digits", "digest": "abc", "sourceType": "local", "source": "x", "context": "train"}
    cairn.query("mutation ($i: LogInputsInput!) { logInputs(input: $i) { runId } }", i={"runId": run, "datasets": [dataset]})
    create = "mutation ($i: CreateLoggedModelInput!) { createLoggedModel(input: $i) { modelId } }"
    model = cairn.query(create, i={"sourceRunId": run, "name": "forest"})["createLoggedModel"]["modelId"]
    cairn.query("mutation ($id: ID!) { finalizeLoggedModel(modelId: $id) { modelId } }", id=model)
    cairn.query("mutation ($i: LogInputsInput!) { logInputs(input: $i) { runId } }", i={"runId": other, "models": [model]})
    name = "digits-" + uuid.uuid4().hex[:8]
    cairn.query("mutation ($n: String!) { createRegisteredModel(input: {name: $n}) { name } }", n=name)
    version = "mutation ($i: CreateModelVersionInput!) { createModelVersion(input: $i) { version } }"
    cairn.query(version, i={"name": name, "source": "models:/" + model, "runId": run, "modelId": model})

    def shown(found):
        return {(found.nodes[e.source].name, e.kind, found.nodes[e.target].name) for e in found.edges}

    up = cairn.lineage("models:/%s/1" % name, direction="upstream")
    chain = {("digits", "input:train", "candidate"), ("sweep", "child", "candidate"), ("candidate", "output", "forest"),
             ("forest", "registered", name)}
    assert shown(up) == chain
    assert not up.cut
    down = cairn.lineage(run, direction="downstream")
    assert shown(down) == {("candidate", "output", "forest"), ("forest", "registered", name)}
    assert shown(cairn.lineage(model)) == chain
    assert shown(cairn.lineage(other)) == {("forest", "input", "reader"), *chain} - {("forest", "registered", name)}
    assert cairn.lineage("models:/%s/1" % name, depth=1).cut
    assert cairn.lineage("models:/%s/1" % name, max_nodes=2).cut
    frame = up.frame()
    assert set(frame["target_kind"]) == {"run", "model", "version"}
    assert [node.kind for node in up.nodes.values()][0] == "version"


def test_without_numpy_and_pandas(server):
    """The package needs nothing: in a Python that finds neither, tables are lists and columns arrays."""
    run = new_run("bare")
    log(run, "loss", [(0, 1.5), (1, 0.5)])
    finish(run)
    program = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in ("numpy", "pandas", "polars"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Hidden())
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name in ("numpy", "pandas", "polars") else find(name, *a)
import cairn
assert [row["metrics.loss"] for row in cairn.runs("attributes.run_name = 'bare'")] == [0.5]
series, = cairn.metric_series(sys.argv[1], frame="arrays")
assert type(series.values).__module__ == "array" and list(series.values) == [1.5, 0.5]
rows = cairn.metric_series(sys.argv[1], max_points=None)
assert [(row["step"], row["value"]) for row in rows] == [(0, 1.5), (1, 0.5)], rows
assert [list(one.steps) for update in cairn.watch(sys.argv[1]) for one in update.series] == [[0, 1]]
try:
    cairn.runs(frame="pandas")
except cairn.CairnError as failure:
    assert "pip install pandas" in str(failure)
else:
    raise AssertionError("no pandas is here")
"""
    env = {"CAIRN_SERVER": server.url, "PYTHONPATH": str(cairntest.ROOT / "python"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", program, run], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
