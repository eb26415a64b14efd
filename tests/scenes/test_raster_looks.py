"""Looks beyond texture times light: normals out, unseen grounds, relief, flesh, fuzz, occlusion, soft rims."""

import dataclasses

import numpy as np
import pytest

from scenes import raster
from scenes.raster_math import mip_levels, relief_levels, shadow_frame
from scenes.raster_occlusion import occlusion_grid
from scenes.renderer import Light, Material, MeshPart
from tests.scenes.test_raster import H, W, box, flat_light, ground, look_at, rays, scene

pytestmark = pytest.mark.skipif(not raster.available_platforms(), reason="no EGL and no OSMesa on this machine")
SUN = flat_light("looks-sun", 0.2, (2.0, 2.0, 2.0), (0.0, 1.0, -1.0))


@pytest.fixture(scope="module")
def renderer():
    made = raster.PyrenderRenderer(W, H)
    yield made
    made.close()


def sphere(key="sphere", center=(0.0, 0.5, 0.0), radius=0.5, rings=64, **material) -> MeshPart:
    t, p = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings), indexing="ij")
    unit = np.stack([np.sin(t) * np.cos(p), np.cos(t), np.sin(t) * np.sin(p)], -1)
    index = np.arange(t.size).reshape(t.shape)
    a, b, c, d = (i.ravel() for i in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    faces = np.concatenate([np.stack([a, c, b], 1), np.stack([a, d, c], 1)])
    flat = unit.reshape(-1, 3)
    uv = np.stack([p / (2 * np.pi), t / np.pi], -1).reshape(-1, 2)
    points = flat * radius + center
    return MeshPart(
        key, *(np.float32(v) for v in (points, flat)), np.uint32(faces), np.float32(uv), Material(**material),
        np.full(len(flat), 7, np.uint8), 1,
    )  # fmt: skip


def test_normals_of_a_sphere_are_exact_in_camera_axes(renderer):
    camera = look_at((2.0, 1.2, 0.8), (0, 0.5, 0), focal=200)
    wanted = scene(sphere(), camera=camera)
    assert renderer.render(wanted).normals is None
    frame = renderer.render(dataclasses.replace(wanted, normals=True))
    assert frame.normals.shape == (H, W, 3) and frame.normals.dtype == np.float32
    eye = np.linalg.inv(camera.cam_from_world)[:3, 3]
    direction = rays(camera) - eye
    offset = eye - [0, 0.5, 0]
    a, b, c = (direction**2).sum(-1), direction @ offset, offset @ offset - 0.25
    root = b * b - a * c
    inside = root > 0.02 * a  # away from the silhouette, where a mesh is no sphere
    at = offset + ((-b - np.sqrt(np.maximum(root, 0))) / a)[..., None] * direction
    expected = at / 0.5 @ camera.cam_from_world[:3, :3].T
    assert inside.sum() > 2000
    assert np.abs(frame.normals - expected)[inside].max() < 0.005
    hit = frame.instance == 1
    assert np.allclose(np.linalg.norm(frame.normals, axis=-1)[hit], 1, atol=1e-5) and not frame.normals[~hit].any()
    assert (frame.normals[inside][:, 2] < 0).all()  # they face the camera


def test_normals_leave_the_picture_alone_and_turn_to_the_camera(renderer):
    inner = box("shell", half=2.0, center=(0, 1.0, 0), double_sided=True)
    wanted = scene(inner, camera=look_at((0.5, 1.0, 0.2), (2.0, 1.0, 0.4)))
    frame = renderer.render(dataclasses.replace(wanted, normals=True))
    assert np.array_equal(frame.rgb, renderer.render(wanted).rgb)
    away = (rays(wanted.camera) - np.linalg.inv(wanted.camera.cam_from_world)[:3, 3]) @ wanted.camera.cam_from_world[
        :3, :3
    ].T
    assert ((frame.normals * away).sum(-1) < 0).all()


def catcher(**more) -> MeshPart:
    return dataclasses.replace(ground(), key="catcher", material=Material(shadow_catcher=True, **more))


def test_an_unseen_ground_shows_the_background_darker_where_the_sun_is_hidden(renderer):
    camera = look_at((4.0, 3.0, 0.0), (0, 0.2, 0.4))
    rng = np.random.default_rng(0)
    photo = rng.integers(80, 200, (H, W, 3)).astype(np.uint8)
    wanted = dataclasses.replace(scene(box(), catcher(), camera=camera, light=SUN), background=photo)
    frame = renderer.render(wanted)
    u, v = camera.project(np.array([0.2, 0, 1.0])).astype(int)
    ratio = frame.rgb[v - 2 : v + 3, u - 2 : u + 3] / photo[v - 2 : v + 3, u - 2 : u + 3]
    assert 0.3 < ratio.mean() < 0.8 and np.ptp(ratio) < 0.05  # the photograph shines through, evenly darker
    u, v = camera.project(np.array([0.2, 0, -1.5])).astype(int)
    assert np.abs(frame.rgb[v, u].astype(int) - photo[v, u]).max() <= 1
    seen = (frame.depth > 0) & (frame.instance == 0)
    assert seen.any() and not frame.part[seen].any()  # the ground is there for labels


def test_an_unseen_ground_takes_contact_shadows_and_fades(renderer):
    low = sphere("ball", (0, 0.2, 0), 0.2)
    camera = look_at((1.6, 1.4, 0.0), (0, 0, 0), focal=180)
    plain = renderer.render(scene(low, catcher(), camera=camera, background=(150, 150, 150)))
    near, far = (camera.project(np.array([0.1, 0, z])).astype(int) for z in (0.16, 0.75))
    assert plain.rgb[near[1], near[0], 0] < 130 and plain.rgb[far[1], far[0], 0] >= 148
    faded = dataclasses.replace(catcher(fade=(0.0, 0.0, 0.01, 0.05)), key="catcher-faded")
    gone = renderer.render(scene(low, faded, camera=camera, background=(150, 150, 150)))
    assert gone.rgb[near[1], near[0], 0] >= 148


def test_relief_is_lit_from_the_side_it_faces(renderer):
    height = np.zeros((64, 64), np.uint8)
    height[:, 16:48] = 255  # a ridge along v: its flanks face -u and +u
    height = np.round(np.float32(np.apply_along_axis(lambda r: np.convolve(r, np.ones(9) / 9, "same"), 1, height)))
    wall = MeshPart(
        "wall", np.float32([[0, 0, 1], [0, 0, -1], [0, 2, -1], [0, 2, 1]]), np.tile(np.float32([1, 0, 0]), (4, 1)),
        np.uint32([[0, 1, 2], [0, 2, 3]]), np.float32([[0, 0], [1, 0], [1, 1], [0, 1]]),
        Material(detail=height.astype(np.uint8), detail_depth=0.05, color=(0.5, 0.5, 0.5)), np.zeros(4, np.uint8),
    )  # fmt: skip
    camera = look_at((3.0, 1.0, 0.0), (0, 1.0, 0))
    light = flat_light("side", 0.2, (1.5, 1.5, 1.5), (1.0, 0.0, 0.7))  # from +z, where u is small
    row = renderer.render(scene(wall, camera=camera, light=light)).rgb[H // 2, :, 0].astype(int)
    to_pixel = lambda u: int(camera.project(np.array([0, 1.0, 1 - 2 * u]))[0])  # noqa: E731
    lit, flat, dark = row[to_pixel(0.25)], row[to_pixel(0.5)], row[to_pixel(0.75)]
    assert lit > flat + 8 and dark < flat - 8
    other = dataclasses.replace(wall, key="wall-2", material=dataclasses.replace(wall.material, detail_depth=0.0))
    assert np.ptp(renderer.render(scene(other, camera=camera, light=light)).rgb[H // 2, 62:98, 0].astype(int)) < 12


def test_a_grey_texture_kept_as_one_channel_has_the_levels_of_three():
    grey = np.random.default_rng(0).integers(0, 255, (64, 32), np.uint8)
    shared = np.broadcast_to(grey[..., None], (64, 32, 3))
    levels, whole = mip_levels(shared), mip_levels(np.ascontiguousarray(shared))
    assert [level.shape for level in levels] == [level.shape for level in whole]
    assert all(np.array_equal(a, b) for a, b in zip(levels, whole, strict=True))


def test_relief_levels_hold_slopes_and_average_out():
    rng = np.random.default_rng(1)
    levels, gain = relief_levels(rng.integers(0, 255, (32, 64)).astype(np.uint8))
    assert [level.shape for level in levels][:2] == [(32, 64, 4), (16, 32, 4)] and levels[-1].shape == (1, 1, 4)
    assert np.abs(levels[-1][0, 0, :2].astype(int) - 128).max() <= 2 and gain > 1
    ramp = np.tile(np.uint8([0, 64, 128, 64]), (4, 1))
    levels, gain = relief_levels(ramp)
    slope = (levels[0][0, :, 0].astype(float) - 128) / 127 * gain
    assert np.allclose(slope, [0, 128 / 255 * 2, 0, -128 / 255 * 2], atol=0.02)
    assert (levels[0][..., 1] == 128).all()


def test_a_reused_key_with_other_relief_is_noticed(renderer):
    light = flat_light("side2", 0.2, (1.5, 1.5, 1.5), (1.0, 0.3, 0.7))
    bumps = np.random.default_rng(2).integers(0, 255, (64, 64)).astype(np.uint8)
    of = lambda detail: scene(box("worn", detail=detail, detail_depth=0.1), light=light)  # noqa: E731
    first = renderer.render(of(bumps)).rgb
    plain = renderer.render(of(None)).rgb
    assert not np.array_equal(first, plain)
    assert not np.array_equal(renderer.render(of(bumps.T.copy())).rgb, first)
    assert np.array_equal(renderer.render(of(bumps.copy())).rgb, first)


def test_flesh_bleeds_red_past_the_terminator(renderer):
    light = flat_light("low-sun", 0.02, (2.5, 2.5, 2.5), (0.0, 0.0, 1.0))
    camera = look_at((3.0, 0.5, 0.0), (0, 0.5, 0))
    colors = [
        renderer.render(scene(sphere(f"flesh-{s}", subsurface=s), camera=camera, light=light)).rgb.astype(int)
        for s in (0.0, 1.0)
    ]
    u, v = camera.project(np.array([0.49, 0.5, -0.06])).astype(int)  # just past the terminator
    stone, flesh = colors[0][v, u], colors[1][v, u]
    assert flesh[0] > stone[0] + 10 and flesh[0] > flesh[2] + 8 and abs(stone[0] - stone[2]) <= 2


def test_fuzz_brightens_the_rim_and_shade_dims(renderer):
    camera = look_at((3.0, 0.5, 0.0), (0, 0.5, 0))
    plain, fuzzy = (renderer.render(scene(sphere(f"fuzz-{s}", sheen=s), camera=camera)).rgb for s in (0.0, 1.0))
    gain = fuzzy[..., 0].astype(int) - plain[..., 0]
    u, v = camera.project(np.array([0.5, 0.5, 0.0])).astype(int)
    rim = camera.project(np.array([0.08, 0.5, 0.48])).astype(int)
    assert abs(gain[v, u]) <= 2 and gain[rim[1], rim[0]] > 10
    ball = sphere("shaded")
    dim = dataclasses.replace(ball, shade=np.full(len(ball.vertices), 0.3, np.float32))
    assert renderer.render(scene(dim, camera=camera)).rgb[v, u, 0] < 0.8 * plain[v, u, 0]


def test_bodies_take_the_sky_from_each_other(renderer):
    camera = look_at((0.0, 4.0, 0.01), (0, 0.3, 0))
    one, two = sphere("one", (0, 0.3, 0), 0.3), sphere("two", (0, 0.3, 0.66), 0.3)
    alone = renderer.render(scene(one, camera=camera)).rgb.astype(int)
    both = renderer.render(scene(one, two, camera=camera)).rgb.astype(int)
    gap, open_side = (camera.project(np.array([0, 0.38, z])).astype(int) for z in (0.27, -0.27))
    assert both[gap[1], gap[0], 0] < 0.92 * alone[gap[1], gap[0], 0]
    assert abs(both[open_side[1], open_side[0], 0] - alone[open_side[1], open_side[0], 0]) <= 2
    assert occlusion_grid([]) is None
    grid, corner, cell = occlusion_grid([one.vertices, two.vertices])
    assert grid.shape[-1] == 2 and max(grid.shape) <= 64 and cell >= 0.05 and (corner < one.vertices.min(0)).all()
    assert not grid[0, ..., 0].any() and not grid[:, :, -1, 0].any() and grid.max() > 100


def test_a_cut_out_has_a_soft_rim_that_ids_do_not_see(renderer, monkeypatch):
    monkeypatch.setattr("scenes.raster_passes.antialias", lambda rgb, surface, depth: rgb)
    texture = np.full((64, 64, 4), 255, np.uint8)
    texture[..., 3] = np.clip(np.abs(np.arange(64) - 32) * 12 - 100, 0, 255)[None]
    camera = look_at((3.0, 1.6, 1.0), (0, 0.5, 0), focal=260)
    part = box("soft", cutout=True, texture=texture, unlit=True)
    frame = renderer.render(scene(part, camera=camera, background=(0, 0, 0)))
    grey, outside = frame.rgb[..., 0], frame.instance == 0
    assert ((grey > 10) & outside).sum() > 60 and grey[outside].max() < 150
    assert (grey[frame.instance == 1] > 250).all() and not frame.depth[outside].any()


def test_the_shadow_map_spends_texels_where_people_are():
    tall = np.float32([[0, 0, 0], [0.3, 1.8, 0.4]])
    matrix, texel, used = shadow_frame([tall], np.array([0.3, 1.0, 0.2]) / np.linalg.norm([0.3, 1.0, 0.2]), 1024)
    assert texel == pytest.approx(0.003) and max(used) < 800
    wide = np.float32([[-10, 0, -10], [10, 2, 10]])
    matrix, texel, used = shadow_frame([wide], np.array([0.0, 0.6, 0.8]), 1024)
    assert max(used) <= 1024 and texel > 0.015
    at = wide @ matrix[:3, :3].T + matrix[:3, 3]
    assert np.abs(at).max() < 1


def test_a_smaller_shadow_map_draws_the_same_shadow(renderer, monkeypatch):
    from scenes import raster_passes

    post = scene(
        box("post", half=0.3, center=(0, 0.3, 0)), ground(), camera=look_at((3.0, 2.0, 0.0), (0, 0, 0)), light=SUN
    )
    sides = []

    def noted(used: int, most: int) -> int:
        sides.append(least_side(used, most))
        return sides[-1]

    least_side = raster_passes.least_side
    monkeypatch.setattr(raster_passes, "least_side", noted)
    fitting = renderer.render(post).rgb
    assert len(sides) == 2 and max(sides) < raster_passes.SHADOW_SIZE
    monkeypatch.setattr(raster_passes, "least_side", lambda used, most: most)
    assert np.array_equal(renderer.render(post).rgb, fitting)


def test_of_many_environments_the_latest_stay_and_each_shows_itself():
    glossy = box("mirror", roughness=0.05, specular=0.9, color=(0.1, 0.1, 0.1))
    lights = [flat_light(f"sky-{k}", ambient=0.08 * (k + 1)) for k in range(11)]
    many = raster.PyrenderRenderer(W, H)
    first = [many.render(scene(glossy, light=light)).rgb.mean() for light in lights]
    assert (np.diff(first) > 0.4).all()
    kept = many._offscreen._renderer._environments
    assert list(kept) == [light.key for light in lights[-8:]]
    for k in (5, 10, 0, 5):
        assert many.render(scene(glossy, light=lights[k])).rgb.mean() == first[k]
    assert len(kept) == 8 and {"sky-5", "sky-10", "sky-0"} <= set(kept)
    many.close()


def test_what_an_earlier_picture_cast_shades_no_later_one(renderer):
    """The map's unused rest is cleared: a big caster before must not darken the ground beside a small one."""
    light = Light("late", SUN.irradiance_sh, SUN.environment, SUN.sun_direction, SUN.sun_color)
    camera = look_at((6.0, 5.0, 0.0), (0, 0, 0))
    small = scene(box("small", half=0.3, center=(0, 0.3, 0)), ground(), camera=camera, light=light)
    first = renderer.render(small).rgb
    renderer.render(scene(box("huge", half=4.0, center=(0, 4.0, 0)), ground(), camera=camera, light=light))
    assert np.array_equal(renderer.render(small).rgb, first)
