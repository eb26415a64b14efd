"""Where cameras stand, what they aim at, how their lenses bend. CameraSpec holds every random choice as plain data."""

from dataclasses import dataclass, field, replace

import numpy as np

from biomech.errors import ConfigError
from scenes.distortion import NONE
from scenes.extent import bounds
from scenes.framing import Framing, aimed, axes, focal_that_fills, holds, outline, standing
from scenes.renderer import Camera
from scenes.sensor import SensorConfig, SensorSpec, develop, draw_sensor

__all__ = [
    "CameraConfig",
    "CameraSpec",
    "DistortionConfig",
    "HEIGHTS",
    "SensorConfig",
    "SensorSpec",
    "build_camera",
    "develop",
    "draw_camera",
    "draw_rig",
    "draw_sensor",
]

FULL_FRAME_MM = 36.0  # focal lengths are equivalents on a 36 mm wide sensor
HEIGHTS = {
    "phone": (1.35, 1.75), "tripod": (0.9, 1.4), "low": (0.25, 0.8), "cctv": (2.3, 3.6), "drone": (3.5, 7.0),
    "broadcast": (4.0, 10.0),
}  # fmt: skip
SIDES = {"front": (0.0,), "side": (0.5, -0.5), "back": (1.0,)}
"""Middles of the quarter circles that cameras stand in, half turns from where the main person faces."""

_STEPS_BACK, _STEP_BACK = 24, 1.12  # until all fit who should; each so much farther away
_WIDE_MM = 28.0  # lenses up to here show all of their barrel distortion
_BENT_BY_K2 = 0.3  # largest share of a lens's bend that grows with the fourth power of the radius
_SWAY = 0.15  # largest departure of a rig's camera from its even place, parts of the angle between two


@dataclass(frozen=True, slots=True)
class DistortionConfig:
    """How lenses bend the picture.

    Attributes:
        share: of the pictures.
        corner: how far the lens moves the picture's corner, share of its distance from the middle, by mount: negative
            is barrel, which is that of a 28 mm lens; longer ones bend less, in proportion. Phones correct theirs,
            action cameras (low, drone) and surveillance cameras do not.
        tangential: standard deviation of what a tilted lens adds, in the same measure.
    """

    share: float = 0.2
    corner: dict[str, tuple[float, float]] = field(
        default_factory=lambda: {
            "phone": (-0.025, 0.015),
            "tripod": (-0.03, 0.02),
            "low": (-0.14, -0.03),
            "cctv": (-0.16, -0.04),
            "drone": (-0.06, 0.01),
            "broadcast": (-0.015, 0.02),
        }
    )
    tangential: float = 0.001


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """Ranges cameras are drawn from.

    Attributes:
        mounts: relative frequency of phone (1.35 to 1.75 m high), tripod, low, cctv, drone, broadcast.
        azimuth: relative frequency of views from the front, the sides and the back of the main person, 90 degrees
            each (both sides together).
        focal_mm: 36 mm equivalent focal length, drawn evenly in its logarithm.
        roll_deg: standard deviation of roll.
        fill: height (or width) of the people as a share of the picture, where they are whole.
        cropped: share of pictures that cut people off at an edge.
        upper_body: share of the cropped pictures that show the upper body only.
        cut: how much of the people an edge cuts off.
        offset: largest shift of the people from the middle, share of the free space.
        principal_px: standard deviation of the principal point, share of the picture width.
        distance_m: nearest and farthest the camera stands from the people; the focal length gives way. Where people
            do not fit even so, it stands farther.
        broadcast_mm, broadcast_m: the same of broadcast cameras, which are far and have long lenses.
    """

    mounts: dict[str, float] = field(
        default_factory=lambda: {
            "phone": 0.48, "tripod": 0.2, "low": 0.09, "cctv": 0.11, "drone": 0.06, "broadcast": 0.06,
        }
    )  # fmt: skip
    azimuth: dict[str, float] = field(default_factory=lambda: {"front": 0.34, "side": 0.44, "back": 0.22})
    focal_mm: tuple[float, float] = (24.0, 135.0)
    roll_deg: float = 3.0
    fill: tuple[float, float] = (0.45, 0.95)
    cropped: float = 0.12
    upper_body: float = 0.4
    cut: tuple[float, float] = (0.08, 0.35)
    offset: float = 0.8
    principal_px: float = 0.01
    distance_m: tuple[float, float] = (1.2, 14.0)
    broadcast_mm: tuple[float, float] = (85.0, 400.0)
    broadcast_m: tuple[float, float] = (12.0, 30.0)
    distortion: DistortionConfig = DistortionConfig()


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """One drawn camera.

    Attributes:
        width: px.
        height: px.
        focal_px: focal length.
        principal_px: (2,) principal point.
        eye: (3,) m, world.
        target: (3,) m, world; a point on the optical axis.
        roll_rad: turn of the picture about the optical axis.
        mount: which of HEIGHTS.
        crop: "none", "edge" or "upper": whether people were meant to be cut off.
        distortion: OpenCV's k1 k2 p1 p2 k3; specs stored before there were lenses have none.
    """

    width: int
    height: int
    focal_px: float
    principal_px: tuple[float, float]
    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    roll_rad: float
    mount: str
    crop: str
    distortion: tuple[float, ...] = NONE


