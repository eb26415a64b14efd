"""Environments keep their energy, suns are found where they are, and a draw is a pure function of the generator."""

import base64

import numpy as np
import pytest

from biomech.errors import AssetError
from scenes import environment as env
from scenes import light
from scenes.rigs import RIGS

KINDS = {"hdri": 3.0, **dict.fromkeys(RIGS, 1.0)}


def with_sun(direction=(0.5, 0.6, -0.4), strength=500.0, height=128) -> np.ndarray:
    unit = np.asarray(direction, float) / np.linalg.norm(direction)
    picture = np.full((height, 2 * height, 3), 0.4)
    picture[env.directions(height) @ unit > np.cos(np.radians(3))] += strength * np.array([1.0, 0.9, 0.7])
    return picture.astype(np.float32)


def test_the_convention_of_rows_and_columns():
    d = env.directions(64)
    assert d[0, 0, 1] > 0.99 and d[-1, 0, 1] < -0.99
    assert d[32, 64, 0] > 0.99 and d[32, 0, 0] < -0.99
    assert d[32, 96, 2] > 0.99


def test_solid_angles_fill_the_sphere():
    assert np.isclose(env.solid_angles(64).sum() * 128, 4 * np.pi)


def test_irradiance_of_a_constant_environment_is_constant():
    sh = env.irradiance_sh(np.full((64, 128, 3), 0.7, np.float32))
    normals = np.random.default_rng(0).normal(size=(50, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    assert np.allclose(env.evaluate_sh(sh, normals), 0.7, atol=2e-3)


def test_irradiance_agrees_with_the_integral():
    picture = np.maximum(env.directions(64) @ np.array([0.48, 0.8, 0.36]), 0)[..., None] * np.ones(3)
    sh = env.irradiance_sh(picture)
    for normal in np.array([[0.48, 0.8, 0.36], [0, 1, 0], [1, 0, 0], [-0.6, 0, 0.8]]):
        cosine = np.maximum(env.directions(64) @ normal, 0) * env.solid_angles(64)
        direct = (picture * cosine[..., None]).sum((0, 1)) / np.pi
        assert np.allclose(env.evaluate_sh(sh, normal), direct, atol=0.03)


def test_splitting_the_sun_keeps_the_energy_and_finds_the_direction():
    picture = with_sun()
    rest, direction, sun = env.split_sun(picture)
    weight = env.solid_angles(128)[..., None]
    assert np.allclose((rest * weight).sum((0, 1)) + sun, (picture * weight).sum((0, 1)), rtol=1e-5)
    wanted = np.array([0.5, 0.6, -0.4]) / np.linalg.norm([0.5, 0.6, -0.4])
    assert np.degrees(np.arccos(direction @ wanted)) < 1.5
    assert rest.max() < 0.05 * picture.max()


def test_no_sun_in_an_even_sky():
    assert not env.split_sun(np.full((64, 128, 3), 0.5, np.float32))[2].any()


def test_sampling_hits_the_pixel_and_wraps_behind():
    picture = np.random.default_rng(1).random((32, 64, 3)).astype(np.float32)
    assert np.allclose(env.sample(picture, env.directions(32)), picture, atol=2e-2)
    behind = env.sample(picture, np.array([[[-1.0, 0.02, 1e-4], [-1.0, 0.02, -1e-4]]]))
    assert np.allclose(behind[0, 0], behind[0, 1], atol=1e-2)


def test_drawing_is_a_pure_function_of_the_generator():
    config = light.LightConfig(kinds=KINDS)
    a, b = (light.draw_light(config, np.random.default_rng(5), ("x", "y")) for _ in range(2))
    assert a == b
    drawn = {light.draw_light(config, np.random.default_rng(i), ("x", "y")) for i in range(20)}
    assert len(drawn) == 20


def test_without_environments_only_procedural_kinds_are_drawn():
    kinds = {light.draw_light(light.LightConfig(kinds=KINDS), np.random.default_rng(i)).kind for i in range(120)}
    assert kinds == set(RIGS)


@pytest.mark.parametrize("seed", range(12))
def test_every_light_is_finite_bounded_and_never_blue(seed):
    rng = np.random.default_rng(seed)
    blue = with_sun() * np.array([0.4, 0.7, 1.6], np.float32)
    environments = {"blue": blue.astype(np.float16), "grey": with_sun(height=256).astype(np.float16)}
    spec = light.draw_light(light.LightConfig(kinds=KINDS), rng, tuple(environments))
    built = light.build_light(spec, environments)
    same = light.build_light(spec, environments)
    assert built.key == same.key and np.array_equal(built.irradiance_sh, same.irradiance_sh)
    turn = np.linspace(0, 2 * np.pi, 24)
    ring = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], -1)
    around = env.evaluate_sh(built.irradiance_sh, ring)
    assert (around > 0).all() and np.isfinite(around).all()
    mean = around.mean(0)
    assert mean[2] < 1.2 * mean[0] and mean[0] < 1.5 * mean[2]
    assert built.sun_color[2] <= built.sun_color[0] * 1.05 + 1e-9
    white = (around.mean() + 0.5 * built.sun_color.mean() / np.pi) * built.exposure
    assert 0.25 < white < 1.3
    assert np.isclose(np.linalg.norm(built.sun_direction), 1) and built.sun_direction[1] > 0.2


