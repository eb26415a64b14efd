"""Processor milliseconds per picture of every kind of backdrop: building it, and drawing it behind a stand-in person.

    python scripts/bench_places.py [--size 640x480] [--pictures 40] [--kinds gym,street]

The first half of the pictures fills the caches (textures, layouts) and is shown apart, as "cold".
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("LP_NUM_THREADS", "1")

from scenes.backdrop import KINDS, BackdropConfig, build_backdrop, draw_surroundings, lit
from scenes.camera import CameraSpec, build_camera
from scenes.environment import load_environments
from scenes.light import LightConfig, build_light
from scenes.places.shapes import moved, turned
from scenes.props import part_of
from scenes.raster import PyrenderRenderer
from scenes.renderer import Material, Scene
from synthgen.assets import cache_folder


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--pictures", type=int, default=40)
    parser.add_argument("--kinds", default=",".join(kind for kind in KINDS if kind != "photo"))
    options = parser.parse_args()
    width, height = (int(v) for v in options.size.split("x"))
    folder = cache_folder() / "hdri"
    environments = load_environments(folder) if folder.is_dir() else {}
    body = moved(turned([(0.02, 0.0), (0.2, 0.3), (0.22, 1.4), (0.12, 1.7), (0.0, 1.75)], 48))
    person = part_of("person", [body], Material((0.7, 0.5, 0.4)), instance_id=1, casts_shadow=True)
    points = person.vertices.astype(float)
    renderer = PyrenderRenderer(width, height)
    print(f"{renderer.description}, {width}x{height}, {len(environments)} environments; ms of processor per picture")
    print("kind         cold build  build  draw  faces  parts")
    for kind in options.kinds.split(","):
        rows = []
        for number in range(options.pictures):
            rng = np.random.default_rng([number, 1])
            light_spec, spec = draw_surroundings(
                BackdropConfig(kinds={kind: 1.0}), LightConfig(), rng, tuple(environments)
            )
            turn, away = rng.uniform(0, 2 * np.pi), rng.uniform(2, 7)
            eye = (float(away * np.cos(turn)), 1.5, float(away * np.sin(turn)))
            camera = build_camera(
                CameraSpec(width, height, 0.86 * width, (width / 2, height / 2), eye, (0, 0.9, 0), 0.0, "phone", "none")
            )
            light = lit(spec, build_light(light_spec, environments), light_spec, camera)
            begin = time.process_time()
            backdrop = build_backdrop(spec, (camera,), 0, points, light, light_spec, environments)
            built = time.process_time()
            renderer.render(Scene((person, *backdrop.parts), camera, light, backdrop.background))
            drawn = time.process_time()
            faces = sum(len(part.faces) for part in backdrop.parts)
            rows.append((built - begin, drawn - built, faces, len(backdrop.parts)))
        table = np.array(rows)
        half = len(rows) // 2
        cold, (build, draw, faces, parts) = table[:half, 0].mean(), table[half:].mean(0)
        print(
            f"{kind:<12} {cold * 1e3:10.1f} {build * 1e3:6.1f} {draw * 1e3:5.0f} {faces:6.0f} {parts:6.0f}", flush=True
        )
    renderer.close()


if __name__ == "__main__":
    main()
