"""Milliseconds per picture of the rasteriser alone, on a stand-in for a dressed person in a room, as paired ratios.

    python scripts/bench_render.py [--size 640x480] [--rounds 12] [--platform auto] [--people 1]

The stand-in has as many vertices, parts and textures as a dressed person; its vertices move in every frame. Variants
take turns frame by frame, so that a busy machine slows them alike, and each is held against the first by the median of
its ratios. Set LP_NUM_THREADS=1 (the default here) to measure one core of a software driver.
"""

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("LP_NUM_THREADS", "1")

from scenes.raster import PyrenderRenderer
from scenes.renderer import Camera, Light, Material, MeshPart, Scene


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


def wall(key: str, corner, across, up, texture: np.ndarray, tiles: float) -> MeshPart:
    """A textured rectangle, seen from both sides."""
    corner, across, up = (np.asarray(v, np.float32) for v in (corner, across, up))
    points = np.stack([corner, corner + across, corner + across + up, corner + up])
    normal = np.cross(up, across) / np.linalg.norm(np.cross(up, across))
    uv = np.float32([[0, 0], [tiles, 0], [tiles, tiles], [0, tiles]])
    faces = np.uint32([[0, 1, 2], [0, 2, 3]])
    material = Material(texture=texture, double_sided=True)
    ids = np.zeros(4, np.uint8)
    return MeshPart(key, points, np.tile(np.float32(normal), (4, 1)), faces, uv, material, ids, 0, False)


def room(rng: np.random.Generator) -> list[MeshPart]:
    """Floor and two walls that fill the picture."""
    pictures = [rng.integers(90, 200, (512, 512, 3)).astype(np.uint8) for _ in range(2)]
    return [
        wall("floor", (-6, 0, -6), (12, 0, 0), (0, 0, 12), pictures[0], 6),
        wall("back", (-2.5, 0, -6), (0, 0, 12), (0, 6, 0), pictures[1], 4),
        wall("side", (-6, 0, -3), (12, 0, 0), (0, 6, 0), pictures[1], 4),
    ]


def sunlight(strength: float) -> Light:
    """Grey sky and a sun from the side."""
    sh = np.zeros((9, 3))
    sh[0] = 0.5 / 0.282095
    direction = np.array([0.5, 0.8, 0.3]) / np.linalg.norm([0.5, 0.8, 0.3])
    return Light(f"bench-{strength}", sh, np.full((32, 64, 3), 0.5, np.float32), direction, np.full(3, strength))


def camera_of(width: int, height: int) -> Camera:
    """A phone at breast height that sees the whole person."""
    eye, target = np.array([2.9, 1.5, 1.2]), np.array([0, 0.9, 0.0])
    z = (target - eye) / np.linalg.norm(target - eye)
    x = np.cross(z, [0, 1.0, 0]) / np.linalg.norm(np.cross(z, [0, 1.0, 0]))
    cam_from_world = np.eye(4)
    cam_from_world[:3, :3] = np.stack([x, np.cross(z, x), z])
    cam_from_world[:3, 3] = -cam_from_world[:3, :3] @ eye
    focal = 1.15 * height
    return Camera(np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]]), cam_from_world, width, height)


def with_looks(part: MeshPart, relief: np.ndarray) -> MeshPart:
    """The part with relief, flesh and fuzz."""
    look = dataclasses.replace(
        part.material, detail=relief, detail_scale=(8, 8), detail_gloss=0.5, subsurface=0.5, sheen=0.2
    )
    return dataclasses.replace(part, key=f"{part.key}/looks", material=look)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--platform", default="auto", choices=("auto", "egl", "osmesa"))
    parser.add_argument("--people", type=int, default=1)
    options = parser.parse_args()
    width, height = (int(v) for v in options.size.split("x"))
    rng = np.random.default_rng(0)
    people = []
    for number in range(options.people):
        offset = np.float32([0, 0, 0.8 * number])
        people += [
            dataclasses.replace(p, key=f"{number}/{p.key}", vertices=p.vertices + offset, instance_id=number + 1)
            for p in person(rng)
        ]
    walls, camera = tuple(room(rng)), camera_of(width, height)
    relief = rng.integers(0, 255, (256, 256)).astype(np.uint8)
    background = np.full((height, width, 3), 128, np.uint8)
    sunny, dull = sunlight(2.0), sunlight(0.0)
    dressed = [with_looks(p, relief) if not p.material.cutout else p for p in people]
    variants = {
        "everything": (people, sunny, {}),
        "without sun": (people, dull, {}),
        "relief, flesh and fuzz": (dressed, sunny, {}),
        "normals too": (people, sunny, {"normals": True}),
    }
    renderer = PyrenderRenderer(width, height, options.platform)

    def frame(name: str, index: int) -> float:
        parts, light, more = variants[name]
        shift = np.float32([0.02 * np.sin(index), 0, 0.02 * np.cos(index)])
        moved = tuple(dataclasses.replace(part, vertices=part.vertices + shift) for part in parts)
        scene = Scene(moved + walls, camera, light, background, **more)
        start = time.process_time()
        renderer.render(scene)
        return time.process_time() - start

    spent: dict[str, list[float]] = {name: [] for name in variants}
    for index in range(-2, options.rounds):
        for name, seconds in spent.items():
            seconds.append(frame(name, index))
    vertices = sum(len(part.vertices) for part in people)
    print(f"{renderer.description}, {renderer.platform}, {width}x{height}, {vertices} vertices of people")
    first = np.array(spent["everything"][2:])
    for name, seconds in spent.items():
        kept = np.array(seconds[2:])
        print(f"{name:24s} {np.median(kept) * 1e3:6.1f} ms processor, ratio {np.median(kept / first):.2f}")
    passes = renderer.start_timing()
    for index in range(options.rounds):
        frame("everything", index)
    shares = ", ".join(f"{k} {v / options.rounds * 1e3:.1f}" for k, v in passes.items())
    print(f"ms per pass (finished one by one): {shares}")
    renderer.close()


if __name__ == "__main__":
    main()
