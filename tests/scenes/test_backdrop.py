"""Surroundings hold camera and people, stand on y = 0, and follow their spec alone."""

import dataclasses

import cv2
import numpy as np
import pytest

from scenes import backdrop, light, patterns, props, sky
from scenes.camera import CameraConfig, build_camera, draw_camera
from scenes.environment import directions
from scenes.patterns_places import HOLED, PLACE_METRES

SETS = ("hdri", "room", "studio", "plain")  # places and photographs have tests of their own


def people(rng) -> np.ndarray:
    return rng.uniform([-0.4, 0, -0.4], [0.4, 1.75, 0.4], (300, 3)) + rng.uniform([-2, 0, -2], [2, 0, 2])


def case(seed: int, kind: str):
    rng = np.random.default_rng(seed)
    points = people(rng)
    light_spec = light.draw_light(light.LightConfig(kinds={"sky": 1.0, "overcast": 1.0}), rng)
    lit = light.build_light(light_spec, {})
    spec = backdrop.draw_backdrop(backdrop.BackdropConfig(kinds={kind: 1.0}, furniture=3.0), rng, light_spec)
    camera = build_camera(draw_camera(CameraConfig(), rng, points, points[:30], (160, 120)))
    return spec, camera, points, lit, backdrop.build_backdrop(spec, (camera,), 0, points, lit, light_spec, {})


@pytest.mark.parametrize("kind", SETS)
@pytest.mark.parametrize("seed", range(4))
def test_every_kind_builds_sound_parts(kind, seed):
    spec, camera, _, _, built = case(seed, kind)
    assert spec.kind == kind and built.background.shape == (120, 160, 3) and built.background.dtype == np.uint8
    assert len({part.key for part in built.parts}) == len(built.parts)
    for part in built.parts:
        assert part.instance_id == 0 and part.vertices.dtype == np.float32 and part.faces.dtype == np.uint32
        assert part.faces.max() < len(part.vertices) == len(part.normals) == len(part.part_id)
        assert np.allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-3)
        assert part.vertices[:, 1].min() > -0.02
    assert min(part.vertices[:, 1].min() for part in built.parts) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("seed", range(25))
def test_a_room_contains_camera_and_people(seed):
    spec, camera, points, _, built = case(seed, "room")
    walls = next(part for part in built.parts if part.key.endswith("/walls"))
    turn = np.linalg.inv(props.placed(0, 0, spec.yaw))[:3, :3]
    room, inside = walls.vertices @ turn.T, np.vstack([points, np.linalg.inv(camera.cam_from_world)[:3, 3]]) @ turn.T
    assert (inside[:, [0, 2]] > room.min(0)[[0, 2]] + 0.3).all() and (
        inside[:, [0, 2]] < room.max(0)[[0, 2]] - 0.3
    ).all()
    assert (inside[:, 1] < room[:, 1].max() - 0.25).all()
    for part in built.parts:
        if "/box" in part.key:
            low, high = (part.vertices @ turn.T).min(0), (part.vertices @ turn.T).max(0)
            assert not ((inside > low - 0.05) & (inside < high + 0.05)).all(1).any()


@pytest.mark.parametrize("kind", SETS)
def test_faces_look_at_the_people(kind):
    """Scenery is single-sided: a face wound the wrong way would be invisible."""
    _, _, points, _, built = case(3, kind)
    for part in built.parts:
        if (
            "box" in part.key
            or "trim" in part.key
            or "pane" in part.key
            or "poster" in part.key
            or part.material.double_sided
        ):
            continue
        a, b, c = (part.vertices[part.faces[:, k]].astype(float) for k in range(3))
        normal = np.cross(b - a, c - a)
        sound = np.linalg.norm(normal, axis=1) > 1e-9
        toward = points.mean(0) - (a + b + c) / 3
        assert ((normal * toward).sum(1)[sound] > 0).all(), part.key


def test_box_faces_look_outward():
    vertices, normals, faces, _ = props.box_mesh((1, 2, 3), (0.5, 0.2, 0.4), 0.1)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    assert ((cross * normals[faces[:, 2]]).sum(1) > 0).all()
    assert ((cross * ((a + b + c) / 3 - [1, 2, 3])).sum(1) > 0).all()


def test_the_hdri_backdrop_shows_the_environment_in_the_right_direction():
    marked = np.full((256, 512, 3), 0.3, np.float16)
    marked[directions(256) @ np.array([0.0, 0.1, 1.0]) > 0.97] = (2.0, 0.1, 0.1)
    spec = light.draw_light(light.LightConfig(kinds={"hdri": 1.0}), np.random.default_rng(0), ("m",))
    spec = light.LightSpec(**{**{n: getattr(spec, n) for n in spec.__slots__}, "yaw_columns": 0})
    lit = light.build_light(spec, {"m": marked})
    points = people(np.random.default_rng(1))
    drawn = backdrop.draw_backdrop(backdrop.BackdropConfig(kinds={"hdri": 1.0}), np.random.default_rng(0), spec)
    from scenes.camera import CameraSpec

    looking = CameraSpec(160, 120, 150.0, (80.0, 60.0), (0, 1.5, -4.0), (0, 1.6, 0), 0.0, "phone", "none")
    picture = backdrop.build_backdrop(drawn, (build_camera(looking),), 0, points, lit, spec, {"m": marked}).background
    assert picture[60, 80, 0] > picture[60, 80, 1] + 60
    away = CameraSpec(160, 120, 150.0, (80.0, 60.0), (0, 1.5, 4.0), (0, 1.6, 0), 0.0, "phone", "none")
    picture = backdrop.build_backdrop(drawn, (build_camera(away),), 0, points, lit, spec, {"m": marked}).background
    assert abs(int(picture[60, 80, 0]) - int(picture[60, 80, 1])) < 30


