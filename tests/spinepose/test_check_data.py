"""check-data: says what is there, and fails loudly on what cannot be learnt from."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

from people_on_disk import edit, write_set

from synthgen.keypoints import spinetrack
from synthgen.spinepose.check_data import check_batch, check_data
from synthgen.spinepose.loader import Batch
from synthgen.spinepose.train_config import load_train_config


def check(path, tmp_path, *more):
    fixed = [f"data.sources.a.annotations={path}", "model.input_size=[64,96]", "schedule.batch=8"]
    return check_data(load_train_config(None, [*fixed, *more]), tmp_path / "out")


def test_good_data_is_described_and_drawn(tmp_path):
    coco = write_set(tmp_path / "b", 8, 17, seed=1)
    found = check(
        write_set(tmp_path / "a", 16), tmp_path, f"data.sources.c={{annotations: {coco}, map: coco17, kind: real}}"
    )
    assert found.problems == () and found.doubts == ()
    assert found.picture is not None and found.picture.stat().st_size > 1000
    text = "\n".join(found.lines)
    assert "'a' (generated, map spinetrack37): 16 people" in text and "never labelled, so masked: head, neck" in text


def spoil(kind):
    def change(data):
        schema = spinetrack()
        for a in data["annotations"]:
            points = np.array(a["keypoints"]).reshape(-1, 3)
            if kind == "flips":
                points = points[schema.flip]
            elif kind == "hidden":
                points[:, 2] = 0
            elif kind == "zeros":
                points[5, :2] = 0
            elif kind == "corners":  # x0, y0, x1, y1 instead of x, y, width, height, in a larger picture
                points[:, :2] += 600
                x, y, w, h = a["bbox"]
                a["bbox"] = [x, y, w, h]
            elif kind == "away":
                a["bbox"][0] += 4000
            elif kind == "k":
                points = points[:17]
            elif kind == "nan":
                points[3, 0] = np.nan
            a["keypoints"] = points.reshape(-1).tolist()
        if kind == "size":
            data["images"][0]["width"] = 4000
        if kind == "nobody":
            data["annotations"] = []
        if kind == "names":
            data["categories"][0]["keypoints"] = [schema.names[i] for i in schema.flip]

    return change


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("flips", "left and right eye are swapped"),
        ("hidden", "16 no labelled keypoint"),
        ("zeros", "exactly (0, 0)"),
        ("corners", "outside their box"),
        ("away", "boxes lie outside their picture"),
        ("k", "has 17 keypoints, the map 'spinetrack37' has 37"),
        ("nan", "not a number"),
        ("size", "the annotations say 4000"),
        ("nobody", "holds nobody"),
        ("names", "point 1 is 'right_eye' in the file but 'left_eye' in the map"),
    ],
)
def test_bad_data_is_told(tmp_path, kind, sentence):
    found = check(edit(write_set(tmp_path / "a", 16), spoil(kind)), tmp_path)
    assert any(sentence in p for p in found.problems), found


def test_pictures_that_do_not_decode_are_told(tmp_path):
    path = write_set(tmp_path / "a", 4)
    (tmp_path / "a" / "0001.jpg").write_bytes(b"x")
    assert any("0001.jpg does not decode" in p for p in check(path, tmp_path).problems)


def test_measuring_on_what_was_learnt_is_doubted(tmp_path):
    path = write_set(tmp_path / "a", 12)
    found = check(path, tmp_path, f"data.val.v.annotations={path}")
    assert any("also learnt from" in d for d in found.doubts)


def test_a_bad_batch_is_told():
    import torch

    points, weights = torch.full((2, 37, 2), 5.0), torch.ones(2, 37)
    images = torch.zeros(2, 3, 96, 64, dtype=torch.uint8)

    def problems(points, weights):
        return check_batch(Batch(0, images, None, points, weights, torch.ones(2), ((0, 0), (0, 1))), (64, 96))

    assert problems(points, weights) == []
    assert "not one labelled" in problems(points, weights * 0)[0]
    assert "not a number" in problems(points * float("nan"), weights)[0]
    assert "outside the crop" in problems(points + 90, weights)[0]
    assert "17 keypoints" in problems(points[:, :17], weights[:, :17])[0]
