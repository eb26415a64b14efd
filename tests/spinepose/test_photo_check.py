"""The table of keypoints: offsets point the way they say, and what is not labelled counts nowhere."""

import numpy as np
import photo_check
import pytest

from synthgen.keypoints import spinetrack

NAMES = spinetrack().names[:17]


def upright(count: int = 3) -> np.ndarray:
    """(N, 17, 3) people who face the camera: left on the picture's right, head above."""
    truth = np.zeros((count, 17, 3))
    for k, name in enumerate(NAMES):
        side = {"left": 1, "right": -1}.get(name.split("_")[0], 0)
        truth[:, k] = 50 + 10 * side, 5 + 10 * ((k + 1) // 2), 2
    return truth


def table(points: np.ndarray, truth: np.ndarray) -> dict[str, dict]:
    boxes = np.tile([0.0, 0, 60, 100], (len(truth), 1))
    return {row["name"]: row for row in photo_check.per_keypoint(points, truth, boxes, np.full(len(truth), 3000.0))}


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_offsets_follow_the_body_however_it_lies(quarter):
    turn = np.linalg.matrix_power(np.array([[0.0, -1], [1, 0]]), quarter)
    truth = upright()
    points = truth[..., :2].copy()
    points[:, NAMES.index("left_hip")] += (4, -2)  # 4 px outwards, 2 px upwards in a picture
    points[:, NAMES.index("right_hip")] += (4, 3)  # towards the other hip, and downwards
    points, truth[..., :2] = points @ turn.T, truth[..., :2] @ turn.T
    rows = table(points, truth)
    left, right = rows["left_hip"], rows["right_hip"]
    assert (left["out"], left["up"]) == pytest.approx((0.04, 0.02))
    assert (right["out"], right["up"]) == pytest.approx((-0.04, -0.03))
    assert left["error"] == pytest.approx(np.hypot(0.04, 0.02)) and left["oks"] < 1
    assert rows["left_knee"]["error"] == 0 and rows["left_knee"]["oks"] == 1


def test_one_mix_up_does_not_hide_an_offset():
    truth = upright(5)
    points = truth[..., :2].copy()
    points[:, 11] += (4, 0)
    points[0, 11] -= (60, 0)
    row = table(points, truth)["left_hip"]
    assert row["out"] == pytest.approx(0.04) and row["out_spread"] == pytest.approx(0) and row["error"] > 0.1


def test_unlabelled_points_count_nowhere():
    truth = upright()
    points = truth[..., :2].copy()
    points[0, 9] = 1e6
    truth[0, 9] = 0  # a wrist: nobody else is touched
    truth[1, 11] = 0  # a hip: that person has no trunk
    truth[:, 3] = 0
    rows = table(points + (0, -1), truth)
    assert rows["left_wrist"]["count"] == 2 and rows["left_wrist"]["error"] == pytest.approx(0.01)
    assert rows["left_hip"]["count"] == 2 and rows["right_hip"]["count"] == 3
    assert rows["left_knee"]["up"] == pytest.approx(0.01)
    assert rows["left_ear"]["count"] == 0 and np.isnan(rows["left_ear"]["error"])
    assert np.isnan(rows["nose"]["out"]) and np.isfinite(rows["nose"]["up"])
    text = photo_check.table_text(list(rows.values()))
    assert len(text.splitlines()) == 18 and "+nan" not in text
