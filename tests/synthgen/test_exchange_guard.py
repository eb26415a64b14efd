"""Exports refuse what they must: damaged datasets, taken places, wrong pairs; nothing half-done is left behind."""

import json
import shutil
import subprocess
import sys

import fake_source
import pytest
from exported import tree, truth
from typer.testing import CliRunner

from biomech.errors import ConfigError, DatasetError
from synthgen.cli import app
from synthgen.config import Config, with_values
from synthgen.exchange import yolo
from synthgen.exchange.export import FORMATS, SCENES, export_dataset
from synthgen.exchange.target import is_export
from synthgen.render import render_dataset

OF_PICTURES = [kind for kind in FORMATS if kind not in SCENES]  # the others need real scenes: test_gltf.py


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made") / "set"
    config = with_values(Config(), poses=4, width=96, height=64, splits={"train": 1.0, "val": 0.0})
    render_dataset(config, root, workers=0, source=fake_source.SOURCE)
    return root


@pytest.fixture
def dataset(made, tmp_path):
    shutil.copytree(made, tmp_path / "set")
    return tmp_path / "set"


def labels(root):
    return root / "annotations/person_keypoints_train.json"


def left_behind(tmp_path, *known):
    return [p.name for p in tmp_path.iterdir() if p.name not in ("set", *known)]


def cut_lines(root, end):
    lines = labels(root).read_text().splitlines(keepends=True)
    labels(root).write_text("".join(lines[:end]))


def drop_table_row(root):
    import pyarrow.parquet as pq

    path = root / "kinematics.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)


def rewrite(change):
    def damage(root):
        data = json.loads(labels(root).read_text())
        change(data)
        labels(root).write_text(json.dumps(data))

    return damage


def spoil_pages(root):
    """Leave the footer whole, so that the table opens; its first pages do not."""
    path = root / "kinematics.parquet"
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[:4] + b"\xff" * (half - 4) + data[half:])


DAMAGES = {
    "a picture altered": (lambda r: (r / "images/train/000002.jpg").write_bytes(b"x"), "000002.jpg was altered"),
    "a picture gone": (lambda r: (r / "images/train/000003.jpg").unlink(), "000003.jpg is missing"),
    "labels cut short": (lambda r: labels(r).write_bytes(labels(r).read_bytes()[:-200]), "cannot be read"),
    "labels cut early": (lambda r: labels(r).write_bytes(labels(r).read_bytes()[:1500]), "cannot be read"),
    "whole lines of people missing": (lambda r: cut_lines(r, -2), "it ends early"),
    "whole lines of pictures missing": (lambda r: cut_lines(r, 3), "it ends early"),
    "labels gone": (lambda r: labels(r).unlink(), "it is missing"),
    "a path out": (rewrite(lambda d: d["images"][0].update(file_name="../../../secret")), "not listed"),
    "a label of no picture": (rewrite(lambda d: d["annotations"][-1].update(image_id=99)), "is of no picture listed"),
    "36 points": (rewrite(lambda d: d["annotations"][0].update(keypoints=[1, 1, 2] * 36)), "has not 37 keypoints"),
    "other names": (rewrite(lambda d: d["categories"][0]["keypoints"].reverse()), "not SpineTrack's 37"),
    "a table row gone": (drop_table_row, "no row for annotation 1"),
    "a table cut short": (
        lambda r: (r / "kinematics.parquet").write_bytes(b"PAR1"),
        "kinematics.parquet cannot be read",
    ),
    "a table with damaged pages": (spoil_pages, "kinematics.parquet cannot be read"),
    "no checksums": (lambda r: (r / "files.sha256").unlink(), "no files.sha256"),
    "unfinished": (lambda r: (r / "dataset.json").unlink(), "holds no synthgen dataset|is not finished"),
    "no pictures": (rewrite(lambda d: (d["images"].clear(), d["annotations"].clear())), "nothing to export"),
}


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("kind", ["webdataset", "hf"])
def test_a_damaged_dataset_is_refused_whole(kind, name, dataset, tmp_path):
    damage, message = DAMAGES[name]
    damage(dataset)
    with pytest.raises(DatasetError, match=message):
        export_dataset(dataset, kind, tmp_path / "out")
    assert not left_behind(tmp_path)


@pytest.mark.parametrize("kind", OF_PICTURES)
def test_labels_in_another_layout_and_order_give_the_same_export(kind, dataset, tmp_path):
    rewrite(lambda d: (d["images"].reverse(), d["annotations"].reverse()))(dataset)
    again = tree(export_dataset(dataset, kind, tmp_path / "again").path)
    rewrite(lambda d: (d["images"].reverse(), d["annotations"].reverse()))(dataset)
    assert again == tree(export_dataset(dataset, kind, tmp_path / "once").path)


def test_a_picture_taken_out_of_the_labels_stays_out(dataset, tmp_path):
    def without_second(data):
        del data["images"][1], data["annotations"][1]

    rewrite(without_second)(dataset)
    done = export_dataset(dataset, "yolo", tmp_path / "out")
    assert done.pictures == {"train": 3} and done.empty == ("val",)
    assert sorted(p.name for p in (done.path / "images/train").iterdir()) == truth(dataset, "train")[0]


