"""Law 6 and the renderer's own laws: depth and ids are exact, the picture is a pure function of the scene."""

import dataclasses
import gc
import hashlib
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from biomech.errors import RenderError
from scenes import raster
from scenes.raster_math import clip_from_world
from scenes.renderer import Camera, Light, Material, MeshPart, Scene

W, H = 160, 120
pytestmark = pytest.mark.skipif(not raster.available_platforms(), reason="no EGL and no OSMesa on this machine")


def look_at(eye, target, focal=150.0, width=W, height=H) -> Camera:
    eye, target = np.asarray(eye, float), np.asarray(target, float)
    z = (target - eye) / np.linalg.norm(target - eye)
    x = np.cross(z, [0.0, 1.0, 0.0])
    x /= np.linalg.norm(x)
    rotation = np.stack([x, np.cross(z, x), z])
    cam_from_world = np.eye(4)
    cam_from_world[:3, :3], cam_from_world[:3, 3] = rotation, -rotation @ eye
    return Camera(
        np.array([[focal, 0, width / 2 + 3.3], [0, focal, height / 2 - 2.1], [0, 0, 1.0]]),
        cam_from_world,
        width,
        height,
    )


def box(key="box", center=(0.0, 0.5, 0.0), half=0.5, instance=1, part=7, **material) -> MeshPart:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    vertices, normals, faces, uv = [], [], [], []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            quad = corners[corners[:, axis] == sign]
            quad = quad[[0, 1, 3, 2]]
            normal = np.eye(3)[axis] * sign
            if np.dot(np.cross(quad[1] - quad[0], quad[2] - quad[0]), normal) < 0:
                quad = quad[::-1]
            start = len(vertices)
            vertices += list(quad * half + center)
            normals += [normal] * 4
            uv += [[0, 0], [1, 0], [1, 1], [0, 1]]
            faces += [[start, start + 1, start + 2], [start, start + 2, start + 3]]
    return MeshPart(
        key,
        np.float32(vertices),
        np.float32(normals),
        np.uint32(faces),
        np.float32(uv),
        Material(**material),
        np.full(24, part, np.uint8),
        instance,
    )


def ground(size=40.0, **material) -> MeshPart:
    s = size / 2
    vertices = np.float32([[-s, 0, -s], [-s, 0, s], [s, 0, s], [s, 0, -s]])
    return MeshPart(
        "ground",
        vertices,
        np.tile(np.float32([0, 1, 0]), (4, 1)),
        np.uint32([[0, 1, 2], [0, 2, 3]]),
        vertices[:, [0, 2]],
        Material(**material),
        np.zeros(4, np.uint8),
        0,
        casts_shadow=False,
    )


def flat_light(key="flat", ambient=0.5, sun=(0.0, 0.0, 0.0), direction=(0.0, 1.0, 0.0)) -> Light:
    sh = np.zeros((9, 3))
    sh[0] = ambient / 0.282095
    unit = np.asarray(direction, float) / np.linalg.norm(direction)
    return Light(key, sh, np.full((32, 64, 3), ambient, np.float32), unit, np.asarray(sun, float))


def scene(*parts, camera=None, light=None, background=(40, 90, 200)) -> Scene:
    camera = camera or look_at((3.0, 1.6, 1.0), (0, 0.5, 0))
    picture = np.empty((camera.height, camera.width, 3), np.uint8)
    picture[:] = background
    return Scene(parts, camera, light or flat_light(), picture)


@pytest.fixture(scope="module")
def renderer():
    made = raster.PyrenderRenderer(W, H)
    yield made
    made.close()


def rays(camera: Camera) -> np.ndarray:
    """World points at depth 1 through every pixel centre."""
    u, v = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    return camera.unproject(np.stack([u, v], -1), np.ones(u.shape))


def same(a, b) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("rgb", "depth", "instance", "part"))


def test_depth_of_a_plane_is_exact_to_ten_metres(renderer):
    camera = look_at((0.0, 1.6, 0.0), (6.0, 0.0, 1.0))
    frame = renderer.render(scene(ground(), camera=camera))
    eye = np.linalg.inv(camera.cam_from_world)[:3, 3]
    expected = -eye[1] / (rays(camera) - eye)[..., 1]
    seen = (expected > 0) & (expected < 10)
    assert seen.sum() > 2000 and (frame.depth[seen] > 0).all()
    assert np.abs(frame.depth - expected)[seen].max() < 1e-3


