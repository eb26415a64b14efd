"""The detector's arithmetic, and the network itself where its pack is installed."""

import numpy as np
import pytest
import spinepose_material

from biomech.errors import ConfigError
from synthgen.spinepose.detect import (
    LEVELS,
    SIDE,
    Detector,
    anchors,
    decode,
    person_box,
    suppress,
    windows,
)


def person(hip, up=(0.0, -1.0), radius=100.0):
    hip, up = np.array(hip, float), np.array(up, float)
    return np.stack([hip, hip + radius * up, hip + 0.5 * radius * up, hip + 1.2 * radius * up])


def blob_network(windows_):
    """Finds the brightest spot of each window and calls it the hip of a person a quarter of the window in radius."""
    raw, logits = np.zeros((len(windows_), 2254, 12), np.float32), np.full((len(windows_), 2254), -9, np.float32)
    for n, picture in enumerate(windows_):
        bright = picture.sum(-1)
        if bright.max() < 0:
            continue
        y, x = np.argwhere(bright > bright.max() - 0.5).mean(0)
        nearest = np.abs(anchors() * SIDE - (x, y)).sum(1).argmin()
        raw[n, nearest, 4:] = (person((x, y), radius=SIDE / 4) - anchors()[nearest] * SIDE).ravel()
        logits[n, nearest] = 3
    return raw, logits


def picture(width, height, x, y, radius):
    import cv2

    image = np.zeros((height, width, 3), np.uint8)
    cv2.circle(image, (x, y), radius, (255, 255, 255), -1)
    return image


def test_anchors_are_those_of_the_network():
    table = anchors()
    assert table.shape == (2254, 2)
    np.testing.assert_allclose(table[0], table[1])  # two to a cell
    np.testing.assert_allclose(table[2] - table[0], [1 / 28, 0])  # x runs first
    np.testing.assert_allclose(table[1568], [0.5 / 14, 0.5 / 14])
    np.testing.assert_allclose(table[-6:], 6 * [[6.5 / 7, 6.5 / 7]])


def test_decoding_adds_the_anchor_and_sorts_by_score():
    raw, logits = np.zeros((2254, 12)), np.full(2254, -5.0)
    logits[[3, 700]] = 1.0, 2.0
    raw[700, 4:6] = 22.4, -11.2
    points, scores = decode(raw, logits, 0.5)
    np.testing.assert_allclose(scores, 1 / (1 + np.exp([-2.0, -1.0])))
    np.testing.assert_allclose(points[0, 0], anchors()[700] + [0.1, -0.05])
    np.testing.assert_allclose(points[1], np.tile(anchors()[3], (4, 1)))
    assert len(decode(raw, logits, 0.9)[0]) == 0
    assert np.isfinite(decode(raw, np.full(2254, 1e6), 0.5)[1]).all()


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (300, 300), (1920, 200)])
def test_windows_cover_the_picture_at_every_level(size):
    width, height = size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    for level in LEVELS["photo"]:
        covered = np.zeros((height, width), bool)
        for left, top, side in windows(width, height, (level,))[1:]:
            assert side == pytest.approx(max(size) * level)
            covered |= (x > left - 1e-6) & (x < left + side + 1e-6) & (y > top - 1e-6) & (y < top + side + 1e-6)
        assert covered.all()


def test_one_person_is_kept_once_and_neighbours_stay():
    same = np.stack([person((100, 100)), person((104, 100)), person((100, 108), radius=110), person((400, 100))])
    people = suppress(same, np.array([0.9, 0.8, 0.7, 0.6]))
    assert [round(s, 1) for _, s in people] == [0.9, 0.6]
    assert 100 < people[0][0][0, 0] < 104  # averaged
    np.testing.assert_allclose(people[1][0], same[3])


@pytest.mark.parametrize("scores", [(0.9, 0.8), (0.8, 0.9)])
def test_a_fragment_is_no_second_person_and_does_not_shrink_the_first(scores):
    """The larger circle says what is near, whichever of the two scores better."""
    whole, fragment = person((100, 100)), person((102, 80), radius=40)
    people = suppress(np.stack([whole, fragment]), np.array(scores))
    assert len(people) == 1
    np.testing.assert_allclose(people[0][0], whole if scores[0] > scores[1] else fragment)


def test_people_come_best_first_and_are_averaged_by_score():
    points = np.stack([person((500, 100)), person((104, 100)), person((100, 100))])
    people = suppress(points, np.array([0.7, 0.3, 0.9]))
    assert [score for _, score in people] == [0.9, 0.7]
    np.testing.assert_allclose(people[0][0], person((101, 100)))  # (0.9 * 100 + 0.3 * 104) / 1.2
    np.testing.assert_allclose(people[1][0], person((500, 100)))


