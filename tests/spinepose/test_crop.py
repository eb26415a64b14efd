"""Crops: RTMPose's rule, exact inverses, refusals."""

import numpy as np
import pytest

from synthgen.spinepose.crop import Crop, affine, compose, crop_from_box, inverse, to_image, to_input, transform, warp
from synthgen.spinepose.errors import SpinePoseError

SIZE = (192, 256)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.mark.parametrize("rotation", [0.0, 0.7, -2.9])
def test_to_image_undoes_to_input(rng, rotation):
    crop = Crop(np.array([310.5, 97.25]), np.array([150.0, 200.0]), rotation)
    points = rng.uniform(-500, 900, (5, 37, 2))
    np.testing.assert_allclose(to_image(to_input(points, crop, SIZE), crop, SIZE), points, atol=1e-9)
    both = compose(inverse(affine(crop, SIZE)), affine(crop, SIZE))
    np.testing.assert_allclose(both, [[1, 0, 0], [0, 1, 0]], atol=1e-9)


def test_the_padded_box_fills_the_input():
    crop = crop_from_box((10, 20, 90, 120), SIZE)  # the input's own ratio
    np.testing.assert_allclose(crop.scale, [112.5, 150])
    np.testing.assert_allclose(to_input([55, 80], crop, SIZE), [96, 128])
    corner = crop.center - crop.scale / 2
    np.testing.assert_allclose(to_input([corner, corner + crop.scale], crop, SIZE), [[0, 0], SIZE], atol=1e-9)


@pytest.mark.parametrize("box", [(0, 0, 300, 100), (0, 0, 100, 300)])
def test_boxes_of_another_ratio_are_widened_never_cut(box):
    crop = crop_from_box(box, SIZE, padding=1.0)
    assert crop.scale[0] / crop.scale[1] == pytest.approx(SIZE[0] / SIZE[1])
    assert (crop.scale >= np.array(box[2:]) - 1e-9).all()
    assert np.isclose(crop.scale, box[2:]).any()


def test_as_the_packages_that_run_such_models():
    """rtmlib's formula: kpt / input_size * scale + centre - scale / 2."""
    crop = crop_from_box((33, 12, 71, 240), SIZE)
    there = np.array([17.0, 203.5])
    np.testing.assert_allclose(to_image(there, crop, SIZE), there / SIZE * crop.scale + crop.center - crop.scale / 2)


def test_pixels_and_points_move_together():
    image = np.zeros((300, 400, 3), np.uint8)
    image[140, 210] = 255
    crop = Crop(np.array([205.0, 150.0]), np.array([48.0, 64.0]), 0.4)
    seen = warp(image, crop, SIZE)
    assert seen.shape == (256, 192, 3)
    weight = seen[..., 0].astype(float)
    rows, columns = np.indices(weight.shape)
    found = np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()
    np.testing.assert_allclose(found, to_input([210, 140], crop, SIZE), atol=0.1)


def test_positive_rotation_turns_the_rectangle_from_x_to_y():
    crop = Crop(np.array([100.0, 100.0]), np.array([192.0, 256.0]), np.pi / 2)
    np.testing.assert_allclose(to_image([96 + 10, 128], crop, SIZE), [100, 110], atol=1e-9)


def test_outside_the_image_is_the_border_colour():
    seen = warp(np.full((50, 50, 3), 200, np.uint8), crop_from_box((-400, -400, 60, 80), SIZE), SIZE, border=7)
    assert (seen == 7).all()


@pytest.mark.parametrize("box", [(0, 0, 0, 10), (0, 0, 5, -1), (0, np.nan, 5, 5), (1, 2, 3)])
def test_bad_boxes_are_refused(box):
    with pytest.raises(SpinePoseError, match="four finite numbers"):
        crop_from_box(box, SIZE)


def test_transform_takes_any_leading_axes():
    assert transform(np.eye(2, 3), np.zeros((2, 3, 4, 2))).shape == (2, 3, 4, 2)
