"""Floors and sets that follow camera and people: a disc of ground under an environment, a studio sweep, a gradient."""

from typing import TYPE_CHECKING

import cv2
import numpy as np

from scenes.environment import LUMINANCE, develop, directions, evaluate_sh
from scenes.extent import extent_of
from scenes.patterns import TILE_METRES, mean_linear, pattern, rgb
from scenes.props import grid_faces, part_of
from scenes.renderer import Camera, Light, Material, MeshPart
from scenes.sky import pixel_rays

if TYPE_CHECKING:
    from scenes.backdrop import BackdropSpec


def falling(light: Light) -> np.ndarray:
    """(3,) what a white floor reflects, exposed."""
    sun = light.sun_color / np.pi * max(float(light.sun_direction[1]), 0.0)
    return (evaluate_sh(light.irradiance_sh, np.array([0.0, 1.0, 0.0])) + sun) * light.exposure


def ground_radiance(view: np.ndarray) -> np.ndarray:
    """(3,) mean of what the environment shows 8 to 45 degrees under the horizon."""
    up = directions(view.shape[0])[:, 0, 1]
    band = (up < -0.14) & (up > -0.7)
    return np.minimum(view[band], 4.0).mean((0, 1)).astype(np.float64)


def gradient(spec: "BackdropSpec", camera: Camera, light: Light) -> tuple[np.ndarray, np.ndarray]:
    """A soft wall of colour over a horizon, with slow noise; for when no assets are installed."""
    rng = np.random.default_rng(spec.seed)
    rays = pixel_rays(camera, 160, 120)
    up = rays[..., 1] / np.linalg.norm(rays, axis=-1)
    rate = float(rng.uniform(1.0, 4.0))
    base = linear(spec.wall_color) * white_level(light)
    high = base * rng.uniform(0.5, 1.3)
    blend = np.clip(up * rate, 0, 1)[..., None]
    cloud = cv2.resize(rng.standard_normal((6, 8)).astype(np.float32), (160, 120), interpolation=cv2.INTER_CUBIC)
    radiance = (base * (1 - blend) + high * blend) * (1 + 0.06 * cloud[..., None])
    picture = cv2.resize(develop(radiance), (camera.width, camera.height), interpolation=cv2.INTER_CUBIC)
    return picture, base


def flat(camera: Camera, light: Light, color: tuple[float, float, float]) -> np.ndarray:
    """(H, W, 3) of one colour, lit."""
    picture = np.empty((camera.height, camera.width, 3), np.uint8)
    picture[:] = develop(linear(color) * white_level(light))
    return picture


def white_level(light: Light) -> float:
    """What a white upright surface reflects on average, exposed."""
    return float((light.irradiance_sh[0] * 0.282095) @ LUMINANCE) * light.exposure * 0.9


def linear(color) -> np.ndarray:
    """sRGB to linear light, nearly."""
    return np.asarray(color, np.float64) ** 2.2


def ground_disc(spec: "BackdropSpec", camera: Camera, people: np.ndarray, albedo: np.ndarray) -> MeshPart:
    """A textured disc that takes shadows near people and dissolves before the horizon."""
    eye = np.linalg.inv(camera.cam_from_world)[:3, 3]
    centre = extent_of(people).mean
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


def sweep(spec: "BackdropSpec", camera: Camera, people: np.ndarray) -> MeshPart:
    """A cyclorama: floor that curves up into a wall behind people, seen from the camera."""
    eye = np.linalg.inv(camera.cam_from_world)[:3, 3]
    centre = extent_of(people).mean
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


def _unique(name: str, spec: "BackdropSpec", points: np.ndarray) -> str:
    """Key of a part whose shape follows camera and people."""
    size = "-".join(f"{v:.4f}" for v in (*points[0], *points[-1]))
    return f"backdrop/{name}/{spec.floor}{spec.floor_seed}-{spec.wall}{spec.wall_seed}/{size}"
