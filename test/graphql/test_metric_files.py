"""Metrics as files, read back by the programs that people read them with: pandas and pyarrow."""

import base64
import io
import math
import struct
import uuid
from decimal import Decimal

import httpx
import pandas
import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

LOSS = [(step, 1_700_000_000_000 + 7 * step, math.sin(step) / 3) for step in range(70_000)]
HARD = [
    (5, 1_700_000_000_123, math.nan),
    (-3, 0, math.inf),
    (5, 1, -math.inf),
    (2**63 - 1, 2, 0.1 + 0.2),
    (0, 253_402_300_799_999, -0.0),
    (1, 3, 5e-324),
]
DECIMAL = [(Decimal("0.25"), 1, 1.0), (Decimal("-1.000001"), 2, 2.0), (Decimal("3"), 3, 3.0)]


def post(server, query, **variables):
    answer = httpx.post(server.url + "/graphql", json={"query": query, "variables": variables}, timeout=30).json()
    assert "errors" not in answer, answer
    return answer["data"]


def log(server, run, key, points, scale=0):
    steps, times, values = zip(*points, strict=True)

    def pack(kind, numbers):
        return base64.b64encode(struct.pack(f"<{len(numbers)}{kind}", *numbers)).decode()

    columns = {
        "key": key,
        "stepScale": scale,
        "steps": pack("q", [int(step * 10**scale) for step in steps]),
        "times": pack("q", times),
        "values": pack("d", values),
    }
    mutation = "mutation ($i: LogBatchInput!) { logBatch(input: $i) { stored } }"
    assert post(server, mutation, i={"runId": run, "columns": [columns]})["logBatch"]["stored"]


@pytest.fixture(scope="module")
def run(shared_server):
    """A run with a long series, one of what is hard, and one whose steps are decimals."""
    made = uuid.uuid4().hex
    post(shared_server, "mutation ($i: CreateRunInput!) { createRun(input: $i) { runId } }", i={"runId": made})
    log(shared_server, made, "loss", LOSS)
    log(shared_server, made, "hard/学习率", HARD)
    log(shared_server, made, "decimal", DECIMAL, scale=6)
    return made


@pytest.fixture
def download(shared_server, run):
    def get(form, keys=None):
        query = """query ($run: ID!, $format: MetricFileFormat!, $keys: [String!]) {
          run(id: $run) { metricSeriesUrl(format: $format, keys: $keys) } }"""
        url = post(shared_server, query, run=run, format=form, keys=keys)["run"]["metricSeriesUrl"]
        answer = httpx.get(shared_server.url + url, timeout=60)
        assert answer.status_code == 200, answer.text
        return io.BytesIO(answer.content)

    return get


def bits(values):
    return [struct.pack("<d", value) for value in values]


def check(table, run, **series):
    """Holds a pyarrow table against the points that were logged."""
    assert table.schema.names == ["run_id", "key", "step", "time", "value"]
    assert table.schema.field("time").type == pyarrow.timestamp("ms", "UTC")
    assert table.schema.field("value").type == pyarrow.float64()
    assert set(table.column("run_id").to_pylist()) == {run}
    keys = table.column("key").to_pylist()
    assert list(dict.fromkeys(keys)) == sorted(series)
    steps = table.column("step").to_pylist()
    times = table.column("time").cast(pyarrow.int64()).to_pylist()
    values = table.column("value").to_pylist()
    for key, points in series.items():
        rows = [i for i, k in enumerate(keys) if k == key]
        assert [steps[i] for i in rows] == [step for step, _, _ in points]
        assert [times[i] for i in rows] == [time for _, time, _ in points]
        assert bits(values[i] for i in rows) == bits(value for _, _, value in points)


def read(form, file):
    if form == "PARQUET":
        return pyarrow.parquet.read_table(file)
    return pyarrow.ipc.open_stream(file).read_all()


@pytest.mark.parametrize("form", ["PARQUET", "ARROW"])
def test_whole_steps(run, download, form):
    table = read(form, download(form, ["loss", "hard/学习率"]))
    assert table.schema.field("step").type == pyarrow.int64()
    check(table, run, **{"loss": LOSS, "hard/学习率": HARD})
    frame = table.to_pandas()
    assert len(frame) == len(LOSS) + len(HARD)
    assert frame.groupby("key", observed=True)["value"].count()["loss"] == len(LOSS)


@pytest.mark.parametrize("form", ["PARQUET", "ARROW"])
def test_decimal_steps(run, download, form):
    table = read(form, download(form))
    assert table.schema.field("step").type == pyarrow.decimal128(25, 6)
    check(table, run, **{"loss": LOSS, "hard/学习率": HARD, "decimal": DECIMAL})


def test_csv(run, download):
    frame = pandas.read_csv(download("CSV", ["loss", "hard/学习率"]), parse_dates=["time"])
    assert list(frame.columns) == ["run_id", "key", "step", "time", "value"]
    assert set(frame["run_id"]) == {run}
    for key, points in {"loss": LOSS, "hard/学习率": HARD}.items():
        rows = frame[frame["key"] == key]
        assert rows["step"].tolist() == [step for step, _, _ in points]
        assert [int(time.timestamp() * 1000 + 0.5) for time in rows["time"]] == [time for _, time, _ in points]
        assert bits(rows["value"]) == bits(value for _, _, value in points)
    decimal = pandas.read_csv(download("CSV", ["decimal"]), dtype={"step": str})
    assert [Decimal(step) for step in decimal["step"]] == [step for step, _, _ in DECIMAL]