def build_camera(spec: CameraSpec) -> Camera:
    """The camera of a spec."""
    rotation = axes(np.array(spec.eye), np.array(spec.target), spec.roll_rad)
    cam_from_world = np.eye(4)
    cam_from_world[:3, :3] = rotation
    cam_from_world[:3, 3] = -rotation @ spec.eye
    intrinsics = np.array(
        [[spec.focal_px, 0, spec.principal_px[0]], [0, spec.focal_px, spec.principal_px[1]], [0, 0, 1.0]]
    )
    return Camera(intrinsics, cam_from_world, spec.width, spec.height, tuple(spec.distortion))


def draw_camera(
    config: CameraConfig,
    rng: np.random.Generator,
    points: np.ndarray,
    keypoints: np.ndarray,
    size: tuple[int, int],
    *,
    heading: float = 0.0,
    azimuth: float | None = None,
) -> CameraSpec:
    """Draw a camera that looks at people.

    Args:
        config: ranges.
        rng: the only source of chance.
        points: (N, 3) m, the surface of everyone to be shown, in all frames of a clip.
        keypoints: (K, 3) m, decides the middle and what an upper-body crop keeps.
        size: (width, height) px.
        heading: rad from x towards z, where the main person faces.
        azimuth: rad from x towards z, the side to look from; None draws one.
    """
    width, height = size
    points, keypoints = outline(np.asarray(points, np.float64)), np.asarray(keypoints, np.float64)
    mount = _one_of(config.mounts, tuple(HEIGHTS), rng)
    side = SIDES[_one_of(config.azimuth, tuple(SIDES), rng)]
    half_turns = side[int(rng.integers(len(side)))] + rng.uniform(-0.25, 0.25)
    azimuth = heading + float(np.pi * half_turns) if azimuth is None else azimuth
    far_off = mount == "broadcast"
    (near, far), (wide, long) = (
        (config.broadcast_m, config.broadcast_mm) if far_off else (config.distance_m, config.focal_mm)
    )
    lift, focal_mm = float(rng.uniform(*HEIGHTS[mount])), float(np.exp(rng.uniform(*np.log((wide, long)))))
    fill = float(rng.uniform(*config.fill))
    crop = "none"
    if rng.random() < config.cropped:
        crop = "upper" if rng.random() < config.upper_body else "edge"
    roll = float(np.radians(rng.normal(0.0, config.roll_deg * (0.2 if far_off else 1.0))))
    offset = rng.uniform(-config.offset, config.offset, 2)
    edge = ("left", "right", "bottom")[int(rng.choice(3, p=[0.4, 0.4, 0.2]))]
    cut = float(rng.uniform(*config.cut))
    principal = np.array([width, height]) / 2 + rng.normal(0.0, config.principal_px * width, 2)

    shown = points
    if crop == "upper" and np.ptp(points[:, 1]) < 0.8:
        crop = "edge"  # whoever lies has no upper half
    if crop == "upper":
        waist = float(np.quantile(keypoints[:, 1], rng.uniform(0.3, 0.55)))
        shown = points[points[:, 1] >= waist] if (points[:, 1] >= waist).sum() >= 8 else points
    low, high = bounds(shown)
    middle = (low + high) / 2
    focal = focal_mm / FULL_FRAME_MM * width
    span = np.linalg.norm(shown - middle, axis=1).max() * 2
    distance = float(np.clip(span * focal / (fill * min(height, 1.5 * width)), near, far))
    for _ in range(_STEPS_BACK):
        eye = standing(middle, azimuth, lift, distance, points)
        framing = Framing(eye, shown, roll, principal, size)
        # focal lengths stay in the range asked for, within the distances allowed
        focal = float(
            np.clip(focal_that_fills(framing, fill), wide / FULL_FRAME_MM * width, long / FULL_FRAME_MM * width)
        )
        target = aimed(framing, focal, offset, crop, edge, cut)
        if crop != "none" or fill > 0.97 or holds(framing, focal, target):
            break
        distance *= _STEP_BACK
    return CameraSpec(
        width, height, focal, (float(principal[0]), float(principal[1])), (float(eye[0]), float(eye[1]), float(eye[2])),
        (float(target[0]), float(target[1]), float(target[2])), roll, mount, crop,
        _draw_distortion(config.distortion, rng, mount, focal, principal, size),
    )  # fmt: skip


