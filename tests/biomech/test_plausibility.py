import json

import numpy as np
import pytest

from biomech.activities import PoseBatch
from biomech.anatomy import COORDINATES, LEVELS, SPINE_SLICE
from biomech.errors import ModelError
from biomech.limits import load_limits
from biomech.plausibility import assess
from biomech.rhythm import distribute

LIMITS = load_limits()


@pytest.fixture(scope="module")
def batch():
    """Sixty poses that bend and twist inside every limit."""
    rng = np.random.default_rng(5)
    caps = LIMITS.regional_typical
    targets = rng.uniform(0.8 * caps[:, 0], 0.8 * caps[:, 1], size=(60, 9))
    q = np.zeros((60, len(COORDINATES)))
    q[:, SPINE_SLICE] = distribute(targets, LIMITS, rng)
    records = tuple({"rejections": i % 3, "reasons": ("arm through chest",) * (i % 3)} for i in range(60))
    return PoseBatch(q, COORDINATES, ("bend",) * 30 + ("twist",) * 30, records)


def altered(batch, row, name, value):
    q = batch.q.copy()
    q[row, COORDINATES.index(name)] = value
    return PoseBatch(q, batch.coordinates, batch.activity, batch.provenance)


def test_sound_poses_pass(batch):
    report = assess(batch, LIMITS)
    assert report.ok and report.hard == () and report.hard_violations == 0


@pytest.mark.parametrize(
    ("name", "side", "beyond_deg"),
    [
        ("L4_L5_FE", "lower", 3.0), ("T8_T9_LB", "upper", 0.01), ("C1_C2_AR", "lower", 5.0),
        ("knee_angle_l", "lower", 1.0), ("knee_angle_r", "upper", 20.0), ("elv_angle_r", "upper", 2.0),
        ("wrist_dev_l", "upper", 4.0), ("mtp_angle_r", "lower", 0.001),
    ],
)  # fmt: skip
def test_a_corrupted_angle_is_named_with_its_value_and_limit(batch, name, side, beyond_deg):
    column = COORDINATES.index(name)
    low, high = LIMITS.hard[column]
    value = low - np.radians(beyond_deg) if side == "lower" else high + np.radians(beyond_deg)
    report = assess(altered(batch, 37, name, value), LIMITS)
    assert not report.ok
    assert [v.coordinate for v in report.hard] == [name]
    (found,) = report.hard
    assert (found.side, found.count, found.pose, found.activity) == (side, 1, 37, "twist")
    assert found.worst == pytest.approx(np.degrees(value))
    assert found.limit == pytest.approx(np.degrees(low if side == "lower" else high))
    assert found.margin == pytest.approx(beyond_deg)
    assert found.source == LIMITS.source[column] and found.confidence == LIMITS.confidence[column]


def test_a_value_on_the_limit_is_no_violation(batch):
    high = LIMITS.hard[COORDINATES.index("knee_angle_r"), 1]
    assert assess(altered(batch, 0, "knee_angle_r", high), LIMITS).ok
    assert assess(altered(batch, 0, "knee_angle_r", high + 5e-7), LIMITS).ok
    assert not assess(altered(batch, 0, "knee_angle_r", high + 5e-6), LIMITS).ok


def test_a_region_beyond_its_cap_fails_though_every_level_is_inside(batch):
    q = batch.q.copy()
    thoracic = [COORDINATES.index(f"{level}_AR") for level in LEVELS[5:17]]
    q[3, thoracic] = 0.97 * LIMITS.hard[thoracic, 1]
    report = assess(PoseBatch(q, COORDINATES, batch.activity), LIMITS)
    assert report.hard == () and not report.ok
    assert [v.coordinate for v in report.regional_hard] == ["thoracic_AR"]


def test_typical_violations_are_counted_and_allowed(batch):
    column = COORDINATES.index("ankle_angle_r")
    value = 0.5 * (LIMITS.typical[column, 1] + LIMITS.hard[column, 1])
    report = assess(altered(batch, 2, "ankle_angle_r", value), LIMITS)
    assert report.ok and "ankle_angle_r" in [v.coordinate for v in report.typical]


