"""The multi-view check: cameras that are off by some pixels are set right by the points beside the spine alone."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

from multiview_check import View, aligned, measure

from synthgen.keypoints import SPINE_IDS
from synthgen.spinepose.estimator import Pose


def ring():
    """Four cameras 4 m around the origin, looking at it, OpenCV axes, y of the world up."""
    views = []
    for number, angle in enumerate(np.radians([20, 110, 200, 290])):
        at = 4 * np.array([np.cos(angle), 0.25, np.sin(angle)])
        z = -at / np.linalg.norm(at)
        x = np.cross(z, [0.0, 1.0, 0.0])
        x /= np.linalg.norm(x)
        rotation = np.array([x, np.cross(z, x), z])
        matrix = np.array([[1600.0, 0, 540], [0, 1600, 960], [0, 0, 1]])
        views.append(View(f"cam{number}", matrix, np.zeros(4), rotation, -rotation @ at))
    return views


def tracks(views, garbage=0.0):
    rng = np.random.default_rng(3)
    found = [[] for _ in views]
    for _ in range(5):
        body = rng.uniform(-0.5, 0.5, (37, 3)) * (1, 1.6, 1)
        for view, track in zip(views, found, strict=True):
            points = view.project(body) + rng.normal(0, 0.3, (37, 2))
            points[list(SPINE_IDS)] += garbage
            track.append(Pose(points, np.ones(37), np.array([0, 0, 10, 10.0])))
    return found


def moved(views, shifts):
    out = []
    for view, shift in zip(views, shifts, strict=True):
        matrix = view.matrix.copy()
        matrix[:2, 2] += shift
        out.append(View(view.name, matrix, view.distortion, view.rotation, view.translation))
    return out


SHIFTS = np.array([[9.0, 3.0], [-7.0, 2.0], [3.0, -11.0], [-4.0, 6.0]])


def test_wrong_principal_points_are_found():
    views = ring()
    seen = tracks(views)
    wrong = moved(views, SHIFTS)
    before, good = measure(wrong, seen), measure(views, seen)
    after = measure(aligned(wrong, seen), seen)
    assert before["spine"] > 8 * good["spine"]
    assert after["spine"] < 1.3 * good["spine"]


def test_the_spine_takes_no_part():
    views = ring()
    wrong = moved(views, SHIFTS)
    clean, spoilt = aligned(wrong, tracks(views)), aligned(wrong, tracks(views, garbage=25.0))
    for a, b in zip(clean, spoilt, strict=True):
        np.testing.assert_array_equal(a.matrix, b.matrix)
