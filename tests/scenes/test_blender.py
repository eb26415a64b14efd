"""Blender as second renderer: lens, axes, light, ids and depth agree with the rasteriser's; failures say what to do."""

import json
import stat
import sys
from dataclasses import replace

import numpy as np
import pytest

from biomech.errors import RenderError
from scenes.blender import PROGRAM, BlenderRenderer, blender_command
from scenes.blender_scene import camera_plain, environment_of, scene_arrays, shown, undeveloped
from scenes.blender_worker import MARK
from scenes.environment import develop, directions, irradiance_sh
from scenes.renderer import Camera, Light, Material, MeshPart, Scene

WIDTH, HEIGHT = 96, 64
NO_BLENDER = f"no Blender: set {PROGRAM} to it, or to a Python that has bpy"


def camera(principal=(50.5, 30.25), focal=(80.0, 80.0), roll=0.2, distortion=(0.0,) * 5):
    """Looks along +x from two metres away, rolled."""
    c, s = np.cos(roll), np.sin(roll)
    axes = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ np.array([[0, 0, 1.0], [0, -1, 0], [1, 0, 0]])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, axes @ [2.0, -1.0, 0.1]
    k = np.array([[focal[0], 0, principal[0]], [0, focal[1], principal[1]], [0, 0, 1.0]])
    return Camera(k, matrix, WIDTH, HEIGHT, distortion)


def light(sun=(0.0, 0.0, 0.0), level=0.5):
    sky = np.full((16, 32, 3), level, np.float32)
    return Light("even", irradiance_sh(sky), sky, np.array([0.0, 1.0, 0.0]), np.array(sun), 1.0)


def ball(key, centre, radius, instance, part=1, **look):
    """A sphere of 24 x 12 faces."""
    t, p = np.meshgrid(np.linspace(0, np.pi, 13), np.linspace(0, 2 * np.pi, 25), indexing="ij")
    unit = np.stack([np.sin(t) * np.cos(p), np.cos(t), np.sin(t) * np.sin(p)], -1).reshape(-1, 3)
    i, j = (v.reshape(-1) for v in np.meshgrid(np.arange(12), np.arange(24), indexing="ij"))
    a = i * 25 + j
    faces = np.concatenate([np.stack([a, a + 1, a + 26], 1), np.stack([a, a + 26, a + 25], 1)])
    uv = np.stack([p / (2 * np.pi), 1 - t / np.pi], -1).reshape(-1, 2).astype(np.float32)
    return MeshPart(
        key, (unit * radius + centre).astype(np.float32), unit.astype(np.float32), faces.astype(np.uint32), uv,
        Material(**look), np.full(len(unit), part, np.uint8), instance,
    )  # fmt: skip


def scene(parts, seen_by=None, lit=None):
    return Scene(tuple(parts), seen_by or camera(), lit or light(), np.full((HEIGHT, WIDTH, 3), 90, np.uint8))


BALLS = (((0, 1.0, 0), 0.2), ((0.5, 1.5, 0.6), 0.1), ((-0.5, 0.7, -0.5), 0.08), ((0.2, 0.6, 0.4), 0.12))


def balls(**look):
    return [ball(f"ball{i}", np.array(c), r, i + 1, i + 1, **look) for i, (c, r) in enumerate(BALLS)]


@pytest.fixture(scope="module")
def blender():
    if blender_command() is None:
        pytest.skip(NO_BLENDER)
    renderer = BlenderRenderer(WIDTH, HEIGHT, samples=4, denoise=False)
    yield renderer
    renderer.close()


@pytest.fixture(scope="module")
def raster():
    from scenes.raster import PyrenderRenderer, available_platforms

    if not available_platforms():
        pytest.skip("no OpenGL platform here")
    renderer = PyrenderRenderer(WIDTH, HEIGHT)
    yield renderer
    renderer.close()


def overlap(a, b):
    return (a & b).sum() / max((a | b).sum(), 1)


def centre(mask):
    rows, columns = np.nonzero(mask)
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


