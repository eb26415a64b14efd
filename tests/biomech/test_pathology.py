"""What is asked for is what the vertebrae show; the body stays in balance; stiff levels move less."""

import itertools

import numpy as np
import pytest

from biomech.anatomy import BODIES, COORDINATES, LEVELS, SPINE_BODIES, SPINE_SLICE, VERTEBRAE, body_index, read_table
from biomech.cobb import cobb_angle, find_curves
from biomech.curvature import RestChange, Tilting, neutral_column, neutral_vertebrae, solve_rest, with_rest
from biomech.errors import ModelError
from biomech.geometry import default_geometry
from biomech.kinematics import forward_kinematics
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.limits import load_limits
from biomech.model import build_model
from biomech.pathology import (
    Pathology,
    changed_limits,
    draw_pathology,
    kinds,
    measured,
    rest_change,
    severity_range,
    stiff_levels,
)

SCOLIOSES = [kind for kind in kinds() if kind.startswith("scoliosis")]


@pytest.fixture(scope="module")
def geometry():
    return default_geometry(1.68, "f", 25)


def case(kind: str, share: float, side: str = "right") -> Pathology:
    mild, severe = severity_range(kind)
    value = mild + share * (severe - mild)
    value = round(value) if kind.startswith("fused") else value
    return Pathology(kind, value, side if kind.startswith("scoliosis") else "")


@pytest.mark.parametrize(("kind", "share"), itertools.product(kinds(), (0.0, 0.5, 1.0)))
def test_measured_is_what_was_asked_and_the_column_stays_in_balance(geometry, kind, share):
    pathology = case(kind, share, "left" if share == 0.5 else "right")
    change = rest_change(pathology, geometry)
    bent = with_rest(geometry, change)
    assert measured(pathology, bent, geometry) == pytest.approx(pathology.severity, abs=0.1)
    before, after = neutral_column(geometry)[:, :3, 3], neutral_column(bent)[:, :3, 3]
    moved = (after - before)[SPINE_BODIES.index("C7")]
    assert abs(moved[2]) < 2e-3 and abs(moved[0]) < (0.03 if kind == "forward_head" else 4e-3)
    skull = neutral_column(bent)[-1, :3, :3]
    assert np.allclose(skull, np.eye(3), atol=1e-6)  # the gaze is level
    assert np.abs(np.degrees(change.offsets)).max() < 30.0


@pytest.mark.parametrize("kind", SCOLIOSES)
def test_vertebrae_turn_towards_the_convexity(geometry, kind):
    for side, sign in (("right", 1.0), ("left", -1.0)):
        bent = neutral_vertebrae(with_rest(geometry, rest_change(Pathology(kind, 50.0, side), geometry)))
        ends = next(r["value"] for r in read_table("pathology") if r["kind"] == kind and r["parameter"] == "measure")
        _, upper, lower = ends.split()
        mine = next(c for c in find_curves(bent) if (c.upper, c.lower) == (upper, lower))
        assert np.sign(mine.angle) == sign
        facing = bent[VERTEBRAE.index(mine.apex), :3, 0]
        turn = np.degrees(np.arctan2(facing[2], facing[0]))  # to the right
        assert 10.0 < sign * turn < 20.0  # a quarter to a third of the Cobb angle
        assert sign * (bent[VERTEBRAE.index(mine.apex), 2, 3]) > 0.01 or kind == "scoliosis_proximal_thoracic"


def test_left_is_the_mirror_image_of_right(geometry):
    right, left = (
        rest_change(Pathology("scoliosis_double_major", 40.0, s), geometry).offsets for s in ("right", "left")
    )
    assert np.allclose(right * [1, -1, -1], left, atol=1e-9)


def test_a_rest_change_moves_the_zero_and_keeps_the_limbs_straight(geometry):
    change = rest_change(Pathology("scoliosis_main_thoracic", 60.0, "right"), geometry)
    q = np.zeros((1, len(COORDINATES)))
    q[0, SPINE_SLICE] = change.offsets.ravel()
    posed = forward_kinematics_numpy(geometry, q)[0]
    bent = with_rest(geometry, change).neutral_frames()
    trunk = [body_index(name) for name in SPINE_BODIES]
    assert np.allclose(posed[trunk], bent[trunk], atol=1e-9)
    limbs = [i for i, name in enumerate(BODIES) if name.endswith(("_r", "_l"))]
    assert np.allclose(bent[limbs][:, :3, :3], np.eye(3), atol=1e-9)
    assert with_rest(geometry, RestChange.none()).neutral_frames() == pytest.approx(
        geometry.neutral_frames(), abs=1e-12
    )