def draw_rig(
    config: CameraConfig,
    rng: np.random.Generator,
    points: np.ndarray,
    keypoints: np.ndarray,
    size: tuple[int, int],
    views: int = 1,
    *,
    heading: float = 0.0,
) -> tuple[CameraSpec, ...]:
    """Cameras around people, all seeing everyone whole; one alone is `draw_camera`'s.

    Their azimuths are a full circle apart in even steps (a right angle where there are two, which see more that way
    than face to face), give or take a little. Arguments as for `draw_camera`.
    """
    if views < 1:
        raise ConfigError(f"a rig of {views} cameras sees nothing; ask for 1 or more views")
    if views == 1:
        return (draw_camera(config, rng, points, keypoints, size, heading=heading),)
    step = 2 * np.pi / (4 if views == 2 else views)
    first = float(rng.uniform(-np.pi, np.pi))
    whole = replace(config, cropped=0.0, fill=(min(config.fill[0], 0.9), min(config.fill[1], 0.9)))
    turns = first + step * (np.arange(views) + rng.uniform(-_SWAY, _SWAY, views))
    return tuple(draw_camera(whole, rng, points, keypoints, size, azimuth=float(turn)) for turn in turns)


def _one_of(weights: dict[str, float], names: tuple[str, ...], rng: np.random.Generator) -> str:
    share = np.array([weights.get(name, 0.0) for name in names])
    return names[int(rng.choice(len(names), p=share / share.sum()))]


def _draw_distortion(
    config: DistortionConfig, rng: np.random.Generator, mount: str, focal: float, principal: np.ndarray, size
) -> tuple[float, float, float, float, float]:
    """Coefficients that move the picture's farthest corner by the share drawn; they never fold back inside it."""
    bent, low_high = rng.random() < config.share, config.corner.get(mount, (0.0, 0.0))
    moved, by_k2 = float(rng.uniform(*low_high)), float(rng.uniform(-_BENT_BY_K2, _BENT_BY_K2))
    if moved < 0:
        moved *= min(1.0, _WIDE_MM / (focal / size[0] * FULL_FRAME_MM))
    p1, p2 = (float(v) for v in rng.normal(0.0, 1.0, 2).clip(-2, 2) * config.tangential)
    if not bent:
        return (0.0, 0.0, 0.0, 0.0, 0.0)
    corner = float(np.linalg.norm(np.maximum(principal, np.array(size) - principal))) / focal / (1 + moved)
    return moved * (1 - by_k2) / corner**2, moved * by_k2 / corner**4, p1 / corner, p2 / corner, 0.0
