"""One person through the phases of an activity, side by side: a strip of pictures by the real renderer."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from biomech.activities import ACTIVITIES, Pose, activity, sample_phases
from biomech.errors import ConfigError, ModelError
from scenes.backdrop import BackdropSpec, build_backdrop
from scenes.camera import CameraSpec, build_camera
from scenes.light import LightSpec, build_light
from scenes.person import mesh_parts
from scenes.props import SeatSpec
from scenes.raster import PyrenderRenderer
from scenes.renderer import MeshPart, Scene
from synthgen.cast import Assets, Cast, Posed, lowered_to_floor, open_assets, put_in_pose
from synthgen.config import Config, load_config
from synthgen.shards import write_atomic
from synthgen.stage import seat_of

STRIPS = 7
"""Random stream of strips: default_rng([seed, STRIPS, subject])."""

MAX_FRAMES = 32

PLAIN = (
    "people.age=[20,45]", "people.bmi=[19,25]",
    "wardrobe.tight_share=1", "wardrobe.loose_share=0", "wardrobe.hat_share=0",
    "wardrobe.backpack_share=0", "wardrobe.headwear_share=0", "wardrobe.long_hair_share=0", "assets=auto",
)  # fmt: skip
"""Settings of a strip before the caller's own: tight clothes show the back."""

_STUDIO = LightSpec("studio", "", 0, 0.0, 0.9, 2.0, 50.0, 0.1, 3)
_SWEEP = BackdropSpec(
    "studio", "concrete", 0, (0.8, 0.8, 0.8), "paint", 0, (0.78, 0.8, 0.83), 2.0, 3.0, 0.0, 0, 0.3, 5
)  # fmt: skip
_SEAT = SeatSpec("crate", 0.44, 0.4, (0.72, 0.6, 0.45), "wood", 1)


def phases_of(frames: int) -> tuple[float, ...]:
    """`frames` phases from the beginning of an activity to just before its end."""
    if not 1 <= frames <= MAX_FRAMES:
        raise ConfigError(f"--frames is {frames}; allowed: 1 to {MAX_FRAMES}")
    return tuple(float(v) for v in np.linspace(0.0, 0.999, frames)) if frames > 1 else (0.0,)


def draw_strip(
    name: str,
    frames: int = 8,
    *,
    config: Config | None = None,
    subject: int = 0,
    view_deg: float = 60.0,
    height: int = 420,
) -> np.ndarray:
    """(height, W, 3) uint8 RGB: subject number `subject` of `config` through the phases of an activity.

    Args:
        view_deg: where the camera stands: 0 in front of the person, 90 on his right, 180 behind.
        height: of the strip, px.

    Raises:
        ModelError: no such activity, or one without phases.
        ConfigError: `frames` or `height` out of range.
    """
    item = activity(name)
    if not item.course:
        phased = ", ".join(n for n, a in ACTIVITIES.items() if a.course)
        raise ModelError(f"{name!r} is a posture and has no phases to draw; those with phases are {phased}.")
    phases = phases_of(frames)
    if not 96 <= height <= 2048:
        raise ConfigError(f"--height is {height}; allowed: 96 to 2048 px")
    config = load_config(None, PLAIN) if config is None else config
    assets = open_assets(config)
    try:
        cast = assets.cast(config, subject)
        poses = sample_phases(cast.model, name, np.random.default_rng([config.seed, STRIPS, subject]), phases)
        return np.hstack(draw_poses(assets, cast, poses, view_deg, height))
    finally:
        assets.close()


def draw_poses(assets: Assets, cast: Cast, poses: Sequence[Pose], view_deg: float, height: int) -> list[np.ndarray]:
    """A picture (height, w, 3) of each pose, all by one camera that has room for every one of them."""
    posed = [put_in_pose(cast, lowered_to_floor(cast, p.q, 0.35, p.props.get("clearance", 0.0)), 0.35) for p in poses]
    shown = [_parts(cast, pose, body) for pose, body in zip(poses, posed, strict=True)]
    clouds = [np.concatenate([part.vertices for part in parts]) for parts in shown]
    camera = build_camera(framing(clouds, view_deg, height))
    renderer = PyrenderRenderer(camera.width, camera.height)
    try:
        return [_picture(renderer, camera, assets, parts, seen) for parts, seen in zip(shown, clouds, strict=True)]
    finally:
        renderer.close()


def framing(clouds: Sequence[np.ndarray], view_deg: float, height: int) -> CameraSpec:
    """A long lens that shows all of the (N, 3) point clouds at one scale."""
    points = np.concatenate([cloud[::7] for cloud in clouds])
    low, high = points.min(0), points.max(0)
    middle = (low + high) / 2
    azimuth, lift = np.radians(view_deg), np.radians(6.0)
    away = np.array([np.cos(azimuth) * np.cos(lift), np.sin(lift), np.sin(azimuth) * np.cos(lift)])
    distance = 7.0
    right = np.array([np.sin(azimuth), 0.0, -np.cos(azimuth)])
    up = np.cross(-away, right) * -1.0
    spread = points - middle
    depth = distance - spread @ away
    half_h = float(np.abs(spread @ up / depth).max()) * 1.06
    half_w = float(np.abs(spread @ right / depth).max()) * 1.06
    focal = height / 2 / half_h
    width = 2 * int(np.ceil(max(focal * half_w, 0.16 * height)))
    eye = middle + distance * away
    return CameraSpec(
        width, height, float(focal), (width / 2, height / 2), tuple(eye.tolist()), tuple(middle.tolist()), 0.0, "chest",
        "none",
    )  # fmt: skip


def _parts(cast: Cast, pose: Pose, body: Posed) -> tuple[MeshPart, ...]:
    """The person, and his seat where the pose has one."""
    parts = mesh_parts(cast.person, body.vertices, instance_id=1)
    return (*parts, *seat_of(_SEAT, cast, pose, body)) if "seat_height" in pose.props else tuple(parts)


def _picture(renderer, camera, assets: Assets, parts: tuple[MeshPart, ...], seen: np.ndarray) -> np.ndarray:
    light = build_light(_STUDIO, assets.environments)
    backdrop = build_backdrop(_SWEEP, (camera,), 0, seen, light, _STUDIO, assets.environments)
    return renderer.render(Scene(parts + backdrop.parts, camera, light, backdrop.background)).rgb


def write_strip(path: Path, picture: np.ndarray) -> Path:
    """Save (H, W, 3) RGB as .jpg or .png.

    Raises:
        ConfigError: another file type, or a place that cannot be written.
    """
    import cv2

    suffix = path.suffix.lower()
    if suffix not in (".jpg", ".jpeg", ".png"):
        raise ConfigError(f"--out is '{path}'; it must end in .jpg or .png")
    _, data = cv2.imencode(suffix, np.ascontiguousarray(picture[..., ::-1]))
    try:
        write_atomic(path, data.tobytes())
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from None
    return path
