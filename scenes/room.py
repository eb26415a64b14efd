"""A furnished box room around the camera and the people: walls, floor, ceiling, skirting, door, window, posters."""

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scenes.environment import evaluate_sh
from scenes.patterns import TILE_METRES, pattern, rgb
from scenes.props import box_mesh, grid_faces, part_of, placed
from scenes.renderer import Light, Material, MeshPart

if TYPE_CHECKING:
    from scenes.backdrop import BackdropSpec

_CAMERA_CLEARANCE = 0.35  # m between the camera and a wall
_BEND = 0.35  # how far normals lean towards the middle: a stand-in for light lost in corners


def build_room(spec: "BackdropSpec", eyes: np.ndarray, people: np.ndarray, light: Light) -> tuple[MeshPart, ...]:
    """Parts of a room that holds the (C, 3) cameras and people with the spec's margin; the floor lies at y = 0."""
    rng = np.random.default_rng(spec.seed)
    into_room = np.linalg.inv(placed(0, 0, spec.yaw))[:3, :3]
    inside, at_eyes = np.ascontiguousarray((people @ into_room.T).T), eyes @ into_room.T  # (3, N) and (C, 3)
    free = spec.margin_m + rng.uniform(0, 0.8, 4)
    low = np.minimum(inside.min(1)[[0, 2]] - free[:2], at_eyes.min(0)[[0, 2]] - _CAMERA_CLEARANCE)
    high = np.maximum(inside.max(1)[[0, 2]] + free[2:], at_eyes.max(0)[[0, 2]] + _CAMERA_CLEARANCE)
    top = max(spec.height_m, float(eyes[:, 1].max()) + _CAMERA_CLEARANCE, float(inside[1].max()) + 0.3)
    size = np.array([high[0] - low[0], top, high[1] - low[1]])
    middle = into_room.T @ [(low[0] + high[0]) / 2, 0.0, (low[1] + high[1]) / 2]
    place = placed(middle[0], middle[2], spec.yaw)
    away = at_eyes[:, [0, 2]] - (low + high) / 2  # the cameras in room coordinates, to keep furniture off it
    shown = inside[[0, 2]] - ((low + high) / 2)[:, None]

    walls = [panel(axis, sign, size) for axis in (0, 2) for sign in (-1, 1)]
    scale = TILE_METRES[spec.wall]
    wall_material = Material(spec.wall_color, pattern(spec.wall, spec.wall_seed), roughness=0.9, specular=0.02)
    white = rgb(rng.uniform(0.82, 0.97) * np.array([1.0, 0.99, 0.97]))
    trim = Material(white if rng.random() < 0.6 else rgb(0.7 * c for c in spec.wall_color), roughness=0.6)
    floor = panel(1, -1, size)
    gloss = {"wood": 0.45, "tile": 0.35}.get(spec.floor, 0.9)
    floor_material = Material(spec.floor_color, pattern(spec.floor, spec.floor_seed), roughness=gloss, specular=0.035)
    stem = _stem(spec, size)
    parts = [
        part_of(f"{stem}/walls", [_scaled(w, scale) for w in walls], wall_material, place),
        part_of(f"{stem}/floor", [_scaled(floor, TILE_METRES[spec.floor])], floor_material, place),
        part_of(f"{stem}/ceiling", [panel(1, 1, size)], Material(white, roughness=0.95, specular=0.02), place),
    ]
    trims = [_bar(_strip(axis, sign, size, 0.05, 0.1, 0.012)) for axis in (0, 2) for sign in (-1, 1)]
    pictures: list[tuple] = []
    panes: list[tuple] = []
    boxes: list[tuple] = []
    for axis in (0, 2):
        for sign in (-1, 1):
            _dress(rng, axis, sign, size, trims, pictures, panes)
    for _ in range(spec.furniture):
        piece = _furniture(rng, size, away, shown)
        if piece is not None:
            boxes.append(piece)
    parts.append(part_of(f"{stem}/trim{len(trims)}", trims, trim, place))
    for index, (piece, seed) in enumerate(pictures):
        parts.append(part_of(f"{stem}/poster{index}-{seed}", [piece], Material(texture=pattern("poster", seed)), place))
    if panes:
        sky = np.clip(evaluate_sh(light.irradiance_sh, np.array([0.0, 0.6, 0.8])), 0, None)
        glow = rgb(np.clip(0.93 * sky / max(sky.max(), 1e-6), 0.7, 1.0))
        parts.append(part_of(f"{stem}/panes", panes, Material(glow, unlit=True), place))
    for index, (piece, color, name, seed) in enumerate(boxes):
        material = Material(color, pattern(name, seed), roughness=0.7)
        part = part_of(f"{stem}/box{index}", [piece], material, place)
        parts.append(replace(part, key=f"{part.key}-{name}{seed}-{_digest(part.vertices)}"))
    return tuple(parts)