@pytest.mark.parametrize("distance", [2.0, 10.0])
def test_depth_of_a_box_is_exact_and_unprojects_onto_it(renderer, distance):
    camera = look_at((0.8 * distance, 1.0, 0.6 * distance), (0, 0.5, 0), focal=60.0 * distance)
    frame = renderer.render(scene(box(), camera=camera))
    rows, columns = np.nonzero(frame.instance)
    assert len(rows) > 1000
    points = camera.unproject(np.stack([columns + 0.5, rows + 0.5], -1), frame.depth[rows, columns].astype(float))
    off = np.abs(points - [0, 0.5, 0]).max(-1) - 0.5
    assert np.abs(off).max() < 1e-3


def test_ids_are_decided_at_pixel_centres(renderer):
    camera = look_at((2.4, 1.3, 1.5), (0, 0.5, 0))
    frame = renderer.render(scene(box(), ground(), camera=camera))
    eye = np.linalg.inv(camera.cam_from_world)[:3, 3]
    direction = rays(camera) - eye
    with np.errstate(divide="ignore"):
        a, b = (np.array([-0.5, 0, -0.5]) - eye) / direction, (np.array([0.5, 1, 0.5]) - eye) / direction
    enter, leave = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
    wrong = (frame.instance == 1) != (enter < leave)
    # rasterisers snap vertices to 1/256 px: only pixels whose centre touches an edge may differ
    assert wrong.sum() <= 2
    assert set(np.unique(frame.part[frame.instance == 1])) == {7}
    assert (frame.part[frame.instance == 0] == 0).all()


def test_last_vertex_decides_the_part(renderer):
    part = box()
    ids = part.part_id.copy()
    ids[part.faces[:, 0]] = 99  # first vertices, never last
    keep = ~np.isin(part.faces[:, 0], part.faces[:, 2])
    ids[part.faces[keep, 2]] = 7
    frame = renderer.render(scene(dataclasses.replace(part, key="mixed", part_id=ids)))
    assert set(np.unique(frame.part)) == {0, 7}


def test_nearer_part_wins_and_background_shows_through(renderer):
    near, far = box("near", (1.0, 0.5, 0.3), 0.2, 2, 3), box("far", (-1.0, 0.5, -0.3), 0.5, 1, 5)
    frame = renderer.render(scene(far, near))
    assert {0, 1, 2} <= set(np.unique(frame.instance))
    assert (frame.rgb[0, 0] == (40, 90, 200)).all() and frame.depth[0, 0] == 0
    assert frame.depth[frame.instance == 2].max() < frame.depth[frame.instance == 1].min()


def test_silhouette_has_no_fringe(renderer):
    """An unlit part of the background's own colour must vanish: any dark or bright rim would show."""
    part = box("ghost", unlit=True, color=(40 / 255, 90 / 255, 200 / 255))
    frame = renderer.render(scene(part))
    assert (frame.instance == 1).any()
    assert np.abs(frame.rgb.astype(int) - (40, 90, 200)).max() <= 2


def test_edges_are_antialiased_between_part_and_background(renderer):
    frame = renderer.render(scene(box("white", unlit=True), background=(0, 0, 0)))
    grey = frame.rgb[..., 0]
    assert ((grey > 20) & (grey < 235)).sum() > 50 and grey.max() == 255


def cutout_texture() -> np.ndarray:
    texture = np.full((64, 64, 4), 255, np.uint8)
    texture[:, :32, 3] = 0
    texture[:, :32, :3] = (255, 0, 0)
    return texture


