"""A published model's rhythm and ranges, laid over a person's limits."""

import numpy as np
import osim_text
import pytest

from biomech.anatomy import LEVELS, REGION_SLICES, SPINE_SLICE
from biomech.geometry import default_geometry
from biomech.limits import load_limits
from biomech.model import build_model
from biomech.published import load_published
from biomech.published_inspect import inspect_model
from biomech.published_rhythm import laid_over, reach
from biomech.rhythm import distribute, distribute_detailed, regional_angles

TARGETS = np.radians([[-30.0, 5.0, 3.0, -10.0, 5.0, 10.0, -20.0, 10.0, 30.0]])


@pytest.fixture(scope="module")
def christophy(tmp_path_factory):
    return load_published(osim_text.write(tmp_path_factory.mktemp("osim"), osim_text.christophy(0.6)))


def test_reach_is_the_angle_at_the_end_of_the_driver(christophy):
    found = reach(christophy)
    assert np.allclose(found.levels[:5, 0, 1], 0.6 * np.array([0.4, 0.3, 0.2, 0.07, 0.03]))
    assert found.coupled[:5].all() and np.isnan(found.levels[5:]).all()


def test_levels_share_as_the_model_does(christophy):
    limits = laid_over(load_limits(), christophy)
    small = 0.2 * TARGETS
    q = distribute(small[0], limits, np.random.default_rng(1)).reshape(25, 3)
    for axis in range(3):
        assert np.allclose(q[:5, axis] / q[:5, axis].sum(), (0.4, 0.3, 0.2, 0.07, 0.03), atol=1e-6)
    ours = distribute(small[0], load_limits(), np.random.default_rng(1)).reshape(25, 3)
    assert np.array_equal(q[5:], ours[5:])  # levels the model lacks stay as they were


def test_the_region_keeps_its_angle_within_both_ranges(christophy):
    limits = laid_over(load_limits(), christophy)
    found = distribute_detailed(TARGETS, limits, np.random.default_rng(1))
    assert np.allclose(regional_angles(found.q) - found.coupled + found.unmet, TARGETS, atol=1e-9)
    model, ours = np.nan_to_num(reach(christophy).levels, nan=9.0), load_limits().spine_hard
    levels = found.q.reshape(25, 3)
    assert (levels >= ours[..., 0] - 1e-12).all() and (levels <= ours[..., 1] + 1e-12).all()
    inside = np.isfinite(reach(christophy).levels[..., 0])
    assert (levels >= -np.abs(model[..., 0]) - 1e-12)[inside].all()
    hard = limits.spine_hard
    assert (hard[..., 0] >= ours[..., 0]).all() and (hard[..., 1] <= ours[..., 1]).all()
    assert (hard[..., 0] >= model[..., 0])[inside].all() and (hard[..., 1] <= model[..., 1])[inside].all()
    assert (limits.typical[:, 0] >= limits.hard[:, 0]).all() and (limits.typical[:, 1] <= limits.hard[:, 1]).all()
    narrowed = [k for k, text in enumerate(limits.source) if "narrowed to small_christophy" in text]
    assert narrowed and all(SPINE_SLICE.start <= k < SPINE_SLICE.start + 15 for k in narrowed)
    for r, part in enumerate(REGION_SLICES.values()):
        room = limits.spine_hard[part].sum(axis=0)
        rows = limits.regional_hard[3 * r : 3 * r + 3]
        assert (rows[:, 0] >= room[:, 0] - 1e-12).all() and (rows[:, 1] <= room[:, 1] + 1e-12).all()


def test_a_model_without_limits_changes_nothing(tmp_path):
    """Ranges of +-90 degrees a level are none: rhythm and limits stay those of the tables, to the last bit."""
    names = [f"{level}_{a}" for level in LEVELS[:17] for a in ("FE", "LB", "AR")]
    links = [("pelvis", osim_text.PELVIS, 0.0), ("sacrum", (), 0.0)]
    bodies = [f"lumbar{n}" for n in (5, 4, 3, 2, 1)] + [f"thoracic{n}" for n in range(12, 0, -1)]
    links += [(b, osim_text.zxy(names[3 * k : 3 * k + 3], 1.57), 0.0) for k, b in enumerate(bodies)]
    model = load_published(osim_text.write(tmp_path, osim_text.column("free", links)))
    limits, given = laid_over(load_limits(), model), load_limits()
    assert np.array_equal(limits.hard, given.hard) and np.array_equal(limits.regional_hard, given.regional_hard)
    assert not limits.rhythm.fixed.any()
    assert np.array_equal(
        distribute(TARGETS[0], limits, np.random.default_rng(5)),
        distribute(TARGETS[0], given, np.random.default_rng(5)),
    )
    assert any("no usable range for 17" in note for note in inspect_model(model, 0.0).notes)


def test_a_skeleton_with_such_limits_opens_in_opensim(christophy):
    limits = laid_over(load_limits(), christophy)
    built = build_model(default_geometry(), limits)
    assert np.array_equal(built.hard, limits.hard)


def test_inspection_reads_fractions_and_ranges(christophy):
    found = inspect_model(christophy, 0.0)
    driver = next(d for d in found.drivers if d.coordinate == "flex_extension")
    assert driver.axis == "FE" and driver.motion == "coupled"
    assert driver.fractions == pytest.approx({"L5_S1": 0.4, "L4_L5": 0.3, "L3_L4": 0.2, "L2_L3": 0.07, "L1_L2": 0.03})
    assert driver.high_deg == pytest.approx(np.degrees(0.6))
    assert found.filled == LEVELS[5:] and found.axes_checked == 15 and found.worst_disagreement_deg < 1e-3
    assert found.to_dict()["levels"][0]["coordinate"] == "flex_extension"
