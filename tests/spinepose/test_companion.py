"""Neighbours in a crop: outlines as COCO writes them, a mask on the person, nothing over the one to find."""

import numpy as np
import pytest
from pycocotools import mask as rle

pytest.importorskip("torch", reason="torch is not installed")

from synthgen.spinepose.augment import View, see
from synthgen.spinepose.companion import Person, add_companion, draw_companion, silhouette
from synthgen.spinepose.crop import affine, crop_from_box, transform
from synthgen.spinepose.outlines import outline_of
from synthgen.spinepose.regions import Region

SIZE = (96, 128)
BOX = np.array([40.0, 30.0, 60.0, 120.0])


def shape():
    """A person-like blob with a hole between arm and trunk."""
    mask = np.zeros((200, 160), np.uint8)
    mask[30:150, 40:100] = 1
    mask[60:90, 55:70] = 0
    return mask


def coded(mask):
    return rle.encode(np.asfortranarray(mask))


@pytest.mark.parametrize("flip", [False, True])
def test_the_silhouette_lies_on_the_person(flip):
    mask = shape()
    view = View(crop_from_box(BOX, SIZE), flip)
    picture = Region(np.repeat(mask[..., None] * 255, 3, 2), np.eye(2, 3))
    drawn = silhouette(outline_of(coded(mask)), view, SIZE)
    wanted = see(picture, view, SIZE)[..., 0] / 255
    assert np.abs(drawn - wanted).mean() < 0.02
    assert drawn.max() == 1 and drawn.min() == 0


def test_every_form_of_segmentation():
    mask = shape()
    counts = np.diff(np.flatnonzero(np.diff(np.r_[2, mask.T.ravel(), 2])))  # column by column, zeros first
    plain = {"counts": counts.tolist(), "size": list(mask.shape)}
    view = View(crop_from_box(BOX, SIZE), False)
    a, b = (silhouette(outline_of(s), view, SIZE) for s in (coded(mask), plain))
    assert np.array_equal(a, b)
    square = outline_of([[40, 30, 99, 30, 99, 149, 40, 149]])
    assert len(square) == 1 and square[0].shape == (4, 2)
    assert outline_of(None) == () and outline_of([[1, 2, 3, 4]]) == () and outline_of({}) == ()


def test_the_neighbour_stands_aside():
    for seed in range(50):
        view = draw_companion(BOX, SIZE, np.random.default_rng(seed))
        middle = transform(affine(view.crop, SIZE), BOX[:2] + BOX[2:] / 2)
        offset = np.abs(middle - np.array(SIZE) / 2) / SIZE
        assert 0.11 < offset[0] < 0.52 and offset[1] < 0.16


def test_behind_leaves_the_person_whole(monkeypatch):
    monkeypatch.setattr("synthgen.spinepose.companion.BEHIND", 1.0)
    own = silhouette(outline_of(coded(shape())), View(crop_from_box(BOX, SIZE), False), SIZE)
    white = Person(Region(np.full((200, 160, 3), 255, np.uint8), np.eye(2, 3)), BOX, outline_of(coded(shape())))
    touched = 0
    for seed in range(10):
        out = add_companion(np.zeros((*SIZE[::-1], 3), np.uint8), own, white, SIZE, np.random.default_rng(seed))
        assert (out[own == 1] == 0).all()
        touched += int((out[own == 0] == 255).sum())
    assert touched > 1000
    monkeypatch.setattr("synthgen.spinepose.companion.BEHIND", 0.0)
    front = add_companion(np.zeros((*SIZE[::-1], 3), np.uint8), own, white, SIZE, np.random.default_rng(0))
    assert (front[own == 1] == 255).any()
