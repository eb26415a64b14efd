"""A lens bends labels and pixels alike; where it would fold back nothing is claimed; none costs nothing."""

import dataclasses
import time

import cv2
import numpy as np
import pytest

from biomech.errors import RenderError
from scenes import lens, raster
from scenes.distortion import NONE, distort, undistort, widest_radius
from scenes.renderer import Camera, Material, MeshPart
from tests.scenes.test_raster import H, W, box, ground, look_at, rays, same, scene

needs_gl = pytest.mark.skipif(not raster.available_platforms(), reason="no EGL and no OSMesa on this machine")
LENSES = (
    (-0.28, 0.05, 0.0, 0.0, 0.0),  # an action camera
    (-0.12, 0.0, 0.001, -0.002, 0.0),
    (0.06, -0.01, 0.0005, 0.0005, 0.002),
    (-0.45, 0.3, 0.0, 0.001, -0.05),
)


def through(coefficients, eye=(3.0, 1.6, 1.0), target=(0, 0.5, 0), focal=110.0) -> Camera:
    return dataclasses.replace(look_at(eye, target, focal), distortion=coefficients)


@pytest.fixture(scope="module")
def renderer():
    made = raster.PyrenderRenderer(W, H)
    yield made
    made.close()


@pytest.mark.parametrize("coefficients", LENSES)
def test_the_formula_is_opencvs_and_its_inverse_is_exact(coefficients):
    plane = np.random.default_rng(0).uniform(-0.7, 0.7, (2000, 2))
    shown = distort(plane, coefficients)
    at = np.c_[plane, np.ones(len(plane))]
    theirs, _ = cv2.projectPoints(at, np.zeros(3), np.zeros(3), np.eye(3), np.array(coefficients))
    inside = np.isfinite(shown[:, 0])
    assert inside.mean() > 0.9
    assert np.allclose(shown[inside], theirs[inside, 0], atol=1e-12)
    assert np.abs(undistort(shown[inside], coefficients) - plane[inside]).max() * 5000 < 1e-6  # px


def test_past_the_turning_point_nothing_is_claimed():
    strong = (-0.3, 0.0, 0.0, 0.0, 0.0)
    turn = widest_radius(strong)
    assert turn == pytest.approx(np.sqrt(1 / 0.9))
    within, beyond = np.array([[0.99 * turn, 0.0]]), np.array([[1.01 * turn, 0.0]])
    assert np.isfinite(distort(within, strong)).all() and np.isnan(distort(beyond, strong)).all()
    rim = turn * (1 - 0.3 * turn**2)
    assert np.isfinite(undistort(np.array([[0.99 * rim, 0.0]]), strong)).all()
    assert np.isnan(undistort(np.array([[1.01 * rim, 0.0], [np.nan, 0.0]]), strong)).all()
    camera = dataclasses.replace(through(strong), cam_from_world=np.eye(4))
    assert np.isnan(camera.project(np.array([[5.0, 0.0, 1.0], [0.1, 0.0, -1.0]]))).all()
    assert widest_radius(NONE) == widest_radius((0.1, 0.0, 0.0, 0.0, 0.0)) == np.inf


def test_no_distortion_is_the_pinhole_to_the_bit():
    plain = look_at((3.0, 1.6, 1.0), (0, 0.5, 0))
    points = np.random.default_rng(1).uniform(-1, 1, (500, 3))
    expected = points @ plain.cam_from_world[:3, :3].T + plain.cam_from_world[:3, 3]
    expected = expected @ plain.intrinsics.T
    assert np.array_equal(plain.project(points), expected[:, :2] / expected[:, 2:])
    assert plain.distortion == NONE


@pytest.mark.parametrize("coefficients", LENSES)
def test_the_pinhole_holds_all_that_the_lens_shows_and_no_more(coefficients):
    camera = through(coefficients)
    pinhole = lens.wide_pinhole(camera)
    assert (pinhole.width, pinhole.height, pinhole.distortion) == (W, H, NONE)
    at = pinhole.project(rays(camera))
    low, high = at.reshape(-1, 2).min(0), at.reshape(-1, 2).max(0)
    assert (low > 0).all() and (high < (W, H)).all()
    assert (low < 1.5).all() and (high > np.array([W, H]) - 1.5).all()


def test_lenses_that_cannot_be_drawn_are_refused():
    with pytest.raises(RenderError, match="folds back inside"):
        lens.wide_pinhole(through((-0.6, 0.0, 0.0, 0.0, 0.0)))
    with pytest.raises(RenderError, match="times as wide"):
        lens.wide_pinhole(through((-0.3, 0.042, 0.0, 0.0, 0.0), focal=100.0))


