"""Which renderer draws, and how much it is to cost."""

from dataclasses import dataclass

from scenes.renderer import Renderer


@dataclass(frozen=True, slots=True)
class RendererConfig:
    """What draws the pictures.

    Attributes:
        engine: "raster" or "blender".
        samples: of blender: paths per pixel.
        denoise: of blender: remove the grain that few samples leave.
        device: of blender: what it computes on, one of scenes.blender.DEVICES.
    """

    engine: str = "raster"
    samples: int = 48
    denoise: bool = True
    device: str = "cpu"


def open_renderer(config: RendererConfig, width: int, height: int) -> Renderer:
    """A renderer of pictures of this size; close it after use.

    Raises:
        RenderError: no graphics for the rasteriser, or no Blender.
    """
    if config.engine == "blender":
        from scenes.blender import BlenderRenderer

        return BlenderRenderer(width, height, config.samples, config.denoise, config.device)
    from scenes.raster import PyrenderRenderer

    return PyrenderRenderer(width, height)