@pytest.mark.parametrize("kind", ["yolo", "coco-zip"])
def test_a_taken_place_is_kept_and_force_replaces_only_exports(kind, dataset, tmp_path):
    out = export_dataset(dataset, kind, tmp_path / "out").path
    before = tree(out)
    with pytest.raises(DatasetError, match="exists already.*--force"):
        export_dataset(dataset, kind, out)
    export_dataset(dataset, "mmpose", out, force=True)
    assert (out / "spinetrack.py").is_file()
    export_dataset(dataset, kind, out, force=True)
    assert tree(out) == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years")
    (tmp_path / "note.txt").write_text("years")
    for place in ("mine", "note.txt"):
        with pytest.raises(DatasetError, match="no export of ours"):
            export_dataset(dataset, kind, tmp_path / place, force=True)
    assert (tmp_path / "mine/thesis.txt").read_text() == (tmp_path / "note.txt").read_text() == "years"
    assert not left_behind(tmp_path, "out", "mine", "note.txt")


def test_an_empty_folder_is_filled(dataset, tmp_path):
    (tmp_path / "out").mkdir()
    assert is_export(export_dataset(dataset, "yolo", tmp_path / "out").path)
    (tmp_path / "zip").mkdir()
    assert is_export(export_dataset(dataset, "coco-zip", tmp_path / "zip").path)


def test_the_dataset_itself_is_no_target(dataset, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for place in (dataset, dataset / "export", tmp_path):
        with pytest.raises(DatasetError, match="is, holds or lies in"):
            export_dataset(dataset, "yolo", place, force=True)
    with pytest.raises(DatasetError, match="is a link"):
        export_dataset(dataset, "yolo", tmp_path / "link", force=True)


def test_an_interrupted_force_keeps_the_old_export(dataset, tmp_path, monkeypatch):
    out = export_dataset(dataset, "yolo", tmp_path / "out").path
    before = tree(out)
    monkeypatch.setattr(yolo, "data_yaml", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        export_dataset(dataset, "yolo", out, force=True)
    assert tree(out) == before and not left_behind(tmp_path, "out")


def test_what_a_killed_run_left_is_cleared(dataset, tmp_path):
    stale = tmp_path / ".out.exporting/content"
    stale.mkdir(parents=True)
    (stale / "half.tar").write_bytes(b"x")
    out = export_dataset(dataset, "webdataset", tmp_path / "out").path
    assert not (out / "half.tar").exists() and not left_behind(tmp_path, "out")


def test_two_exports_to_one_place_at_once_are_refused(dataset, tmp_path):
    refused = []

    def second():
        if not refused:
            with pytest.raises(DatasetError, match="another run is writing") as error:
                export_dataset(dataset, "yolo", tmp_path / "out")
            refused.append(error)

    done = export_dataset(dataset, "yolo", tmp_path / "out", on_picture=second)
    assert refused and is_export(done.path) and len(tree(done.path / "labels")) == 4
    assert not left_behind(tmp_path, "out")


def test_a_full_disk_is_seen_before_writing(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("U", (), {"free": 1000})())
    with pytest.raises(DatasetError, match="are needed and the disk"):
        export_dataset(dataset, "yolo", tmp_path / "out")
    assert not left_behind(tmp_path)


def test_options_a_format_has_no_use_for(dataset, tmp_path):
    for kind, options, message in (
        ("yolo", {"maps": True}, "--maps is for webdataset and hf"),
        ("fiftyone", {"shard_size": 5}, "--shard-size is for webdataset and hf"),
        ("hf", {"shard_size": 0}, "allowed: 1 to"),
        ("voc", {}, "'voc'; allowed for a dataset: webdataset, hf"),
    ):
        with pytest.raises(ConfigError, match=message):
            export_dataset(dataset, kind, tmp_path / "out", **options)


def run(*words):
    return CliRunner().invoke(app, ["export", *map(str, words)])


def test_one_command_chooses_by_what_it_is_given(dataset, tmp_path):
    done = run(dataset, "--format", "webdataset")
    assert done.exit_code == 0 and "4 pictures (train 4)" in done.output and "empty: val" in done.output
    assert (tmp_path / "set_webdataset/train-000000.tar").is_file()
    assert run(dataset, "--format", "coco-zip", "--quiet").output == ""
    assert is_export(tmp_path / "set_coco.zip")


def test_wrong_pairs_end_in_one_sentence(dataset, tmp_path):
    model = tmp_path / "best.pt"
    model.write_bytes(b"no model")
    runs = tmp_path / "run"
    runs.mkdir()
    (runs / "best.pt").write_bytes(b"x")
    for words, message in (
        ((dataset,), "a dataset needs --format; allowed for a dataset: webdataset, hf, yolo"),
        ((dataset, "--format", "onnx"), "is a folder and --format onnx is for a model's .pt file"),
        ((runs,), "to export the model in it give"),
        ((model, "--format", "hf"), "is a file and --format hf is for a dataset's folder"),
        ((model, "--format", "voc"), "allowed: onnx for a model, webdataset, hf"),
        ((model, "--maps"), "--maps is an option for datasets"),
        ((dataset, "--format", "hf", "--precision", "fp16"), "--precision is an option for models"),
        ((tmp_path / "none",), "there is no"),
        ((runs, "--format", "hf"), "holds no synthgen dataset"),
    ):
        done = run(*words)
        text = " ".join(done.output.split())
        assert done.exit_code == 2 and message in text and "Traceback" not in text, (words, text)


def test_exporting_imports_no_torch_and_no_library_of_the_formats():
    modules = [f"synthgen.exchange.{name}" for name in (*FORMATS.values(), "command")]
    heavy = ("torch", "matplotlib", "opensim", "webdataset", "datasets", "ultralytics", "fiftyone", "mmpose")
    code = f"import sys, {', '.join(modules)}\nprint([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
