"""Images per second and milliseconds per pass of the rasteriser alone, on a stand-in for a dressed person in a room.

    python scripts/bench_render.py [--size 640x480] [--frames 40] [--platform auto] [--backdrop room]

The stand-in has as many vertices, parts and textures as a dressed person; its vertices move in every frame. Set
LP_NUM_THREADS=1 (the default here) to measure one core of a software driver.
"""

import argparse
import dataclasses
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("LP_NUM_THREADS", "1")

from scenes.backdrop import BackdropConfig, build_backdrop, draw_backdrop
from scenes.camera import CameraSpec, SensorConfig, build_camera, develop, draw_sensor
from scenes.light import LightConfig, build_light, draw_light
from scenes.raster import PyrenderRenderer
from scenes.renderer import Material, MeshPart, Scene


def limb(key: str, base, top, radius: float, grid: tuple[int, int], texture: np.ndarray, **material) -> MeshPart:
    """A closed capsule-like tube with grid[0] * grid[1] vertices, bent and rippled as cloth is."""
    base, top = np.asarray(base, float), np.asarray(top, float)
    along, around = np.linspace(0, 1, grid[0]), np.linspace(0, 2 * np.pi, grid[1])
    s, a = np.meshgrid(along, around, indexing="ij")
    swell = radius * np.sqrt(np.maximum(1 - (2 * s - 1) ** 8, 1e-4)) * (1 + 0.03 * np.sin(9 * a + 40 * s))
    axis = (top - base) / np.linalg.norm(top - base)
    side = np.cross(axis, [0.3, 0.2, 0.9])
    side /= np.linalg.norm(side)
    front = np.cross(axis, side)
    normal = np.cos(a)[..., None] * side + np.sin(a)[..., None] * front
    points = base + s[..., None] * (top - base) + swell[..., None] * normal
    index = np.arange(grid[0] * grid[1]).reshape(grid)
    p, q, r, t = (i.ravel() for i in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    faces = np.concatenate([np.stack([p, t, r], 1), np.stack([p, r, q], 1)]).astype(np.uint32)
    a0, b0, c0 = (points.reshape(-1, 3)[faces[:, k]] for k in range(3))
    if (np.cross(b0 - a0, c0 - a0) * normal.reshape(-1, 3)[faces[:, 0]]).sum() < 0:
        faces = faces[:, ::-1].copy()
    uv = np.stack([a / (2 * np.pi), s], -1).reshape(-1, 2).astype(np.float32)
    flat = points.reshape(-1, 3).astype(np.float32)
    part = np.full(len(flat), 3, np.uint8)
    return MeshPart(
        key, flat, normal.reshape(-1, 3).astype(np.float32), faces, uv, Material(texture=texture, **material), part, 1
    )


def person(rng: np.random.Generator) -> list[MeshPart]:
    """About 35,000 vertices in six parts: skin, shirt, trousers (two tubes), shoes' stand-in, cut-out hair."""
    textures = [rng.integers(60, 220, (side, side, 3)).astype(np.uint8) for side in (1024, 1024, 1024, 512)]
    strands = rng.integers(20, 90, (512, 512, 4)).astype(np.uint8)
    strands[..., 3] = np.where(rng.random((512, 512)) < 0.7, 255, 0)
    return [
        limb("skin", (0, 1.42, 0), (0, 1.72, 0), 0.11, (120, 90), textures[0], roughness=0.55),
        limb("shirt", (0, 0.85, 0), (0, 1.45, 0), 0.19, (110, 80), textures[1], double_sided=True),
        limb("leg-l", (0, 0.02, -0.12), (0, 0.95, -0.08), 0.09, (90, 50), textures[2], double_sided=True),
        limb("leg-r", (0.1, 0.02, 0.12), (0, 0.95, 0.08), 0.09, (90, 50), textures[2], double_sided=True),
        limb("arm", (0, 1.4, -0.2), (0.35, 0.95, -0.45), 0.05, (60, 50), textures[3], double_sided=True),
        limb("hair", (0, 1.6, 0), (0, 1.78, 0), 0.125, (60, 53), strands, cutout=True, double_sided=True),
    ]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--platform", default="auto", choices=("auto", "egl", "osmesa"))
    parser.add_argument("--backdrop", default="room", choices=("room", "plain", "studio"))
    options = parser.parse_args()
    width, height = (int(v) for v in options.size.split("x"))
    rng = np.random.default_rng(0)
    parts = person(rng)
    points = np.concatenate([part.vertices for part in parts]).astype(float)
    light_spec = draw_light(LightConfig(kinds={"sky": 1.0}), rng)
    light = build_light(light_spec, {})
    spec = draw_backdrop(BackdropConfig(kinds={options.backdrop: 1.0}), rng, light_spec)
    focal = 1.15 * height
    camera = build_camera(
        CameraSpec(width, height, focal, (width / 2, height / 2), (2.4, 1.5, 1.0), (0, 0.9, 0), 0.0, "phone", "none")
    )
    start = time.perf_counter()
    backdrop = build_backdrop(spec, camera, points[::50], light, light_spec, {})
    first_backdrop = time.perf_counter() - start
    start = time.perf_counter()
    for _ in range(5):
        build_backdrop(spec, camera, points[::50], light, light_spec, {})
    again = (time.perf_counter() - start) / 5
    start = time.perf_counter()
    renderer = PyrenderRenderer(width, height, options.platform)
    opened = time.perf_counter() - start

    def frame(index: int):
        shift = np.float32([0.02 * np.sin(index), 0, 0.02 * np.cos(index)])
        moved = tuple(dataclasses.replace(part, vertices=part.vertices + shift) for part in parts)
        return renderer.render(Scene(moved + backdrop.parts, camera, light, backdrop.background))

    start = time.perf_counter()
    picture = frame(0)
    first = time.perf_counter() - start
    for index in range(3):
        frame(index)
    used, start = _cpu(), time.perf_counter()
    for index in range(options.frames):
        frame(index)
    wall, used = time.perf_counter() - start, _cpu() - used
    passes = renderer.start_timing()
    for index in range(options.frames):
        frame(index)
    sensor = draw_sensor(SensorConfig(), rng)
    develop(picture.rgb, sensor)
    start = time.perf_counter()
    for _ in range(10):
        develop(picture.rgb, sensor)
    sensing = (time.perf_counter() - start) / 10
    count = options.frames
    print(f"{renderer.description}, {renderer.platform}, {width}x{height}, {len(points)} vertices, {options.backdrop}")
    resident = renderer.resident_bytes / 2**20
    print(f"context {opened * 1e3:.0f} ms, first picture {first * 1e3:.0f} ms, resident {resident:.1f} MB")
    print(f"{count / wall:.1f} images/s, {wall / count * 1e3:.1f} ms wall, {used / count * 1e3:.1f} ms processor")
    print("ms per pass (finished one by one): " + ", ".join(f"{k} {v / count * 1e3:.1f}" for k, v in passes.items()))
    print(f"backdrop first {first_backdrop * 1e3:.0f} ms, again {again * 1e3:.1f} ms; sensor {sensing * 1e3:.1f} ms")
    renderer.close()


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