def targets(camera: Camera, seed: int) -> tuple[MeshPart, np.ndarray]:
    """White discs a few pixels wide that face the camera in its corners and middle; also their centres, m."""
    pixels = np.array([[9, 8], [W - 9, 9], [10, H - 9], [W - 8, H - 8], [W / 2, H / 2], [W / 2, 8], [9, H / 2]], float)
    pixels += np.random.default_rng(seed).uniform(-0.5, 0.5, pixels.shape)
    centres = camera.unproject(pixels, np.full(len(pixels), 3.0))
    right, down, forward = camera.cam_from_world[:3, :3]
    turns = np.arange(24) / 24 * 2 * np.pi
    rim = 0.075 * (np.cos(turns)[:, None] * right + np.sin(turns)[:, None] * down)
    vertices = (centres[:, None] + np.concatenate([np.zeros((1, 3)), rim])).reshape(-1, 3).astype(np.float32)
    fan = np.stack([np.zeros(24, int), 1 + np.arange(24), 1 + np.roll(np.arange(24), -1)], 1)
    faces = (25 * np.arange(len(centres))[:, None, None] + fan).reshape(-1, 3)
    normals = np.tile(np.float32(-forward), (len(vertices), 1))
    material = Material(unlit=True, double_sided=True)
    return MeshPart(
        "targets", vertices, normals, np.uint32(faces), None, material, np.full(len(vertices), 7, np.uint8), 1
    ), centres


@needs_gl
@pytest.mark.parametrize("coefficients", LENSES)
def test_labels_lie_on_what_is_seen_in_the_corners_too(renderer, coefficients):
    """Over eight places within the pixel: one sample a pixel leaves a small disc open to a third of it."""
    camera = through(coefficients)
    off = []
    for seed in range(8):
        part, centres = targets(camera, seed)
        part = dataclasses.replace(part, key=f"targets-{seed}")
        frame = renderer.render(scene(part, camera=camera, background=(0, 0, 0)))
        off.append([])
        for label in camera.project(centres):
            x, y = (int(round(v)) for v in label)
            window = frame.rgb[max(y - 8, 0) : y + 8, max(x - 8, 0) : x + 8, 0].astype(float)
            v, u = np.mgrid[max(y - 8, 0) : min(y + 8, H), max(x - 8, 0) : min(x + 8, W)] + 0.5
            off[-1].append(np.array([(window * u).sum(), (window * v).sum()]) / window.sum() - label)
            assert frame.instance[int(label[1]), int(label[0])] == 1
    assert np.linalg.norm(np.mean(off, 0), axis=1).max() < 0.2
    assert np.linalg.norm(np.mean(off, (0, 1))) < 0.05


