"""Tables of polars, and the lines of a live chart."""

import math
import random
import uuid

import cairn
import cairntest
import polars
import pytest
from cairn import _chart


@pytest.fixture
def run(tmp_path, monkeypatch):
    with cairntest.Server(tmp_path / "server") as server:
        for name in ("CAIRN_TOKEN", "MLFLOW_TRACKING_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("CAIRN_SERVER", server.url)
        made = uuid.uuid4().hex
        cairn.query("mutation ($i: CreateRunInput!) { createRun(input: $i) { runId } }", i={"runId": made, "name": "one"})
        points = [{"key": "loss", "value": "NaN" if step == 1 else 1.0, "step": step, "time": "2026-01-01T00:00:00.001Z"}
                  for step in range(3)]
        cairn.query("mutation ($i: LogBatchInput!) { logBatch(input: $i) { stored } }", i={"runId": made, "metrics": points})
        yield made


def test_tables_of_polars(run):
    found = cairn.runs(frame="polars")
    assert found["run_id"].to_list() == [run]
    assert found.schema["start_time"] == polars.Datetime("ms", "UTC")
    assert found["end_time"].to_list() == [None]
    series = cairn.metric_series(found, "loss", frame="polars")
    assert series["step"].to_list() == [0, 1, 2]
    assert math.isnan(series["value"][1])
    assert series["time"][0].isoformat() == "2026-01-01T00:00:00.001000+00:00"
    assert series["key"].cast(str).to_list() == ["loss"] * 3
    assert len(cairn.metric_series(found, "nothing", frame="polars")) == 0
    assert len(cairn.lineage(run).frame("polars")) == 0


def test_a_line_keeps_its_extremes_however_long_it_becomes():
    numbers = random.Random(7)
    values = [numbers.gauss(0, 1) for _ in range(9 * _chart.ROWS + 7)]
    values[4321], values[5432], values[77] = 1e9, -1e9, math.nan
    line = _chart.Line()
    for at in range(0, len(values), 101):
        line.add(range(at, at + len(values[at : at + 101])), values[at : at + 101])
        assert len(line.steps) == len(line.low) == len(line.high) <= _chart.ROWS
    assert len(line.steps) > _chart.ROWS / 4
    assert (min(line.low), max(line.high)) == (-1e9, 1e9)
    assert list(line.steps) == sorted(line.steps)
    for step, low, high in zip(line.steps, line.low, line.high):
        assert low <= values[int(step)] <= high or math.isnan(values[int(step)])


def test_a_line_of_nothing_but_nan():
    line = _chart.Line()
    line.add(range(3), [math.nan] * 3)
    assert all(map(math.isnan, line.low)) and len(line.steps) == 3
