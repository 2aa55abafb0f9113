"""The notebooks in docs/examples, executed as they stand by a kernel of their own, against a real server."""

import base64
import math
import os
import struct
import threading
import uuid

import cairn
import cairntest
import nbclient
import nbformat
import pytest

EXAMPLES = cairntest.ROOT / "docs" / "examples"
CELL_SECONDS = 120
LOG = "mutation ($i: LogBatchInput!) { logBatch(input: $i) { stored } }"


@pytest.fixture
def server(tmp_path, monkeypatch):
    with cairntest.Server(tmp_path / "server") as started:
        for name in ("CAIRN_TOKEN", "MLFLOW_TRACKING_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("CAIRN_SERVER", started.url)
        monkeypatch.setenv("PYTHONPATH", str(cairntest.ROOT / "python"))
        monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
        monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
        yield started


def execute(name, keep=None):
    """Executes a notebook whose cells fail the test when they fail, and gives the outputs of its code cells."""
    book = nbformat.read(EXAMPLES / name, as_version=4)
    nbformat.validate(book)
    assert not any(cell.get("outputs") for cell in book.cells), "committed without outputs, so that changes can be read"
    client = nbclient.NotebookClient(book, timeout=CELL_SECONDS, kernel_name="python3", store_widget_state=True)
    client.execute()
    if directory := os.environ.get("CAIRN_TEST_NOTEBOOKS"):  # to look at them
        nbformat.write(book, os.path.join(directory, name))
    return book, [cell.outputs for cell in book.cells if cell.cell_type == "code"]


def new_run(name, experiment, params=None):
    run = uuid.uuid4().hex
    create = "mutation ($i: CreateRunInput!) { createRun(input: $i) { runId } }"
    cairn.query(create, i={"runId": run, "name": name, "experimentName": experiment})
    cairn.query(LOG, i={"runId": run, "params": [{"key": key, "value": value} for key, value in (params or {}).items()]})
    return run


def log(run, key, first, values):
    def pack(kind, numbers):
        return base64.b64encode(struct.pack("<%d%s" % (len(numbers), kind), *numbers)).decode()

    steps = list(range(first, first + len(values)))
    times = [1_700_000_000_000 + step for step in steps]
    columns = {"key": key, "steps": pack("q", steps), "times": pack("q", times), "values": pack("d", values)}
    cairn.query(LOG, i={"runId": run, "columns": [columns]})


def finish(run):
    cairn.query("mutation ($run: ID!) { finishRun(input: {runId: $run}) { runId } }", run=run)


def text_of(outputs):
    return "".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


def test_runs(server):
    for rate in (1, 2, 4):
        run = new_run("rate %d" % rate, "digits", {"rate": str(rate / 100)})
        log(run, "val_accuracy", 0, [1 - rate / (step + 10) for step in range(90)])
        data = {"name": "digits", "digest": "abc", "sourceType": "local", "source": "x", "context": "train"}
        inputs = "mutation ($i: LogInputsInput!) { logInputs(input: $i) { runId } }"
        cairn.query(inputs, i={"runId": run, "datasets": [data]})
        create = "mutation ($i: CreateLoggedModelInput!) { createLoggedModel(input: $i) { modelId } }"
        cairn.query(create, i={"sourceRunId": run, "name": "model"})
        finish(run)
    _, (found, wrong, grouped, plotted, lineage) = execute("runs.ipynb")
    assert "rate 4" in text_of(found)
    assert text_of(wrong).count("^") == 1 and "metrics.val_accuracy > 0.9" in text_of(wrong)
    assert "%.6f" % (1 - 1 / 99) in text_of(grouped)
    assert any("image/png" in output.get("data", {}) for output in plotted)
    assert "digits" in text_of(lineage) and "input:train" in text_of(lineage) and "output" in text_of(lineage)


def test_live(server):
    """The run is logged while the notebook follows it."""
    run = new_run("live", "digits")
    log(run, "loss", 0, [1.0])
    stop = threading.Event()

    def train():
        for step in range(1, 400):
            log(run, "loss", step, [max(1 / (step + 1), 0.05)])
            log(run, "accuracy", step, [math.nan if step == 1 else step / 400])
            if stop.wait(0.005):
                break
        finish(run)

    training = threading.Thread(target=train)
    training.start()
    try:
        book, (_, shown, looped, described) = execute("live.ipynb")
    finally:
        stop.set()
        training.join()
    widget = shown[0]["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert text_of(looped).startswith("least loss 0.05 and none below it for")
    assert "399" in text_of(described) or "400" in text_of(described)
    state = book.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"][widget]
    drawn = state["state"]
    assert drawn["status"] == "ended"
    names = [line["name"] for line in drawn["series"]]
    assert sorted(names) == ["accuracy", "loss"]
    loss = names.index("loss")
    columns = {tuple(buffer["path"]): base64.b64decode(buffer["data"]) for buffer in state["buffers"]}
    steps = struct.unpack("<400d", columns["series", loss, "steps"])
    assert steps == tuple(range(400)), "each point once, from what was there and from what came"
    low, high = (struct.unpack("<400d", columns["series", loss, side]) for side in ("low", "high"))
    assert low == high and low[0] == 1.0 and low[-1] == 0.05
