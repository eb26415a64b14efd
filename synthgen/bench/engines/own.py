"""Our own rasteriser."""

import dataclasses

from scenes.raster import PyrenderRenderer
from scenes.renderer import Scene
from synthgen.bench.peer import Shot


class Raster:
    """scenes.raster, as it draws datasets."""

    helpers: tuple[int, ...] = ()

    def __init__(self, width: int, height: int, normals: bool = False) -> None:
        self.renderer = PyrenderRenderer(width, height)
        self.description = self.renderer.description
        self._normals = normals

    def draw(self, scene: Scene) -> Shot:
        frame = self.renderer.render(dataclasses.replace(scene, normals=True) if self._normals else scene)
        return Shot(frame.rgb, frame.depth, (frame.instance > 0) & (frame.instance < 100))

    check = draw

    def close(self) -> None:
        self.renderer.close()


def open_raster(width: int, height: int) -> Raster:
    """As datasets are drawn by default."""
    return Raster(width, height)


def open_raster_normals(width: int, height: int) -> Raster:
    """With normals."""
    return Raster(width, height, normals=True)
