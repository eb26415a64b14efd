"""Takes: companions with room to stand, several views of one instant, the frames of one movement."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from biomech.anatomy import COORDINATES, VERTEBRAE
from biomech.errors import ConfigError, ModelError
from biomech.kinematics import forward_kinematics
from biomech.marker_files import read_markers
from biomech.motion import read_mot
from biomech.trc import trc_text
from scenes.backdrop import build_backdrop
from scenes.person import smooth_normals
from scenes.props import placed
from scenes.seat_object import SEAT_ID
from synthgen.cast import Assets
from synthgen.clips import in_world, still_of, take_files
from synthgen.config import check_takes, load_config, split_of
from synthgen.crowd import BLOCK, Presence, draw_presences, room_for
from synthgen.keypoints import spinetrack
from synthgen.sample import draw_scene, make_sample
from synthgen.settings import to_plain
from synthgen.specs import scene_from_plain
from synthgen.stage import HOME, build, put_on_stage
from synthgen.takes import draw_take, take_of

SMALL = ["width=160", "height=120", "assets=minimal", "poses=48", "seed=3"]
CROWDED = load_config(None, [*SMALL, 'crowd.people={"3": 1}', "crowd.background=0"])


@pytest.fixture(scope="module")
def opened(assets):
    found = Assets(assets, CROWDED)
    yield found
    found.close()


def test_indices_fall_into_takes_frames_and_views():
    config = load_config(None, ["poses_per_subject=12", "poses=24", "capture.views=2", "capture.frames=3"])
    found = [take_of(config, index) for index in range(7)]
    assert found == [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 2, 0), (0, 2, 1), (1, 0, 0)]


def test_takes_must_fill_subjects_and_datasets():
    with pytest.raises(ConfigError, match="'poses_per_subject' is 8; with 3 views of 1 frames it must be a mul"):
        load_config(None, ["poses=9", "capture.views=3"])
    with pytest.raises(ConfigError, match="'poses' is 10"):
        check_takes(replace(CROWDED, poses=10, capture=replace(CROWDED.capture, views=4)))


def test_companions_come_from_the_same_block_and_split():
    config = load_config(None, ['crowd.people={"4": 1}', "splits={train: 0.9, val: 0.1}", "crowd.background=0.3"])
    seen = set()
    for take in range(200):
        number = take // 8
        found = draw_presences(config, number, take)
        assert found == draw_presences(config, number, take)
        named = [p.number for p in found if not p.crowd]
        assert len(set(named)) == len(named) <= 3 and number not in named
        assert {split_of(config, n) for n in named} <= {split_of(config, number)}
        if split_of(config, number) == "train":  # enough of them in every block
            assert {n // BLOCK for n in named} <= {number // BLOCK}
        seen.add(any(p.crowd for p in found))
    assert seen == {True, False}


def test_nobody_stands_within_anybody(opened):
    gaps = []
    for number in range(6):
        take = draw_take(CROWDED, opened, number)
        wanted = draw_presences(CROWDED, number * CROWDED.take // CROWDED.poses_per_subject, number)
        assert 2 <= len(take.players) <= 1 + len(wanted)
        clouds = [take.actor(opened, player, 0).posed.vertices[:, [0, 2]] for player in range(len(take.players))]
        for i, cloud in enumerate(clouds):
            for other in clouds[:i]:
                gaps.append(np.linalg.norm(cloud[::9, None] - other[None, ::9], axis=2).min())
    assert min(gaps) > 0.015 and min(gaps) < 0.6  # apart, and some of them near


def test_where_there_is_no_room_nobody_comes():
    ground = np.stack(np.meshgrid(np.linspace(-12, 12, 60), [0.0], np.linspace(-12, 12, 60)), -1).reshape(-1, 3)
    assert room_for(Presence(1, 0.5, 0.3, 0.0), np.zeros((1, 3)), ground) is None


def test_he_stands_where_asking_every_point_puts_him():
    """The search leaves out points that cannot be nearest; here none is."""

    def asking_all(presence, points, around):
        c, s = np.cos(presence.heading), np.sin(presence.heading)
        flat, tree = points[:, [0, 2]] @ np.array([[c, -s], [s, c]]), cKDTree(around[:, [0, 2]])
        way, distance = np.array([np.cos(presence.bearing), np.sin(presence.bearing)]), presence.gap_m
        while (nearest := tree.query(flat + distance * way)[0].min()) < presence.gap_m:
            distance += max(0.5 * (presence.gap_m - nearest), 0.04)
        return (*(distance * way).tolist(), presence.heading)

    for seed in range(30):
        rng = np.random.default_rng(seed)
        points, around = rng.normal(0.0, [0.4, 1.0, 0.2], (200, 3)), rng.normal(0.0, [0.2, 1.0, 0.7], (500, 3))
        presence = Presence(1, float(rng.uniform(0.05, 1.5)), *rng.uniform(-3.0, 3.0, 2).tolist())
        assert room_for(presence, points, around) == asking_all(presence, points, around)


def test_a_companion_is_carried_with_all_that_he_has(opened):
    """Surfaces, seat and things stand to him as in his own frame, and a stored scene builds the same bytes."""
    furnished = replace(CROWDED, objects=replace(CROWDED.objects, held=1.0))
    carried = {"seat": 0, "held": 0}
    for number in range(8):
        take = draw_take(furnished, opened, number)
        for player in range(1, len(take.players)):
            actor = take.actor(opened, player, 0)
            home = put_on_stage(replace(actor.spec, place=HOME), actor.cast, actor.local, player)
            again = put_on_stage(actor.spec, actor.cast, actor.local, player)
            world = placed(*actor.spec.place)
            for group in ("parts", "seat", "held"):
                mine = getattr(actor, group)
                for part, own, same in zip(mine, getattr(home, group), getattr(again, group), strict=True):
                    turned = own.vertices @ world[:3, :3].T + world[:3, 3]
                    np.testing.assert_allclose(part.vertices, turned, atol=3e-6)
                    np.testing.assert_allclose(part.normals, own.normals @ world[:3, :3].T, atol=1e-6)
                    assert part.key == own.key and part.vertices.tobytes() == same.vertices.tobytes()
                carried[group] = carried.get(group, 0) + len(mine)
            expected = smooth_normals(actor.cast.person, actor.posed.vertices)
            np.testing.assert_allclose(actor.posed.normals, expected, atol=5e-3)
    assert all(carried.values()), carried


def test_a_place_moves_pose_and_labels_alike(opened):
    take = draw_take(CROWDED, opened, 0)
    companion = take.actor(opened, 1, 0)
    assert companion.spec.place != (0.0, 0.0, 0.0)
    q = in_world(companion.local.q, companion.spec.place)
    frames = forward_kinematics(companion.cast.model, q[None]).world_from_body[0]
    np.testing.assert_allclose(frames, companion.posed.world_from_body, atol=1e-9)
    expected = companion.local.keypoints @ placed(*companion.spec.place)[:3, :3].T
    np.testing.assert_allclose(companion.posed.keypoints, expected + placed(*companion.spec.place)[:3, 3], atol=1e-12)
    marked = companion.cast.marked
    expected = companion.local.skin[marked] @ placed(*companion.spec.place)[:3, :3].T
    expected += placed(*companion.spec.place)[:3, 3]
    np.testing.assert_allclose(companion.posed.skin[marked], expected, atol=1e-12)


def test_everyone_in_a_picture_is_labelled_under_his_own_pixels(opened):
    for index in range(4):
        sample = make_sample(CROWDED, opened, index)
        drawn = set(np.unique(sample.instance)) - {0}
        assert {a.instance_id for a in sample.annotations} == {i for i in drawn if i < SEAT_ID}
        assert {i for i, _ in sample.objects} == {i for i in drawn if i >= SEAT_ID}
        assert sum(a.area for a in sample.annotations) == ((sample.instance > 0) & (sample.instance < SEAT_ID)).sum()
        for a in sample.annotations:
            assert sample.spec["actors"][a.instance_id - 1]["number"] == a.subject


def test_a_crowd_has_one_label(opened):
    config = replace(CROWDED, crowd=replace(CROWDED.crowd, people={"1": 1.0}, background=1.0))
    for index in range(8):
        sample = make_sample(config, opened, index)
        crowds = [a for a in sample.annotations if a.crowd]
        if crowds:
            (crowd,) = crowds
            assert crowd.keypoints[:, 2].sum() == 0 and len(crowd.crowd) >= 5
            assert crowd.area == np.isin(sample.instance, crowd.crowd).sum()
            return
    pytest.fail("no crowd came into view in eight pictures")


def test_views_of_an_instant_agree(opened):
    config = load_config(None, [*SMALL, "poses_per_subject=8", "capture.views=4"])
    views = [make_sample(config, opened, index) for index in range(4)]
    world = views[0].annotations[0].keypoints_world
    for view in views:
        np.testing.assert_array_equal(view.annotations[0].keypoints_world, world)
        np.testing.assert_allclose(view.annotations[0].keypoints[:, :2], view.camera.project(world), atol=1e-9)
        assert {**view.spec, "view": 0} == views[0].spec
    eyes = [np.linalg.inv(view.camera.cam_from_world)[:3, 3] for view in views]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(eyes) for b in eyes[:i]) > 0.3
    files = take_files(config, [still_of(view) for view in views])
    assert list(files) == ["takes/000000.toml", "takes/000000_pose2sim.toml"]


def test_a_movement_is_the_same_person_moving(opened, tmp_path):
    config = load_config(
        None, [*SMALL, "poses_per_subject=6", "capture.frames=6", "capture.fps=10", "activities.weights={squat: 1}"]
    )
    frames = [make_sample(config, opened, index) for index in range(6)]
    again = make_sample(config, opened, 3)
    assert again.rgb.tobytes() == frames[3].rgb.tobytes()
    poses = np.array([frame.spec["actors"][0]["pose"]["q"] for frame in frames])
    assert (np.abs(np.diff(poses, axis=0)).max(1) > 0.02).all()
    np.testing.assert_allclose(frames[2].spec["actors"][0]["pose"]["rate"], (poses[3] - poses[1]) * 5, atol=1e-9)
    for frame in frames:
        assert frame.spec["cameras"] == frames[0].spec["cameras"] and frame.spec["light"] == frames[0].spec["light"]
        assert frame.spec["actors"][0]["person"] == frames[0].spec["actors"][0]["person"]
    files = take_files(config, [still_of(frame) for frame in frames])
    for name, data in files.items():
        (tmp_path / name.split("/")[1]).write_bytes(data)
    motion = read_mot(tmp_path / "000000_1.mot")
    np.testing.assert_allclose(motion.q, poses, atol=1e-8)
    markers = read_markers(tmp_path / "000000_1.trc")
    assert markers.names == (*spinetrack().names, *VERTEBRAE)
    np.testing.assert_allclose(markers.times, np.arange(6) / 10, atol=1e-9)
    labelled = np.stack([frame.annotations[0].keypoints_world for frame in frames])
    np.testing.assert_allclose(markers.positions[:, :37], labelled, atol=1e-6)
    assert motion.coordinates == COORDINATES


@pytest.mark.parametrize("kind", ["room", "gym", "street", "field", "studio", "plain"])
def test_the_surroundings_of_a_movement_stand_still(opened, kind):
    config = load_config(
        None,
        [*SMALL, "poses_per_subject=48", "capture.frames=12", f"backdrop.kinds={{{kind}: 1}}", "crowd.people={1: 1}"],
    )
    take = draw_take(config, opened, 0)
    shown = []
    for frame in (0, 5, 11):
        actors = take.actors(opened, frame)
        spec = draw_scene(config, opened, take, frame, np.random.default_rng(1))
        scene = build(scene_from_plain(to_plain(spec)), opened, actors)
        own = {part.key for actor in actors for part in actor.parts + actor.seat + actor.held}
        shown.append({part.key: part.vertices for part in scene.parts if part.key not in own})
    first, *others = shown
    assert first
    for other in others:
        assert other.keys() == first.keys()
        assert all(np.array_equal(other[key], first[key]) for key in first)


@pytest.mark.parametrize("everyone", [0.0, 1.0])
def test_the_surroundings_of_a_movement_are_built_around_all_of_it(opened, monkeypatch, everyone):
    """Also around companions whom the camera is not aimed at; where nothing moves, around people as they stand."""
    config = load_config(
        None,
        [*SMALL, "poses_per_subject=48", "capture.frames=12", "backdrop.kinds={room: 1}", "crowd.people={3: 1}",
         f"crowd.everyone={everyone}", "objects.standing=0", "objects.lens=0", "activities.weights={walk: 1}"],
    )  # fmt: skip
    held = []

    def noted(spec, cameras, view, occupied, *others):
        held.append(occupied)
        return build_backdrop(spec, cameras, view, occupied, *others)

    monkeypatch.setattr("synthgen.stage.build_backdrop", noted)
    take = draw_take(config, opened, 0)
    assert len(take.players) > 1
    framed = np.concatenate([take.points(opened, player) for player in range(len(take.players))])
    for frame in (0, 6, 11):
        actors = take.actors(opened, frame)
        spec = draw_scene(config, opened, take, frame, np.random.default_rng(1))
        within = np.reshape(spec.moves_within, (2, 3))
        np.testing.assert_array_equal(within, [framed.min(0), framed.max(0)])
        for actor in actors:  # the box is that of a sample of points
            assert (actor.points > within[0] - 0.1).all() and (actor.points < within[1] + 0.1).all()
        build(scene_from_plain(to_plain(spec)), opened, actors)
        assert not spec.occluders
        np.testing.assert_array_equal([held[-1].min(0), held[-1].max(0)], within)
    still = replace(spec, moves_within=())
    build(still, opened, actors)
    standing = np.concatenate([part.vertices for actor in actors for part in actor.parts + actor.seat + actor.held])
    np.testing.assert_array_equal(held[-1], standing)
    alone = replace(config, capture=replace(config.capture, frames=1))
    once = draw_take(alone, opened, 0)
    assert draw_scene(alone, opened, once, 0, np.random.default_rng(1)).moves_within == ()


def test_postures_make_no_movement(opened):
    config = load_config(None, [*SMALL, "poses_per_subject=6", "capture.frames=6", "activities.weights={tree: 1}"])
    with pytest.raises(ModelError, match="a clip needs activities with a course; .* leaves only postures: tree"):
        make_sample(config, opened, 0)


def test_trc_refuses_what_makes_no_file():
    with pytest.raises(ModelError, match="wanted"):
        trc_text(np.arange(3.0), ["a"], np.zeros((2, 1, 3)))
    with pytest.raises(ModelError, match="twice"):
        trc_text(np.arange(2.0), ["a", "a"], np.zeros((2, 2, 3)))
    with pytest.raises(ModelError, match="increase"):
        trc_text(np.zeros(2), ["a"], np.zeros((2, 1, 3)))


def test_a_lying_body_rests_on_its_skin_not_on_its_hair(opened):
    config = load_config(None, [*SMALL, "activities.weights={lie_supine: 1}"])
    for number in range(3):
        actor = draw_take(config, opened, number).actor(opened, 0, 0)
        person = actor.cast.person
        assert not person.bears.all() and person.bears.mean() > 0.5
        assert abs(actor.posed.vertices[person.bears, 1].min()) < 1e-3
