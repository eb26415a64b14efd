"""The report as data: each group names what it is there to find, with value and limit, and passes sound poses."""

import json

import numpy as np
import pytest

from biomech.activities import PoseBatch
from biomech.anatomy import COORDINATES, LEVELS, SPINE_SLICE
from biomech.errors import ModelError
from biomech.geometry import default_geometry
from biomech.limits import load_limits
from biomech.plausibility import Asked, Clip, Evidence, Person, assess
from biomech.plausibility.posture import column_of
from biomech.plausibility.provenance import CITING, provenance_of
from biomech.plausibility.published import checks
from biomech.plausibility.rates import _spikes
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


def spine_poses(targets):
    q = np.zeros((len(targets), len(COORDINATES)))
    q[:, SPINE_SLICE] = distribute(targets, LIMITS)
    return PoseBatch(q, COORDINATES, ("bend",) * len(q))


def one(items, **wanted):
    (found,) = [item for item in items if all(getattr(item, k) == v for k, v in wanted.items())]
    return found


def test_sound_poses_pass(batch):
    report = assess(batch, LIMITS)
    assert report.ok and report.hard == () and report.hard_violations == 0 and report.poses_beyond_hard == 0
    assert not any(m.beyond_hard for m in (*report.levels, *report.regions))


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
    assert not report.ok and report.poses_beyond_hard == 1
    assert [v.coordinate for v in report.hard] == [name]
    (found,) = report.hard
    assert (found.side, found.count, found.pose, found.activity) == (side, 1, 37, "twist")
    assert found.worst == pytest.approx(np.degrees(value))
    assert found.limit == pytest.approx(np.degrees(low if side == "lower" else high))
    assert found.margin == pytest.approx(beyond_deg)
    assert found.source == LIMITS.source[column] and found.confidence == LIMITS.confidence[column]


def test_a_corrupted_level_is_named_in_every_group_it_concerns():
    targets = np.zeros((40, 9))
    targets[:, 0] = np.radians(np.linspace(-25, -10, 40))  # pure flexion, ten degrees a second
    batch = altered(spine_poses(targets), 17, "L3_L4_LB", np.radians(14.0))
    times = 0.02 * np.arange(40)
    where = tuple(f"frame {i}" for i in range(40))
    report = assess(batch, LIMITS, Evidence(clips=(Clip("bow", 0, times),), where=where))
    limits, level = one(report.hard), one(report.levels, name="L3_L4", axis="LB")
    assert (limits.coordinate, limits.limit, limits.where) == ("L3_L4_LB", pytest.approx(12.0), "frame 17")
    assert (level.beyond_hard, level.hard[1], level.extreme) == (1, pytest.approx(12.0), "frame 17")
    assert limits.worst == level.maximum == pytest.approx(14.0)
    plane = one(report.out_of_plane, level="L3_L4", motion="flexion")
    assert (plane.worst, plane.axis, plane.where, plane.beyond) == (pytest.approx(14.0), "LB", "frame 17", 1)
    assert plane.limit.upper == 4.0
    kink = one(report.continuity, region="lumbar", axis="LB")
    assert (kink.level, kink.where, kink.beyond, kink.limit) == ("L3_L4", "frame 17", 1, 8.0)
    assert kink.value == pytest.approx(14.0) and kink.worst == pytest.approx(28.0, abs=1.0)
    (spike,) = report.clips[0].spikes
    assert (spike.coordinate, spike.frame, spike.value) == ("L3_L4_LB", 17, pytest.approx(14.0))
    assert spike.time == pytest.approx(17 * 0.02) and spike.bound == 10.0
    fastest = max(report.clips[0].rates, key=lambda rate: rate.maximum if rate.name in LEVELS else 0.0)
    assert fastest.name == "L3_L4" and fastest.maximum == pytest.approx(14 / 0.04, rel=0.1)


