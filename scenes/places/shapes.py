"""Meshes that props are put together from: boxes, prisms, tubes, turned bodies, sheets, flat polygons and lines.

A piece is (vertices (V, 3) m, normals (V, 3), faces (F, 3), uv (V, 2) in metres), wound counter-clockwise seen from
outside; y is up and the floor lies at y = 0.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from scenes.props import box_mesh, grid_faces

Piece = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Numbers = Sequence[float] | np.ndarray
Points = Sequence[Sequence[float]] | np.ndarray


def box(center: Numbers, size: Numbers, cell: float = 50.0) -> Piece:
    """An axis-aligned box by its centre and full size, m."""
    return box_mesh(center, np.asarray(size, float) / 2, cell)


def standing(x: float, z: float, size: Numbers, base: float = 0.0) -> Piece:
    """A box whose bottom lies at height `base`."""
    return box((x, base + size[1] / 2, z), size)


def moved(piece: Piece, x: float = 0.0, z: float = 0.0, yaw: float = 0.0, y: float = 0.0) -> Piece:
    """The piece turned about +y by yaw (rad, +x towards -z), then shifted."""
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return piece[0] @ turn.T + [x, y, z], piece[1] @ turn.T, piece[2], piece[3]


def merged(pieces: Iterable[Piece]) -> Piece:
    """Several pieces as one."""
    parts = list(pieces)
    starts = np.cumsum([0] + [len(p[0]) for p in parts[:-1]])
    faces = np.concatenate([p[2] + start for p, start in zip(parts, starts, strict=True)])
    vertices, normals, uv = (np.concatenate([p[k] for p in parts]) for k in (0, 1, 3))
    return vertices, normals, faces, uv


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross products of (..., 3) vectors, in a third of the time that numpy takes for few of them."""
    x, y, z = a[..., 0], a[..., 1], a[..., 2]
    u, v, w = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], -1)


def facing(piece: Piece) -> Piece:
    """The piece with every face wound the way its normals point."""
    vertices, normals, faces, uv = piece
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    wrong = (cross(b - a, c - a) * normals[faces].sum(1)).sum(1) < 0
    return vertices, normals, np.where(wrong[:, None], faces[:, ::-1], faces), uv


def tube(path: Points, radius: float, sides: int = 8, capped: bool = True) -> Piece:
    """A round bar along a path of (x, y, z) points, with flat ends."""
    points = np.asarray(path, float)
    way = np.gradient(points, axis=0)
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    aid = np.where(np.abs(way[:, 1:2]) > 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    side = cross(way, aid)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    turn = np.linspace(0, 2 * np.pi, sides + 1)
    normals = np.cos(turn)[None, :, None] * side[:, None] + np.sin(turn)[None, :, None] * cross(way, side)[:, None]
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    uv = np.stack(np.broadcast_arrays(turn[None] * radius, along[:, None]), -1).reshape(-1, 2)
    body = (
        (points[:, None] + radius * normals).reshape(-1, 3),
        normals.reshape(-1, 3),
        grid_faces(sides, len(points) - 1),
    )
    pieces = [facing((*body, uv))]
    for k, sign in ((0, -1.0), (-1, 1.0)) if capped else ():
        ring = points[k] + radius * normals[k, :-1]
        fan = np.stack([np.zeros(sides - 2, int), np.arange(1, sides - 1), np.arange(2, sides)], 1)
        pieces.append(facing((ring, np.tile(sign * way[k], (sides, 1)), fan, ring[:, [0, 2]])))
    return merged(pieces)


def turned(profile: Points, sides: int = 16) -> Piece:
    """A body of revolution about +y from (radius, height) points, bottom first; edges stay soft."""
    outline = np.asarray(profile, float)
    step = np.gradient(outline, axis=0)
    slope = np.stack([step[:, 1], -step[:, 0]], 1)
    slope /= np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
    turn = np.linspace(0, 2 * np.pi, sides + 1)
    c, s = np.cos(turn)[None], np.sin(turn)[None]
    r, y = outline[:, :1], np.broadcast_to(outline[:, 1:], (len(outline), sides + 1))
    n, up = slope[:, :1], np.broadcast_to(slope[:, 1:], y.shape)
    vertices = np.stack([r * c, y, r * s], -1).reshape(-1, 3)
    normals = np.stack([n * c, up, n * s], -1).reshape(-1, 3)
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(outline, axis=0), axis=1))])
    uv = np.stack(np.broadcast_arrays(turn[None] * max(outline[:, 0].max(), 0.05), arc[:, None]), -1).reshape(-1, 2)
    return facing((vertices, normals, grid_faces(sides, len(outline) - 1), uv))


