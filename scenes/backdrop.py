"""What surrounds people: the environment itself, a room, a studio sweep or a gradient, all with a floor at y = 0.

BackdropSpec holds every random choice as plain data; build_backdrop sizes it around the camera and the people.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from scenes import patterns
from scenes.environment import LUMINANCE, develop, directions, evaluate_sh, sample
from scenes.light import LightSpec, exposed_view, is_outdoor
from scenes.patterns import TILE_METRES, mean_linear, pattern, rgb
from scenes.props import grid_faces, part_of
from scenes.renderer import Camera, Light, Material, MeshPart
from scenes.room import build_room

KINDS = ("hdri", "room", "studio", "plain")
VARIANTS = 8  # seeds per pattern, so that a worker's cache keeps them all


@dataclass(frozen=True, slots=True)
class BackdropConfig:
    """Ranges backdrops are drawn from.

    Attributes:
        kinds: relative frequency of each kind; hdri only under a photographed or procedural outdoor or indoor light.
        room_margin_m: free space between people and the nearest wall, m.
        room_height_m: ceiling height, m; raised where camera or people need it.
        furniture: mean number of boxes along the walls of a room.
        saturation: of wall, floor and studio colours, 0 to 1.
        blur: defocus of environments, in degrees of view.
    """

    kinds: dict[str, float] = field(default_factory=lambda: {"hdri": 0.45, "room": 0.4, "studio": 0.08, "plain": 0.07})
    room_margin_m: tuple[float, float] = (0.7, 3.0)
    room_height_m: tuple[float, float] = (2.4, 3.6)
    furniture: float = 2.0
    saturation: tuple[float, float] = (0.0, 0.5)
    blur: tuple[float, float] = (0.2, 0.8)


@dataclass(frozen=True, slots=True)
class BackdropSpec:
    """One drawn backdrop; colours are sRGB.

    Attributes:
        kind: one of KINDS.
        floor: pattern underfoot.
        floor_seed: its variant.
        floor_color: tint of the floor.
        wall: pattern of the walls.
        wall_seed: its variant.
        wall_color: tint of walls, sweep or gradient.
        margin_m: free space around people in a room, m.
        height_m: ceiling height, m.
        yaw: of the room about y, rad.
        furniture: boxes along the walls.
        blur_deg: defocus of the environment.
        seed: of the remaining details.
    """

    kind: str
    floor: str
    floor_seed: int
    floor_color: tuple[float, float, float]
    wall: str
    wall_seed: int
    wall_color: tuple[float, float, float]
    margin_m: float
    height_m: float
    yaw: float
    furniture: int
    blur_deg: float
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """`background` (H, W, 3) uint8 for uncovered pixels and the scenery to draw."""

    background: np.ndarray
    parts: tuple[MeshPart, ...]


def draw_backdrop(config: BackdropConfig, rng: np.random.Generator, light: LightSpec) -> BackdropSpec:
    """Draw surroundings that can be true under a light already drawn."""
    weights = {kind: config.kinds.get(kind, 0.0) for kind in KINDS}
    if light.kind == "studio":
        weights["hdri"] = 0.0
    total = sum(weights.values())
    share = [weights[kind] / total for kind in KINDS] if total > 0 else [0.0, 0.0, 0.0, 1.0]
    kind = KINDS[int(rng.choice(len(KINDS), p=share))]
    outdoor = kind in ("hdri", "plain") and (is_outdoor(light) or kind == "plain")
    floors = patterns.GROUNDS if outdoor else patterns.FLOORS
    floor, wall = str(rng.choice(floors)), str(rng.choice(patterns.WALLS))
    saturation = float(rng.uniform(*config.saturation))
    return BackdropSpec(
        kind=kind,
        floor=floor,
        floor_seed=int(rng.integers(VARIANTS)),
        floor_color=_color(rng, saturation * 0.6, 0.45, 0.95),
        wall=wall,
        wall_seed=int(rng.integers(VARIANTS)),
        wall_color=_color(rng, saturation, 0.6, 1.0),
        margin_m=float(rng.uniform(*config.room_margin_m)),
        height_m=float(rng.uniform(*config.room_height_m)),
        yaw=float(rng.uniform(0, np.pi / 2)),
        furniture=int(rng.poisson(config.furniture)),
        blur_deg=float(rng.uniform(*config.blur)),
        seed=int(rng.integers(2**31)),
    )


def _color(rng: np.random.Generator, saturation: float, low: float, high: float) -> tuple[float, float, float]:
    """Mostly warm whites, greys and beiges, sometimes a real colour of any hue."""
    value, hue, vivid = rng.uniform(low, high), rng.uniform(0, 1), rng.random() < 0.4
    if not vivid:
        hue, saturation = 0.02 + 0.13 * hue, 0.35 * saturation
    wheel = np.clip(np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    color = value * (1 - saturation * (1 - wheel))
    return rgb(np.clip(color, 0.03, 1.0))


def build_backdrop(
    spec: BackdropSpec,
    camera: Camera,
    people: np.ndarray,
    light: Light,
    light_spec: LightSpec,
    environments: Mapping[str, np.ndarray],
) -> Backdrop:
    """Surroundings for a camera and the (N, 3) points of everyone and everything in the scene, m."""
    if spec.kind == "room":
        return Backdrop(np.zeros((camera.height, camera.width, 3), np.uint8), build_room(spec, camera, people, light))
    if spec.kind == "studio":
        return Backdrop(_flat(camera, light, spec.wall_color), (_sweep(spec, camera, people),))
    if spec.kind == "hdri":
        view = exposed_view(light_spec, light, environments, 256)
        background, under = _seen(view, camera, spec.blur_deg), _ground_radiance(view)
        albedo = np.clip(under / np.maximum(_falling(light), 1e-3), 0.04, 0.6)
        albedo = 0.25 * albedo + 0.75 * (albedo @ LUMINANCE)
    else:
        background, under = _gradient(spec, camera, light)
        albedo = np.clip(under / np.maximum(_falling(light), 1e-3), 0.04, 0.7)
    return Backdrop(background, (_ground(spec, camera, people, albedo),))


def _falling(light: Light) -> np.ndarray:
    """(3,) what a white floor reflects, exposed."""
    sun = light.sun_color / np.pi * max(float(light.sun_direction[1]), 0.0)
    return (evaluate_sh(light.irradiance_sh, np.array([0.0, 1.0, 0.0])) + sun) * light.exposure


def _pixel_rays(camera: Camera, width: int, height: int) -> np.ndarray:
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    at = camera.unproject(np.stack([u * camera.width, v * camera.height], -1), np.ones_like(u))
    return at - np.linalg.inv(camera.cam_from_world)[:3, 3]


def _seen(view: np.ndarray, camera: Camera, blur_deg: float) -> np.ndarray:
    """The environment through the camera, out of focus: it has only about 1.4 columns per degree."""
    width, height = max(camera.width // 2, 1), max(camera.height // 2, 1)
    radiance = sample(np.minimum(view, 8.0), _pixel_rays(camera, width, height))
    degrees_per_px = np.degrees(1.0 / camera.intrinsics[1, 1]) * camera.height / height
    sigma = max(blur_deg, 0.35) / degrees_per_px
    small = develop(cv2.GaussianBlur(radiance, (0, 0), sigma))
    return cv2.resize(small, (camera.width, camera.height), interpolation=cv2.INTER_CUBIC)


def _ground_radiance(view: np.ndarray) -> np.ndarray:
    """(3,) mean of what the environment shows 8 to 45 degrees under the horizon."""
    up = directions(view.shape[0])[:, 0, 1]
    band = (up < -0.14) & (up > -0.7)
    return np.minimum(view[band], 4.0).mean((0, 1)).astype(np.float64)


def _gradient(spec: BackdropSpec, camera: Camera, light: Light) -> tuple[np.ndarray, np.ndarray]:
    """A soft wall of colour over a horizon, with slow noise; for when no assets are installed."""
    rng = np.random.default_rng(spec.seed)
    rays = _pixel_rays(camera, 160, 120)
    up = rays[..., 1] / np.linalg.norm(rays, axis=-1)
    rate = float(rng.uniform(1.0, 4.0))
    base = _linear(spec.wall_color) * _white_level(light)
    high = base * rng.uniform(0.5, 1.3)
    blend = np.clip(up * rate, 0, 1)[..., None]
    cloud = cv2.resize(rng.standard_normal((6, 8)).astype(np.float32), (160, 120), interpolation=cv2.INTER_CUBIC)
    radiance = (base * (1 - blend) + high * blend) * (1 + 0.06 * cloud[..., None])
    picture = cv2.resize(develop(radiance), (camera.width, camera.height), interpolation=cv2.INTER_CUBIC)
    return picture, base


def _flat(camera: Camera, light: Light, color: tuple[float, float, float]) -> np.ndarray:
    picture = np.empty((camera.height, camera.width, 3), np.uint8)
    picture[:] = develop(_linear(color) * _white_level(light))
    return picture


def _white_level(light: Light) -> float:
    """What a white upright surface reflects on average, exposed."""
    return float((light.irradiance_sh[0] * 0.282095) @ LUMINANCE) * light.exposure * 0.9


def _linear(color) -> np.ndarray:
    return np.asarray(color, np.float64) ** 2.2


def _ground(spec: BackdropSpec, camera: Camera, people: np.ndarray, albedo: np.ndarray) -> MeshPart:
    """A textured disc that takes shadows near people and dissolves before the horizon."""
    eye = np.linalg.inv(camera.cam_from_world)[:3, 3]
    centre = people.mean(0)
    reach = float(np.hypot(*(eye - centre)[[0, 2]]))
    first, last = max(2.5, 0.6 * reach), max(9.0, 2.2 * reach)
    rings = np.concatenate([[0.0], np.geomspace(0.5, last, 14)])
    turn = np.linspace(0, 2 * np.pi, 49)
    r, a = np.meshgrid(rings, turn, indexing="ij")
    points = np.stack([centre[0] + r * np.cos(a), 0 * r, centre[2] + r * np.sin(a)], -1).reshape(-1, 3)
    faces = grid_faces(len(turn) - 1, len(rings) - 1)
    texture = pattern(spec.floor, spec.floor_seed)
    tint = np.clip(albedo / mean_linear(texture), 0.0, 1.0) ** (1 / 2.2)
    uv = points[:, [0, 2]] / TILE_METRES[spec.floor]
    material = Material(
        rgb(tint), texture, roughness=0.95, specular=0.02,
        fade=(float(centre[0]), float(centre[2]), first, last),
    )  # fmt: skip
    piece = (points, np.tile([0.0, 1.0, 0.0], (len(points), 1)), faces, uv)
    return part_of(_unique("ground", spec, points), [piece], material)


def _sweep(spec: BackdropSpec, camera: Camera, people: np.ndarray) -> MeshPart:
    """A cyclorama: floor that curves up into a wall behind people, seen from the camera."""
    eye = np.linalg.inv(camera.cam_from_world)[:3, 3]
    centre = people.mean(0)
    away = (centre - eye) * [1, 0, 1]
    away = away / max(np.linalg.norm(away), 1e-6) if np.linalg.norm(away) > 0.1 else np.array([1.0, 0, 0])
    side = np.array([-away[2], 0, away[0]])
    behind = float(((people - centre) @ away).max()) + 0.8 + spec.margin_m
    front = float(np.hypot(*(eye - centre)[[0, 2]])) + 4.0
    radius = 1.6
    bend = np.linspace(0, np.pi / 2, 13)
    profile = [(-front, 0.0, 0.0), (-1.5, 0.0, 0.0)]
    profile += [(behind + radius * np.sin(b), radius * (1 - np.cos(b)), b) for b in bend]
    profile += [(behind + radius, 12.0, np.pi / 2)]
    reach = np.linspace(-18.0, 18.0, 13)
    along, height, tilt = np.array(profile).T
    points = centre * [1, 0, 1] + along[:, None, None] * away + reach[None, :, None] * side
    points[..., 1] = height[:, None]
    normals = np.cos(tilt)[:, None] * [0, 1, 0] - np.sin(tilt)[:, None] * away
    arc = np.concatenate([[0], np.cumsum(np.hypot(np.diff(along), np.diff(height)))])
    uv = np.stack(np.broadcast_arrays(reach[None], arc[:, None]), -1).reshape(-1, 2) / TILE_METRES["paint"]
    flat = points.reshape(-1, 3)
    piece = (flat, np.repeat(normals, len(reach), 0), grid_faces(len(reach) - 1, len(profile) - 1), uv)
    material = Material(
        spec.wall_color, pattern("paint", spec.wall_seed), roughness=0.85, specular=0.03, double_sided=True
    )
    return part_of(_unique("sweep", spec, flat), [piece], material)


def _unique(name: str, spec: BackdropSpec, points: np.ndarray) -> str:
    """Key of a part whose shape follows camera and people."""
    size = "-".join(f"{v:.4f}" for v in (*points[0], *points[-1]))
    return f"backdrop/{name}/{spec.floor}{spec.floor_seed}-{spec.wall}{spec.wall_seed}/{size}"
