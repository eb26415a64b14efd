"""The choice of a renderer: what opens, what a config may say, and that it is part of a dataset's identity."""

import pytest

from biomech.errors import ConfigError, RenderError
from scenes import blender
from scenes.engines import RendererConfig, open_renderer
from synthgen.config import Config, load_config


def test_the_rasteriser_is_the_default():
    from scenes.raster import PyrenderRenderer, available_platforms

    if not available_platforms():
        pytest.skip("no OpenGL platform here")
    renderer = open_renderer(RendererConfig(), 32, 24)
    assert isinstance(renderer, PyrenderRenderer) and (renderer.width, renderer.height) == (32, 24)
    renderer.close()


def test_blender_gets_what_the_config_says(monkeypatch):
    asked = []
    monkeypatch.setattr(blender, "BlenderRenderer", lambda *values: asked.append(values))
    open_renderer(RendererConfig("blender", 7, False, "cuda"), 32, 24)
    assert asked == [(32, 24, 7, False, "cuda")]


def test_without_blender_it_says_so(monkeypatch):
    monkeypatch.setattr(blender, "blender_command", lambda: None)
    with pytest.raises(RenderError, match="pip install bpy"):
        open_renderer(RendererConfig("blender"), 32, 24)


@pytest.mark.parametrize("setting", ["engine=unreal", "samples=0", "device=abacus", "denoise=3"])
def test_settings_that_cannot_be(setting):
    with pytest.raises(ConfigError, match="renderer"):
        load_config(None, [f"renderer.{setting}"])


def test_the_renderer_changes_the_digest():
    assert load_config(None, ["renderer.engine=blender"]).digest != Config().digest


def test_devices_are_those_of_the_settings():
    from synthgen.config import rules

    assert rules()["renderer.device"].choices == blender.DEVICES
