"""The heart: a sample is a pure function of (config, index), and its labels are what was drawn."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from biomech.anatomy import BODIES, COORDINATES, VERTEBRAE
from biomech.kinematics import forward_kinematics, landmarks_world
from biomech.model import import_opensim
from biomech.motion import write_mot
from scenes.expression import Expression, express
from scenes.person import smooth_normals
from scenes.props import draw_seat
from scenes.renderer import Camera
from scenes.rig import DRIVERS, PARTS, skin, skin_transforms
from synthgen.annotate import residuals
from synthgen.cast import Assets, cast_of, put_in_pose
from synthgen.config import load_config
from synthgen.keypoints import spinetrack
from synthgen.sample import make_sample, subject_osim
from synthgen.shards import encode
from synthgen.specs import scene_from_plain
from synthgen.stage import build, seat_of, stage
from synthgen.takes import draw_take

CONFIG = load_config(None, ["poses=64", "width=320", "height=240", "seed=5", "assets=minimal"])


@pytest.fixture(scope="module")
def opened(assets):
    """Assets with a renderer."""
    found = Assets(assets, CONFIG)
    yield found
    found.close()


@pytest.fixture(scope="module")
def samples(opened):
    return [make_sample(CONFIG, opened, index) for index in range(0, 24)]


def test_people_drawn_are_remembered_up_to_a_number_and_drawn_the_same_again(opened, monkeypatch):
    monkeypatch.setattr("synthgen.cast.DRAWN", 3)
    first = [opened.cast(CONFIG, number).spec for number in range(4)]
    assert [opened.cast(CONFIG, number).spec for number in range(4)] == first
    assert len(opened._drawn[1]) <= 3 and len(opened._names) <= 3


def test_people_of_another_dataset_are_others_though_numbered_alike(opened):
    other = replace(CONFIG, seed=CONFIG.seed + 1)
    first, second = opened.cast(CONFIG, 1), opened.cast(other, 1)
    assert first.spec != second.spec and first.person.key != second.person.key
    assert opened.cast(CONFIG, 1) is first and opened.cast(other, 1) is second
    assert opened.cast_of(replace(second.spec), 1) is second  # found by what he is, not by the object
    assert opened.cast_of(second.spec, 2) is not second


def test_who_is_alone_in_his_pictures_makes_room_for_the_next(assets):
    crowds = {
        "{'1': 1.0, '2': 0.0}, 'background': 0.0": 2,
        "{'1': 1.0}, 'background': 0.1": 9,
        "{'1': 0.9, '2': 0.1}, 'background': 0.0": 9,
    }
    for people, kept in crowds.items():
        config = load_config(None, ["poses=96", "assets=minimal", f"crowd={{'people': {people}}}"])
        opened = Assets(assets, config)
        built = [opened.cast(config, number) for number in range(10)]
        assert opened.cast(config, 10 - kept) is built[10 - kept], people
        assert opened.cast(config, 9 - kept) is not built[9 - kept], people
        opened.close()


def test_same_index_same_bytes_whatever_came_before(assets, samples):
    """In a fresh process state and in another order."""
    fresh = Assets(assets, CONFIG)
    try:
        for index in (9, 2, 3):
            again, first = make_sample(CONFIG, fresh, index), samples[index]
            assert again.rgb.tobytes() == first.rgb.tobytes()
            assert again.depth.tobytes() == first.depth.tobytes()
            assert again.annotations[0].keypoints.tobytes() == first.annotations[0].keypoints.tobytes()
            assert again.spec == first.spec
    finally:
        fresh.close()


def test_another_seed_is_another_sample(opened, samples):
    other = make_sample(load_config(None, ["poses=64", "width=320", "height=240", "seed=6"]), opened, 0)
    assert other.spec != samples[0].spec


def test_a_stored_spec_draws_the_same_picture(opened, samples):
    import json

    crowded = max(samples, key=lambda sample: len(sample.annotations))
    assert len(crowded.annotations) > 1
    for sample in (samples[7], crowded):
        spec = scene_from_plain(json.loads(json.dumps(sample.spec)))
        frame = opened.renderer.render(build(spec, opened, stage(spec, opened)))
        assert frame.depth.tobytes() == sample.depth.tobytes()
        assert frame.instance.tobytes() == sample.instance.tobytes()


def test_the_seat_stays_behind_who_has_risen(opened):
    config = replace(CONFIG, activities=replace(CONFIG.activities, weights={"sit_to_stand": 1.0}))
    risen = 0
    for index in range(4):
        take = draw_take(config, opened, index)
        actor = take.actor(opened, 0, 0)
        pose, posed = actor.spec.pose, actor.posed
        low = np.min([part.vertices.min(0) for part in actor.seat], axis=0)
        high = np.max([part.vertices.max(0) for part in actor.seat], axis=0)
        high[1] = min(high[1], pose.props["seat_height"])  # a chair's back stands higher, with air before it
        pelvis = posed.world_from_body[0, :3, 3]
        inside = ((posed.vertices > low + 0.01) & (posed.vertices < high - 0.01)).all(1)
        assert inside.sum() == 0 or pose.support == "seated"
        assert low[0] < pelvis[0] and abs(0.5 * (low[2] + high[2]) - pelvis[2]) < 0.02
        risen += pose.support == "feet" and high[1] < pelvis[1]
    assert risen


def test_labels_project_to_their_pixels(samples):
    for sample in samples:
        for label in sample.annotations:
            pixels = sample.camera.project(label.keypoints_world)
            np.testing.assert_allclose(label.keypoints[:, :2], pixels, atol=1e-9)
            np.testing.assert_allclose(sample.camera.to_camera(label.keypoints_world), label.keypoints_cam, atol=1e-12)


def test_seen_skin_points_lie_on_the_drawn_surface(samples):
    """Law 6: where the schema says a point is on the skin and it is seen bare, depth and label agree."""
    schema = spinetrack()
    nose = schema.id_of("nose")
    offsets = []
    for sample in samples:
        for label in sample.annotations:
            x, y, seen = label.keypoints[nose]
            if seen != 2:
                continue
            at = int(y), int(x)
            on_head = sample.instance[at] == label.instance_id and sample.part[at] == PARTS.index("head")
            fine = sample.depth[at] / sample.camera.intrinsics[0, 0] < 0.011  # m a pixel covers; noses are small
            if on_head and fine:  # in profile the tip is an edge, with the background or a shoulder behind it
                offsets.append(label.keypoints_cam[nose, 2] - sample.depth[at])
    assert len(offsets) >= 5
    # Within a pixel the nose falls away by some millimetres; on average the label is on the surface.
    assert np.abs(np.median(offsets)) < 0.006
    assert np.abs(offsets).max() < 0.02


def test_inside_points_have_body_in_front_of_them(samples):
    """Law 6: the ray to a point inside meets the person first."""
    schema = spinetrack()
    spine = [schema.id_of(n) for n in ("spine_01", "spine_02", "spine_03", "spine_04", "spine_05", "hip")]
    checked = 0
    for sample in samples:
        label = sample.annotations[0]
        for k in spine:
            x, y, seen = label.keypoints[k]
            if seen == 0:
                continue
            column, row = int(x), int(y)
            if sample.instance[row, column] == 1:
                assert label.keypoints_cam[k, 2] > sample.depth[row, column] - 0.005
                checked += 1
    assert checked > 40


def test_box_mask_and_picture_agree(samples):
    from pycocotools import mask as coco_mask

    for sample in samples:
        label = sample.annotations[0]
        decoded = coco_mask.decode({**label.segmentation, "counts": label.segmentation["counts"].encode()})
        np.testing.assert_array_equal(decoded.astype(bool), sample.instance == 1)
        x, y, w, h = label.bbox
        seen = label.keypoints[label.keypoints[:, 2] == 2]
        assert ((seen[:, 0] >= x - 2) & (seen[:, 0] <= x + w + 2)).all()
        assert ((seen[:, 1] >= y - 2) & (seen[:, 1] <= y + h + 2)).all()


def test_people_stand_on_the_floor(samples):
    """The lowest keypoints of a planted person are near the floor, and nobody sinks into it."""
    schema = spinetrack()
    feet = [schema.id_of(n) for n in schema.names if "toe" in n or "heel" in n]
    planted = 0
    for sample in samples:
        low = sample.annotations[0].keypoints_world[feet, 1].min()
        assert low > -0.02
        if sample.spec["actors"][0]["pose"]["support"] in ("feet", "one_foot"):
            assert low < 0.09
            planted += 1
    assert planted


def test_opensim_replays_the_labels(opened, samples, tmp_path):
    """Outside reference: OpenSim opens the subject's model, takes the .mot row, and finds the labelled markers."""
    opensim = import_opensim()
    sample = samples[1]
    label = sample.annotations[0]
    (tmp_path / "subject.osim").write_text(subject_osim(CONFIG, opened, sample.subject))
    write_mot(tmp_path / "poses.mot", np.array([0.0]), COORDINATES, label.q[None])
    model = opensim.Model(str(tmp_path / "subject.osim"))
    state = model.initSystem()
    table = opensim.TimeSeriesTable(str(tmp_path / "poses.mot"))
    for name in table.getColumnLabels():
        coordinate = model.getCoordinateSet().get(name)
        value = table.getDependentColumn(name).to_numpy()[0]
        rotational = coordinate.getMotionType() == 1
        coordinate.setValue(state, np.deg2rad(value) if rotational else value, False)
    model.realizePosition(state)
    for k, name in enumerate(spinetrack().names):
        found = model.getMarkerSet().get(name).getLocationInGround(state).to_numpy()
        np.testing.assert_allclose(found, label.keypoints_world[k], atol=1e-3, err_msg=name)
    body = model.getBodySet().get("T8").getPositionInGround(state).to_numpy()
    np.testing.assert_allclose(body, label.vertebrae_world[VERTEBRAE.index("T8"), :3, 3], atol=1e-6)