def test_opensim_shows_the_same_angle(geometry):
    pathology = Pathology("scoliosis_thoracolumbar", 45.0, "left")
    bent = with_rest(geometry, rest_change(pathology, geometry))
    model = build_model(bent, changed_limits(pathology, load_limits()))
    frames = forward_kinematics(model, np.zeros((1, len(COORDINATES)))).world_from_body[0]
    assert np.allclose(frames, bent.neutral_frames(), atol=1e-8)
    rows = [body_index(v) for v in VERTEBRAE]
    assert np.degrees(cobb_angle(frames[rows], "T10", "L3")) == pytest.approx(-45.0, abs=0.1)


def test_limits_shrink_where_the_spine_is_stiff():
    limits = load_limits()
    fused = Pathology("fused_lumbar", 3)
    assert stiff_levels(fused) == ("L5_S1", "L4_L5", "L3_L4")
    own = changed_limits(fused, limits)
    assert np.degrees(np.abs(own.spine_hard[:3])).max() < 0.5
    assert np.array_equal(own.spine_hard[3:], limits.spine_hard[3:])
    reach = own.spine_hard[:5, 0].sum(axis=0)
    assert own.regional_hard[0] == pytest.approx(reach)  # the cap cannot be met by fused levels
    assert np.array_equal(own.hard[:6], limits.hard[:6])
    curve = changed_limits(Pathology("scoliosis_main_thoracic", 40, "right"), limits)
    inside = LEVELS.index("T8_T9")
    assert np.allclose(curve.spine_hard[inside], 0.6 * limits.spine_hard[inside])
    for name in ("hard", "typical", "regional_hard", "regional_typical"):
        low, high = getattr(curve, name)[:, 0], getattr(curve, name)[:, 1]
        assert (low < high).all()


def test_draws_go_from_mild_to_severe():
    rng = np.random.default_rng(0)
    for kind in kinds():
        mild, severe = severity_range(kind)
        assert draw_pathology(kind, 0.0, rng).severity == mild
        assert draw_pathology(kind, 1.0, rng).severity == severe
    sides = [draw_pathology("scoliosis_main_thoracic", 0.5, rng).side for _ in range(200)]
    assert 0.8 < sides.count("right") / 200 < 0.98


def test_every_number_has_a_source_and_a_confidence():
    marks = ("verified", "secondary", "recalled", "derived", "estimate", "convention")
    for row in read_table("pathology") + read_table("profiles"):
        assert row["source"] and row["confidence"].startswith(marks), row


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda g: Pathology("scoliosis", 40, "right"), "unknown pathology 'scoliosis'; known ones are scoliosis_main"),
        (lambda g: Pathology("scoliosis_main_thoracic", 90, "right"), "wanted 10 to 70 deg"),
        (lambda g: Pathology("hyperkyphosis", float("nan")), "severity nan"),
        (lambda g: Pathology("scoliosis_main_thoracic", 40), "wanted 'right' or 'left'"),
        (lambda g: Pathology("hyperkyphosis", 60, "left"), "side 'left'"),
        (lambda g: Pathology("forward_head", 60), "wanted 30 to 47.5 deg (47.5 is mild)"),
        (lambda g: Pathology("fused_lumbar", 2.5), "whole number of levels"),
        (lambda g: draw_pathology("flat_back", 1.5, np.random.default_rng(0)), "wanted 0 (mild) to 1 (severe)"),
        (lambda g: measured(Pathology("spondylolisthesis", 30), g), "give it as `before`"),
        (lambda g: with_rest(g, RestChange(np.zeros((3, 3)), np.zeros((25, 3)))), "wanted (25, 3) each"),
        (lambda g: with_rest(g, RestChange(np.full((25, 3), np.nan), np.zeros((25, 3)))), "not finite"),
        (lambda g: solve_rest(g, Tilting(("T5", "T12"))), "caudal to cranial"),
        (lambda g: solve_rest(g, Tilting(("T12", "T5"))), "must determine each once"),
        (lambda g: solve_rest(g, Tilting(("T12",), fixed={"T5": 0.1})), "which is no knot"),
    ],
)
def test_bad_input(geometry, call, said):
    with pytest.raises(ModelError) as raised:
        call(geometry)
    assert said in str(raised.value)
