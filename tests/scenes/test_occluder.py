"""Standing objects: on the floor, in nobody, hiding as much as asked; what they hide is hidden in the labels."""

import numpy as np
import pytest

from scenes import raster
from scenes.objects import KINDS, make, parts_of, shapes
from scenes.occluder import STANDING, ObjectsConfig, OccluderSpec, build_occluders, draw_occluders
from scenes.occlusion import evenly, hidden_shares, shape_of, view_axes
from scenes.renderer import Camera, Light, Material, MeshPart, Scene
from scenes.rig import PARTS
from synthgen.visibility import HIDDEN, OUTSIDE, SEEN, visibility

EYE, TARGET = np.array([3.5, 1.5, 0.6]), np.array([0.0, 0.9, 0.0])
ALL = ObjectsConfig(standing=1.0, before=1.0, most=1, lens=0.0)


def person(at=(0.0, 0.0), seed: int = 0) -> np.ndarray:
    """(N, 3) points of a standing body: an upright ellipsoid's skin."""
    way = np.random.default_rng(seed).standard_normal((3000, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    return way * [0.18, 0.87, 0.26] + [at[0], 0.87, at[1]]


def hit(triangles: np.ndarray, eye: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N,) distance along eye -> point, in parts of it, of the first of (T, 3, 3) triangles; inf for none."""
    first = np.full(len(points), np.inf)
    a, b, c = (triangles[:, k] for k in range(3))
    edge1, edge2 = b - a, c - a
    for k, point in enumerate(points):
        ray = point - eye
        p = np.cross(ray, edge2)
        det = (edge1 * p).sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            s = eye - a
            u = (s * p).sum(1) / det
            q = np.cross(s, edge1)
            v, t = (q @ ray) / det, (edge2 * q).sum(1) / det
            inside = (np.abs(det) > 1e-14) & (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 1e-6)
        if inside.any():
            first[k] = t[inside].min()
    return first


def triangles_of(parts) -> np.ndarray:
    return np.concatenate([part.vertices[part.faces].astype(float) for part in parts])


@pytest.mark.parametrize("kind", ["table", "chair", "suitcase", "plinth_box", "bicycle", "exam_couch"])
def test_the_hidden_share_agrees_with_rays(kind):
    points = evenly(person(), 250)
    for x, z, yaw in ((0.8, 0.1, 0.3), (1.6, 0.4, 1.9), (1.1, -0.25, -1.0)):
        spec = OccluderSpec(kind, 1, x, z, yaw)
        rays = (hit(triangles_of(build_occluders([spec])), EYE, points) < 1).mean()
        counted = hidden_shares(shape_of(make(kind, 1)), spec.place, [points], EYE, view_axes(EYE, TARGET))[0]
        assert counted == pytest.approx(rays, abs=0.1)


def test_standing_kinds_exist():
    assert set(STANDING) <= set(KINDS)


def test_draws_are_a_function_of_their_stream():
    for seed in range(5):
        first = draw_occluders(ALL, np.random.default_rng(seed), [person()], EYE, TARGET)
        assert first == draw_occluders(ALL, np.random.default_rng(seed), [person()], EYE, TARGET)


def test_no_share_draws_nothing_and_the_share_is_kept():
    none = ObjectsConfig(standing=0.0, lens=0.0)
    rng = np.random.default_rng(1)
    assert all(draw_occluders(none, rng, [person()], EYE, TARGET) == () for _ in range(30))
    assert draw_occluders(ALL, rng, [], EYE, TARGET) == ()
    some = ObjectsConfig(standing=0.5, most=1, lens=0.0)
    share = np.mean([draw_occluders(some, rng, [person()], EYE, TARGET) != () for _ in range(150)])
    assert 0.3 < share < 0.6


def test_what_hides_hides_as_much_as_asked_and_never_everyone():
    people, axes = [person(), person((-0.5, 0.9), 1)], view_axes(EYE, TARGET)
    crowd = [evenly(points, 400) for points in people]
    found = []
    for seed in range(40):
        specs = draw_occluders(ALL, np.random.default_rng(seed), people, EYE, TARGET)
        for spec in specs:
            found.append(max(hidden_shares(shape_of(make(spec.kind, spec.variant)), spec.place, crowd, EYE, axes)))
    assert len(found) > 25 and min(found) >= 0.08 - 1e-9 and max(found) <= 0.4 + 1e-9
    assert 0.1 <= np.median(found) <= 0.35


def test_everything_stands_on_the_floor_and_in_nobody():
    people = [person(), person((-0.5, 0.9), 1)]
    everyone = np.concatenate(people)
    busy = ObjectsConfig(standing=1.0, most=3, before=0.5, lens=0.3)
    seen = 0
    for seed in range(25):
        for spec in draw_occluders(busy, np.random.default_rng(seed), people, EYE, TARGET):
            seen += 1
            points = np.concatenate([part.vertices for part in build_occluders([spec])])
            lowest = points[:, 1].min()
            assert abs(lowest) < 0.01 or (spec.kind == "bush" and lowest > 0)
            solid, into = make(spec.kind, spec.variant), np.linalg.inv(spec.place)
            inside = everyone @ into[:3, :3].T + into[:3, 3]
            assert not ((inside > solid.low) & (inside < solid.high)).all(1).any()
            assert np.linalg.norm(points - EYE, axis=1).min() > 0.25
    assert seen > 25


def test_nothing_stands_in_what_is_to_be_avoided():
    wall = np.stack(np.meshgrid(np.arange(0.2, 3.4, 0.05), np.arange(0, 2, 0.1), np.arange(-1.5, 1.5, 0.05)), -1)
    for seed in range(10):
        specs = draw_occluders(ALL, np.random.default_rng(seed), [person()], EYE, TARGET, [wall.reshape(-1, 3)])
        assert all(spec.x < 0.3 or abs(spec.z) > 1.2 for spec in specs)


@pytest.mark.parametrize("outdoor, never", [(True, {"desk", "exam_couch"}), (False, {"lamp_post", "bush"})])
def test_things_keep_to_their_side_of_the_door(outdoor, never):
    kinds = dict.fromkeys(STANDING, 0.0) | dict.fromkeys(never, 50.0) | {"chair": 1.0}
    config = ObjectsConfig(standing=1.0, lens=0.5, kinds=kinds)
    found = [
        spec.kind
        for seed in range(20)
        for spec in draw_occluders(config, np.random.default_rng(seed), [person()], EYE, TARGET, outdoor=outdoor)
    ]
    assert "chair" in found and not never & set(found)


def test_ids_count_up_from_the_first():
    specs = [OccluderSpec("chair", 0, 1.0, 0.0, 0.0), OccluderSpec("chair", 0, -1.0, 0.0, 0.0)]
    parts = build_occluders(specs, 205)
    assert {p.instance_id for p in parts} == {205, 206} and len({p.key for p in parts}) == len(parts)


@pytest.mark.skipif(not raster.available_platforms(), reason="no EGL and no OSMesa on this machine")
def test_points_behind_an_object_are_hidden_as_rays_say():
    """A drawn chair, suitcase and held bat before a body: visibility against rays at 150 points of its skin."""
    v, n, f, uv = shapes.ball(1.0, 48, 40)
    skin = MeshPart(
        "body", (v * [0.18, 0.87, 0.26] + [0, 0.87, 0]).astype(np.float32), n.astype(np.float32), f.astype(np.uint32),
        uv.astype(np.float32), Material(), np.full(len(v), PARTS.index("trunk"), np.uint8), 1,
    )  # fmt: skip
    place = np.eye(4)
    place[:3, 3] = 0.45, 1.1, 0.05
    things = parts_of(make("bat", 0), place, 200) + build_occluders(
        [OccluderSpec("chair", 1, 0.9, 0.3, 0.4), OccluderSpec("suitcase", 2, 0.8, -0.25, 1.0)], 201
    )
    width, height = 320, 240
    cam = np.eye(4)
    cam[:3, :3] = view_axes(EYE, TARGET)
    cam[:3, 3] = -cam[:3, :3] @ EYE
    camera = Camera(np.array([[330.0, 0, 160], [0, 330.0, 120], [0, 0, 1]]), cam, width, height)
    light = Light("l", np.ones((9, 3)) * 0.3, np.ones((16, 32, 3), np.float32), np.array([0, 1.0, 0]), np.zeros(3))
    scene = Scene((skin, *things), camera, light, np.zeros((height, width, 3), np.uint8))
    renderer = raster.PyrenderRenderer(width, height)
    frame = renderer.render(scene)
    renderer.close()
    assert set(np.unique(frame.instance)) == {0, 1, 200, 201, 202}

    points = person(seed=3)[:150]
    pixels, depths = camera.project(points), camera.to_camera(points)[:, 2]
    labels = visibility(pixels, depths, ("L3",) * 150, np.full(150, 0.02), camera, frame, 1)
    things_hit, own_hit = hit(triangles_of(things), EYE, points), hit(triangles_of([skin]), EYE, points)
    hidden = (things_hit < 1) | (own_hit < 0.985)
    inside = labels != OUTSIDE
    behind_things = inside & (things_hit < 1) & (own_hit > 0.99)
    assert behind_things.sum() > 8 and (inside & ~hidden).sum() > 20
    agree = (labels == SEEN) == ~hidden
    assert agree[inside].mean() > 0.93  # the rest lies on edges, within a pixel
    assert (labels[behind_things] == HIDDEN).mean() > 0.85