@pytest.mark.parametrize("apart", ["hips", "shoulders"])
def test_people_who_meet_in_one_place_only_are_two(apart):
    """Hips and shoulders must both be near: one bends over the other."""
    upright, leaning = person((100, 100)), person((50, 50) if apart == "hips" else (100, 100), up=(1.0, 0.0))
    meet = 2 if apart == "hips" else 0
    np.testing.assert_allclose(leaning[meet], upright[meet])
    assert len(suppress(np.stack([upright, leaning]), np.array([0.9, 0.8]))) == 2


@pytest.mark.parametrize(("distance", "people"), [(39, 1), (41, 2)])
def test_how_near_is_the_same_person(distance, people):
    points = np.stack([person((100, 100)), person((100 + distance, 100))])
    assert len(suppress(points, np.array([0.9, 0.8]))) == people


def test_nearness_does_not_pass_on():
    """The third is near the second but not the first, whom the second is part of: it is a person of its own."""
    points = np.stack([person((100, 100)), person((130, 100)), person((160, 100))])
    people = suppress(points, np.array([0.9, 0.8, 0.7]))
    np.testing.assert_allclose([p[0, 0] for p, _ in people], [(0.9 * 100 + 0.8 * 130) / 1.7, 160])


@pytest.mark.parametrize(("radius", "counts"), [(76, True), (74, False), (124, True), (126, False)])
def test_only_like_sizes_shape_the_circle(radius, counts):
    points = np.stack([person((100, 100)), person((100, 100), radius=radius)])
    people = suppress(points, np.array([0.5, 0.5]))
    assert len(people) == 1
    wanted = (100 + radius) / 2 if counts else 100
    assert np.linalg.norm(people[0][0][1] - people[0][0][0]) == pytest.approx(wanted)


def test_nobody_and_points_without_extent():
    assert suppress(np.zeros((0, 4, 2)), np.zeros(0)) == []
    flat = np.zeros((2, 4, 2))
    flat[1] += 50
    people = suppress(flat, np.array([0.6, 0.8]))
    np.testing.assert_allclose([p for p, _ in people], flat[::-1])


def test_boxes_follow_the_body():
    upright, lying = person_box(person((0, 0))), person_box(person((0, 0), up=(1.0, 0.0)))
    assert upright[3] > 1.4 * upright[2]
    np.testing.assert_allclose(lying[2:], upright[3:1:-1])
    np.testing.assert_allclose(upright[:2] + upright[2:] / 2, 0, atol=1e-9)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (300, 900), (2000, 1500), (200, 150)])
def test_places_come_back_in_the_picture_s_pixels(width, height):
    x, y = width * 2 // 3, height // 4
    found = Detector(blob_network)(picture(width, height, x, y, max(width, height) // 40))
    assert len(found) == 1
    np.testing.assert_allclose(found[0].hip, [x, y], atol=max(width, height) / SIDE)
    assert found[0].radius == pytest.approx(max(width, height) / 4, rel=0.01)


def test_nobody_in_an_empty_picture():
    assert Detector(blob_network)(np.zeros((50, 60, 3), np.uint8), LEVELS["photo"]) == []


@pytest.mark.parametrize("threshold", [0, 1, -0.5, float("nan")])
def test_threshold_out_of_range(threshold):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        Detector(blob_network, threshold)


def test_the_real_network_runs_as_the_package_s_own_runtime_does():
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
    model = (spinepose_material.blazepose_package() / "pose_solution_packed_assets.data").read_bytes()[:2962288]
    runtime = interpreter.Interpreter(model_content=model)
    runtime.allocate_tensors()
    picture = np.random.default_rng(0).uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32)
    runtime.set_tensor(runtime.get_input_details()[0]["index"], picture)
    runtime.invoke()
    wanted = [runtime.get_tensor(d["index"])[0] for d in runtime.get_output_details()]
    boxes, scores = spinepose_material.blazepose_detector()._network(picture)
    np.testing.assert_allclose(boxes[0], wanted[0], atol=1e-2)
    np.testing.assert_allclose(scores[0], wanted[1][:, 0], atol=1e-2)


def test_the_real_network_finds_every_labelled_person():
    import cv2
    import photo_check

    photos, detector = spinepose_material.labelled_photos(), spinepose_material.blazepose_detector()
    for name, people in photo_check.labelled_people(photos).items():
        image = cv2.imread(str(photos / name))
        hips = np.array([d.hip for d in detector(image, LEVELS["photo"])]).reshape(-1, 2)
        for labelled in people:
            x, y, w, h = labelled["bbox"]
            inside = (hips[:, 0] > x - 5) & (hips[:, 0] < x + w + 5) & (hips[:, 1] > y) & (hips[:, 1] < y + h + 10)
            assert inside.any(), (name, labelled["bbox"])