def test_drawing_and_building_are_pure():
    first, second = case(11, "room"), case(11, "room")
    assert first[0] == second[0]
    for a, b in zip(first[4].parts, second[4].parts, strict=True):
        assert a.key == b.key and np.array_equal(a.vertices, b.vertices)


def test_one_key_never_names_two_meshes():
    seen: dict[str, tuple] = {}
    for seed in range(30):
        for part in case(seed, "room")[4].parts:
            shape = (len(part.vertices), part.faces.tobytes(), part.uv.tobytes())
            assert seen.setdefault(part.key, shape) == shape


@pytest.mark.parametrize("name", sorted(patterns.TILE_METRES))
def test_patterns_are_deterministic_seamless_and_mid_toned(name):
    texture = patterns.pattern(name, 2)
    assert np.array_equal(texture, patterns.pattern.__wrapped__(name, 2)) and not texture.flags.writeable
    assert texture.shape == (512, 512, 4 if name in HOLED else 3)
    darkest, brightest = (0.05, 0.8) if name in PLACE_METRES else (0.1, 0.75)  # places have dark nets and white paint
    assert darkest < patterns.mean_linear(texture) < brightest
    if name in ("poster", "chart", "facade", "shopfront", "stand", *HOLED):
        return
    smooth = texture.astype(float).mean(-1)
    seam = np.abs(smooth[:, 0] - smooth[:, -1]).mean()
    typical = np.abs(np.diff(smooth, axis=1)).mean(0)
    assert seam <= 3 * np.quantile(typical, 0.99) + 3


def test_a_grey_texture_is_kept_as_one_channel_and_no_texture_twice():
    grey, dyed = patterns.pattern("plaster", 1), patterns.pattern("wood", 1)
    assert grey.shape == dyed.shape == (512, 512, 3) and grey.base.nbytes == grey.nbytes // 3
    patterns.pattern.cache_clear()
    assert patterns.pattern("plaster", 1) is grey and patterns.pattern("wood", 1) is dyed
    for name, held in (("plaster", grey), ("wood", dyed)):
        assert (patterns.pattern(name, 2) != held).any()


def test_an_unknown_pattern_is_named():
    with pytest.raises(KeyError, match="'lava' is not known"):
        patterns.pattern("lava", 0)


def test_a_seat_has_its_top_at_the_height_and_its_feet_on_the_floor():
    for seed in range(6):
        spec = props.draw_seat(np.random.default_rng(seed))
        seat = props.build_box_seat(spec, 0.45, 1.0, -2.0, 0.4)
        assert seat.vertices[:, 1].max() == pytest.approx(0.45) and seat.vertices[:, 1].min() == pytest.approx(0.0)
        assert seat.instance_id == 100 and seat.casts_shadow
        assert np.allclose(seat.vertices.mean(0)[[0, 2]], [1.0, -2.0], atol=0.01)


def test_a_wide_blur_on_a_smaller_copy_is_that_of_the_picture():
    picture = cv2.GaussianBlur(np.random.default_rng(2).uniform(0, 1, (120, 160, 3)).astype(np.float32), (0, 0), 4.0)
    for sigma in (4.0, 9.0, 21.0):
        whole = cv2.GaussianBlur(picture, (0, 0), sigma)
        assert np.abs(sky.softened(picture, sigma) - whole)[10:-10, 10:-10].max() < 0.02 * np.ptp(picture)


def test_rays_through_a_lens_are_those_of_its_pixels():
    spec = draw_camera(CameraConfig(), np.random.default_rng(4), np.eye(3), np.eye(3), (640, 480))
    for bend in ((0.0,) * 5, (-0.15, 0.02, 1e-3, -1e-3, 0.0)):
        camera = build_camera(dataclasses.replace(spec, distortion=bend))
        pixels = np.stack(np.meshgrid(np.arange(160) * 4 + 2.0, np.arange(120) * 4 + 2.0), -1)
        expected = camera.unproject(pixels, np.ones((120, 160))) - np.linalg.inv(camera.cam_from_world)[:3, 3]
        found = sky.unit(sky.pixel_rays(camera, 160, 120))
        off = np.linalg.norm(found - expected / np.linalg.norm(expected, axis=-1, keepdims=True), axis=-1)
        assert off.max() < 0.1 / camera.intrinsics[0, 0]
