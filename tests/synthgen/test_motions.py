"""Imported motions: the cache, which split they belong to, and the poses drawn from them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bvh_text import bvh_text
from typer.testing import CliRunner

from biomech.anatomy import COORDINATES, coordinate_index
from biomech.errors import ConfigError, MotionError
from biomech.floor import sole_points
from biomech.geometry import default_geometry
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.model import build_model
from biomech.motion import read_mot
from biomech.motion_import import ImportOptions
from synthgen.config import Config, load_config, with_values
from synthgen.motion_poses import (
    PREFIX,
    Pool,
    adapt,
    distinct_frames,
    draw_motion,
    mirrored,
    open_pools,
    split_motions,
)
from synthgen.motions import cached, open_clip, resolve_motions

ARMS = {"LeftArm": (0, 0, -75), "RightArm": (0, 0, 75)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three clips of a second each: bending, a step, a reach."""
    place = tmp_path_factory.mktemp("clips")
    for name, turns in (
        ("bend", {**ARMS, "Spine": (20, 0, 0), "Spine1": (15, 0, 0)}),
        ("step", {**ARMS, "RightUpLeg": (-40, 0, 0), "RightLeg": (50, 0, 0)}),
        ("reach", {"LeftArm": (0, -80, 0), "RightArm": (0, 0, 75)}),
    ):
        (place / f"{name}.bvh").write_text(bvh_text(turns, frames=20))
    return place


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SYNTHGEN_MOTIONS", str(tmp_path_factory.getbasetemp() / "motions"))
    return tmp_path_factory.getbasetemp() / "motions"


@pytest.fixture(scope="module")
def model():
    return build_model(default_geometry(1.62, "f"))


def config_of(folder, *sets: str):
    return resolve_motions(load_config(None, [f'motion.files=["{folder}"]', *sets]))[0]


def test_a_motion_is_imported_once_and_opensim_reads_it(folder, cache):
    clip = cached(folder / "bend.bvh", ImportOptions())
    stored = cache / f"{clip.key.partition('@')[2].partition(':')[0]}.mot"
    written = stored.stat().st_mtime_ns
    again = cached(folder / "bend.bvh", ImportOptions())
    assert stored.stat().st_mtime_ns == written and again.key == clip.key
    assert read_mot(stored).coordinates == COORDINATES and clip.record["source_sha256"][:16] == stored.name[:16]
    assert cached(folder / "bend.bvh", ImportOptions(lowpass=0.0)).key != clip.key


def test_a_renamed_file_is_the_same_motion(folder, tmp_path):
    (tmp_path / "Other Name.bvh").write_bytes((folder / "bend.bvh").read_bytes())
    first, second = cached(folder / "bend.bvh", ImportOptions()), cached(tmp_path / "Other Name.bvh", ImportOptions())
    assert second.name == "Other_Name" and first.key.partition("@")[2] == second.key.partition("@")[2]


def test_an_altered_cache_is_refused_and_a_damaged_one_made_anew(folder, cache):
    clip = cached(folder / "reach.bvh", ImportOptions())
    stored = cache / f"{clip.key.partition('@')[2].partition(':')[0]}.mot"
    whole = stored.read_bytes()
    stored.write_bytes(whole + b"\n")
    with pytest.raises(MotionError, match="altered"):
        open_clip(clip.key)
    assert cached(folder / "reach.bvh", ImportOptions()).key == clip.key
    with pytest.raises(MotionError, match="not the one this dataset was begun with"):
        open_clip(clip.key[:-4] + "0000")
    with pytest.raises(ConfigError, match="--motion"):
        open_clip("walking5.c3d")
    stored.unlink()
    with pytest.raises(MotionError, match="not in .*--motion"):
        open_clip(clip.key)