@pytest.mark.parametrize(
    "seen_by",
    [
        camera(),
        camera(principal=(20.0, 50.0)),
        camera(focal=(80.0, 60.0)),
        camera(focal=(60.0, 75.0), roll=-1.0),
        camera(distortion=(-0.2, 0.05, 0.01, -0.01, 0.0)),
    ],
    ids=["plain", "shifted", "tall pixels", "wide pixels", "bent"],
)
def test_ids_lie_where_the_camera_says(seen_by, blender, raster):
    drawn, other = (r.render(scene(balls(), seen_by)) for r in (blender, raster))
    seen = 0
    for i, (middle, _) in enumerate(BALLS):
        mask, known = drawn.instance == i + 1, other.instance == i + 1
        edge = known[0].any() or known[-1].any() or known[:, 0].any() or known[:, -1].any()
        if known.sum() < 12 or edge:
            continue
        seen += 1
        assert np.abs(centre(mask) - centre(known)).max() < 0.2
        assert np.abs(centre(mask) - seen_by.project(np.array(middle, float))).max() < 0.6
        assert (drawn.part[mask] == i + 1).all()
    assert seen >= 2
    assert overlap(drawn.instance > 0, other.instance > 0) > 0.98
    both = (drawn.instance == other.instance) & (drawn.depth > 0) & (other.depth > 0)
    assert np.percentile(np.abs(drawn.depth - other.depth)[both], 90) < 2e-3


def test_even_light_shows_the_same_colour(blender, raster):
    shown = [r.render(scene([ball("b", (0, 1.0, 0), 0.5, 1, color=(0.7, 0.5, 0.3))])) for r in (blender, raster)]
    middle = [f.rgb[f.instance == 1].astype(float).mean(0) for f in shown]
    np.testing.assert_allclose(middle[0], middle[1], atol=8)
    corner = [f.rgb[0, 0] for f in shown]
    np.testing.assert_array_equal(*corner)


def test_an_unlit_surface_shows_its_colour(blender):
    frame = blender.render(
        scene([ball("b", (0, 1.0, 0), 0.5, 1, color=(0.8, 0.4, 0.2), unlit=True)], lit=light(level=3))
    )
    inside = frame.rgb[frame.instance == 1].astype(float)
    np.testing.assert_allclose(np.median(inside, 0), np.array([0.8, 0.4, 0.2]) * 255, atol=2)


def test_the_sun_shines_from_its_direction(blender):
    lit = light(sun=(2.0, 2.0, 2.0), level=0.1)
    frame = blender.render(scene([ball("b", (0, 1.0, 0), 0.5, 1)], camera(roll=0.0), lit))
    rows = np.nonzero(frame.instance == 1)[0]
    upper = frame.instance == 1
    upper[int(rows.mean()) :] = False
    lower = (frame.instance == 1) & ~upper
    assert frame.rgb[upper].mean() > 1.3 * frame.rgb[lower].mean()


def test_holes_are_seen_through(blender, raster):
    texture = np.full((64, 64, 4), 255, np.uint8)
    texture[:32, :, 3] = 0  # the upper half of the ball, whose v is near 1
    part = ball("b", (0, 1.0, 0), 0.5, 1, texture=texture, cutout=True, double_sided=True)
    drawn, other = (r.render(scene([part])) for r in (blender, raster))
    assert 0.98 < overlap(drawn.instance == 1, other.instance == 1)
    whole = raster.render(scene([ball("w", (0, 1.0, 0), 0.5, 1)])).instance == 1
    assert (drawn.instance == 1).sum() < 0.8 * whole.sum()


def test_normals_are_the_surfaces(blender, raster):
    asked = replace(scene(balls()), normals=True)
    drawn, other = blender.render(asked), raster.render(asked)
    both = (drawn.instance == other.instance) & (drawn.instance > 0)
    assert np.median((drawn.normals * other.normals).sum(-1)[both]) > 0.995


def test_the_same_scene_gives_the_same_picture(blender):
    one, two = blender.render(scene(balls())), blender.render(scene(balls()))
    np.testing.assert_array_equal(one.rgb, two.rgb)
    np.testing.assert_array_equal(one.depth, two.depth)


def test_both_draw_the_scenes_of_a_dataset(assets):
    """Silhouettes of six scenes: overlap of at least .98 in each."""
    if blender_command() is None:
        pytest.skip(NO_BLENDER)
    from real_dataset import real_dataset

    from synthgen.cast import open_assets
    from synthgen.redraw import config_beside, draw_again, read_specs

    specs = real_dataset() / "scenes.jsonl"
    config = config_beside(specs)
    opened = open_assets(config)
    path_tracer = BlenderRenderer(config.width, config.height, samples=1, denoise=False)
    found = []
    for index, spec in read_specs(specs):
        drawn = draw_again(index, spec, config, opened)
        other = path_tracer.render(drawn.scene)
        found.append(overlap(drawn.frame.instance > 0, other.instance > 0))
        assert np.mean(drawn.frame.part == other.part) > 0.99
    path_tracer.close()
    opened.close()
    assert len(found) >= 6 and min(found) >= 0.98