def panel(axis: int, sign: int, size: np.ndarray, cell: float = 0.6):
    """One inner face of a room of `size` (x, height, z), gridded, its normals leaning towards the middle."""
    half = size / 2
    a, b = (axis + 1) % 3, (axis + 2) % 3
    counts = [int(min(max(size[k] / cell, 2), 16)) for k in (a, b)]
    lines = [np.linspace(-1, 1, n + 1) for n in counts]
    grid_a, grid_b = np.meshgrid(lines[0] * half[a], lines[1] * half[b])
    points = np.zeros((grid_a.size, 3))
    points[:, a], points[:, b], points[:, axis] = grid_a.ravel(), grid_b.ravel(), sign * half[axis]
    lean = -points / half
    lean[:, axis] = 0.0
    strength = _BEND if axis != 1 else _BEND * 0.4
    normals = -sign * np.eye(3)[axis] + strength * np.sign(lean) * np.abs(lean) ** 3
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    uv = points[:, [2, 1]] if axis == 0 else points[:, [0, 2]] if axis == 1 else points[:, [0, 1]]
    points[:, 1] += half[1]
    if axis != 1:
        uv = uv + [0.0, half[1]]
    return points, normals, grid_faces(counts[0], counts[1], sign > 0), uv


def _scaled(piece, metres: float):
    points, normals, faces, uv = piece
    return points, normals, faces, uv / metres


def _strip(axis: int, sign: int, size: np.ndarray, y: float, height: float, thick: float, at: float = 0.0, length=None):
    """Centre and half size of a bar on a wall, in room coordinates."""
    center, half = np.zeros(3), np.zeros(3)
    other = 2 - axis
    center[axis], half[axis] = sign * (size[axis] / 2 - thick), thick
    center[1], half[1] = y, height / 2
    center[other], half[other] = at, (size[other] if length is None else length) / 2
    return center, half


def _bar(place: tuple[np.ndarray, np.ndarray]):
    return box_mesh(place[0], place[1], cell=50.0)


def _dress(rng, axis, sign, size, trims, pictures, panes) -> None:
    """Put a door, a window or posters on one wall, where they fit."""
    length, top = size[2 - axis], size[1]
    free = length / 2 - 0.8
    if free <= 0:
        return
    choice = rng.random()
    at = float(rng.uniform(-free, free))
    if choice < 0.25:
        trims.append(_bar(_strip(axis, sign, size, 1.02, 2.04, 0.02, at, 0.86)))
        trims.append(_bar(_strip(axis, sign, size, 1.06, 2.12, 0.012, at, 1.02)))
    elif choice < 0.6:
        wide, high = float(rng.uniform(0.9, min(2.2, length - 0.8))), float(rng.uniform(0.9, 1.4))
        sill = 0.9 + high / 2
        panes.append(_bar(_strip(axis, sign, size, sill, high, 0.02, at, wide)))
        for offset in (-wide / 2, 0.0, wide / 2):
            trims.append(_bar(_strip(axis, sign, size, sill, high, 0.035, at + offset, 0.06)))
        for y in (sill - high / 2, sill + high / 2):
            trims.append(_bar(_strip(axis, sign, size, y, 0.06, 0.04, at, wide + 0.06)))
    elif choice < 0.9:
        for _ in range(int(rng.integers(1, 4))):
            wide, high = rng.uniform(0.4, 1.1), rng.uniform(0.4, 1.0)
            y = min(float(rng.uniform(1.3, 1.7)), top - high / 2 - 0.05)
            center, half = _strip(axis, sign, size, y, high, 0.008, float(rng.uniform(-free, free)), wide)
            piece = box_mesh(center, half, cell=50.0)
            local = (piece[0] - center) / np.maximum(half, 1e-6)
            piece = (*piece[:3], np.stack([local[:, 2 - axis], local[:, 1]], 1) * 0.5 + 0.5)
            pictures.append((piece, int(rng.integers(8))))


def _furniture(rng, size, away, shown):
    """A cupboard, shelf or table along a wall; None where it would stand in people, `shown` (2, N), or in a camera."""
    axis, sign = int(rng.choice([0, 2])), int(rng.choice([-1, 1]))
    wide, deep, high = rng.uniform(0.4, 1.8), rng.uniform(0.3, 0.6), rng.uniform(0.4, 2.0)
    color = rgb(rng.uniform(0.35, 0.95) * rng.uniform(0.75, 1.0, 3))
    name, seed = str(rng.choice(["wood", "paint", "panel"])), int(rng.integers(8))
    along = rng.uniform(-0.5, 0.5) * max(size[2 - axis] - wide, 0.0)
    center, half = np.zeros(3), np.zeros(3)
    center[axis], half[axis] = sign * (size[axis] - deep) / 2, deep / 2
    center[2 - axis], half[2 - axis] = along, wide / 2
    center[1] = half[1] = high / 2
    flat, reach = center[[0, 2]], half[[0, 2]]
    over_people = (np.abs(shown - flat[:, None]) < reach[:, None] + 0.25).all(0).any()
    if (np.abs(away - flat) < reach + 0.6).all(1).any() or over_people:
        return None
    step = np.linspace(0.05, 1.0, 20)[:, None, None]  # nor may it hide people from a camera
    line = (away + step * (shown.mean(1) - away)).reshape(-1, 2)
    if (np.abs(line - flat) < reach + 0.7).all(1).any():
        return None
    return box_mesh(center, half, cell=0.6, metres=2.5), color, name, seed


def _stem(spec: "BackdropSpec", size: np.ndarray) -> str:
    return f"backdrop/room/{spec.seed}-{spec.floor}{spec.floor_seed}-{spec.wall}{spec.wall_seed}-{_digest(size)}"


def _digest(values: np.ndarray) -> str:
    return hashlib.blake2b(np.ascontiguousarray(values).tobytes(), digest_size=8).hexdigest()
