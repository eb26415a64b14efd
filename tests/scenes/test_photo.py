"""A photograph's horizon is found where lines meet, lies on the camera's horizon, and its light is bounded."""

import hashlib

import cv2
import numpy as np
import pytest

from biomech.errors import AssetError
from scenes import backdrop, light, photo
from scenes.camera import CameraSpec, build_camera
from scenes.environment import evaluate_sh


def street(horizon: float, seed: int = 0, size=(480, 360)) -> np.ndarray:
    """A drawn alley: rows of bricks and paving that run to one point on the horizon."""
    rng = np.random.default_rng(seed)
    wide, high = size
    picture = np.full((high, wide, 3), 150, np.uint8)
    y = int(horizon * high)
    picture[: max(y, 0)] = (150, 180, 220)
    goal = (int(wide * rng.uniform(0.4, 0.6)), y)
    for _ in range(50):
        a = rng.uniform(0, 2 * np.pi)
        far = np.array([np.cos(a), np.sin(a)]) * 900
        near = np.array([np.cos(a), np.sin(a)]) * rng.uniform(40, 90)
        color = tuple(int(v) for v in rng.integers(20, 120, 3))
        cv2.line(picture, tuple((goal + near).astype(int)), tuple((goal + far).astype(int)), color, 2, cv2.LINE_AA)
    return picture


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A photograph in a cache of its own; gives its key."""
    monkeypatch.setenv("SYNTHGEN_PHOTOS", str(tmp_path))
    photo.open_photo.cache_clear()
    data = cv2.imencode(".png", street(0.5)[..., ::-1])[1].tobytes()
    digest = hashlib.sha256(data).hexdigest()
    (tmp_path / digest).write_bytes(data)
    yield f"alley@{digest}"
    photo.open_photo.cache_clear()


@pytest.mark.parametrize("horizon", [0.2, 0.35, 0.5, 0.65])
def test_the_horizon_lies_where_lines_meet(horizon):
    found = [photo.estimate(street(horizon, seed)).horizon for seed in range(3)]
    assert np.allclose(found, horizon, atol=0.04)


def test_without_lines_the_prior_speaks():
    grey = np.full((240, 320, 3), 128, np.uint8)
    found = photo.estimate(grey)
    assert found.horizon == pytest.approx(0.42, abs=0.03) and found.sure < 0.2


@pytest.mark.parametrize("roll", [0.0, 0.08, -0.15])
@pytest.mark.parametrize("aim", [0.4, 0.9, 1.6])
def test_horizon_lies_on_horizon(roll, aim):
    picture = np.zeros((300, 400, 3), np.uint8)
    picture[:120] = 255  # white sky: the edge is the horizon
    spec = CameraSpec(320, 240, 300.0, (160.0, 120.0), (0, 1.5, -4.0), (0, aim, 0), roll, "phone", "none")
    camera = build_camera(spec)
    shown = photo.photo_picture(photo.Photo(picture, 0.4, 0.0, 1.0), camera, (0.3, 0.0))
    far = camera.project(np.array([[x, 1.5, 4000.0] for x in (-800.0, 0.0, 800.0)]))
    for x, y in far:
        column = shown[:, int(x), 0].astype(float)
        edge = np.argmax(column < 128)
        assert abs(edge - y) < 3


def test_the_light_is_even_enough_and_never_blue(kept):
    base = light.build_light(light.draw_light(light.LightConfig(kinds={"overcast": 1.0}), np.random.default_rng(0)), {})
    camera = build_camera(CameraSpec(320, 240, 300.0, (160.0, 120.0), (0, 1.5, -4.0), (0, 1, 0), 0.0, "phone", "none"))
    for color in ((20, 60, 255), (255, 120, 20), (40, 200, 60)):
        picture = np.full((64, 96, 3), color, np.uint8)
        made = photo.photo_light(photo.estimate(picture), base, camera)
        around = evaluate_sh(made.irradiance_sh, np.eye(3)).mean(0)
        assert around[2] < 1.2 * around[0] and (around > 0).all()
        assert np.isclose(np.linalg.norm(made.sun_direction), 1) and made.sun_direction[1] > 0.4


def test_a_bright_right_side_puts_the_sun_there(kept):
    picture = np.full((120, 160, 3), 60, np.uint8)
    picture[:40, 120:] = 250
    camera = build_camera(CameraSpec(160, 120, 150.0, (80.0, 60.0), (0, 1.5, -4.0), (0, 1.5, 0), 0.0, "phone", "none"))
    base = light.build_light(light.draw_light(light.LightConfig(kinds={"overcast": 1.0}), np.random.default_rng(0)), {})
    made = photo.photo_light(photo.Photo(picture, 0.4, 0.0, 1.0), base, camera)
    assert made.sun_direction @ camera.cam_from_world[0, :3] > 0.4


def test_a_photograph_becomes_background_and_catcher(kept):
    rng = np.random.default_rng(0)
    light_spec = light.draw_light(light.LightConfig(kinds={"sky": 1.0}), rng)
    config = backdrop.BackdropConfig(kinds={"photo": 1.0}, photo_sources=(kept,))
    spec = backdrop.draw_backdrop(config, rng, light_spec)
    assert spec.kind == "photo" and spec.photo == kept and backdrop.camera_hint(spec)["drone"] == 0
    camera = build_camera(CameraSpec(160, 120, 150.0, (80.0, 60.0), (0, 1.5, -4.0), (0, 1, 0), 0.0, "phone", "none"))
    lit = backdrop.lit(spec, light.build_light(light_spec, {}), light_spec, camera)
    built = backdrop.build_backdrop(spec, (camera,), 0, np.array([[0, 0, 0], [0, 1.7, 0.1]]), lit, light_spec, {})
    assert built.background.std() > 10 and len(built.parts) == 1
    assert built.parts[0].material.shadow_catcher and not built.parts[0].casts_shadow


def test_what_is_wrong_with_a_photograph_is_said(kept, tmp_path):
    with pytest.raises(AssetError, match="names no photograph.*--backgrounds"):
        photo.open_photo("alley")
    with pytest.raises(AssetError, match="gone is not in"):
        photo.open_photo("gone@" + "0" * 64)
    (tmp_path / kept.partition("@")[2]).write_bytes(b"other")
    with pytest.raises(AssetError, match="was altered"):
        photo.open_photo(kept)
