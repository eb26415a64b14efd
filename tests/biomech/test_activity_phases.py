"""Phases: one person through a movement; the spine's part as the table has it; left-handed people as mirror images."""

import numpy as np
import pytest

from biomech.activities import ACTIVITIES, sample_phases, sample_pose
from biomech.activities.draft import Draft
from biomech.activities.ground import lowest
from biomech.activities.keys import course
from biomech.activities.rig import frames_of, mass_centre, rig_of
from biomech.activities.sampler import draw_draft
from biomech.activities.spine_use import SpineRange, spine_table, spine_use
from biomech.anatomy import COORDINATES, SPINE_SLICE, read_table
from biomech.errors import ModelError
from biomech.limits import REGION_AXES
from biomech.model import build_model, default_geometry
from biomech.rhythm import regional_angles

PHASED = [name for name, item in ACTIVITIES.items() if item.course]
NEW = [name for name in spine_table() if name in ACTIVITIES]
GAITS = ("walk", "run", "kick", "swing")  # feet land and leave, hands pass straight arms, within a hundredth


@pytest.fixture(scope="module")
def model():
    return build_model(default_geometry(1.72, "m"))


def rng(*seed):
    return np.random.default_rng(seed)


def test_a_course_passes_its_keys_and_never_overshoots():
    keys = ((0.1, (0.0, 5.0)), (0.4, (10.0, 5.0)), (0.5, (11.0, 9.0)), (1.0, (-3.0, 2.0)))
    for t, values in keys:
        assert course(t, *keys) == pytest.approx(values)
    assert course(0.0, *keys) == keys[0][1] and course(2.0, *keys) == keys[-1][1]
    fine = np.array([course(t, *keys) for t in np.linspace(0, 1, 400)])
    assert fine[:, 0].max() <= 11.0 + 1e-9 and fine[:, 1].max() <= 9.0 + 1e-9 and fine[:, 0].min() >= -3.0 - 1e-9
    assert np.abs(np.diff(fine, axis=0)).max() < 0.3
    assert np.diff([course(t, *keys)[0] for t in np.linspace(0.1, 0.5, 50)]).min() >= 0  # monotone where the keys are


@pytest.mark.parametrize("name", PHASED)
def test_neighbouring_phases_are_neighbouring_poses(model, name):
    bound = 45.0 if name in GAITS else 28.0
    for t in np.linspace(0.0, 0.983, 16):
        a, fault_a = draw_draft(model, ACTIVITIES[name], 11, float(t))
        b, fault_b = draw_draft(model, ACTIVITIES[name], 11, float(t) + 0.01)
        if fault_a or fault_b:
            continue
        turn = np.degrees(np.abs((b.q - a.q + np.pi) % (2 * np.pi) - np.pi))
        raised = [a.q[a.rig.index[f"shoulder_elv_{k}"]] for k in "rl"]
        for k, lift in zip("rl", raised, strict=True):
            if lift < np.radians(35) or lift > np.radians(150):  # a hanging arm has no plane of elevation to speak of
                turn[[a.rig.index[f"{stem}_{k}"] for stem in ("elv_angle", "shoulder_rot")]] = 0.0
        if name in GAITS:
            turn[[a.rig.index[f"mtp_angle_{k}"] for k in "rl"]] = 0.0
        turn[3:6] = np.abs(b.q - a.q)[3:6] * 100  # cm
        worst = int(np.argmax(turn))
        assert turn[worst] < bound, (a.phase, COORDINATES[worst], turn[worst])


