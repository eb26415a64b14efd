"""Seen, hidden, outside: on a picture made by hand."""

import numpy as np

from scenes.renderer import Camera, Frame
from scenes.rig import PARTS
from synthgen.visibility import visibility

CAMERA = Camera(np.array([[100.0, 0, 20], [0, 100, 20], [0, 0, 1]]), np.eye(4), 40, 40)


def picture(depth: float = 2.0, part: str = "trunk", instance: int = 1) -> Frame:
    """A wall of one surface."""
    return Frame(
        np.zeros((40, 40, 3), np.uint8),
        np.full((40, 40), depth, np.float32),
        np.full((40, 40), instance, np.uint8),
        np.full((40, 40), PARTS.index(part), np.uint8),
    )


def of(frame: Frame, pixel=(20.5, 20.5), depth: float = 2.05, body: str = "L3", tissue: float = 0.1) -> int:
    found = visibility(np.array([pixel]), np.array([depth]), (body,), np.array([tissue]), CAMERA, frame, 1)
    return int(found[0])


def test_a_point_just_under_its_own_skin_is_seen():
    assert of(picture()) == 2


def test_a_point_deeper_than_its_tissue_is_hidden():
    assert of(picture(), depth=2.11) == 1


def test_a_point_in_front_of_the_surface_is_not_on_it():
    assert of(picture(), depth=1.9) == 1


def test_an_arm_before_the_trunk_hides_the_spine_but_not_its_shoulder():
    assert of(picture(part="arm_r")) == 1
    assert of(picture(part="arm_r"), body="humerus_r") == 2
    assert of(picture(part="arm_l"), body="humerus_r") == 1


def test_another_person_or_scenery_hides():
    assert of(picture(instance=2)) == 1
    assert of(picture(instance=0)) == 1


def test_outside_the_picture_and_behind_the_camera():
    assert of(picture(), pixel=(40.0, 20.0)) == 0
    assert of(picture(), pixel=(-0.1, 20.0)) == 0
    assert of(picture(), pixel=(np.nan, np.nan)) == 0


def test_a_point_on_the_silhouette_may_miss_its_pixel_by_one():
    frame = picture(instance=0)
    frame.instance[20, 21] = 1
    assert of(frame) == 2
    assert of(frame, pixel=(18.5, 20.5)) == 1
