"""What each effect of lens and sensor costs, ms per picture on one core, and what the default shares make of it.

    python scripts/bench_sensor.py [--size 640x480] [--rounds 20]

The picture is a stand-in: a textured wall and floor with a person-sized patch before them. Times are processor times.
"""

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np

from scenes import lens
from scenes.camera import CameraConfig
from scenes.light import Light
from scenes.motion_blur import motion_field
from scenes.renderer import Camera, Frame, Scene
from scenes.sensor import SensorConfig, SensorSpec, develop

BARE = SensorSpec(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, (1.0, 1.0, 1.0), 1.0, 1.0, 90, 0)
BENT = (-0.12, 0.02, 0.0005, 0.0, 0.0)
FOCUS = 4.0


def stand_in(width: int, height: int) -> tuple[Frame, Camera, np.ndarray]:
    """A frame, its camera, and vertices on the person's surface."""
    rng = np.random.default_rng(0)
    rough = rng.integers(40, 220, (height // 8, width // 8, 3)).astype(np.uint8)
    rgb = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
    v, u = np.mgrid[:height, :width]
    mask = ((u - width / 2) / (0.1 * width)) ** 2 + ((v - height / 2) / (0.35 * height)) ** 2 < 1
    depth = np.where(mask, FOCUS, np.where(v > 0.6 * height, 2.4 * height / (v + 0.5), 6.0)).astype(np.float32)
    focal = 1.1 * width
    camera = Camera(np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]]), np.eye(4), width, height)
    rows, columns = np.nonzero(mask)
    chosen = rng.choice(len(rows), 15_000)
    pixels = np.stack([columns[chosen], rows[chosen]], 1) + 0.5
    ids = mask.astype(np.uint8)
    return Frame(rgb, depth, ids, ids), camera, camera.unproject(pixels, np.full(len(pixels), FOCUS))


def milliseconds(work: Callable[[], object], rounds: int) -> float:
    """Median processor time."""
    work()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1e3 * float(np.median(times))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    width, height = (int(v) for v in options.size.split("x"))
    frame, camera, vertices = stand_in(width, height)
    config, bends = SensorConfig(), CameraConfig().distortion
    way = np.array([0.12, 0.03, 0.0])
    motion = motion_field(frame, camera, 1, vertices - way, vertices + way)
    bent = dataclasses.replace(camera, distortion=BENT)
    light = Light("none", np.zeros((9, 3)), np.zeros((2, 4, 3), np.float32), np.array([0.0, 1, 0]), np.zeros(3))
    scene = Scene((), bent, light, frame.rgb)

    def lensed(fresh: bool) -> Frame:
        if fresh:
            lens._maps.cache_clear()
        return lens.through_lens(scene, lambda _: frame)

    base = milliseconds(lambda: develop(frame.rgb, BARE), options.rounds)

    def effect(**changes: float) -> float:
        spec = dataclasses.replace(BARE, **changes)
        return milliseconds(lambda: develop(frame.rgb, spec, depth=frame.depth, focus_m=FOCUS), options.rounds) - base

    field = milliseconds(lambda: motion_field(frame, camera, 1, vertices - way, vertices + way), options.rounds)
    smear = milliseconds(lambda: develop(frame.rgb, BARE, motion=motion), options.rounds) - base
    longest = float(np.hypot(*motion.reshape(-1, 2).T).max())
    strong = {name: getattr(config, name)[1] for name in ("defocus_px", "sharpen", "banding", "low", "video_step")}
    rows = [
        ("tone alone", 1.0, base),
        ("noise", 1.0, effect(noise=0.01)),
        ("lens blur", 1.0, effect(blur_px=0.8)),
        ("vignette", 1.0, effect(vignette=0.2)),
        ("saturation", 1.0, effect(saturation=0.9)),
        ("camera shake", 0.2, effect(motion_px=4.0)),
        ("lens distortion, new camera", bends.share, milliseconds(lambda: lensed(True), options.rounds)),
        ("lens distortion, same camera again", 0.0, milliseconds(lambda: lensed(False), options.rounds)),
        ("depth of field", config.defocus_share, effect(defocus_px=strong["defocus_px"])),
        ("motion field of a person", 0.0, field),
        (f"motion blur along {longest:.0f} px", 0.0, smear),
        ("sharpening", config.sharpen_share, effect(sharpen=strong["sharpen"])),
        ("flicker bands", config.banding_share, effect(banding=strong["banding"])),
        ("video codec", config.video_share, effect(video_step=strong["video_step"])),
        ("low resolution", config.low_share, effect(low=strong["low"])),
    ]
    print(f"{width}x{height}, processor ms per picture\n{'effect':36}{'ms':>8}{'share':>8}{'mean':>8}")
    for name, share, cost in rows:
        print(f"{name:36}{cost:8.1f}{share:8.2f}{cost * share:8.2f}")
    print(f"{'sum of the means':52}{sum(share * cost for _, share, cost in rows):8.2f}")


if __name__ == "__main__":
    main()
