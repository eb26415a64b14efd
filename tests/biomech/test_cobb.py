"""A Cobb angle is what a radiograph would show of the vertebra frames."""

import numpy as np
import pytest

from biomech.anatomy import VERTEBRAE
from biomech.cobb import cobb_angle, find_curves, tilts
from biomech.curvature import neutral_vertebrae, rotation_zxy
from biomech.errors import ModelError
from biomech.geometry import default_geometry


def column(sagittal=0.0, frontal=0.0, axial=0.0) -> np.ndarray:
    """(24, 4, 4) vertebrae with these turns about z, x, y, deg."""
    frames = np.tile(np.eye(4), (24, 1, 1))
    turns = np.broadcast_arrays(np.zeros(24), sagittal, frontal, axial)[1:]
    frames[:, :3, :3] = rotation_zxy(np.radians(np.stack(turns, axis=-1)))
    return frames


def test_signs_and_sizes():
    right_then_left = np.interp(np.arange(24), [5, 12], [20.0, -25.0])
    assert np.degrees(cobb_angle(column(frontal=right_then_left), "T5", "T12")) == pytest.approx(45.0)
    assert np.degrees(cobb_angle(column(frontal=-right_then_left), "T5", "T12")) == pytest.approx(-45.0)
    vertebrae = neutral_vertebrae(default_geometry())
    assert np.degrees(cobb_angle(vertebrae, "T1", "T12", "sagittal")) == pytest.approx(44.0, abs=1e-6)
    assert np.degrees(cobb_angle(vertebrae, "L1", "L5", "sagittal")) < -30.0
    assert abs(cobb_angle(vertebrae, "T5", "T12")) < 1e-12


def test_turning_a_vertebra_about_its_own_axis_changes_no_cobb_angle():
    lean = np.linspace(15, -20, 24)
    plain, turned = column(30.0, lean), column(30.0, lean, np.linspace(-25, 25, 24))
    for plane in ("frontal", "sagittal"):
        assert np.allclose(tilts(plain, plane), tilts(turned, plane), atol=1e-12)


def test_batches_keep_their_shape():
    assert cobb_angle(np.stack([column()] * 6).reshape(2, 3, 24, 4, 4), "T5", "T12").shape == (2, 3)


def test_curves_are_found_between_the_most_tilted_vertebrae():
    knots = [VERTEBRAE.index(v) for v in ("L5", "L4", "T12", "T5", "C7", "C1")]
    found = find_curves(column(frontal=np.interp(np.arange(24), knots, [-10.0, -15.0, 20.0, -22.0, 0.0, 0.0])))
    assert [(c.lower, c.upper) for c in found] == [("L4", "T12"), ("T12", "T5"), ("T5", "C7")]
    assert np.degrees([c.angle for c in found]) == pytest.approx([-35.0, 42.0, -22.0])
    assert found[1].apex in ("T8", "T9")
    assert find_curves(column(frontal=np.linspace(0, 4, 24))) == ()
    assert [(c.lower, c.upper) for c in find_curves(column(frontal=np.linspace(0, 30, 24)))] == [("L5", "C1")]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: cobb_angle(column(), "T12", "T5"), "must lie above"),
        (lambda: cobb_angle(column(), "T5", "T13"), "unknown vertebra 'T13'"),
        (lambda: cobb_angle(column(), "T5", "T12", "coronal"), "frontal, sagittal"),
        (lambda: cobb_angle(column()[:20], "T5", "T12"), "wanted (..., 24, 4, 4)"),
        (lambda: cobb_angle(column() * np.nan, "T5", "T12"), "not finite"),
        (lambda: find_curves(column(), least=0.0), "more than 0"),
        (lambda: find_curves(np.stack([column()] * 2)), "one column"),
    ],
)
def test_bad_input(call, said):
    with pytest.raises(ModelError) as raised:
        call()
    assert said in str(raised.value)