def test_the_digest_holds_what_the_motions_hold_and_no_path(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    here, there = config_of(folder), config_of(tmp_path)
    assert here.digest == there.digest and here.motion.files == ()
    assert here.digest != load_config().digest
    assert load_config(None, [f'motion.files=["{folder}"]']).digest == load_config().digest
    assert config_of(folder / "bend.bvh").digest != here.digest
    assert resolve_motions(here)[0] == here  # resolved once and for all


def test_a_bad_file_is_left_out_and_named(folder, tmp_path):
    (tmp_path / "good.bvh").write_bytes((folder / "bend.bvh").read_bytes())
    (tmp_path / "bad.bvh").write_text("HIERARCHY\n")
    config, failed = resolve_motions(load_config(None, [f'motion.files=["{tmp_path}"]']))
    assert len(config.motion.sources) == 1 and len(failed) == 1 and "bad.bvh" in failed[0]
    (tmp_path / "good.bvh").unlink()
    with pytest.raises(MotionError, match="none of the motion files"):
        resolve_motions(load_config(None, [f'motion.files=["{tmp_path}"]']))


def test_no_motion_is_in_two_splits_and_none_stays_empty(folder):
    for seed in range(20):
        config = config_of(folder, f"seed={seed}", "splits={train: 0.8, val: 0.1, test: 0.1}")
        parts = split_motions(config)
        assert all(len(keys) == 1 for keys in parts.values())
        assert sorted(key for keys in parts.values() for key in keys) == sorted(config.motion.sources)
    one = split_motions(config_of(folder / "bend.bvh"))
    assert len(one["train"]) == 1 and one["val"] == []


def test_frames_that_repeat_are_dropped():
    q = np.zeros((60, len(COORDINATES)))
    q[:, coordinate_index("knee_angle_r")] = 1.0 + np.sin(2 * np.pi * np.arange(60) / 20)  # three equal cycles
    q[:, coordinate_index("pelvis_tx")] = np.arange(60)  # walking on is no other pose
    q[:, coordinate_index("pelvis_rotation")] = np.arange(60) * 0.1  # nor is another heading
    kept = distinct_frames(q, 0.03)
    assert 5 < len(kept) <= 11 and kept.max() < 20
    assert len(distinct_frames(q, 0.0)) == 60 and list(distinct_frames(np.zeros((9, len(COORDINATES))), 0.03)) == [0]


def test_a_pose_depends_on_config_and_index_alone(folder, model):
    config = config_of(folder, "motion.share=1", "motion.least_apart_m=0")
    pool = open_pools(config)["train"]
    first = [draw_motion(config, pool, model, i) for i in (5, 3, 4)]
    again = [draw_motion(config, open_pools(config)["train"], model, i) for i in (5, 3, 4)]
    for a, b in zip(first, again, strict=True):
        assert a is not None and b is not None
        assert (a.motion, a.frame, a.mirrored) == (b.motion, b.frame, b.mirrored)
        np.testing.assert_array_equal(a.pose.q, b.pose.q)
        assert a.pose.activity.startswith(PREFIX) and a.motion in config.motion.sources
    assert open_pools(load_config()) == {} and draw_motion(load_config(), None, model, 0) is None


def test_samples_lie_evenly_over_time(folder, model):
    config = config_of(folder, "motion.share=1", "motion.least_apart_m=0", "splits={train: 1.0}")
    pool = open_pools(config)["train"]
    rows = [(d.motion, d.frame) for d in (draw_motion(config, pool, model, i) for i in range(30)) if d]
    assert len(rows) == 30 and len(set(rows)) >= 28  # 60 frames: hardly one twice in 30
    shares = [sum(m == key for m, _ in rows) for key in config.motion.sources]
    assert all(8 <= share <= 12 for share in shares)


def test_the_share_mixes_with_the_activities(folder, model):
    config = config_of(folder, "motion.share=0.3")
    pool = open_pools(config)["train"]
    drawn = [draw_motion(config, pool, model, i) is not None for i in range(200)]
    assert 0.2 < np.mean(drawn) < 0.4


def test_feet_that_stood_stand_on_another_body(folder, model):
    clip = cached(folder / "bend.bvh", ImportOptions())
    fields, fault = adapt(clip, 10, model)
    assert fault == "" and fields["contacts"] == ("calcn_r", "toes_r", "calcn_l", "toes_l")
    heights = sole_points(model.geometry, fields["q"][None])[0, :, 1]
    assert np.abs(heights).max() < 0.012
    hard = model.limits.hard
    assert ((fields["q"] >= hard[:, 0] - 1e-9) & (fields["q"] <= hard[:, 1] + 1e-9)).all()
    heading = forward_kinematics_numpy(model.geometry, fields["q"][None], ("pelvis",))[0, 0, :3, 0]
    assert abs(heading[2]) < 1e-9 and heading[0] > 0.0


def test_a_mirror_image_swaps_the_sides():
    rng = np.random.default_rng(0)
    q = rng.uniform(-0.3, 0.3, (1, len(COORDINATES)))
    geometry = default_geometry()
    flip = np.array([1.0, 1.0, -1.0])
    ours = forward_kinematics_numpy(geometry, q, ("hand_r", "calcn_l", "skull"))[0, :, :3, 3]
    theirs = forward_kinematics_numpy(geometry, mirrored(q), ("hand_l", "calcn_r", "skull"))[0, :, :3, 3]
    np.testing.assert_allclose(theirs, ours * flip, atol=1e-6)
    np.testing.assert_array_equal(mirrored(mirrored(q)), q)


def test_the_command_goes_on_past_a_bad_file(folder, tmp_path):
    from synthgen.cli import app

    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "cut.bvh").write_text(bvh_text()[:-400])
    done = CliRunner().invoke(app, ["motion", "import", str(tmp_path), "--out", str(tmp_path / "out"), "--residuals"])
    assert done.exit_code == 1
    assert done.stdout.splitlines()[0].split()[:2] == ["motion", "kind"] and "step.bvh" in done.stdout
    assert "not imported" in done.stderr and "cut.bvh" in done.stderr
    assert read_mot(tmp_path / "out" / "bend.mot").coordinates == COORDINATES
    assert (tmp_path / "out" / "bend.json").is_file() and not (tmp_path / "out" / "cut.mot").exists()
    alone = CliRunner().invoke(app, ["motion", "import", str(tmp_path / "cut.bvh")])
    assert alone.exit_code == 2 and "error:" in alone.stderr and "Traceback" not in alone.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fps", "inf"), "fps inf given; wanted 1 to 1000"),
        (("--fps", "0.01"), "fps 0.01 given"),
        (("--lowpass", "1e9"), r"lowpass 1e\+09 given"),
        (("--angles", "grads"), "angles 'grads' given; wanted auto"),
        (("--model", "gone.osim"), "gone.osim, and there is no such file"),
        (("--mapping", "gone"), "gone .*nothing for one of .*biovision"),
        (("--out", "{file}"), "is no folder"),
    ],
)
def test_nonsense_options_are_one_sentence(folder, tmp_path, options, said):
    from synthgen.cli import app

    file = tmp_path / "step.bvh"
    file.write_text(bvh_text())
    words = [word.format(file=file) for word in options]
    done = CliRunner().invoke(app, ["motion", "import", str(file), *words])
    lines = done.output.splitlines()
    assert done.exit_code == 2 and len(lines) == 1 and re.search(said, lines[0]), done.output


def test_motion_settings_without_a_file_behind_them_are_refused(folder):
    files = [str(folder)]
    for wrong, said in (({"files": files, "model": "gone.osim"}, "no such file"), ({"files": [""]}, "empty name")):
        with pytest.raises(ConfigError, match=said):
            resolve_motions(with_values(Config(), motion=wrong))


def test_pools_keep_the_order_of_motion_and_time(folder):
    pool = open_pools(config_of(folder, "splits={train: 1.0}"))["train"]
    assert isinstance(pool, Pool) and list(pool.clip) == sorted(pool.clip)
