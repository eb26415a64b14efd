"""YOLO-pose and MMPose exports as their own libraries read them; skipped where those are not installed.

pip install --no-deps ultralytics, or mmpose mmengine mmcv-lite with xtcocotools.
"""

import importlib
import shutil

import fake_source
import numpy as np
import pytest
from exported import SUB_PIXEL, truth

from synthgen.config import Config, with_values
from synthgen.exchange.export import export_dataset
from synthgen.keypoints import spinetrack
from synthgen.render import render_dataset


def library(name: str):
    """A library's module; whatever keeps it from importing is the reason to skip."""
    try:
        return importlib.import_module(name)
    except Exception as error:
        pytest.skip(f"{name} does not import here ({error}), so its reader is not tried")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("readers") / "set"
    config = with_values(Config(), poses=6, width=96, height=64, splits={"train": 1.0})
    render_dataset(config, root, workers=0, source=fake_source.SOURCE)
    return root


def test_ultralytics_reads_the_yolo_folder(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("YOLO_OFFLINE", "true")
    utils, reader = library("ultralytics.data.utils"), library("ultralytics.data.dataset")
    place = export_dataset(dataset, "yolo", tmp_path / "out").path
    shutil.move(place, tmp_path / "moved")  # nothing in it hangs on where it was written
    data = utils.check_det_dataset(str(tmp_path / "moved/data.yaml"), autodownload=False)
    assert data["flip_idx"] == spinetrack().flip.tolist()
    read = reader.YOLODataset(img_path=data["train"], data=data, task="pose", augment=False, imgsz=96)
    names, points = truth(dataset, "train")
    labels = sorted(read.labels, key=lambda label: label["im_file"])
    assert [label["im_file"].rsplit("/", 1)[-1] for label in labels] == names
    got = np.concatenate([label["keypoints"] for label in labels]) * [96, 64, 1]
    assert np.abs(got - points).max() < SUB_PIXEL


def test_mmpose_reads_the_folder(dataset, tmp_path):
    reader = library("mmpose.datasets.datasets.body.coco_dataset")
    place = export_dataset(dataset, "mmpose", tmp_path / "out").path
    read = reader.CocoDataset(
        data_mode="topdown",
        data_root=str(place),
        ann_file="annotations/person_keypoints_train.json",
        data_prefix={"img": "images/train/"},
        metainfo={"from_file": str(place / "spinetrack.py")},
        pipeline=[],
    )
    schema = spinetrack()
    assert list(read.metainfo["keypoint_id2name"].values()) == list(schema.names)
    assert read.metainfo["flip_indices"] == schema.flip.tolist()
    np.testing.assert_allclose(read.metainfo["sigmas"], schema.sigmas, rtol=1e-6)
    names, points = truth(dataset, "train")
    people = [read.get_data_info(i) for i in range(len(read))]
    assert [person["img_path"].rsplit("/", 1)[-1] for person in people] == names
    assert np.abs(np.concatenate([person["keypoints"] for person in people]) - points[..., :2]).max() < SUB_PIXEL
