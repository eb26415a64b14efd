"""Augmentation: labels follow the picture, flips swap sides, and one seed gives one picture."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

from people_on_disk import draw, standing

from synthgen.keypoints import spinetrack
from synthgen.spinepose.augment import AugmentConfig, View, change_look, draw_view, look, see
from synthgen.spinepose.crop import crop_from_box, to_image
from synthgen.spinepose.regions import Region, cut_region

SIZE = (96, 128)
NONE = AugmentConfig(flip=0, half_body=0, scale=(1, 1), rotation_share=0, shift_share=0)


def person(seed=0):
    rng = np.random.default_rng(seed)
    points = standing(rng)
    low, high = points[:, :2].min(0) - 4, points[:, :2].max(0) + 4
    return draw(points, rng), points, np.r_[low, high - low], (points[:, 2] > 0).astype(np.float32)


def spots(points):
    """A picture that is black but for one bright spot per keypoint, its value telling which."""
    image = np.zeros((200, 160, 3), np.uint8)
    for i, (x, y) in enumerate(np.round(points[:, :2]).astype(int)):
        image[y - 1 : y + 2, x - 1 : x + 2] = 40 + 5 * i
    return image


def test_labels_follow_the_picture():
    _, points, box, weights = person()
    points[:, :2] = np.round(points[:, :2])
    name = "left_wrist"
    i = spinetrack().id_of(name)
    image = np.zeros((200, 160, 3), np.uint8)
    x, y = points[i, :2].astype(int)
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    region = Region(image, np.eye(2, 3))
    config = AugmentConfig(half_body=0)
    for seed in range(30):
        view = draw_view(box, points, SIZE, config, np.random.default_rng(seed))
        seen = see(region, view, SIZE)[..., 0].astype(float)
        labels, on = look(points, weights, view, SIZE)
        # A flipped left wrist is labelled as the right one: the picture shows a right wrist there.
        k = spinetrack().flip[i] if view.flip else i
        if on[k] and 4 < labels[k, 0] < SIZE[0] - 5 and 4 < labels[k, 1] < SIZE[1] - 5:
            rows, columns = np.indices(seen.shape)
            center = np.array([(columns * seen).sum(), (rows * seen).sum()]) / seen.sum()
            assert np.abs(center - labels[k]).max() < 0.6, (seed, view)


def test_two_flips_are_none():
    _, points, box, weights = person()
    weights[3] = 0
    crop = crop_from_box(box, SIZE)
    once, on = look(points, weights, View(crop, True), SIZE)
    plain, on_plain = look(points, weights, View(crop, False), SIZE)
    flip = spinetrack().flip
    assert np.allclose(np.c_[SIZE[0] - 1 - once[flip, 0], once[flip, 1]][on_plain > 0], plain[on_plain > 0], atol=1e-4)
    assert np.array_equal(on[flip], on_plain)
    assert on[4] == 0 and on_plain[3] == 0  # the mask is flipped too


def test_outside_and_unlabelled_weigh_nothing():
    _, points, box, weights = person()
    weights[:5] = 0
    points[10, :2] = -500
    labels, on = look(points, weights, View(crop_from_box(box, SIZE), False), SIZE)
    assert not on[:5].any() and on[10] == 0 and (labels[on == 0] == 0).all() and on.sum() == 31


def test_same_seed_same_picture_another_seed_another():
    image, points, box, _ = person()
    region = Region(image, np.eye(2, 3))

    def make(seed):
        rng = np.random.default_rng(seed)
        config = AugmentConfig(dropout=1, occluder=1, noise=1, blur=1)
        view = draw_view(box, points, SIZE, config, rng)
        return change_look(see(region, view, SIZE), config, rng, lambda r: image)

    assert np.array_equal(make(3), make(3)) and not np.array_equal(make(3), make(4))
    assert make(3).shape == (128, 96, 3) and make(3).dtype == np.uint8


def test_nothing_asked_nothing_changed():
    image, points, box, _ = person()
    off = AugmentConfig(0, 0, (1, 1), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    rng = np.random.default_rng(0)
    view = draw_view(box, points, SIZE, off, rng)
    plain = crop_from_box(box, SIZE)
    assert np.allclose(view.crop.center, plain.center) and np.allclose(view.crop.scale, plain.scale) and not view.flip
    seen = see(Region(image, np.eye(2, 3)), view, SIZE)
    assert np.array_equal(change_look(seen, off, rng), seen)


def test_zoom_shift_and_turn_stay_in_their_ranges():
    _, points, box, _ = person()
    config = AugmentConfig(half_body=0, shift_share=1, rotation_share=1)
    plain = crop_from_box(box, SIZE)
    views = [draw_view(box, points, SIZE, config, np.random.default_rng(s)) for s in range(300)]
    zoom = np.array([v.crop.scale[0] / plain.scale[0] for v in views])
    turn = np.degrees([v.crop.rotation for v in views])
    shift = np.array([(v.crop.center - plain.center) / plain.scale for v in views])
    assert 0.6 <= zoom.min() < 0.7 and 1.3 < zoom.max() <= 1.4
    assert -80 <= turn.min() < -60 and 60 < turn.max() <= 80
    assert np.abs(shift).max() <= 0.16 and 0.4 < np.mean([v.flip for v in views]) < 0.6


def test_half_a_body_is_half_a_body():
    _, points, box, _ = person()
    config = AugmentConfig(flip=0, half_body=1, scale=(1, 1), rotation_share=0, shift_share=0)
    heights = []
    for seed in range(20):
        view = draw_view(box, points, SIZE, config, np.random.default_rng(seed))
        corners = to_image([[0, 0], [SIZE[0], SIZE[1]]], view.crop, SIZE)
        heights.append(corners[1, 1] - corners[0, 1])
    assert max(heights) < 1.1 * box[3]
    few = points.copy()
    few[7:, 2] = 0  # too few points to tell a half
    view = draw_view(box, few, SIZE, config, np.random.default_rng(0))
    assert np.allclose(view.crop.scale, crop_from_box(box, SIZE).scale)


@pytest.mark.parametrize("scale", [1, 3, 9])
def test_a_region_shows_what_the_picture_shows(tmp_path, scale):
    import cv2

    image, points, box, _ = person()
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    large = cv2.GaussianBlur(large, (0, 0), 1.5 * scale)
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), large[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 97])
    region = cut_region(str(path), box * scale, SIZE)
    assert max(region.image.shape[:2]) < 350  # nine times larger pictures do not make larger regions
    view = draw_view(box * scale, points, SIZE, NONE, np.random.default_rng(0))
    whole = see(Region(large, np.eye(2, 3)), view, SIZE).astype(int)
    part = see(region, view, SIZE).astype(int)
    assert np.abs(whole - part).mean() < 1.5
    # A shift by one pixel would show: the mean difference to a shifted picture is several times larger.
    assert np.abs(np.roll(whole, 1, 1) - part).mean() > 1.5 * np.abs(whole - part).mean()