@pytest.mark.parametrize("name", PHASED)
def test_a_cycle_ends_where_it_begins_and_a_course_goes_somewhere(model, name):
    q = [draw_draft(model, ACTIVITIES[name], 5, t)[0].q for t in (0.0, 0.25, 0.5, 0.75, 0.9999)]
    turned = [np.degrees(np.abs((b - q[0] + np.pi) % (2 * np.pi) - np.pi)) for b in q[1:]]
    apart = [np.delete(x, [3, 4, 5]) for x in turned]
    assert max(x.max() for x in apart) > 8.0, "the phase does nothing"
    if ACTIVITIES[name].course == "cycle" and name not in GAITS:
        assert apart[-1].max() < 1.5
    assert ACTIVITIES[name].course in ("course", "cycle", "depth")


def test_phases_share_one_person(model):
    first = sample_phases(model, "golf", rng(1), (0.0, 0.3, 0.6))
    again = sample_phases(model, "golf", rng(1), (0.0, 0.3, 0.6))
    assert [p.phase for p in first] == [0.0, 0.3, 0.6]
    assert all(a.q.tobytes() == b.q.tobytes() for a, b in zip(first, again, strict=True))
    handed = [np.sign(p.q[p_index(model, "pelvis_rotation")]) for p in first]
    assert handed[1] == -handed[2]  # back, then through
    given = sample_pose(model, "golf", rng(1), phase=0.25)
    assert given.phase == 0.25


def p_index(model, name):
    return model.coordinates.index(name)


@pytest.mark.parametrize("phases", [(), (1.0,), (-0.1,), (float("nan"),)])
def test_senseless_phases_are_refused(model, phases):
    with pytest.raises(ModelError, match="from 0 up to, not including, 1"):
        sample_phases(model, "golf", rng(0), phases)


def test_a_hopeless_strip_says_where_it_failed(model, monkeypatch):
    from biomech.activities import sampler

    monkeypatch.setattr(sampler, "_PENETRATION", -1.0)
    with pytest.raises(ModelError, match=r"No draw of 'golf' out of 3 .* all 2 phases \(last: at 0.00 .*through"):
        sample_phases(model, "golf", rng(0), (0.0, 0.5), max_draws=3)


@pytest.mark.parametrize("name", NEW)
def test_the_left_handed_are_mirror_images(model, name, monkeypatch):
    """Same style, other side: every lateral quantity changes sign, sides change places."""
    asked = []

    def led_by(side):
        def choose(self):
            asked.append(self.rng.random())
            self.sign = 1.0 if side == "r" else -1.0
            return (side, "l" if side == "r" else "r")

        monkeypatch.setattr(Draft, "side", choose)
        return draw_draft(model, ACTIVITIES[name], 21, 0.37)[0].q

    right, left = led_by("r"), led_by("l")
    if not asked:  # a movement that no side leads
        return
    swapped = right.copy()
    for i, coordinate in enumerate(COORDINATES):
        if coordinate.endswith(("_r", "_l")):
            swapped[i] = right[COORDINATES.index(coordinate[:-1] + ("l" if coordinate[-1] == "r" else "r"))]
        elif coordinate in ("pelvis_list", "pelvis_rotation", "pelvis_tz") or coordinate.endswith(("_LB", "_AR")):
            swapped[i] = -right[i]
    apart = np.degrees(np.abs((left - swapped + np.pi) % (2 * np.pi) - np.pi))
    assert apart.max() < 3.0, (COORDINATES[int(np.argmax(apart))], apart.max())


def test_both_hands_lead_about_as_often(model):
    turns = [sample_pose(model, "golf", rng(3, k), phase=0.4).q[2] for k in range(24)]
    assert 5 <= sum(t > 0 for t in turns) <= 19