def test_a_value_on_the_limit_is_no_violation_but_rests_on_it(batch):
    high = LIMITS.hard[COORDINATES.index("knee_angle_r"), 1]
    report = assess(altered(batch, 0, "knee_angle_r", high), LIMITS)
    assert report.ok and one(report.ranges, coordinate="knee_angle_r").at_limit == 1
    assert assess(altered(batch, 0, "knee_angle_r", high + 5e-7), LIMITS).ok
    assert not assess(altered(batch, 0, "knee_angle_r", high + 5e-6), LIMITS).ok


def test_a_region_beyond_its_cap_fails_though_every_level_is_inside(batch):
    q = batch.q.copy()
    thoracic = [COORDINATES.index(f"{level}_AR") for level in LEVELS[5:17]]
    q[3, thoracic] = 0.97 * LIMITS.hard[thoracic, 1]
    report = assess(PoseBatch(q, COORDINATES, batch.activity), LIMITS)
    assert report.hard == () and not report.ok and report.poses_beyond_hard == 1
    assert [v.coordinate for v in report.regional_hard] == ["thoracic_AR"]
    assert one(report.regions, name="thoracic", axis="AR").extreme == "pose 3"


def test_typical_violations_are_counted_and_allowed(batch):
    column = COORDINATES.index("ankle_angle_r")
    value = 0.5 * (LIMITS.typical[column, 1] + LIMITS.hard[column, 1])
    report = assess(altered(batch, 2, "ankle_angle_r", value), LIMITS)
    assert report.ok and "ankle_angle_r" in [v.coordinate for v in report.typical]


def test_each_person_is_judged_by_his_own_limits(batch):
    import dataclasses

    column = COORDINATES.index("L2_L3_FE")
    strict = LIMITS.hard.copy()
    strict[column] = -np.radians([2.0, -2.0])
    stiff = dataclasses.replace(LIMITS, hard=strict, profile="stiff")
    q = np.zeros((4, len(COORDINATES)))
    q[:, column] = np.radians(-3.0)
    evidence = Evidence(own_limits=(LIMITS, stiff), own_limits_of=np.array([0, 0, 1, 0]))
    report = assess(PoseBatch(q, COORDINATES, ("bend",) * 4), LIMITS, evidence)
    (found,) = report.hard
    assert (found.count, found.pose, found.limit) == (1, 2, pytest.approx(-2.0))
    assert {j.profile: j.poses for j in report.judged_by} == {"adult": 3, "stiff": 1}


def test_z_scores_hold_what_is_used_against_the_published_mean():
    q = np.zeros((201, len(COORDINATES)))
    q[:, COORDINATES.index("L4_L5_FE")] = np.radians(-np.linspace(0, 17, 201))
    level = one(assess(PoseBatch(q, COORDINATES, ("bend",) * 201), LIMITS).levels, name="L4_L5", axis="FE")
    flexion = next(c for c in level.norms if c.published.name == "flexion")
    assert (flexion.published.mean, flexion.published.sd) == (13.0, 4.0)  # Pearcy
    assert flexion.measured == pytest.approx(0.99 * 17, abs=0.01) and flexion.z == pytest.approx(0.957, abs=0.01)
    assert level.white_panjabi.measured == pytest.approx(0.98 * 17, abs=0.01)
    assert level.white_panjabi.published.upper == 21.0