def test_a_pose_is_what_opensim_makes_of_its_coordinates(opened, samples):
    for sample in samples[::6]:
        label = sample.annotations[0]
        cast = opened.cast(CONFIG, sample.subject)
        posed = put_in_pose(cast, label.q, 0.0)
        frames = forward_kinematics(cast.model, label.q[None]).world_from_body[0]
        np.testing.assert_allclose(posed.world_from_body, frames, atol=1e-9)


def test_labels_are_read_off_the_skin_with_the_face_it_has(opened):
    cast = opened.cast(CONFIG, 0)
    face = Expression("x", {"jaw_open": 1.0, "mouth_smile_left": 0.7}, (0.2, -0.1))
    rig, rest = cast.person.subject.rig, express(cast.person.subject.vertices, face)
    for hands in (0.0, 0.6):
        posed = put_in_pose(cast, np.full(len(COORDINATES), 0.05), hands, face)
        whole = skin(rig.weights, rest, skin_transforms(rig, posed.world_from_body, hands))
        np.testing.assert_allclose(posed.skin[cast.marked], whole[cast.marked], atol=1e-12)
        on_skin = cast.anchors.vertices >= 0
        np.testing.assert_allclose(posed.keypoints[on_skin], whole[cast.anchors.vertices[on_skin]], atol=1e-12)
        np.testing.assert_array_equal(posed.normals, smooth_normals(cast.person, posed.vertices))
        told, expected = (
            residuals(cast.person.subject, cast.anchors, posed.world_from_body, surface, posed.keypoints)
            for surface in (posed.skin, whole)
        )
        assert told.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(told[name], value, atol=1e-9, err_msg=name)


