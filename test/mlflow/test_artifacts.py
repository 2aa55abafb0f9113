"""Files of runs: up, listed, down, as scripts write them."""

import json
import pathlib

import matplotlib.pyplot as plt
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from PIL import Image


def test_log_artifact_and_artifacts(client, experiment, tmp_path):
    (tmp_path / "one.txt").write_text("one")
    folder = tmp_path / "many"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "a.bin").write_bytes(bytes(range(256)) * 100)
    (folder / "deep" / "er" / "名前 +%.txt").write_text("unicode")
    (folder / "empty").write_bytes(b"")
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(tmp_path / "one.txt"))
        mlflow.log_artifact(str(tmp_path / "one.txt"), artifact_path="sub/folder")
        mlflow.log_artifacts(str(folder), artifact_path="all")
    run_id = run.info.run_id
    listed = {(f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run_id)}
    assert listed == {("one.txt", False, 3), ("sub", True, None), ("all", True, None)}
    assert [f.path for f in client.list_artifacts(run_id, "sub")] == ["sub/folder"]
    assert {f.path for f in client.list_artifacts(run_id, "all")} == {"all/a.bin", "all/deep", "all/empty"}
    assert client.list_artifacts(run_id, "one.txt") == []
    down = pathlib.Path(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/all", dst_path=str(tmp_path / "down")))
    assert (down / "a.bin").read_bytes() == (folder / "a.bin").read_bytes()
    assert (down / "deep" / "er" / "名前 +%.txt").read_text() == "unicode"
    assert (down / "empty").read_bytes() == b""
    one = client.download_artifacts(run_id, "sub/folder/one.txt", str(tmp_path))
    assert pathlib.Path(one).read_text() == "one"


def test_log_dict_text_figure_image_table(client, experiment, tmp_path):
    figure, axes = plt.subplots()
    axes.plot([1, 2, 3])
    with mlflow.start_run() as run:
        mlflow.log_dict({"k": [1, 2]}, "data.json")
        mlflow.log_text("<b>hello</b>", "page.html")
        mlflow.log_figure(figure, "plots/line.png")
        mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), "black.png")
        mlflow.log_table(pd.DataFrame({"a": [1, 2]}), "table.json")
        mlflow.log_table({"a": [3]}, "table.json")
    plt.close(figure)
    uri = run.info.artifact_uri
    assert mlflow.artifacts.load_dict(uri + "/data.json") == {"k": [1, 2]}
    assert mlflow.artifacts.load_text(uri + "/page.html") == "<b>hello</b>"
    assert mlflow.artifacts.load_image(uri + "/black.png").size == (4, 4)
    line = client.download_artifacts(run.info.run_id, "plots/line.png", str(tmp_path))
    with Image.open(line) as picture:
        assert picture.size == (640, 480)
    assert list(mlflow.load_table("table.json", run_ids=[run.info.run_id])["a"]) == [1, 2, 3]


def test_log_image_by_step(client, experiment):
    with mlflow.start_run() as run:
        mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), key="sample", step=1)
        mlflow.flush_artifact_async_logging()
    assert client.list_artifacts(run.info.run_id, "images")


def test_overwrite_and_missing(client, experiment, tmp_path):
    with mlflow.start_run() as run:
        mlflow.log_text("old", "note.txt")
        mlflow.log_text("new", "note.txt")
    assert mlflow.artifacts.load_text(run.info.artifact_uri + "/note.txt") == "new"
    with pytest.raises(MlflowException):
        client.download_artifacts(run.info.run_id, "absent.txt", str(tmp_path))


def test_large_artifact(client, experiment, tmp_path):
    content = np.random.default_rng(7).bytes(24 << 20)
    (tmp_path / "large.bin").write_bytes(content)
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(tmp_path / "large.bin"))
    down = client.download_artifacts(run.info.run_id, "large.bin", str(tmp_path / ""))
    assert pathlib.Path(down).read_bytes() == content


def test_evaluation_of_json_survives(client, experiment):
    with mlflow.start_run() as run:
        mlflow.log_dict({"名": "值", "n": 1.5}, "folder/uni.json")
    text = mlflow.artifacts.load_text(run.info.artifact_uri + "/folder/uni.json")
    assert json.loads(text) == {"名": "值", "n": 1.5}