def test_shares_match_the_table_they_were_drawn_from(batch):
    report = assess(batch, LIMITS)
    lumbar = [s for s in report.rhythm if s.region == "lumbar" and s.motion == "flexion"]
    assert sum(s.published for s in lumbar) == pytest.approx(1)
    for share in lumbar:
        assert share.slope == pytest.approx(share.published, abs=0.05) and share.r2 > 0.9


def test_wrong_rhythm_shows(batch):
    q = batch.q.copy()
    q[:, COORDINATES.index("L4_L5_FE")] = 0.0  # a stiff level
    gaps = {s.level: s.gap for s in assess(PoseBatch(q, COORDINATES, batch.activity), LIMITS).rhythm
            if s.region == "lumbar" and s.motion == "flexion"}  # fmt: skip
    assert max(gaps, key=gaps.get) == "L4_L5" and gaps["L4_L5"] > 0.2


def test_coupling_sign_is_checked():
    q = np.zeros((40, len(COORDINATES)))
    bend = np.radians(np.linspace(-15, 15, 40))
    for wrong, expected in ((1.0, 1.0), (-1.0, 0.0)):
        targets = np.zeros((40, 9))
        targets[:, 1] = bend
        q[:, SPINE_SLICE] = distribute(targets, LIMITS)
        q[:, [COORDINATES.index(f"{level}_AR") for level in LEVELS]] *= wrong
        report = assess(PoseBatch(q, COORDINATES, ("bend",) * 40), LIMITS)
        (found,) = [c for c in report.coupling if (c.level, c.driver) == ("L3_L4", "LB")]
        assert found.agreement == expected and np.sign(found.slope) == wrong * np.sign(found.published)


def test_a_kink_shows_in_continuity(batch):
    sound = max(c.worst for c in assess(batch, LIMITS).continuity if c.region == "lumbar" and c.axis == "LB")
    limit = LIMITS.hard[COORDINATES.index("L3_L4_LB"), 1]
    report = assess(altered(batch, 11, "L3_L4_LB", limit), LIMITS)
    (found,) = [c for c in report.continuity if c.region == "lumbar" and c.axis == "LB"]
    assert found.worst > sound and found.pose == 11 and found.level == "L3_L4"


def test_residuals_and_rejections(batch):
    report = assess(batch, LIMITS, residuals={"centre": [0.001, 0.003]}, model_digest=["b", "a", "a"])
    assert (report.residuals[0].mean, report.residuals[0].worst) == (pytest.approx(2.0), pytest.approx(3.0))
    assert [(r.activity, r.poses, r.rejected) for r in report.rejections] == [("bend", 30, 30), ("twist", 30, 30)]
    assert report.rejections[0].rate == pytest.approx(0.5)
    assert report.rejections[0].reasons == (("arm through chest", 30),)
    assert report.provenance["model_digest"] == ["a", "b"]


def test_the_report_is_json_and_every_limit_has_a_source(batch):
    report = assess(batch, LIMITS)
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data["ok"] is True and len(data["levels"]) == 75 and len(data["ranges"]) == len(COORDINATES)
    assert all(row["source"] and row["confidence"] for row in data["ranges"] + data["levels"] + data["regions"])
    assert all(sum(row["histogram"]) == 60 for row in data["levels"])
    assert json.dumps(report.to_dict()) == json.dumps(assess(batch, LIMITS).to_dict())


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_few_poses_do_not_break_it(batch, rows):
    part = PoseBatch(batch.q[:rows], COORDINATES, batch.activity[:rows])
    if rows == 0:
        with pytest.raises(ModelError, match="no poses"):
            assess(part, LIMITS)
    else:
        assert assess(part, LIMITS).rhythm[0].slope is None


def test_bad_input_is_named(batch):
    with pytest.raises(ModelError, match="knee_angle_l of pose 4"):
        assess(altered(batch, 4, "knee_angle_l", np.nan), LIMITS)
    with pytest.raises(ModelError, match="coordinates"):
        assess(PoseBatch(batch.q[:, :5], COORDINATES[:5], batch.activity), LIMITS)