# What follows needs no Blender.


def test_a_missing_blender_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv(PROGRAM, str(tmp_path / "python"))
    with pytest.raises(RenderError, match=f"cannot start .*python .*set {PROGRAM}"):
        BlenderRenderer(8, 8)
    monkeypatch.setenv(PROGRAM, sys.executable)  # a Python without bpy
    if blender_command() is not None and not _has_bpy():
        with pytest.raises(RenderError, match="No module named 'bpy'"):
            BlenderRenderer(8, 8)
    monkeypatch.delenv(PROGRAM)
    if not _has_bpy():
        with pytest.raises(RenderError, match="no Blender to draw with"):
            BlenderRenderer(8, 8)


def _has_bpy():
    import importlib.util

    return importlib.util.find_spec("bpy") is not None


@pytest.mark.parametrize(
    ("options", "message"), [({"device": "abacus"}, "choose one of cpu"), ({"samples": 0}, "positive")]
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(RenderError, match=message):
        BlenderRenderer(8, 8, **options)


def test_what_blender_says_reaches_the_caller(monkeypatch, tmp_path):
    """A stand-in for Blender that starts, then fails."""
    fake = tmp_path / "blender"
    fake.write_text(f"#!/bin/sh\necho {MARK} ready 0.0\nread line\necho {MARK} failed RuntimeError: no such lamp\n")
    fake.chmod(fake.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv(PROGRAM, str(fake))
    renderer = BlenderRenderer(WIDTH, HEIGHT)
    with pytest.raises(RenderError, match="Blender failed: RuntimeError: no such lamp"):
        renderer.render(scene(balls()))
    with pytest.raises(RenderError, match="ended without a picture"):
        renderer.render(scene(balls()))
    with pytest.raises(RenderError, match="was closed"):
        renderer.render(scene(balls()))


def test_light_keeps_the_harmonics():
    sky = 0.3 + 0.3 * np.maximum(directions(32) @ [0.3, 0.9, 0.1], 0)[..., None] * [1.0, 0.9, 0.7]
    wanted = irradiance_sh(sky) * np.array([1.2] + [0.8] * 8)[:, None]
    made = environment_of(Light("k", wanted, sky.astype(np.float32), np.array([0, 1.0, 0]), np.zeros(3)))
    np.testing.assert_allclose(irradiance_sh(made), wanted, atol=2e-3)


def test_the_tone_curve_is_undone():
    shown = np.linspace(0.05, 0.95, 19)
    again = develop(np.repeat(undeveloped(shown, 2.0)[:, None] * 2.0, 3, 1))
    np.testing.assert_allclose(again[:, 0] / 255, shown, atol=0.003)


@pytest.mark.parametrize("catcher", [False, True])
def test_uncovered_pixels_are_the_background(catcher):
    background = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint32).reshape(HEIGHT, WIDTH, 3).astype(np.uint8)
    seen = replace(scene([ball("b", (0, 1, 0), 0.1, 1, shadow_catcher=catcher)]), background=background)
    nothing = np.zeros((HEIGHT, WIDTH, 4), np.float32)
    np.testing.assert_array_equal(shown(nothing, nothing[..., 0] > 0, seen), background)


def test_backs_are_not_seen(blender, raster):
    """A ball turned inside out shows its far inner side, and nothing of it stands before what lies within."""
    outer = ball("outer", (0, 1.0, 0), 0.6, 1)
    parts = [replace(outer, faces=outer.faces[:, ::-1]), ball("inner", (0, 1.0, 0), 0.2, 2)]
    drawn, other = (r.render(scene(parts)) for r in (blender, raster))
    assert (drawn.instance == 2).sum() > 100
    assert np.mean(drawn.instance == other.instance) > 0.98


def test_cameras_and_parts_that_cannot_be():
    skewed = camera()
    skewed.intrinsics[0, 1] = 3.0
    with pytest.raises(RenderError, match="no skewed"):
        camera_plain(skewed)
    with pytest.raises(RenderError, match="cut out by a texture it does not have"):
        scene_arrays(scene([ball("b", (0, 1, 0), 0.1, 1, cutout=True)]), {})


def test_the_last_vertex_of_a_face_decides_its_part():
    part = replace(ball("b", (0, 1, 0), 0.1, 1), part_id=np.arange(325).astype(np.uint8))
    arrays = scene_arrays(scene([part]), {})
    np.testing.assert_array_equal(arrays["parts0"], part.part_id[part.faces[:, 2]])
    assert json.loads(str(arrays["meta"]))["parts"][0]["instance"] == 1
