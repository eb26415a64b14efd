"""Where the camera stands and what it aims at. CameraSpec holds every random choice as plain data."""

from dataclasses import dataclass, field

import numpy as np

from scenes.renderer import Camera
from scenes.sensor import SensorConfig, SensorSpec, develop, draw_sensor

__all__ = [
    "CameraConfig",
    "CameraSpec",
    "HEIGHTS",
    "SensorConfig",
    "SensorSpec",
    "build_camera",
    "develop",
    "draw_camera",
    "draw_sensor",
]

FULL_FRAME_MM = 36.0  # focal lengths are equivalents on a 36 mm wide sensor
_CLEARANCE = 0.45  # m between the lens and the nearest point of a person
_LOWEST = 0.12  # m over the floor
HEIGHTS = {"phone": (1.35, 1.75), "tripod": (0.9, 1.4), "low": (0.25, 0.8), "cctv": (2.3, 3.6), "drone": (3.5, 7.0)}


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """Ranges cameras are drawn from.

    Attributes:
        mounts: relative frequency of phone (1.35 to 1.75 m high), tripod, low, cctv, drone.
        focal_mm: 36 mm equivalent focal length, drawn evenly in its logarithm.
        roll_deg: standard deviation of roll.
        fill: height (or width) of the people as a share of the picture, where they are whole.
        cropped: share of pictures that cut people off at an edge.
        upper_body: share of the cropped pictures that show the upper body only.
        offset: largest shift of the people from the middle, share of the free space.
        principal_px: standard deviation of the principal point, share of the picture width.
        distance_m: nearest and farthest the camera stands from the people; the focal length gives way.
    """

    mounts: dict[str, float] = field(
        default_factory=lambda: {"phone": 0.5, "tripod": 0.2, "low": 0.1, "cctv": 0.13, "drone": 0.07}
    )
    focal_mm: tuple[float, float] = (24.0, 135.0)
    roll_deg: float = 3.0
    fill: tuple[float, float] = (0.45, 0.95)
    cropped: float = 0.2
    upper_body: float = 0.5
    offset: float = 0.8
    principal_px: float = 0.01
    distance_m: tuple[float, float] = (1.2, 14.0)


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


def build_camera(spec: CameraSpec) -> Camera:
    """The pinhole camera of a spec."""
    rotation = _axes(np.array(spec.eye), np.array(spec.target), spec.roll_rad)
    cam_from_world = np.eye(4)
    cam_from_world[:3, :3] = rotation
    cam_from_world[:3, 3] = -rotation @ spec.eye
    intrinsics = np.array(
        [[spec.focal_px, 0, spec.principal_px[0]], [0, spec.focal_px, spec.principal_px[1]], [0, 0, 1.0]]
    )
    return Camera(intrinsics, cam_from_world, spec.width, spec.height)