def test_yaw_turns_the_sun_about_y():
    environments = {"sun": with_sun(height=256).astype(np.float16)}
    base = light.draw_light(light.LightConfig(kinds={"hdri": 1.0}), np.random.default_rng(0), ("sun",))
    spec = {name: getattr(base, name) for name in base.__slots__}
    first, quarter = (
        light.build_light(light.LightSpec(**{**spec, "yaw_columns": columns}), environments) for columns in (0, 128)
    )
    x, y, z = first.sun_direction
    assert np.allclose(quarter.sun_direction, [-z, y, x], atol=0.03)


def test_a_missing_environment_is_named():
    spec = light.draw_light(light.LightConfig(kinds={"hdri": 1.0}), np.random.default_rng(0), ("park",))
    with pytest.raises(AssetError, match="'park' is not installed.*have: none"):
        light.build_light(spec, {})


def test_converting_what_is_no_picture_is_an_error(tmp_path):
    path = tmp_path / "x.exr.js"
    path.write_text("export default 'nothing'")
    with pytest.raises(AssetError, match="no EXR"):
        env.convert_hdri(path)


def test_an_exr_inside_a_module_is_read_and_loaded_back(tmp_path):
    openexr = pytest.importorskip("OpenEXR")
    picture = np.random.default_rng(0).random((256, 512, 3)).astype(np.float32)
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    with openexr.File(header, {"RGB": picture}) as file:
        file.write(str(tmp_path / "a.exr"))
    data = base64.b64encode((tmp_path / "a.exr").read_bytes()).decode()
    (tmp_path / "a.exr.js").write_text(f"export default 'data:application/exr;base64,{data}'")
    radiance = env.convert_hdri(tmp_path / "a.exr.js")
    assert radiance.dtype == np.float16 and np.allclose(radiance, picture, atol=1e-3)
    np.savez(tmp_path / "a.npz", radiance=radiance)
    assert list(env.load_environments(tmp_path)) == ["a"]


def test_the_tone_curve_rises_and_keeps_middle_grey_in_the_middle():
    levels = env.develop(np.linspace(0, 20, 400)[:, None] * np.ones(3))[:, 0].astype(int)
    assert (np.diff(levels) >= 0).all() and levels[0] == 0 and levels[-1] >= 245
    assert 110 < int(env.develop(np.full(3, 0.18))[0]) < 145


SKINS = {"light": (0.60, 0.40, 0.30), "middle": (0.33, 0.19, 0.12), "dark": (0.09, 0.05, 0.034)}
"""Linear reflectance of skin, about as spectrophotometers find it."""


def test_skin_keeps_red_over_green_over_blue_under_every_light():
    """The mean colour of a lit sphere of skin, developed as pictures are, over 200 drawn lights and three skins."""
    rng = np.random.default_rng(4)
    normals = rng.normal(size=(400, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    blue = np.array([0.2, 0.6, 1.9], np.float32)
    environments = {
        "blue": (with_sun() * blue).astype(np.float16), "green": (with_sun() * blue[[0, 2, 1]]).astype(np.float16),
        "grey": with_sun(height=256).astype(np.float16),
    }  # fmt: skip
    seen = set()
    for number in range(200):
        spec = light.draw_light(light.LightConfig(kinds=KINDS), np.random.default_rng(number), tuple(environments))
        built = light.build_light(spec, environments)
        seen.add(spec.kind)
        for lit in (built, light.indoors(built)):
            falling = np.maximum(env.evaluate_sh(lit.irradiance_sh, normals), 0)
            falling = falling + lit.sun_color / np.pi * np.maximum(normals @ lit.sun_direction, 0)[:, None]
            for name, albedo in SKINS.items():
                r, g, b = env.develop(falling * albedo * lit.exposure).mean(0)
                assert r >= g >= b, (number, spec.kind, name, (r, g, b))
                assert 6 < r < 250, (number, spec.kind, name, r)
    assert seen == set(KINDS)


@pytest.mark.parametrize("kind", sorted(RIGS))
def test_rigs_are_what_their_names_say(kind):
    specs = [light.draw_light(light.LightConfig(kinds={kind: 1.0}), np.random.default_rng(i)) for i in range(20)]
    built = [light.build_light(spec, {}) for spec in specs]
    assert all(light.is_outdoor(spec) == RIGS[kind].outdoor for spec in specs)
    heights = [spec.sun_elevation_deg for spec in specs]
    warmth = np.mean([lit.sun_color[0] / lit.sun_color[2] for lit in built if lit.sun_color.any()] or [1.0])
    if kind == "noon":
        assert min(heights) > 50
    if kind in ("dawn", "dusk"):
        assert max(heights) < 17 and warmth > 1.15
    if kind == "overcast":
        assert not any(lit.sun_color.any() for lit in built)
    if kind in ("window", "studio", "dusk"):  # one side clearly brighter than the other
        turn = np.linspace(0, 2 * np.pi, 24)
        ring = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], -1)
        around = np.stack([env.evaluate_sh(lit.irradiance_sh, ring) @ env.LUMINANCE for lit in built])
        assert (around.max(1) / around.min(1)).mean() > 1.2