@pytest.mark.parametrize("name", NEW)
def test_the_spine_goes_as_far_as_the_table_says(model, name):
    table = spine_table()[name]
    phases = sorted({edge for rows in table.values() for r in rows for edge in (r.start, r.end)})
    for style in (1, 2, 3):
        for phase in phases:
            draft, _ = draw_draft(model, ACTIVITIES[name], style, min(phase, 0.99999))
            targets = np.degrees(draft.targets) * np.tile([1, draft.sign, draft.sign], 3)
            if name == "seated_twist":
                targets *= np.tile([1, -1, -1], 3)  # its leading side is the side of the bent knee
            reached = np.degrees(regional_angles(draft.q[SPINE_SLICE]))
            for channel, rows in table.items():
                k = REGION_AXES.index(channel)
                row = next((r for r in rows if r.start <= phase <= r.end), None)
                if row is None or (channel.startswith("cervical") and name == "desk"):
                    continue
                assert row.low - 0.6 <= targets[k] <= row.high + 0.6, (phase, channel, targets[k], row)
                if channel.endswith("FE"):  # bending and rotation carry each other along on top
                    assert reached[k] == pytest.approx(targets[k], abs=0.7), (phase, channel)


def test_every_row_names_its_source():
    for row in read_table("activity_spine"):
        assert row["activity"] in ACTIVITIES and len(row["source"]) > 15, row
        assert row["confidence"] in ("verified", "derived", "estimate"), row
        unpublished = "estimated" in row["source"] or "no published" in row["source"]
        assert (row["confidence"] == "estimate") == unpublished, row
    published = [r for r in read_table("activity_spine") if r["confidence"] != "estimate"]
    assert len({r["activity"] for r in published}) >= 8


def test_unknown_rows_are_refused(model, monkeypatch):
    from biomech.activities import spine_use as module

    draft = Draft(rig_of(model), model.limits, rng(0), 0.5)
    with pytest.raises(ModelError, match=r"no rows of 'flying'.*golf"):
        spine_use(draft, "flying")
    good = {"activity": "golf", "region": "lumbar", "axis": "FE", "source": "", "confidence": "estimate"}
    for bad in (
        {"phase_from": "0.5", "phase_to": "0.2", "low_deg": "1", "high_deg": "2"},
        {"phase_from": "0", "phase_to": "1", "low_deg": "3", "high_deg": "2"},
        {"phase_from": "0", "phase_to": "1", "low_deg": "1", "high_deg": "2", "region": "sacral"},
    ):
        monkeypatch.setattr(module, "read_table", lambda _, bad=bad: [good | bad])
        spine_table.cache_clear()
        with pytest.raises(ModelError, match="wanted a region"):
            spine_table()
    monkeypatch.undo()
    spine_table.cache_clear()
    assert isinstance(spine_table()["golf"]["lumbar_FE"][0], SpineRange)


@pytest.mark.parametrize("name", ["punch", "front_kick", "arabesque", "golf", "handstand", "windmill"])
def test_the_weight_lies_over_what_stands(model, name):
    rig = rig_of(model)
    for phase in (0.1, 0.5, 0.9):
        pose = sample_pose(model, name, rng(6), phase=phase)
        frames = frames_of(rig, pose.q)
        bodies = [b for b in pose.contacts if b.startswith(("toes", "calcn", "hand"))]
        points = np.array([frames[rig.rows[b], :3, 3] for b in bodies])[:, [0, 2]]
        centre = mass_centre(rig, frames)[[0, 2]]
        reach = 0.12 if name == "handstand" else 0.13  # m from a joint to the edge of hand or foot
        assert (centre > points.min(0) - reach).all() and (centre < points.max(0) + reach).all(), phase


def test_swimmers_keep_off_the_floor(model):
    rig = rig_of(model)
    for name in ("front_crawl", "backstroke", "breaststroke", "butterfly"):
        pose = sample_pose(model, name, rng(2))
        frames = frames_of(rig, pose.q)
        chest, pelvis = (frames[rig.rows[b], :3, 3] for b in ("T4", "pelvis"))
        assert pose.support == "air" and pose.contacts == ()
        assert lowest(rig, frames) == pytest.approx(pose.props["clearance"]) and pose.props["clearance"] > 0.02
        assert abs(chest[1] - pelvis[1]) < 0.75 * np.linalg.norm(chest - pelvis)  # more level than upright