def _axes(eye: np.ndarray, target: np.ndarray, roll: float) -> np.ndarray:
    """Rows: right, down, forward."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    if np.linalg.norm(right) < 1e-6:
        right = np.array([0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * down, c * down - s * right, forward])


def draw_camera(
    config: CameraConfig, rng: np.random.Generator, points: np.ndarray, keypoints: np.ndarray, size: tuple[int, int]
) -> CameraSpec:
    """Draw a camera that looks at people.

    Args:
        config: ranges.
        rng: the only source of chance.
        points: (N, 3) m, the surface of everyone to be shown; a few hundred suffice.
        keypoints: (K, 3) m, decides the middle and what an upper-body crop keeps.
        size: (width, height) px.
    """
    width, height = size
    points, keypoints = np.asarray(points, np.float64), np.asarray(keypoints, np.float64)
    names = list(HEIGHTS)
    share = np.array([config.mounts.get(name, 0.0) for name in names])
    mount = names[int(rng.choice(len(names), p=share / share.sum()))]
    azimuth, lift = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(*HEIGHTS[mount]))
    focal_mm = float(np.exp(rng.uniform(*np.log(config.focal_mm))))
    fill = float(rng.uniform(*config.fill))
    crop = "none"
    if rng.random() < config.cropped:
        crop = "upper" if rng.random() < config.upper_body else "edge"
    roll = float(np.radians(rng.normal(0.0, config.roll_deg)))
    offset = rng.uniform(-config.offset, config.offset, 2)
    edge, cut = ("left", "right", "bottom")[int(rng.choice(3, p=[0.4, 0.4, 0.2]))], float(rng.uniform(0.12, 0.45))
    principal = np.array([width, height]) / 2 + rng.normal(0.0, config.principal_px * width, 2)

    shown = points
    if crop == "upper" and np.ptp(points[:, 1]) < 0.8:
        crop = "edge"  # whoever lies has no upper half
    if crop == "upper":
        waist = float(np.quantile(keypoints[:, 1], rng.uniform(0.3, 0.55)))
        shown = points[points[:, 1] >= waist] if (points[:, 1] >= waist).sum() >= 8 else points
    middle = (shown.min(0) + shown.max(0)) / 2
    focal = focal_mm / FULL_FRAME_MM * width
    span = np.linalg.norm(shown - middle, axis=1).max() * 2
    near, far = config.distance_m
    distance = float(np.clip(span * focal / (fill * min(height, 1.5 * width)), near, far))
    direction = np.array([np.cos(azimuth), 0.0, np.sin(azimuth)])
    # the mount fixes the height; stand so that the slant distance is the one wanted, never steeper than 60 degrees
    drop = lift - middle[1]
    flat = np.sqrt(max(distance**2 - drop**2, (0.58 * drop) ** 2))
    eye = _clear_of(middle + direction * flat + [0, drop, 0], direction, points)

    focal = _focal_that_fills(eye, middle, roll, shown, fill, (width, height))
    # focal lengths stay in the range asked for, within the distances allowed
    focal = float(
        np.clip(focal, config.focal_mm[0] / FULL_FRAME_MM * width, config.focal_mm[1] / FULL_FRAME_MM * width)
    )
    target = _aimed(eye, middle, roll, shown, focal, principal, (width, height), offset, crop, edge, cut)
    return CameraSpec(
        width, height, focal, (float(principal[0]), float(principal[1])), (float(eye[0]), float(eye[1]), float(eye[2])),
        (float(target[0]), float(target[1]), float(target[2])), roll, mount, crop,
    )  # fmt: skip


def _clear_of(eye: np.ndarray, direction: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Step back until the lens is above the floor and no point is within reach of it."""
    eye = np.array([eye[0], max(eye[1], _LOWEST), eye[2]])
    for _ in range(200):
        if np.linalg.norm(points - eye, axis=1).min() >= _CLEARANCE and _outside(eye, points):
            break
        eye = eye + 0.1 * direction
    return eye


def _outside(eye: np.ndarray, points: np.ndarray) -> bool:
    low, high = points.min(0), points.max(0)
    return bool(((eye[[0, 2]] < low[[0, 2]]) | (eye[[0, 2]] > high[[0, 2]])).any() or eye[1] > high[1])


def _plane(eye: np.ndarray, target: np.ndarray, roll: float, points: np.ndarray) -> np.ndarray:
    at = (points - eye) @ _axes(eye, target, roll).T
    return at[:, :2] / np.maximum(at[:, 2:], 0.05)


def _focal_that_fills(eye, middle, roll, shown, fill, size) -> float:
    flat = _plane(eye, middle, roll, shown)
    wide, high = np.ptp(flat, axis=0)
    return float(min(fill * size[1] / max(high, 1e-6), min(fill, 0.92) * size[0] / max(wide, 1e-6)))


def _aimed(eye, middle, roll, shown, focal, principal, size, offset, crop, edge, cut) -> np.ndarray:
    """Turn the camera so that the people land where the framing wants them; two rounds suffice for perspective."""
    size, target = np.array(size, float), middle
    for _ in range(3):
        at = _plane(eye, target, roll, shown) * focal + principal
        low, high = at.min(0), at.max(0)
        free = np.maximum(size - (high - low), 0.0) / 2
        wanted = size / 2 + offset * free * 0.9
        if crop == "edge" and edge == "bottom":
            wanted[1] = size[1] + (cut - 0.5) * (high - low)[1]
        elif crop == "edge":
            beyond = (cut - 0.5) * (high - low)[0]
            wanted[0] = size[0] + beyond if edge == "right" else -beyond
        elif crop == "upper":
            wanted[1] = size[1] - 0.49 * (high - low)[1]
        shift = (low + high) / 2 - wanted
        axes = _axes(eye, target, roll)
        distance = np.linalg.norm(target - eye)
        target = target + distance / focal * (shift[0] * axes[0] + shift[1] * axes[1])
        target = eye + (target - eye) * distance / np.linalg.norm(target - eye)
    return target
