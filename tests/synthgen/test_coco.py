"""A COCO file read back by pycocotools is what was written; the table holds the rest."""

import json

import fake_source
import numpy as np
import pyarrow.parquet as pq
import pytest
from pycocotools import mask as coco_mask

from biomech.anatomy import COORDINATES
from biomech.motion import read_mot
from synthgen.checks import load_coco
from synthgen.coco import flat_keypoints, read_coco
from synthgen.config import Config, with_values
from synthgen.dataset import read_dataset
from synthgen.render import render_dataset
from synthgen.table import table_schema

POSES = 12


@pytest.fixture(scope="module")
def config():
    return with_values(Config(), poses=POSES, width=96, height=64, splits={"train": 0.5, "val": 0.5})


@pytest.fixture(scope="module")
def dataset(config, tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    render_dataset(config, root, workers=0, source=fake_source.SOURCE)
    return read_dataset(root)


@pytest.fixture(scope="module")
def samples(config):
    return [fake_source.make_sample(config, {"opened": True}, i) for i in range(POSES)]


def test_pycocotools_reads_what_was_drawn(dataset, samples):
    found = 0
    for split in dataset.splits:
        coco = load_coco(dataset, split)
        assert len(coco.cats[1]["keypoints"]) == 37
        for a in coco.dataset["annotations"]:
            sample = samples[a["image_id"]]
            drawn = sample.annotations[0]
            assert sample.split == split
            points = np.array(a["keypoints"]).reshape(37, 3)
            np.testing.assert_array_equal(points[:, 2], drawn.keypoints[:, 2])
            labelled = points[:, 2] > 0
            assert np.abs(points[labelled, :2] - drawn.keypoints[labelled, :2]).max() <= 0.00051
            assert not points[~labelled].any()
            assert a["num_keypoints"] == labelled.sum() and a["iscrowd"] == 0
            np.testing.assert_array_equal(coco.annToMask(a), sample.instance)
            assert a["area"] == sample.instance.sum()
            np.testing.assert_allclose(a["bbox"], coco_mask.toBbox(coco.annToRLE(a)))
            found += 1
    assert found == POSES


def test_images_carry_their_camera_and_files(dataset, samples):
    for split in dataset.splits:
        for image in read_coco(dataset.root, split)["images"]:
            camera = samples[image["id"]].camera
            np.testing.assert_array_equal(image["intrinsics"], camera.intrinsics)
            np.testing.assert_array_equal(image["cam_from_world"], camera.cam_from_world)
            assert (dataset.root / "images" / split / image["file_name"]).is_file()
            for key in ("depth_file", "instance_file", "part_file"):
                assert (dataset.root / image[key]).is_file()


def test_annotation_ids_start_at_one(dataset):
    ids = sorted(a["id"] for split in dataset.splits for a in read_coco(dataset.root, split)["annotations"])
    assert ids == list(range(1, POSES + 1))


def test_table(dataset, samples):
    table = dataset.table()
    for row, sample in enumerate(samples):
        a = sample.annotations[0]
        assert table["image_id"][row] == table["spec_line"][row] == row == table["annotation_id"][row] - 1
        np.testing.assert_array_equal(table["q"][row], a.q)
        np.testing.assert_allclose(table["keypoints_world"][row], a.keypoints_world, atol=1e-6)
        np.testing.assert_allclose(table["keypoints"][row], a.keypoints, rtol=1e-6)
        np.testing.assert_allclose(table["vertebrae_world"][row], a.vertebrae_world, atol=1e-6)
        carried = sample.camera.cam_from_world @ a.vertebrae_world
        np.testing.assert_allclose(table["vertebrae_cam"][row], carried, atol=1e-6)
        assert table["residuals"][row] == a.residuals and table["activity"][row] == a.activity
    assert tuple(table["coordinates"]) == tuple(COORDINATES)


def test_table_is_plain_parquet(dataset):
    table = pq.read_table(dataset.root / "kinematics.parquet")
    assert table.schema.equals(table_schema(COORDINATES))
    assert table.column("L4_L5_FE").to_numpy().shape == (POSES,)


def test_scenes_and_motion(dataset, samples):
    assert [s["spec"] for s in dataset.scenes()] == [s.spec for s in samples]
    motion = read_mot(dataset.root / "poses.mot")
    np.testing.assert_allclose(motion.q, [s.annotations[0].q for s in samples], atol=1e-9)


def test_an_empty_split_is_a_valid_file(config, tmp_path):
    small = with_values(config, poses=4, splits={"train": 1.0, "val": 0.0})
    render_dataset(small, tmp_path, workers=0, source=fake_source.SOURCE)
    assert len(load_coco(read_dataset(tmp_path), "val").imgs) == 0


def test_flat_keypoints_hide_what_is_not_labelled():
    points = np.array([[1.23456, 2, 2], [np.nan, np.nan, 0], [-5, 3, 0], [7, 8, 1]])
    assert flat_keypoints(points) == [1.235, 2.0, 2, 0.0, 0.0, 0, 0.0, 0.0, 0, 7.0, 8.0, 1]


def test_labels_hold_no_time_stamp(dataset):
    text = (dataset.root / "dataset.json").read_text() + json.dumps(read_coco(dataset.root, "train")["info"])
    assert "202" not in text.replace(dataset.config.digest, "").replace(dataset.info["digest"], "")