def test_a_seat_reaches_the_buttocks_whatever_else_hangs_below(opened):
    cast = opened.cast(CONFIG, 0)
    posed = put_in_pose(cast, np.where(np.array(COORDINATES) == "pelvis_ty", 1.0, 0.0), 0.0)
    pose, spec = SimpleNamespace(support="seated", props={}), replace(draw_seat(np.random.default_rng(0)), kind="")
    under = posed.world_from_body[0, :3, 3] * [1, 0, 1] + [0, 0.3, 0]

    def top(*drivers):
        vertices = posed.vertices.copy()
        vertices[np.isin(cast.person.drivers, [DRIVERS.index(name) for name in drivers])] = under
        (seat,) = seat_of(spec, cast, pose, replace(posed, vertices=vertices))
        return seat.vertices[:, 1].max()

    assert top() > 0.5 and top("hand_r", "calcn_l") == top()
    for name in ("sacrum", "thigh_r", "thigh_l"):
        assert top(name) == pytest.approx(0.304, abs=1e-5)


def test_people_are_posed_without_opensim(opened, monkeypatch):
    def never(*args):
        raise AssertionError("a model was written that nobody asked for")

    spec = opened.cast(CONFIG, 3).spec
    with monkeypatch.context() as patched:
        patched.setattr("biomech.model.write_osim", never)
        cast = cast_of(spec, opened, 3)
    put_in_pose(cast, np.zeros(len(COORDINATES)), 0.0)
    assert not {"xml", "digest", "handle"} & set(vars(cast.model))
    assert cast.model.handle is cast.model.handle and "xml" in vars(cast.model)


def test_markers_are_the_keypoints(opened):
    cast = opened.cast(CONFIG, 0)
    posed = put_in_pose(cast, np.zeros(len(COORDINATES)), 0.0)
    frames = forward_kinematics(cast.model, np.zeros((1, len(COORDINATES))))
    names = [landmark.name for landmark in cast.model.geometry.landmarks]
    markers = landmarks_world(cast.model, frames)[0]
    schema = spinetrack()
    inside = [k for k, keypoint in enumerate(schema.keypoints) if not keypoint.surface]
    for k in inside:
        np.testing.assert_allclose(markers[names.index(schema.names[k])], posed.keypoints[k], atol=1e-9)
    assert set(BODIES) >= {landmark.body for landmark in cast.model.geometry.landmarks}


def test_camera_round_trip():
    camera = Camera(np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]]), np.eye(4), 640, 480)
    points = np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 6], (50, 3))
    np.testing.assert_allclose(camera.unproject(camera.project(points), points[:, 2]), points, atol=1e-9)


def test_normals_come_when_asked_for(opened, samples):
    import cv2

    config = replace(CONFIG, output=replace(CONFIG.output, normals=True))
    sample = make_sample(config, opened, 7)
    assert samples[7].normals is None and sample.rgb.tobytes() == samples[7].rgb.tobytes()
    length = np.linalg.norm(sample.normals, axis=-1)
    hit = sample.depth > 0
    assert np.allclose(length[hit], 1, atol=1e-3) and not length[~hit].any()
    (name,) = (n for n in encode(config, sample) if n.startswith("normals/"))
    stored = cv2.imdecode(np.frombuffer(encode(config, sample)[name], np.uint8), cv2.IMREAD_COLOR)
    back = (stored[..., ::-1].astype(float) - 128) / 127 * [1, -1, -1]
    np.testing.assert_allclose(back[hit], sample.normals[hit], atol=0.005)
    assert (sample.normals[sample.instance == 1][:, 2] < 0.1).mean() > 0.98  # what is seen faces the camera