def test_cobb_like_angles_of_the_neutral_adult_are_those_of_the_table():
    people = Evidence(skeletons=(default_geometry(),), skeleton_of=np.zeros(3, int))
    bent = np.zeros((3, 9))
    bent[1, 0], bent[2, 3] = np.radians(-20), np.radians(-10)
    report = assess(spine_poses(bent), LIMITS, people)
    neutral = {n.name: n for n in report.neutral}
    assert neutral["lumbar_lordosis_L1_S1"].mean == pytest.approx(58.0, abs=1e-6)  # wedges of the anatomy table
    assert neutral["thoracic_kyphosis_T1_T12"].mean == pytest.approx(44.0, abs=1e-6)
    assert neutral["sacral_slope"].mean == pytest.approx(40.0, abs=1e-6)
    assert neutral["pelvic_tilt"].mean == pytest.approx(13.0, abs=1.0)
    assert neutral["PI_minus_LL"].mean == pytest.approx(53.0 - 58.0, abs=1.0)
    assert neutral["frontal_cobb"].mean == 0.0 and not any(n.beyond for n in report.neutral)
    assert neutral["sacral_slope"].value.z == pytest.approx(-1 / 8)
    lordosis = one(report.curves, name="L1_S1")
    assert (lordosis.maximum, lordosis.minimum) == (pytest.approx(58.0), pytest.approx(38.0, abs=0.2))
    kyphosis = one(report.curves, name="T1_T12")
    assert kyphosis.maximum - kyphosis.minimum == pytest.approx(10.0 * 11 / 12, abs=2.0)  # T12-L1 lies below T12


def test_a_wrong_posture_is_outside_its_norm():
    import dataclasses

    from biomech.anatomy import BODIES
    from biomech.kinematics_numpy import axis_rotation

    straight = default_geometry()
    parent = straight.parent_from_joint.copy()
    for body in ("L4", "L3", "L2", "L1"):  # forty degrees of lordosis less
        i = BODIES.index(body)
        parent[i, :3, :3] = parent[i, :3, :3] @ axis_rotation((0.0, 0.0, 1.0), np.array(-np.radians(10.0)))
    flat = dataclasses.replace(straight, parent_from_joint=parent)
    report = assess(spine_poses(np.zeros((1, 9))), LIMITS, Evidence(skeletons=(flat,), skeleton_of=np.zeros(1, int)))
    found = one(report.neutral, name="lumbar_lordosis_L1_S1", sex="both")
    assert found.mean == pytest.approx(18.0, abs=1e-6) and found.beyond == 1 and found.value.z == pytest.approx(-4.2)
    assert one(report.neutral, name="PI_minus_LL", sex="both").beyond == 1


def test_asked_and_found_curvature():
    asked = (Asked(1, "scoliosis", "deg", 40.0, 40.5), Asked(2, "scoliosis", "deg", 20.0, 17.0))
    (found,) = assess(spine_poses(np.zeros((1, 9))), LIMITS, Evidence(asked=asked)).deformities
    assert (found.people, found.subject, found.worst_error, found.mean_error) == (2, 2, -3.0, 1.75)


def test_motion_is_held_against_the_age(batch):
    people = tuple(Person(i, "f", 20.0 if i < 30 else 70.0) for i in range(60))
    rows = assess(batch, LIMITS, Evidence(people=people)).age_bands
    young, old = (one(rows, region="lumbar", motion="flexion", age_from=a) for a in (18, 60))
    assert young.value.published.mean == pytest.approx(73 - 33 * 4 / 74)  # Troke, on the line from 16 to 90 years
    assert old.value.published.mean == pytest.approx(73 - 33 * 54 / 74)
    assert old.share == pytest.approx(old.value.measured / old.value.published.mean) and old.people == 30
    assert not assess(batch, LIMITS).age_bands


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


@pytest.mark.parametrize(("early", "late"), [(1.5, 0.5), (0.25, 2.0)])
def test_lumbopelvic_rhythm_is_measured_by_phase(early, late):
    total = np.linspace(5, 90, 120)
    lumbar = np.where(
        total < 55, total * early / (1 + early), 55 * early / (1 + early) + (total - 55) * late / (1 + late)
    )
    q = np.zeros((120, len(COORDINATES)))
    q[:, COORDINATES.index("L4_L5_FE")] = -np.radians(lumbar)
    for side in "rl":
        q[:, COORDINATES.index(f"hip_flexion_{side}")] = np.radians(total - lumbar)
    found = {r.name: r for r in assess(PoseBatch(q, COORDINATES, ("bend",) * 120), LIMITS).ratios}
    assert found["lumbar_per_hip_early"].value.measured == pytest.approx(early, rel=1e-6)
    assert found["lumbar_per_hip_late"].value.measured == pytest.approx(late, rel=1e-6)
    assert found["lumbar_per_hip_early"].value.published.mean == 1.5 and found["lumbar_per_hip_late"].r2 > 0.99


