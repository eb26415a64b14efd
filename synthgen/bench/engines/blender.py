"""Blender's two engines, through the worker that draws datasets with it."""

import os

from scenes.blender import BlenderRenderer
from scenes.renderer import Scene
from synthgen.bench.peer import Shot

CYCLES_SAMPLES, EEVEE_SAMPLES = 16, 8


class Blender:
    """A Blender process; scenes travel to it as files."""

    def __init__(self, width: int, height: int, engine: str, samples: int) -> None:
        threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
        self._renderer = BlenderRenderer(width, height, samples, threads=threads, engine=engine)
        self.description = self._renderer.description
        assert self._renderer._process is not None
        self.helpers: tuple[int, ...] = (self._renderer._process.pid,)

    def draw(self, scene: Scene) -> Shot:
        frame = self._renderer.render(scene)
        return Shot(frame.rgb, frame.depth, (frame.instance > 0) & (frame.instance < 100))

    check = draw

    def close(self) -> None:
        self._renderer.close()


def open_cycles(width: int, height: int) -> Blender:
    """The path tracer."""
    return Blender(width, height, "cycles", CYCLES_SAMPLES)


def open_eevee(width: int, height: int) -> Blender:
    """The rasteriser."""
    return Blender(width, height, "eevee", EEVEE_SAMPLES)
