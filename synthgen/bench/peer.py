"""An engine that draws the bench's scenes, and the list of those we know."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from scenes.renderer import Scene


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """What an engine made of a scene.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth: (H, W) m along the camera's z, 0 where nothing was hit; None from engines that cannot tell.
        people: (H, W) bool, pixels of people; None likewise.
    """

    rgb: np.ndarray
    depth: np.ndarray | None
    people: np.ndarray | None


class Engine(Protocol):
    """Draws scenes of one size. Lives in a process of its own.

    Attributes:
        description: version, and what it draws on.
        helpers: ids of other processes that work for it.
    """

    description: str
    helpers: tuple[int, ...]

    def draw(self, scene: Scene) -> Shot:
        """One picture with everything the engine gives beside it, as arrays; this is what is timed."""

    def check(self, scene: Scene) -> Shot:
        """The same with depth and people, by whatever detour that needs; not timed."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Peer:
    """An engine by name.

    Attributes:
        opens: "module:function" of (width, height) -> Engine.
        package: module that must be importable; "" for none.
        wanted: how to get it.
        gives: outputs beside the picture.
        differs: how its picture differs from ours.
        missing: why it cannot be used here, "" where it can; asked where `package` does not decide.
    """

    key: str
    name: str
    opens: str
    package: str
    wanted: str
    gives: str
    differs: str
    missing: Callable[[], str] = lambda: ""

    def why_not(self) -> str:
        """Why it cannot be used here; "" where it can be tried."""
        if self.package and importlib.util.find_spec(self.package) is None:
            return f"not installed: {self.wanted}"
        return self.missing()


def _no_blender() -> str:
    from scenes.blender import PROGRAM, blender_command

    return "" if blender_command() else f"not installed: make a Python with 'pip install bpy' and set {PROGRAM} to it"


_HERE = "synthgen.bench.engines"
_EXTRA = "pip install 'synthgen[bench]'"
OWN = Peer(
    "raster",
    "synthgen",
    f"{_HERE}.own:open_raster",
    "",
    "",
    "depth, instances, parts",
    "the yardstick: image-based light with reflections, one shadowed sun, relief, flesh, antialiased edges",
)
BARE = Peer(
    "moderngl",
    "bare moderngl",
    f"{_HERE}.bare_gl:open_bare",
    "moderngl",
    _EXTRA,
    "depth, instances, parts",
    "one directional light with a 1024 px shadow map and a plain ambient; no reflections, relief, flesh, occlusion or "
    "antialiasing",
)
PEERS: tuple[Peer, ...] = (
    OWN,
    Peer(
        "normals",
        "synthgen, normals too",
        f"{_HERE}.own:open_raster_normals",
        "",
        "",
        "depth, instances, parts, normals",
        "as the first, with normals as a further output",
    ),
    BARE,
    Peer(
        "pyrender",
        "pyrender, buffers kept",
        f"{_HERE}.stock:open_kept",
        "pyrender",
        _EXTRA,
        "depth, instances",
        "stock shaders: one directional light with a 2048 px shadow map, constant ambient, 4 samples per pixel; "
        "cut-outs are blended, so ids and depth have no holes; far walls cast shadows too",
    ),
    Peer(
        "naive",
        "pyrender, all new",
        f"{_HERE}.stock:open_naive",
        "pyrender",
        _EXTRA,
        "depth, instances",
        "the same with a new scene, new textures and a new renderer for every picture, as examples on the web have it",
    ),
    Peer(
        "open3d",
        "Open3D",
        f"{_HERE}.filament:open_filament",
        "open3d",
        _EXTRA,
        "depth",
        "Filament: sun with shadow, its default ambient; no ids (the silhouette is what is gone without the people, "
        "and not timed)",
    ),
    Peer(
        "mitsuba",
        "Mitsuba",
        f"{_HERE}.mitsuba_path:open_path",
        "mitsuba",
        _EXTRA,
        "depth, instances",
        "path tracing, 4 paths per pixel of at most 3 segments, grainy; walls shut "
        "the light out, so that a closed room is nearly dark; depth and ids by a ray through each pixel "
        "centre, cut-outs filled there; LLVM 17 or newer lets it compute many rays at once, else one by one",
    ),
    Peer(
        "cycles",
        "Blender Cycles",
        f"{_HERE}.blender:open_cycles",
        "",
        "",
        "depth, instances, parts",
        "path tracing, 16 paths per pixel and a denoiser; scenes are rebuilt for every picture, ids are a second pass",
        _no_blender,
    ),
    Peer(
        "eevee",
        "Blender Eevee",
        f"{_HERE}.blender:open_eevee",
        "",
        "",
        "depth, instances, parts",
        "Blender's rasteriser, 8 samples per pixel; scenes are rebuilt for every picture, ids are a pass of Cycles",
        _no_blender,
    ),
)
