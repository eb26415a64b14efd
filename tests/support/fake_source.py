"""A stand-in for the real sample maker: flat cardboard people, but with labels that obey every law.

Importable by spawned workers (pytest's `pythonpath` holds this folder). Mischief is ordered through environment
variables, which workers inherit.
"""

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

from biomech.anatomy import COORDINATES
from biomech.errors import GraphicsLost
from biomech.limits import load_limits
from scenes.renderer import Camera
from synthgen.config import Config, split_of
from synthgen.keypoints import spinetrack
from synthgen.pool import Source
from synthgen.sample_types import Annotation, Sample

SOURCE = Source("fake_source:open_assets", "fake_source:make_sample", "fake_source:subject_osim")


class Assets(dict):
    """Says, into the folder FAKE_CLOSED, that this process closed them, and whether on the thread that opened them.

    Like a renderer, they cannot be closed once the graphics are lost.
    """

    lost = False

    def close(self) -> None:
        if self.lost:
            raise OSError("there is no context to close")
        if "FAKE_CLOSED" in os.environ:
            own = threading.get_ident() == self["thread"]
            Path(os.environ["FAKE_CLOSED"], str(os.getpid())).write_text("own thread" if own else "another thread")


def open_assets(config: Config) -> Assets:
    return Assets(opened=True, thread=threading.get_ident())


def subject_osim(config: Config, assets: dict, subject: int) -> str:
    return f'<OpenSimDocument Version="40600"><Model name="subject {subject}"/></OpenSimDocument>\n'


def make_sample(config: Config, assets: dict, index: int) -> Sample:
    assert assets["opened"]
    _mischief(index)
    rng = np.random.default_rng([config.seed, index])
    subject = index // config.poses_per_subject
    h, w = config.height, config.width
    intrinsics = np.array([[0.9 * w, 0, w / 2], [0, 0.9 * w, h / 2], [0, 0, 1.0]])
    camera = Camera(intrinsics, _look(rng), w, h)
    distance = rng.uniform(3, 5)
    # The person: an upright card facing the camera, sometimes partly out of the picture.
    centre, half = rng.uniform(-0.9, 0.9), np.array([0.3, 0.9])
    card = np.array([centre, 0.0])
    xs, ys = np.meshgrid(np.arange(w) + 0.5, np.arange(h) + 0.5)
    metres = np.stack([xs - w / 2, ys - h / 2], -1) / (0.9 * w) * distance - card
    mask = (np.abs(metres) <= half).all(-1)
    schema = spinetrack()
    surface = np.array([k.surface for k in schema.keypoints])
    cam = np.concatenate([rng.uniform(-0.9, 0.9, (37, 2)) * half + card, np.full((37, 1), distance)], 1)
    cam[~surface, 2] += 0.02
    world = (cam - camera.cam_from_world[:3, 3]) @ camera.cam_from_world[:3, :3]
    pixels = camera.project(world)
    inside = ((pixels >= 0) & (pixels < [w, h])).all(1)
    keypoints = np.concatenate([pixels, np.where(inside, 2, 0)[:, None]], 1)
    rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    rows, columns = np.nonzero(mask)
    box = (float(columns.min()), float(rows.min()), float(np.ptp(columns) + 1), float(np.ptp(rows) + 1))
    vertebrae = np.tile(np.eye(4), (24, 1, 1))
    vertebrae[:, :3, 3] = world[19] + np.linspace(0, 0.5, 24)[:, None] * [0, 1, 0]
    annotation = Annotation(
        instance_id=1,
        subject=subject,
        keypoints=keypoints,
        keypoints_world=world,
        keypoints_cam=cam,
        vertebrae_world=vertebrae,
        bbox=box,
        area=float(mask.sum()),
        segmentation={"size": [h, w], "counts": rle["counts"].decode()},
        activity="stand",
        phase=float(rng.uniform()),
        q=np.clip(rng.normal(0, 0.02, len(COORDINATES)), *load_limits().hard.T),
        residuals={"spine": 0.001, "limbs": 0.002},
    )
    rgb = np.clip(rng.normal(120, 20, (h, w, 3)), 0, 255).astype(np.uint8)
    rgb[mask] = rng.integers(0, 255, 3)
    return Sample(
        index=index,
        subject=subject,
        split=split_of(config, subject),
        spec={"distance": float(distance), "centre": float(centre)},
        rgb=rgb,
        depth=np.where(mask, distance, 0).astype(np.float32),
        instance=mask.astype(np.uint8),
        part=(mask * 3).astype(np.uint8),
        camera=camera,
        annotations=(annotation,),
        jpeg_quality=round(rng.uniform(*config.sensor.jpeg_quality)),
        timings={"fake": 0.001},
    )


def _look(rng: np.random.Generator) -> np.ndarray:
    yaw = rng.uniform(0, 2 * np.pi)
    forward = np.array([np.cos(yaw), 0, np.sin(yaw)])
    down = np.array([0, -1.0, 0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([np.cross(down, forward), down, forward])
    pose[:3, 3] = pose[:3, :3] @ -np.array([0, 1.0, 0])
    return pose


def _mischief(index: int) -> None:
    """FAKE_KILL="index:flag file" and FAKE_KILL_index="flag file": die once at that index. FAKE_LOSE="index:flag file":
    lose the graphics once. FAKE_KILL_ALWAYS, FAKE_RAISE, FAKE_STUCK (for ever): index. FAKE_SLOW: seconds."""
    if os.environ.get("FAKE_SLOW"):
        time.sleep(float(os.environ["FAKE_SLOW"]))
    if os.environ.get("FAKE_RAISE") == str(index):
        raise ArithmeticError("the spine is a circle")
    if os.environ.get("FAKE_KILL_ALWAYS") == str(index):
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("FAKE_STUCK") == str(index):
        time.sleep(1e6)
    where, _, flag = os.environ.get("FAKE_LOSE", "").partition(":")
    if where == str(index) and not Path(flag).exists():
        if Path(flag).parent.is_dir():
            Path(flag).touch()
        Assets.lost = True
        raise GraphicsLost("the graphics driver failed (context lost)")
    where, _, flag = os.environ.get("FAKE_KILL", "").partition(":")
    flag = os.environ.get(f"FAKE_KILL_{index}", flag if where == str(index) else "")
    if flag and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