@needs_gl
@pytest.mark.parametrize("coefficients", LENSES)
def test_depth_and_ids_are_those_of_the_bent_rays(renderer, coefficients):
    camera = through(coefficients, (2.4, 1.3, 1.5))
    frame = renderer.render(scene(box(), ground(), camera=camera))
    eye = np.linalg.inv(camera.cam_from_world)[:3, 3]
    direction = rays(camera) - eye
    with np.errstate(divide="ignore"):
        a, b = (np.array([-0.5, 0, -0.5]) - eye) / direction, (np.array([0.5, 1, 0.5]) - eye) / direction
    enter, leave = np.minimum(a, b).max(-1), np.maximum(a, b).min(-1)
    hit = enter < leave
    rim = cv2.morphologyEx(hit.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    assert ((frame.instance == 1) == hit)[~rim].all()
    assert (hit & ~rim).sum() > 1500
    off = np.abs(frame.depth - enter)[hit & ~rim]
    assert np.median(off) < 1e-3 and np.quantile(off, 0.9) < 0.01  # at the edges between faces a pixel beside
    assert set(np.unique(frame.part[frame.instance == 1])) == {7}
    assert (frame.part[frame.instance == 0] == 0).all()


_ABOVE = (1.9, 2.1, 1.2)  # no face at a grazing angle, along which depth changes much from pixel to pixel


def agreement(renderer, camera: Camera) -> float:
    """How often depth within 30 mm beside a point of the box says that it is seen, and a ray says the same."""
    frame = renderer.render(scene(box(), camera=camera))
    rng = np.random.default_rng(7)
    points = rng.uniform(-0.42, 0.42, (1000, 3))  # a few pixels from the edges, where a window sees both sides
    points[np.arange(1000), rng.integers(0, 3, 1000)] = rng.choice([-0.5, 0.5], 1000)
    points += [0, 0.5, 0]
    eye = np.linalg.inv(camera.cam_from_world)[:3, 3]
    a, b = (np.array([-0.5, 0, -0.5]) - eye) / (points - eye), (np.array([0.5, 1, 0.5]) - eye) / (points - eye)
    expected = np.minimum(a, b).max(-1) > 1 - 1e-6  # nothing of the box is met before the point
    pixels, depth = camera.project(points), camera.to_camera(points)[:, 2]
    inside = ((pixels > 1) & (pixels < (W - 1, H - 1))).all(1)
    column, row = pixels[inside].astype(int).T
    window = np.stack([frame.depth[row + i, column + j] for i in (-1, 0, 1) for j in (-1, 0, 1)], 1)
    seen = ((window > 0) & (np.abs(depth[inside, None] - window) < 0.03)).any(1)
    assert inside.sum() > 500
    return float(np.mean(seen == expected[inside]))


@needs_gl
def test_the_depth_rule_agrees_with_rays_as_well_as_without_a_lens(renderer):
    """On a thousand points."""
    straight = agreement(renderer, through(NONE, _ABOVE))
    assert straight > 0.95
    for coefficients in LENSES:
        assert agreement(renderer, through(coefficients, _ABOVE)) > straight - 0.02


@needs_gl
def test_colour_and_ids_share_their_edges(renderer):
    camera = through(LENSES[0])
    frame = renderer.render(scene(box("white", unlit=True), camera=camera, background=(0, 0, 0)))
    wrong = (frame.rgb[..., 0] > 127) != (frame.instance == 1)
    rim = cv2.morphologyEx(frame.instance, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    assert not wrong[~rim].any() and wrong.sum() < 0.3 * rim.sum()
    assert (frame.rgb[..., 0] > 230)[cv2.erode(frame.instance, np.ones((5, 5), np.uint8)) == 1].all()


@needs_gl
def test_the_background_comes_back_where_it_was(renderer):
    ramp = np.zeros((H, W, 3), np.uint8)
    ramp[..., 0] = np.linspace(20, 230, W)
    ramp[..., 1] = np.linspace(230, 20, H)[:, None]
    for coefficients in LENSES:
        empty = dataclasses.replace(scene(box(), camera=through(coefficients)), background=ramp)
        frame = renderer.render(empty)
        free = cv2.dilate(frame.instance, np.ones((7, 7), np.uint8)) == 0
        assert np.abs(frame.rgb.astype(int) - ramp)[free].max() <= 4
    waves = np.zeros((H, W, 3), np.uint8)  # red is one all over; half a pixel aside would be 6 levels where it is steep
    waves[..., 0] = 90
    waves[..., 1] = np.rint(128 + 90 * np.sin(np.arange(W) * (2 * np.pi / 48)))
    waves[..., 2] = np.rint(128 + 90 * np.sin(np.arange(H) * (2 * np.pi / 48)))[:, None]
    for coefficients in LENSES:
        empty = dataclasses.replace(scene(box(), camera=through(coefficients)), background=waves)
        frame = renderer.render(empty)
        free = cv2.dilate(frame.instance, np.ones((7, 7), np.uint8)) == 0
        free[[0, 1, -2, -1]] = free[:, [0, 1, -2, -1]] = False
        assert np.abs(frame.rgb.astype(int) - waves)[free].max() <= 4


@needs_gl
def test_pictures_repeat_and_a_pinhole_goes_round_the_lens(renderer, monkeypatch):
    bent = scene(box(), ground(), camera=through(LENSES[0]))
    first, straight = renderer.render(bent), renderer.render(scene(box(), ground()))
    lens._maps.cache_clear()
    assert same(first, renderer.render(bent)) and not same(first, straight)
    monkeypatch.setattr(raster, "through_lens", None)  # not reached
    assert same(straight, renderer.render(scene(box(), ground())))


def test_the_maps_cost_little_and_are_kept():
    camera = Camera(np.array([[500.0, 0, 318], [0, 500, 243], [0, 0, 1]]), np.eye(4), 640, 480, LENSES[1])
    pinhole = lens.wide_pinhole(camera)
    (smooth, _), nearest = lens._maps(lens._key(camera), lens._key(pinhole))
    start = time.perf_counter()
    assert lens._maps(lens._key(camera), lens._key(pinhole))[1] is nearest
    assert time.perf_counter() - start < 1e-3
    u, v = np.meshgrid(np.arange(640) + 0.5, np.arange(480) + 0.5)
    exact = pinhole.project(camera.unproject(np.stack([u, v], -1), np.ones(u.shape)))
    at = lens._dense(camera, lambda px: pinhole.project(camera.unproject(px, np.ones(px.shape[:-1]))))
    assert np.abs(np.stack(at, -1) - exact).max() < 0.02
    assert smooth.shape == (480, 640, 2)