def test_cutout_holes_are_holes_in_colour_and_ids(renderer):
    camera = look_at((3.0, 0.5, 0.0), (0, 0.5, 0))
    part = box("cut", cutout=True, texture=cutout_texture(), unlit=True)
    frame = renderer.render(scene(part, camera=camera, background=(0, 0, 0)))
    row = frame.instance[H // 2]
    full = renderer.render(scene(box(), camera=camera)).instance[H // 2]
    assert 0.4 < row.sum() / full.sum() < 0.6
    lit = frame.rgb.astype(int)
    assert (lit[..., 0] - lit[..., 1]).max() <= 3  # nothing of the hidden red bleeds out


def test_texture_first_row_is_at_the_top_of_v(renderer):
    texture = np.zeros((8, 8, 3), np.uint8)
    texture[:4] = 255
    wall = MeshPart(
        "wall",
        np.float32([[0, 0, 1], [0, 0, -1], [0, 2, -1], [0, 2, 1]]),
        np.tile(np.float32([1, 0, 0]), (4, 1)),
        np.uint32([[0, 1, 2], [0, 2, 3]]),
        np.float32([[0, 0], [1, 0], [1, 1], [0, 1]]),
        Material(texture=texture, unlit=True, double_sided=True),
        np.zeros(4, np.uint8),
    )
    camera = look_at((4.0, 1.0, 0.0), (0, 1.0, 0))
    frame = renderer.render(scene(wall, camera=camera))
    column = frame.rgb[:, W // 2 + 3, 0]
    top, bottom = camera.project(np.array([[0, 1.6, 0.0], [0, 0.4, 0.0]]))[:, 1].astype(int)
    assert column[top] > 240 and column[bottom] < 15


def test_back_faces_are_hidden_unless_double_sided(renderer):
    part = box("inside", half=3.0, center=(0, 1.0, 0))
    camera = look_at((0.5, 1.0, 0.2), (2.0, 1.0, 0.4))
    assert not renderer.render(scene(part, camera=camera)).instance.any()
    both = box("inside2", half=3.0, center=(0, 1.0, 0), double_sided=True)
    assert renderer.render(scene(both, camera=camera)).instance.all()


def test_a_front_face_is_counter_clockwise_and_left_is_left(renderer):
    """A box to the right (+z when looking along +x) appears in the right half."""
    camera = look_at((-3.0, 0.5, 0.0), (0, 0.5, 0))
    frame = renderer.render(scene(box("right", center=(0, 0.5, 0.6), half=0.2), camera=camera))
    rows, columns = np.nonzero(frame.instance)
    expected = camera.project(np.array([-0.2, 0.5, 0.6]))
    assert abs(columns.mean() + 0.5 - expected[0]) < 3 and abs(rows.mean() + 0.5 - expected[1]) < 3


def test_sun_casts_a_shadow_and_the_lit_side_is_brighter(renderer):
    sun = flat_light("sunny", 0.15, (2.0, 2.0, 2.0), (0.0, 1.0, -1.0))
    camera = look_at((4.0, 3.0, 0.0), (0, 0.2, 0.4))
    frame = renderer.render(scene(box(), ground(), camera=camera, light=sun))
    pixel = lambda point: frame.rgb[tuple(camera.project(np.array(point))[::-1].astype(int))].astype(int).sum()  # noqa: E731
    shaded, open_ground = pixel([0.2, 0, 1.0]), pixel([0.2, 0, -1.6])
    assert shaded < 0.7 * open_ground
    assert pixel([0.0, 1.0, -0.1]) > 1.1 * pixel([0.5, 0.6, 0.2])


def test_a_convex_body_lit_from_above_has_no_shadow_acne(renderer):
    sun = flat_light("sunny2", 0.1, (2.0, 2.0, 2.0), (0.3, 1.0, 0.2))
    frame = renderer.render(scene(box("acne"), light=sun, camera=look_at((1.5, 2.5, 0.5), (0, 0.7, 0))))
    camera = look_at((1.5, 2.5, 0.5), (0, 0.7, 0))
    inside = [
        camera.project(np.array([x, 1.0, z])).astype(int)
        for x in np.linspace(-0.4, 0.4, 9)
        for z in np.linspace(-0.4, 0.4, 9)
    ]
    top = np.array([frame.rgb[v, u] for u, v in inside if 0 <= u < W and 0 <= v < H], int)
    assert len(top) > 20 and np.ptp(top, axis=0).max() <= 12


def test_contact_darkens_the_ground_by_the_feet(renderer):
    dense = box("foot", center=(0, 0.05, 0), half=0.05)
    grid = np.linspace(-0.05, 0.05, 12)
    x, z = np.meshgrid(grid, grid)
    sole = np.stack([x, 0 * x + 0.001, z], -1).reshape(-1, 3).astype(np.float32)
    dense = dataclasses.replace(
        dense,
        vertices=np.concatenate([dense.vertices, sole]),
        normals=np.concatenate([dense.normals, 0 * sole]),
        uv=None,
        part_id=np.full(24 + len(sole), 7, np.uint8),
    )
    camera = look_at((1.0, 1.0, 0.0), (0, 0.0, 0), focal=300)
    frame = renderer.render(scene(dense, ground(), camera=camera))
    near, away = (camera.project(np.array([0.07, 0, p])).astype(int) for p in (0.0, 0.3))
    assert frame.rgb[near[1], near[0], 0] < 0.9 * frame.rgb[away[1], away[0], 0]


def busy_scene(shift=0.0, key="person") -> Scene:
    rng = np.random.default_rng(3)
    texture = rng.integers(0, 255, (64, 64, 3)).astype(np.uint8)
    sun = flat_light("busy", 0.3, (1.5, 1.4, 1.2), (0.4, 1.0, 0.3))
    body = box(key, center=(shift, 0.5, 0.1), texture=texture)
    hair = box("hair", center=(shift, 1.1, 0), half=0.15, texture=cutout_texture(), cutout=True, double_sided=True)
    return scene(body, hair, ground(color=(0.5, 0.45, 0.4)), light=sun)


def test_same_scene_same_bytes_whatever_came_before(renderer):
    first = renderer.render(busy_scene())
    renderer.render(scene(box("other"), ground(), light=flat_light("other", 0.9)))
    assert same(first, renderer.render(busy_scene()))
    other = raster.PyrenderRenderer(W, H)
    assert same(first, other.render(busy_scene()))
    other.close()
    assert same(first, renderer.render(busy_scene()))  # the older context is still whole


def test_update_in_place_equals_a_fresh_upload(renderer):
    renderer.render(busy_scene(0.0))
    moved = renderer.render(busy_scene(0.3))
    assert same(moved, renderer.render(busy_scene(0.3, key="person-elsewhere")))
    assert not same(moved, renderer.render(busy_scene(0.0)))


def test_memory_stays_flat_over_many_subjects():
    limit = 2**20
    renderer = raster.PyrenderRenderer(W, H, memory_limit=limit)
    texture = np.zeros((128, 128, 3), np.uint8)
    for index in range(60):
        texture = texture.copy()
        texture[0, 0] = index
        renderer.render(scene(box(f"subject-{index}", texture=texture), box("again", texture=texture)))
        assert renderer.resident_bytes <= limit + 200_000
    renderer.close()
    renderer.close()


def test_a_texture_in_the_place_of_one_that_left_shows_itself_at_every_distance():
    rng = np.random.default_rng(1)

    def picture(bright, wide):
        return (rng.random((64, wide, 3)) * bright).astype(np.uint8)

    scenes = [
        scene(
            box(f"near-{k}", texture=picture(bright, wide)),
            box(f"far-{k}", center=(-9, 1, -9), texture=picture(bright, wide)),
        )
        for k, (bright, wide) in enumerate([(255, 64), (60, 64), (160, 128), (90, 64)])
    ]
    crowded = raster.PyrenderRenderer(W, H, memory_limit=0)
    for number, each in enumerate([*scenes, scenes[0]]):
        shown = crowded.render(each).rgb
        alone = raster.PyrenderRenderer(W, H)
        assert np.array_equal(shown, alone.render(each).rgb), number
        assert crowded.resident_bytes == alone.resident_bytes
        alone.close()
    crowded.close()


def test_places_of_textures_are_taken_over_and_few_are_kept_free(renderer, monkeypatch):
    from scenes import raster_cache

    made, gone = [], []

    class Counted(raster_cache.Image2D):
        def __init__(self, *args, **more):
            super().__init__(*args, **more)
            made.append(self.nbytes)

        def delete(self):
            gone.append(self.nbytes)
            super().delete()

    monkeypatch.setattr(raster_cache, "Image2D", Counted)
    monkeypatch.setattr(raster_cache, "_SPARE", 100_000)
    crowded = raster.PyrenderRenderer(W, H, memory_limit=0)

    def show(number, side):
        crowded.render(scene(box(f"taken-{number}", texture=np.full((side, side, 3), number, np.uint8))))

    for number in range(12):
        show(number, 64)
    assert len(made) <= 2 and not gone  # the next comes before the last has left
    for number in range(12, 60):
        show(number, 40 + number)
        assert sum(made) - sum(gone) <= 100_000 + crowded.resident_bytes
    crowded.close()
    assert sum(made) == sum(gone)


def test_what_nobody_can_show_again_leaves_the_card():
    def picture(seed, fixed):
        made = np.random.default_rng(seed).integers(0, 255, (64, 64, 3)).astype(np.uint8)
        made.flags.writeable = not fixed
        return made

    kept, given_up = picture(0, True), picture(1, True)
    renderer = raster.PyrenderRenderer(W, H)
    renderer.render(scene(box("kept", texture=kept)))
    alone = renderer.resident_bytes
    renderer.render(scene(box("given-up", texture=given_up)))
    both = renderer.resident_bytes
    renderer.render(scene(box("kept", texture=kept)))
    assert renderer.resident_bytes == both  # somebody may yet ask for it
    del given_up
    gc.collect()
    renderer.render(scene(box("kept", texture=kept)))
    assert renderer.resident_bytes == alone
    renderer.render(scene(box("by-content", texture=picture(2, False))))  # the same pixels may come again
    renderer.render(scene(box("kept", texture=kept)))
    assert renderer.resident_bytes == both
    renderer.close()


def test_textures_are_shared_by_content(renderer):
    texture = np.random.default_rng(0).integers(0, 255, (256, 256, 3)).astype(np.uint8)
    renderer.render(scene(box("share-a", texture=texture)))
    before = renderer.resident_bytes
    renderer.render(scene(box("share-a", texture=texture), box("share-b", center=(1, 1, 1), texture=texture.copy())))
    assert renderer.resident_bytes - before < 10_000


def test_only_parts_out_of_view_are_left_out(renderer):
    from scenes.raster_surface import Sight, reach  # needs a platform, which the renderer has chosen

    camera = look_at((5, 0.5, 0), (0, 0.5, 0))
    centres = {"before": (0, 0.5, 0), "at the rim": (0, 0.5, 2.9), "beside": (0, 0.5, 9), "behind": (9, 0.5, 0)}
    parts = [box(name, center) for name, center in centres.items()] + [box("around the eye", (5, 0.5, 0), half=2.0)]
    corners = [SimpleNamespace(corners=part.vertices[[0, 1, 2, 3, 4, 5, 6, 7]]) for part in parts]
    projection = clip_from_world(scene(*parts, camera=camera))[0]
    sight = Sight(projection, camera.cam_from_world, flat_light(), None, None, 0.0, 0.0, None, None)
    assert reach(corners, sight).view.tolist() == [True, True, False, False, True]
    drawn = renderer.render(scene(*parts[:2], camera=camera))
    assert (drawn.instance[:, 0] == 1).any()  # the box at the rim


def test_what_is_in_view_by_one_edge_is_drawn_and_what_comes_into_view_as_well(renderer):
    """Seen from the diagonal of a box, three of its upright edges lie out of view on one side."""
    corners = np.array([(x, z) for x in (-0.5, 0.5) for z in (-0.5, 0.5)])
    for low in (0.0, 0.5):
        for x, z in corners:
            for beside in ((-x, z), (x, -z)):
                eye, target = (3 * x, low + 0.5, 3 * z), (beside[0], low + 0.5, beside[1])
                camera = look_at(eye, target, focal=500.0)
                frame = renderer.render(scene(box("edge", center=(0, low + 0.5, 0)), camera=camera))
                assert (frame.instance == 1).any(), (eye, target)
    camera = look_at((3.0, 1.6, 1.0), (0, 0.5, 0))
    for center, seen in (((9, 0.5, 0), False), ((0, 0.5, 0), True), ((0, 0.5, 9), False), ((0.2, 0.5, 0), True)):
        frame = renderer.render(scene(box("walks", center=center), camera=camera))
        assert (frame.instance == 1).any() == seen, center
    away, here = (9, 0.5, 0), ((0, 0.5, 0.3), (0, 0.5, -0.6))
    row = [box(f"row-{k}", at, half=0.2, instance=k + 1) for k, at in enumerate((away, here[0], away, away, here[1]))]
    frame = renderer.render(scene(*row, camera=camera))
    assert set(np.unique(frame.instance)) == {0, 2, 5}


def test_a_part_is_reached_where_any_of_it_is(renderer):
    """Boxes before a camera, in a shadow map and in an occlusion grid, against points all over them."""
    from scenes.raster_surface import Sight, reach

    rng, share = np.random.default_rng(2), np.stack(np.meshgrid(*[np.linspace(0, 1, 7)] * 3), -1).reshape(-1, 3)
    camera = look_at((5, 1.5, 0), (0, 0.5, 0))
    middles, halves = rng.uniform([-9, -3, -9], [9, 5, 9], (300, 3)), rng.uniform(0.05, 3.0, (300, 3))
    lows, highs = middles - halves, middles + halves
    bits = np.array([[(k >> axis) & 1 for axis in range(3)] for k in range(8)], bool)
    residents = [SimpleNamespace(corners=np.where(bits, high, low)) for low, high in zip(lows, highs, strict=True)]
    projection = clip_from_world(scene(box(), camera=camera))[0]
    sun = look_at((2.0, 3.0, 1.0), (0, 0, 0)).cam_from_world / [[4.0], [3.0], [2.5], [1.0]]
    frame = np.array([-2.0, 0.0, -1.0, 1 / 4.0, 1 / 2.0, 1 / 3.0, 0.05])
    sight = Sight(projection, camera.cam_from_world, flat_light(), sun, sun, 0.0, (0.0, 0.0), None, frame)
    found = reach(residents, sight)
    points = lows[:, None] + share * (highs - lows)[:, None]
    at = points @ projection[:, :3].T + projection[:, 3]
    lit = points @ sun[:3, :3].T + sun[:3, 3]
    inside = {
        "view": (np.abs(at[..., :3]) < at[..., 3:]).all(2).any(1),
        "shadow": (np.abs(lit[..., :2].transpose(2, 0, 1)) < 1).all(0).any(1) & (lit[..., 2] > -1).any(1),
        "occlusion": ((points > frame[:3]) & (points < frame[:3] + [4.0, 2.0, 3.0])).all(2).any(1),
    }
    for name, held in inside.items():
        told = getattr(found, name)
        assert held.any() and told[held].all(), name
        assert (told & ~held).sum() < 0.25 * (~held).sum(), name  # nor is nearly everything counted in
    beyond = (at[..., :3] > at[..., 3:]).all(1) | (at[..., :3] < -at[..., 3:]).all(1)
    assert (found.view == ~beyond.any(1)).all() and beyond.sum(0).min() > 0
    dark = Sight(projection, camera.cam_from_world, flat_light(), None, None, 0.0, (0.0, 0.0), None, None)
    assert not reach(residents, dark).shadow.any() and not reach(residents, dark).occlusion.any()


def test_pictures_that_cannot_change_are_known_by_their_object(renderer, monkeypatch):
    grey, white = (np.full((64, 64, 3), level, np.uint8) for level in (90, 250))
    same_grey = grey.copy()
    for picture in (grey, same_grey, white):
        picture.flags.writeable = False
    first = renderer.render(scene(box("known", texture=grey)))
    assert not same(first, renderer.render(scene(box("known", texture=white))))
    assert same(first, renderer.render(scene(box("known", texture=same_grey))))

    def never(texture):
        raise AssertionError("the bytes of a picture that cannot change were read")

    monkeypatch.setattr("scenes.raster_cache._digest", never)
    assert same(first, renderer.render(scene(box("known", texture=grey))))


def test_a_picture_where_another_was_in_memory_is_another(renderer):
    """Objects that are gone leave their numbers to new ones."""
    seen, numbers = {}, []
    for level in (20, 240, 90, 160) * 3:
        texture = np.full((32, 32, 3), level, np.uint8)
        texture.flags.writeable = False
        numbers.append(id(texture))
        shown = renderer.render(scene(box("follows", texture=texture))).rgb.tobytes()
        assert seen.setdefault(level, shown) == shown
        del texture
    assert len(set(seen.values())) == 4 and len(set(numbers)) < len(numbers)


def test_mistakes_are_named(renderer):
    with pytest.raises(RenderError, match="renderer 160x120"):
        renderer.render(scene(box(), camera=look_at((3, 1, 0), (0, 0, 0), width=64, height=48)))
    with pytest.raises(RenderError, match="share the key 'box'"):
        renderer.render(scene(box(), box()))
    with pytest.raises(RenderError, match="choose egl, osmesa or auto"):
        raster.PyrenderRenderer(W, H, platform="metal")
    with pytest.raises(RenderError, match="positive"):
        raster.PyrenderRenderer(0, H)


def test_missing_libraries_are_named(monkeypatch):
    monkeypatch.setattr(raster, "_usable", lambda name: False)
    monkeypatch.setattr(raster, "_bound_platform", lambda: None)
    with pytest.raises(RenderError, match="libegl1 libgl1-mesa-dri.*libosmesa6"):
        raster.PyrenderRenderer(W, H)


def test_a_process_bound_to_another_platform_is_told_so(monkeypatch):
    monkeypatch.setattr(raster, "_bound_platform", lambda: "glx")
    with pytest.raises(RenderError, match="already bound PyOpenGL to glx"):
        raster.PyrenderRenderer(W, H)


_CHILD = """
import hashlib, sys
sys.path[:0] = [{here!r}, {root!r}]
import test_raster as t
from scenes import raster
from scenes.raster_math import clip_from_world
r = raster.PyrenderRenderer(t.W, t.H, platform={platform!r})
f = r.render(t.busy_scene())
print(hashlib.sha256(f.rgb.tobytes() + f.depth.tobytes() + f.instance.tobytes() + f.part.tobytes()).hexdigest())
print(int((f.instance == 1).sum()), round(float(f.rgb.mean()), 1))
"""


def child(platform: str) -> list[str]:
    here = os.path.dirname(__file__)
    code = _CHILD.format(here=here, root=os.path.dirname(os.path.dirname(here)), platform=platform)
    clean = {k: v for k, v in os.environ.items() if k != "PYOPENGL_PLATFORM"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=clean, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split("\n")


def test_a_fresh_process_draws_the_same_bytes(renderer):
    frame = renderer.render(busy_scene())
    whole = frame.rgb.tobytes() + frame.depth.tobytes() + frame.instance.tobytes() + frame.part.tobytes()
    assert child(renderer.platform)[0] == hashlib.sha256(whole).hexdigest()


@pytest.mark.skipif("osmesa" not in raster.available_platforms(), reason="libosmesa6 is not installed")
def test_osmesa_draws_the_same_picture(renderer):
    frame = renderer.render(busy_scene())
    count, mean = child("osmesa")[1].split()
    assert abs(int(count) - (frame.instance == 1).sum()) <= 2
    assert abs(float(mean) - frame.rgb.mean()) < 1.0


def test_importing_the_module_touches_no_graphics_library():
    code = "import sys, scenes.raster; sys.exit(any(m.split('.')[0] in ('OpenGL', 'pyrender') for m in sys.modules))"
    root = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=60).returncode == 0


def test_a_reused_key_with_another_texture_or_colour_is_noticed(renderer):
    dark, bright = np.full((8, 8, 3), 10, np.uint8), np.full((8, 8, 3), 240, np.uint8)
    first = renderer.render(scene(box("reused", texture=dark, unlit=True))).rgb.max()
    assert renderer.render(scene(box("reused", texture=bright, unlit=True))).rgb.max() > first
    assert renderer.render(scene(box("reused", texture=bright, color=(0, 0, 0), unlit=True))).rgb.max() <= first
