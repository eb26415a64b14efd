"""Published models: couplers, levels, what is filled, limbs; against OpenSim's own bodies."""

import os
from pathlib import Path

import numpy as np
import osim_text
import pytest

from biomech.anatomy import COORDINATES, LEVELS, SPINE_SLICE, coordinate_index
from biomech.geometry import default_geometry
from biomech.kinematics_numpy import forward_kinematics_numpy
from biomech.limits import load_limits
from biomech.model import build_model
from biomech.motion import Motion
from biomech.published import load_published, plain_name
from biomech.published_check import Skeleton
from biomech.published_fill import composed, neutral_axes, product, weights
from biomech.published_functions import sampled_curve
from biomech.published_joints import couple, zxy_angles, zxy_matrix
from biomech.published_limbs import swing_and_twist

DATA = Path(os.environ.get("SYNTHGEN_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "osim"
FILES = ("neck6d", "Pose2Sim_muscles_flex", "cyclistFullBodyMuscle")
TRUNK, NECK = slice(0, 17), slice(17, 25)


@pytest.fixture(scope="module")
def real():
    """name -> PublishedModel of the real files."""
    if not DATA.is_dir():
        pytest.skip(f"no published models in {DATA}; set SYNTHGEN_TEST_DATA")
    loaded = {}

    def get(name):
        if name not in loaded:
            loaded[name] = load_published(DATA / f"{name}.osim")
        return loaded[name]

    return get


@pytest.fixture(scope="module")
def christophy(tmp_path_factory):
    return load_published(osim_text.write(tmp_path_factory.mktemp("osim"), osim_text.christophy()))


@pytest.fixture(scope="module")
def neck(tmp_path_factory):
    return load_published(osim_text.write(tmp_path_factory.mktemp("osim"), osim_text.neck()))


def random_poses(model, count=20, reach=0.3):
    rng = np.random.default_rng(3)
    low = np.array([max(c.low, -reach) for c in model.source.coordinates])
    high = np.maximum(low, [min(c.high, reach) for c in model.source.coordinates])
    return rng.uniform(low, high, (count, len(low)))


def turn_between(a, b):
    """rad between unit quaternions (T, 4)."""
    return 2 * np.arccos(np.clip(np.abs((a * b).sum(axis=1)), 0, 1))


def quaternion(rotation):
    w = 0.5 * np.sqrt(np.maximum(1 + np.trace(rotation), 1e-12))
    return np.array(
        [
            w,
            *(
                np.array([rotation[i] - rotation[j] for i, j in (((2, 1), (1, 2)), ((0, 2), (2, 0)), ((1, 0), (0, 1)))])
                / (4 * w)
            ),
        ]
    )


def test_zxy_angles_undo_zxy_matrix():
    angles = np.random.default_rng(0).uniform(-1.4, 1.4, (50, 3))
    assert np.allclose(zxy_angles(zxy_matrix(angles)), angles, atol=1e-12)


def test_quaternions_compose_as_matrices():
    levels = np.random.default_rng(1).uniform(-0.4, 0.4, (4, 5, 3))
    axes = neutral_axes()[:5]
    whole = np.tile(np.eye(3), (4, 1, 1))
    for k in range(5):
        whole = whole @ axes[k] @ zxy_matrix(levels[:, k]) @ axes[k].T
    assert turn_between(composed(levels, axes), np.array([quaternion(m) for m in whole])).max() < 1e-6
    one = np.array([[1.0, 0.0, 0.0, 0.0]])
    assert np.allclose(product(one, composed(levels, axes)), composed(levels, axes))


def test_a_curve_is_what_opensim_evaluates(neck):
    import opensim

    spline = opensim.SimmSpline()
    for x, y in ((-1.0, 0.3), (-0.2, -0.1), (0.4, 0.5), (1.0, 0.2)):
        spline.addPoint(x, y)
    curve = sampled_curve(lambda x: spline.calcValue(opensim.Vector(1, x)), np.array([-1.0, -0.2, 0.4, 1.0]))
    at = np.linspace(-2, 2, 81)  # beyond the ends it runs straight on
    assert not curve.straight
    assert np.abs(curve(at) - [spline.calcValue(opensim.Vector(1, float(x))) for x in at]).max() < 1e-6
    straight = sampled_curve(lambda x: 0.137 * x, np.array([-10.0, 10.0]))
    assert straight.straight and straight.slope == pytest.approx(0.137)
    bent = [c for c in neck.source.couplers if not c.curve.straight]
    assert len(bent) == 5  # pitch2 alone is not a line


def test_families_are_recognised(tmp_path, christophy, neck):
    assert christophy.mapping.name == "Christophy lumbar spine"
    assert christophy.filled_levels == LEVELS[5:]
    assert neck.mapping.name == "Vasavada-Mortensen neck"
    assert neck.filled_levels == LEVELS[TRUNK]
    single = load_published(osim_text.write(tmp_path, osim_text.rajagopal()))
    assert single.mapping.name == "Rajagopal" and single.filled.all()
    full = load_published(osim_text.write(tmp_path, osim_text.full_body_lumbar_spine()))
    assert full.mapping.name == "full body lumbar spine" and full.filled_levels == LEVELS[5:]
    assert not any("left out" in note for note in full.notes)
    both = load_published(osim_text.write(tmp_path, osim_text.passenger()))
    assert both.mapping.name == "passenger" and both.filled_levels == LEVELS[5:17]
    partly = load_published(osim_text.write(tmp_path, osim_text.passenger()), "christophy")
    assert any("aux1jnt_r3" in note and "left out" in note for note in partly.notes)


def test_couplers_agree_with_opensims_assembly(neck, christophy):
    for model in (neck, christophy):
        skeleton = Skeleton(model.source)
        for pose in random_poses(model, 3):
            wanted = couple(model.source, pose[None])[0]
            skeleton.assemble(wanted)
            found = [c.getValue(skeleton.state) for c in skeleton.coordinates]
            assert np.abs(np.array(found) - wanted).max() < 1e-6
            # and from elsewhere assembly ends up where the couplers say, once the drivers are held
            for coupler in model.source.couplers:
                skeleton.coordinates[coupler.driver].setLocked(skeleton.state, True)
            skeleton.assemble(np.where([i in model._dependents for i in range(len(pose))], 0.0, wanted))
            found = [c.getValue(skeleton.state) for c in skeleton.coordinates]
            assert np.abs(np.array(found) - wanted).max() < 1e-4
            for coupler in model.source.couplers:
                skeleton.coordinates[coupler.driver].setLocked(skeleton.state, False)


def test_a_driver_is_the_angle_of_the_whole_region(christophy):
    q = christophy.to_levels(["flex_extension"], np.array([[-0.5]])).q.reshape(25, 3)
    lumbar = q[:5, 0]
    assert np.allclose(lumbar / lumbar.sum(), (0.4, 0.3, 0.2, 0.07, 0.03), atol=1e-9)
    assert q[TRUNK, 0].sum() == pytest.approx(-0.5, abs=1e-3)  # the rigid thorax takes its part of it
    assert (q[5:17, 0] < -1e-3).all() and np.abs(q[NECK]).max() == 0.0
    part = weights()[5:17, 0, 0].sum() / weights()[TRUNK, 0, 0].sum()
    assert q[5:17, 0].sum() == pytest.approx(-0.5 * part, abs=1e-3)


def test_drivers_are_radians_in_any_file(neck, christophy):
    assert not neck.rotational(["pitch2", "yaw1", "flex"])[:2].any()
    assert not christophy.rotational(["flex_extension"]).any()  # a slope of 0.4 makes OpenSim call it coupled
    assert christophy.rotational(["pelvis_tilt", "L4_L5_FE"]).all()


def test_the_bodies_above_end_up_as_in_the_model(christophy):
    poses = random_poses(christophy, 15, 0.5)
    values = christophy.values(christophy.coordinates, poses)
    levels = christophy.to_levels(christophy.coordinates, poses).q.reshape(-1, 25, 3)
    skeleton = Skeleton(christophy.source)
    skeleton.set(christophy.upright)
    rest = [skeleton.rotation(b) for b in ("sacrum", "torso")]
    for row, ours in zip(values, composed(levels[:, TRUNK], neutral_axes()[TRUNK]), strict=True):
        skeleton.set(row)
        sacrum, torso = (skeleton.rotation(b) @ r.T for b, r in zip(("sacrum", "torso"), rest, strict=True))
        assert np.degrees(turn_between(ours[None], quaternion(sacrum.T @ torso)[None])[0]) < 0.1


def test_our_own_model_comes_back_as_it_is(tmp_path):
    built = build_model(default_geometry(1.62, "f", 70))
    model = load_published(osim_text.write(tmp_path, built.xml))
    assert model.mapping.name == "synthgen" and not model.filled.any()
    rng = np.random.default_rng(2)
    hard = load_limits().hard
    q = rng.uniform(0.5 * hard[:, 0], 0.5 * hard[:, 1], (10, len(COORDINATES)))
    q[:, coordinate_index("pelvis_list")] = rng.uniform(-1, 1, 10)
    back = model.to_model(Motion(np.arange(10.0), COORDINATES, q))
    assert np.abs(back - q).max() < 1e-9


@pytest.mark.parametrize("side", ["r", "l"])
def test_an_arm_of_ours_is_read_back_from_its_body(side):
    geometry = default_geometry()
    q = np.zeros((30, len(COORDINATES)))
    rng = np.random.default_rng(4)
    for name, low, high in (("elv_angle", -1.2, 1.8), ("shoulder_elv", 0.05, 2.8), ("shoulder_rot", -1.2, 1.2)):
        q[:, coordinate_index(f"{name}_{side}")] = rng.uniform(low, high, len(q))
    turned = forward_kinematics_numpy(geometry, q, (f"humerus_{side}",))[:, 0, :3, :3]
    mirror = np.diag([1.0, 1.0, -1.0 if side == "l" else 1.0])
    for name, angle in swing_and_twist(mirror @ turned @ mirror).items():
        assert np.abs(angle - q[:, coordinate_index(f"{name}_{side}")]).max() < 1e-3, name  # ALMOST_Y leans a little


def test_state_paths_name_coordinates():
    assert plain_name("/jointset/hip_r/hip_flexion_r/value") == "hip_flexion_r"
    assert plain_name("hip_flexion_r") == "hip_flexion_r"


def test_a_joint_with_oblique_axes_is_taken_apart(tmp_path):
    """Axes that are not z, x, y: the rotation counts, not the coordinates."""
    oblique = [
        ("a", "0.3 0.1 0.95", osim_text.line(), (-1, 1)),
        ("b", "0.9 0.3 0", osim_text.line(0.7), (-1, 1)),
        ("c", "0 0.9 0.3", osim_text.line(), (-1, 1)),
    ]
    links = [("pelvis", osim_text.PELVIS, 0.0), ("trunk", oblique, -0.2)]
    path = osim_text.write(tmp_path, osim_text.column("oblique", links))
    text = "name: mine\nlevels:\n  L5_S1..T12_L1: [a, b, c]\n"
    model = load_published(path, osim_text.write(tmp_path, text, "map.yaml"))
    entry = model.entries[0]
    assert entry.moves is None
    skeleton = Skeleton(model.source)
    skeleton.set(model.upright)
    rest = skeleton.rotation("trunk")
    for row in random_poses(model, 10, 0.6):
        skeleton.set(row)
        pelvis, trunk = skeleton.rotation("pelvis"), skeleton.rotation("trunk")
        assert np.allclose(zxy_matrix(entry.angles(row[None])[0]), rest.T @ pelvis.T @ trunk, atol=1e-9)


# ------------------------------------------------------------------ files nobody here wrote


@pytest.mark.parametrize("name", FILES)
def test_levels_are_the_turns_of_opensims_bodies(real, name):
    """Every level a model has by itself, all coordinates at once, against realizePosition."""
    model = real(name)
    values = couple(model.source, random_poses(model, 6))
    skeleton = Skeleton(model.source)
    skeleton.set(model.upright)
    rest = {b: skeleton.rotation(b) for e in model.entries for b in (e.lower, e.upper)}
    for row in values:
        skeleton.set(row)
        for entry in model.entries:
            lower, upper = (skeleton.rotation(b) @ rest[b].T for b in (entry.lower, entry.upper))
            turned = rest[entry.upper].T @ lower.T @ upper @ rest[entry.upper]  # along the upper body's own axes
            joint = entry.joints[-1].body_from_joint[:3, :3]
            assert np.abs(zxy_angles(joint.T @ turned @ joint) - entry.angles(row[None])[0]).max() < 1e-7, entry.name


def test_the_full_thoracolumbar_spine_is_taken_as_it_is(real):
    model = real("cyclistFullBodyMuscle")
    assert model.filled_levels == LEVELS[NECK]
    values = couple(model.source, random_poses(model))
    q = model.to_levels(model.coordinates, values).q.reshape(-1, 25, 3)
    for i, level in enumerate(LEVELS[:17]):
        for axis, name in enumerate(("FE", "LB", "AR")):
            assert np.allclose(q[:, i, axis], values[:, model.coordinates.index(f"{level}_{name}")])


def test_the_lifting_model_keeps_the_proportions_of_its_couplers(real):
    model = real("Pose2Sim_muscles_flex")
    assert model.filled_levels == LEVELS[6:]
    q = model.to_levels(["L5_S1_Flex_Ext"], np.array([[-0.1]])).q.reshape(25, 3)[:, 0]
    assert np.allclose(q[:6] / q[0], (1, 1.8571, 1.643, 1.143, 0.9286, 0.5714), atol=2e-3)
    assert q[TRUNK].sum() == pytest.approx(-0.1 * 7.143, rel=2e-3)


def test_the_neck_follows_the_published_fractions(real):
    model = real("neck6d")
    q = model.to_levels(["pitch2", "yaw1"], np.array([[0.5, 0.4]])).q.reshape(25, 3)
    lower = q[17:23, 0]
    assert np.allclose(lower / lower.sum(), (0.099, 0.187, 0.220, 0.220, 0.165, 0.110), atol=2e-3)
    assert np.allclose(q[23:, 2], (0.4 * 0.889, 0.4 * 0.111), atol=1e-3)


def test_limbs_of_a_full_body_follow_its_bodies(real):
    """Our skeleton, put where a foreign motion says, has its upper arms and thighs turned as the foreign bodies are."""
    model = real("Pose2Sim_muscles_flex")
    poses = random_poses(model, 8, 0.4)
    q = model.to_model(Motion(np.arange(8.0), model.coordinates, poses))
    assert np.abs(q[:, SPINE_SLICE]).max() < 1.0
    values = model.values(model.coordinates, poses)
    skeleton = Skeleton(model.source)
    skeleton.set(model.upright)
    bodies = ("pelvis", "femur_r", "femur_l", "humerus_r", "humerus_l")
    rest = {b: skeleton.rotation(b) for b in bodies}
    ours = forward_kinematics_numpy(default_geometry(), q, bodies)[..., :3, :3]
    for k, row in enumerate(values):
        skeleton.set(row)
        for i, body in enumerate(bodies):
            wanted = skeleton.rotation(body) @ rest[body].T
            angle = np.degrees(turn_between(quaternion(ours[k, i])[None], quaternion(wanted)[None])[0])
            assert angle < 0.5, body
        thighs = [model.source.joint_above(f"femur_{s}").parent_from_joint[:3, 3] for s in "rl"]
        pelvis = skeleton.model.getBodySet().get("pelvis").getTransformInGround(skeleton.state).p().to_numpy()
        hips = pelvis + skeleton.rotation("pelvis") @ np.mean(thighs, axis=0)
        assert np.allclose(q[k, 3:6], hips, atol=1e-9)