def test_thoracic_and_lumbar_share_of_the_trunk():
    targets = np.zeros((40, 9))
    turn = np.radians(np.linspace(-20, 20, 40))
    targets[:, 2], targets[:, 5] = 0.2 * turn, 0.8 * turn
    found = one(assess(spine_poses(targets), LIMITS).ratios, name="thoracic_per_lumbar_rotation")
    assert found.value.measured == pytest.approx(4.0, rel=0.02)


def test_coupling_sign_is_checked():
    q = np.zeros((40, len(COORDINATES)))
    bend = np.radians(np.linspace(-15, 15, 40))
    for wrong, expected in ((1.0, 1.0), (-1.0, 0.0)):
        targets = np.zeros((40, 9))
        targets[:, 1] = bend
        q[:, SPINE_SLICE] = distribute(targets, LIMITS)
        q[:, [COORDINATES.index(f"{level}_AR") for level in LEVELS]] *= wrong
        report = assess(PoseBatch(q, COORDINATES, ("bend",) * 40), LIMITS)
        found = one(report.coupling, level="L3_L4", driver="LB")
        assert found.agreement == expected and np.sign(found.slope) == wrong * np.sign(found.published)
        assert found.right_sign == (wrong > 0) and found.r2 > 0.9


def test_a_kink_shows_in_continuity(batch):
    sound = max(c.worst for c in assess(batch, LIMITS).continuity if c.region == "lumbar" and c.axis == "LB")
    limit = LIMITS.hard[COORDINATES.index("L3_L4_LB"), 1]
    report = assess(altered(batch, 11, "L3_L4_LB", limit), LIMITS)
    found = one(report.continuity, region="lumbar", axis="LB")
    assert found.worst > sound and found.pose == 11 and found.level == "L3_L4" and "L3_L4" in found.jump_levels


def test_a_vertebra_that_drifts_is_named(batch):
    skeleton = Evidence(skeletons=(default_geometry(),), skeleton_of=np.zeros(60, int))
    vertebrae = column_of(batch.q, skeleton).vertebrae
    sound = assess(batch, LIMITS, Evidence(vertebrae=vertebrae))
    assert not any(s.beyond for s in sound.spacing) and len(sound.spacing) == 23
    moved = vertebrae.copy()
    moved[7, 15:, :3, 3] += 0.005 * moved[7, 15, :3, 1]  # T2 and all above, five millimetres up
    report = assess(batch, LIMITS, Evidence(vertebrae=moved, where=tuple(f"frame {i}" for i in range(60))))
    (found,) = [s for s in report.spacing if s.beyond]
    assert (found.level, found.where, found.limit.upper) == ("T2_T3", "frame 7", 3.0)
    assert found.worst == pytest.approx(5.0, abs=0.5)
    assert report.smoothness.worst > 1.5 * sound.smoothness.worst and report.smoothness.pose == 7


def clip(times, angle, name="lumbar_FE"):
    targets = np.zeros((len(times), 9))
    targets[:, {"lumbar_FE": 0, "thoracic_FE": 3}[name]] = angle
    batch = spine_poses(targets)
    return assess(batch, LIMITS, Evidence(clips=(Clip("motion", 0, times),))).clips[0]


def test_speeds_of_a_known_motion():
    times = np.arange(0, 4, 0.01)
    angle = np.radians(-15 + 15 * np.cos(np.pi * times))  # half a hertz
    found = clip(times, angle)
    rate = one(found.rates, name="lumbar_FE")
    assert found.usable and found.rate == pytest.approx(100) and found.spike_count == 0 and not found.aliased
    assert rate.maximum == pytest.approx(15 * np.pi, rel=1e-3)
    assert rate.acceleration_p99 == pytest.approx(15 * np.pi**2, rel=1e-2)
    assert rate.jerk == pytest.approx(15 * np.pi**3 / np.sqrt(2), rel=0.05)
    assert rate.autocorrelation > 0.99 and not rate.beyond
    assert [n.published.upper for n in rate.norms if n.published.upper] == [130.0, 40.0]