def ball(radius: float, y: float, stretch: Numbers = (1.0, 1.0, 1.0), sides: int = 14) -> Piece:
    """A ball or ellipsoid whose centre lies at height y."""
    a = np.linspace(-np.pi / 2, np.pi / 2, max(sides // 2, 4) + 1)
    vertices, normals, faces, uv = turned(np.stack([radius * np.cos(a), radius * np.sin(a)], 1), sides)
    normals = vertices / np.asarray(stretch) / radius
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return vertices * stretch + [0, y, 0], normals, faces, uv


def prism(outline: Points, width: float, inset: float = 0.0) -> Piece:
    """An (x, y) outline, convex or nearly, pulled out along z to +-width / 2; upper points lean in by `inset` m."""
    flat = np.asarray(outline, float)
    lift = (flat[:, 1] - flat[:, 1].min()) / max(np.ptp(flat[:, 1]), 1e-9)
    half = width / 2 - inset * lift
    middle, pieces = flat.mean(0), []
    for k in range(len(flat)):
        m = (k + 1) % len(flat)
        corner = np.array([[*flat[i], sign * half[i]] for i in (k, m) for sign in (-1, 1)])
        across = cross(corner[2] - corner[0], corner[1] - corner[0])
        across = across / max(np.linalg.norm(across), 1e-9)
        across = across * (1 if across[:2] @ (flat[[k, m]].mean(0) - middle) >= 0 else -1)
        length = np.linalg.norm(flat[m] - flat[k])
        uv = np.array([[0, -half[k]], [0, half[k]], [length, -half[m]], [length, half[m]]])
        pieces.append(facing((corner, np.tile(across, (4, 1)), np.array([[0, 1, 3], [0, 3, 2]]), uv)))
    for sign in (-1.0, 1.0):
        ring = np.column_stack([flat, sign * half])
        ring = np.vstack([ring, [*middle, sign * half.mean()]])
        last = len(flat)
        fan = np.array([[last, k, (k + 1) % last] for k in range(last)])
        out = np.array([0.0, inset / max(np.ptp(flat[:, 1]), 1e-9), sign])
        pieces.append(facing((ring, np.tile(out / np.linalg.norm(out), (last + 1, 1)), fan, ring[:, :2])))
    return merged(pieces)


def sheet(width: float, height: float, columns: int = 1, wave: float = 0.0, waves: float = 0.0) -> Piece:
    """An upright sheet in the x-y plane, its lower edge at y = 0, normal +z; `wave` m deep folds make a curtain."""
    x = np.linspace(-width / 2, width / 2, columns + 1)
    phase = 2 * np.pi * waves * x / width
    z, slope = wave * np.sin(phase), wave * 2 * np.pi * waves / width * np.cos(phase)
    low = np.stack([x, 0 * x, z], 1)
    vertices = np.concatenate([low, low + [0, height, 0]])
    normals = np.stack([-slope, 0 * x, np.ones_like(x)], 1)
    normals = np.tile(normals / np.linalg.norm(normals, axis=1, keepdims=True), (2, 1))
    uv = np.column_stack([np.tile(x + width / 2, 2), vertices[:, 1]])
    return facing((vertices, normals, grid_faces(columns, 1), uv))


def ground(low: Numbers, high: Numbers, y: float = 0.0, cell: float = 4.0) -> Piece:
    """A level rectangle from (x, z) to (x, z), looking up."""
    counts = [max(1, round((high[k] - low[k]) / cell)) for k in (0, 1)]
    x, z = np.meshgrid(*(np.linspace(low[k], high[k], counts[k] + 1) for k in (0, 1)))
    points = np.stack([x, np.full_like(x, y), z], -1).reshape(-1, 3)
    up = np.tile([0.0, 1.0, 0.0], (len(points), 1))
    return facing((points, up, grid_faces(counts[0], counts[1]), points[:, [0, 2]]))


def level(outline: np.ndarray, y: float) -> Piece:
    """A convex (N, 2) polygon of x and z at height y, looking up."""
    points = np.column_stack([outline[:, 0], np.full(len(outline), y), outline[:, 1]])
    fan = np.stack([np.zeros(len(points) - 2, int), np.arange(1, len(points) - 1), np.arange(2, len(points))], 1)
    return facing((points, np.tile([0.0, 1.0, 0.0], (len(points), 1)), fan, points[:, [0, 2]]))


def line(path: Points, width: float, y: float, closed: bool = False) -> Piece:
    """A painted line along (x, z) points, `width` wide, at height y; corners are mitred."""
    at = np.asarray(path, float)
    if closed:
        at = np.vstack([at, at[:1]])
    way = np.diff(at, axis=0)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    first, last = (way[-1], way[0]) if closed else (way[0], way[-1])
    before, after = np.vstack([first, way]), np.vstack([way, last])
    across = np.stack([-(before + after)[:, 1], (before + after)[:, 0]], 1)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    normal = np.stack([-after[:, 1], after[:, 0]], 1)
    reach = width / 2 / np.maximum((across * normal).sum(1, keepdims=True), 0.3)
    flat = np.stack([at - across * reach, at + across * reach], 1).reshape(-1, 2)
    if not closed:  # square ends reach to the outer edge of the lines they meet
        flat[:2] -= way[0] * width / 2
        flat[-2:] += way[-1] * width / 2
    points = np.column_stack([flat[:, 0], np.full(len(flat), y), flat[:, 1]])
    up = np.tile([0.0, 1.0, 0.0], (len(points), 1))
    return facing((points, up, grid_faces(1, len(at) - 1), points[:, [0, 2]]))


def arc(x: float, z: float, radius: float, start: float = 0.0, end: float = 2 * np.pi, steps: int = 48) -> np.ndarray:
    """(steps + 1, 2) points of x and z on a circle."""
    a = np.linspace(start, end, steps + 1)
    return np.stack([x + radius * np.cos(a), z + radius * np.sin(a)], 1)
