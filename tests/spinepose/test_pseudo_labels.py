"""Pseudo labels: what the teacher is unsure of stays unlabelled, and a mirrored picture is labelled alike."""

from dataclasses import replace

import numpy as np
import pytest
import spinepose_material

from biomech.errors import ConfigError
from synthgen.keypoints import SPINE_IDS, spinetrack
from synthgen.spinepose.crop import crop_from_box

pytest.importorskip("torch", reason="torch is not installed")

from synthgen.spinepose.pseudo_labels import Labeller, Opinion, Rules, box_about, keep, shrink

SIZE = (200, 300)


def opinion(**changes) -> Opinion:
    """Of a person of whom the first 17 points are known, without any doubt."""
    points, apart = np.full((37, 2), np.nan), np.full(37, np.nan)
    points[:17] = np.random.default_rng(0).uniform(20, 180, (17, 2))
    apart[:17] = 0.01
    sure = np.where(np.arange(37) < 17, 0.95, 0.0)
    return replace(Opinion(points, apart, sure, sure.copy(), 0.99, np.array([10.0, 10, 180, 180])), **changes)


def changed(name: str, row: int, value) -> Opinion:
    out = opinion()
    getattr(out, name)[row] = value
    return out


def test_sure_points_are_labels_and_the_rest_is_masked():
    labels, why = keep(opinion(), SIZE)
    assert why == "" and (labels[:17, 2] == 2).all()
    np.testing.assert_array_equal(labels[:17, :2], opinion().points[:17])
    assert (labels[17:] == 0).all() and np.isfinite(labels).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [("presence", 0.4), ("visibility", 0.2), ("apart", 0.04), ("points", (-1.0, 50)), ("points", (50, 299.5))],
)
def test_a_doubtful_point_is_unlabelled(name, value):
    labels, _ = keep(changed(name, 3, value), SIZE)
    assert labels[3].tolist() == [0, 0, 0] and (labels[:17, 2] > 0).sum() == 16


def test_a_hidden_point_is_labelled_as_hidden():
    labels, _ = keep(changed("visibility", 3, 0.4), SIZE)
    assert labels[3, 2] == 1 and labels[4, 2] == 2


def test_people_who_are_left_out():
    assert keep(opinion(person=0.3), SIZE) == (None, "hardly a person")
    assert keep(opinion(box=np.array([10.0, 10, 50, 90])), SIZE) == (None, "small")
    assert keep(opinion(apart=opinion().apart * 2.5), SIZE) == (None, "differs in the mirror")
    few = opinion()
    few.presence[8:] = 0.1
    assert keep(few, SIZE) == (None, "too few sure points")
    assert keep(opinion(apart=opinion().apart * 2.5), SIZE, Rules(typical=0.03))[0] is not None


def test_rules_refuse_what_is_no_probability():
    with pytest.raises(ConfigError, match="presence is 1.5; allowed"):
        Rules(presence=1.5)
    with pytest.raises(ConfigError, match="disagreement is 0"):
        Rules(disagreement=0)


def test_box_holds_its_points():
    points = np.array([[10.0, 20], [60, 120]])
    x, y, w, h = box_about(points)
    np.testing.assert_allclose([x, y, w, h], [2, 12, 66, 116])


def test_shrink_keeps_small_pictures_and_the_shape_of_large_ones():
    image = np.zeros((300, 200, 3), np.uint8)
    assert shrink(image, 300)[0] is image
    small, factor = shrink(image, 150)
    assert small.shape == (150, 100, 3) and factor == 0.5


def test_no_such_network():
    with pytest.raises(ConfigError, match="lite, full, heavy; got 'huge'"):
        Labeller("huge")


def test_a_mirrored_picture_gets_mirrored_labels():
    import cv2
    import photo_check

    spinepose_material.blazepose_detector()  # skips where the pack is absent
    photos = spinepose_material.labelled_photos()
    name, people = next(iter(photo_check.labelled_people(photos).items()))
    image, person = cv2.imread(str(photos / name)), people[0]
    labeller = Labeller("lite")
    x, y, w, h = person["bbox"]
    here = labeller(image, np.array([x, y, w, h]))
    # A crop's centre lies half a pixel of the network's input beside the middle of its pixels, on either side.
    beside = crop_from_box(person["bbox"], (256, 256)).scale[0] / 256
    mirrored = np.array([image.shape[1] - 1 - x - w + beside, y, w, h])
    there = labeller(np.ascontiguousarray(image[:, ::-1]), mirrored)
    back = there.points[spinetrack().flip] * (-1, 1) + (image.shape[1] - 1, 0)
    np.testing.assert_allclose(back[labeller.ids], here.points[labeller.ids], atol=0.002 * h)
    assert np.isnan(here.points[list(SPINE_IDS)]).all() and len(labeller.ids) == 21
    known = person["keypoints"][:, 2] > 0
    miss = np.linalg.norm(here.points[:17] - person["keypoints"][:, :2], axis=1)[known] / h
    assert np.median(miss) < 0.04