def test_a_motion_too_fast_for_people_is_marked():
    times = np.arange(0, 2, 0.01)
    slow, fast = (one(clip(times, np.radians(-15 + 15 * np.cos(k * times))).rates, name="lumbar_FE") for k in (3, 12))
    assert not slow.beyond and fast.beyond and fast.p99 > 130


@pytest.mark.parametrize(("lift", "spikes"), [(0.2, 0), (179.9, 0), (60.0, 1)])
def test_the_plane_of_a_hanging_arm_is_no_spike(batch, lift, spikes):
    q = np.tile(batch.q[:1], (40, 1))
    q[:, COORDINATES.index("shoulder_elv_l")] = np.radians(lift)
    q[20, COORDINATES.index("elv_angle_l")] += np.radians(40.0)
    assert len(_spikes(q, np.arange(40) / 30.0)) == spikes


def test_noise_and_aliasing_show():
    times = np.arange(0, 4, 0.02)
    rng = np.random.default_rng(3)
    smooth = np.radians(-15 + 10 * np.cos(2 * times))
    noisy = smooth + np.radians(rng.normal(0, 1.0, len(times)))
    clean, dirty = clip(times, smooth), clip(times, noisy)
    assert not clean.aliased and "lumbar_FE" in dirty.aliased
    rates = [one(c.rates, name="lumbar_FE") for c in (clean, dirty)]
    assert rates[0].autocorrelation > rates[1].autocorrelation


@pytest.mark.parametrize(("times", "said"), [(np.arange(3) * 0.01, "too few"), (np.arange(20) * 1.0, "1 Hz")])
def test_single_poses_are_no_motion(times, said):
    found = clip(times, np.zeros(len(times)))
    assert not found.usable and said in found.reason and found.rates == ()


def test_residuals_are_judged_in_millimetres(batch):
    rows = [0.001] * 59 + [0.05]
    evidence = Evidence(residuals={"centre": rows, "depth_T7": [0.03] * 60, "seldom": [float("nan")] * 60})
    found = {r.name: r for r in assess(batch, LIMITS, evidence).residuals}
    assert set(found) == {"centre", "depth_T7"}
    assert (found["centre"].worst, found["centre"].beyond) == (pytest.approx(50.0), 1)
    assert found["centre"].where == "pose 59" and found["depth_T7"].beyond == 0
    shallow = Evidence(residuals={"depth_T7": [0.03] * 59 + [0.002]})
    (depth,) = assess(batch, LIMITS, shallow).residuals
    assert (depth.beyond, depth.worst, depth.limit.lower) == (1, pytest.approx(2.0), 15.0)


def test_stored_vertebrae_are_compared_with_the_model(batch):
    skeleton = Evidence(skeletons=(default_geometry(),), skeleton_of=np.zeros(60, int))
    vertebrae = column_of(batch.q, skeleton).vertebrae
    vertebrae[12, 3, :3, 3] += [0.0, 0.0, 0.045]
    evidence = Evidence(skeletons=skeleton.skeletons, skeleton_of=skeleton.skeleton_of, vertebrae=vertebrae)
    (found,) = assess(batch, LIMITS, evidence).residuals
    assert (found.name, found.where, found.beyond) == ("vertebra_centre", "pose 12", 1)
    assert found.worst == pytest.approx(45.0)


def test_coverage_tells_the_middle_from_the_whole():
    rng = np.random.default_rng(0)
    ends = LIMITS.regional_hard[:3]
    wide = np.zeros((400, 9))
    wide[:, :3] = rng.uniform(ends[:, 0], ends[:, 1], (400, 3))
    middle, whole = (assess(spine_poses(k * wide), LIMITS).coverage for k in (0.1, 1.0))
    assert middle.volumes[1].name == "lumbar" and middle.volumes[1].filled < 0.2 * whole.volumes[1].filled
    assert middle.beyond_daily_life < 0.05 < 0.8 < whole.beyond_daily_life
    assert sum(map(sum, whole.volumes[1].fe_lb)) == 400 and middle.volumes[1].outer == 0.0
    assert middle.activities[0].name == "bend" and middle.activities[0].share == 1.0


def test_people_are_counted_once(batch):
    people = tuple(Person(i % 4, "fm"[i % 2], 20.0 + i % 4, 1.7, 0.5) for i in range(60))
    found = assess(batch, LIMITS, Evidence(people=people)).coverage
    age = one(found.people, name="age")
    assert found.subjects == 4 and (sum(age.women), sum(age.men)) == (2, 2)


def test_rejections_clamps_and_provenance(batch):
    evidence = Evidence(model_digest=("b", "a", "a"), clamped={"knee_angle_r": 3, "L4_L5_FE": 7}, seed=11)
    report = assess(batch, LIMITS, evidence)
    assert [(r.activity, r.poses, r.rejected) for r in report.rejections] == [("bend", 30, 30), ("twist", 30, 30)]
    assert report.rejections[0].rate == pytest.approx(0.5)
    assert report.rejections[0].reasons == (("arm through chest", 30),)
    assert [(c.coordinate, c.frames) for c in report.clamped] == [("L4_L5_FE", 7), ("knee_angle_r", 3)]
    assert report.provenance.model_digest == ("a", "b") and report.provenance.seed == 11
    assert "Z-X-Y" in report.provenance.sequence and len(dict(report.provenance.tables_sha256)["norms"]) == 64


def test_every_row_of_the_tables_reaches_a_report(batch):
    from biomech.anatomy import read_table

    people = tuple(Person(i, "fm"[i % 2], 40.0) for i in range(60))
    evidence = Evidence(
        people=people, skeletons=(default_geometry(),), skeleton_of=np.zeros(60, int),
        clips=(Clip("motion", 0, 0.01 * np.arange(60)),), residuals={"depth_T7": [0.03] * 60, "marker": [0.0] * 60},
    )  # fmt: skip
    report = assess(batch, LIMITS, evidence)
    shown = json.dumps(report.to_dict())
    for name in CITING:
        for row in read_table(name):
            assert json.dumps(row["source"]) in shown, (name, row)
    names = {row["name"] for row in read_table("checks")}
    used = {row for kind in ("posture", "ratio", "phase", "out_of_plane", "column", "speed", "slow_speed", "gait_speed",
                             "sampling", "fit", "coverage") for row in checks(kind)}  # fmt: skip
    assert names == used


def test_a_source_carries_its_weakest_mark():
    found = {c.source: c.confidence for c in provenance_of((LIMITS,), "adult", Evidence(), 1e-6).citations}
    book = next(source for source in found if source.startswith("White & Panjabi 1990 Clinical"))
    assert found[book].startswith("recalled")  # of rows that are secondary and rows that are recalled


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


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (Evidence(people=(Person(0),)), "1 people given for 60"),
        (Evidence(own_limits=(LIMITS,)), "own_limits_of"),
        (Evidence(skeletons=(default_geometry(),), skeleton_of=np.ones(60, int)), "skeleton_of"),
        (Evidence(vertebrae=np.zeros((2, 24, 4, 4))), "vertebrae of shape"),
        (Evidence(clips=(Clip("late", 50, np.arange(20.0)),)), "rows 50 to 70 of 60"),
        (Evidence(clips=(Clip("back", 0, np.array([0.0, 2.0, 1.0])),)), "do not increase"),
    ],
)
def test_evidence_that_does_not_fit_is_refused(batch, evidence, said):
    with pytest.raises(ModelError, match=said):
        assess(batch, LIMITS, evidence)
