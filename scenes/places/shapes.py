"""Meshes that props are put together from: boxes, prisms, tubes, turned bodies, sheets, flat polygons and lines.

A piece is (vertices (V, 3) m, normals (V, 3), faces (F, 3), uv (V, 2) in metres), wound counter-clockwise seen from
outside; y is up and the floor lies at y = 0.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

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


def lying(piece: Piece) -> Piece:
    """The piece tipped over onto its side: what pointed up points along -z."""
    vertices, normals, faces, uv = piece
    tipped = np.array([1.0, 1.0, -1.0])
    return vertices[:, [0, 2, 1]] * tipped, normals[:, [0, 2, 1]] * tipped, faces, uv


def merged(pieces: Iterable[Piece]) -> Piece:
    """Several pieces as one."""
    parts = list(pieces)
    if len(parts) == 1:
        return parts[0]
    vertices, normals, faces, uv = (np.concatenate([p[k] for p in parts]) for k in range(4))
    starts = np.cumsum([0] + [len(p[0]) for p in parts[:-1]])
    return vertices, normals, faces + np.repeat(starts, [len(p[2]) for p in parts])[:, None], uv


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross products of (..., 3) vectors, in a third of the time that numpy takes for few of them."""
    x, y, z = a[..., 0], a[..., 1], a[..., 2]
    u, v, w = b[..., 0], b[..., 1], b[..., 2]
    found = np.empty(np.broadcast(a, b).shape)
    found[..., 0], found[..., 1], found[..., 2] = y * w - z * v, z * u - x * w, x * v - y * u
    return found


def unit(vectors: np.ndarray) -> np.ndarray:
    """(..., N) vectors of length 1, in the direction of those given; those of no length stay."""
    return vectors / np.maximum(np.sqrt((vectors * vectors).sum(-1, keepdims=True)), 1e-9)


def facing(piece: Piece) -> Piece:
    """The piece with every face wound the way its normals point."""
    vertices, normals, faces, uv = piece
    return vertices, normals, np.where(_against(vertices, normals, faces)[:, None], faces[:, ::-1], faces), uv


def _against(vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F,) whether a face is wound against the normals of its corners."""
    corners = vertices[faces]
    first = corners[:, 0]
    return (cross(corners[:, 1] - first, corners[:, 2] - first) * normals[faces].sum(1)).sum(1) < 0


def tube(path: Points, radius: float, sides: int = 8, capped: bool = True) -> Piece:
    """A round bar along a path of (x, y, z) points, with flat ends."""
    return bars([path], radius, sides, capped)


def bars(paths: Sequence[Points] | np.ndarray, radius: float, sides: int = 8, capped: bool = True) -> Piece:
    """Several tubes along (N, P, 3) paths as one piece: of each the P rings of its body, then those of its two ends."""
    paths = np.asarray(paths, float)
    count, rings = paths.shape[:2]
    turn, cosine, sine = _circle(sides)
    step = paths[:, 1:] - paths[:, :-1]
    way = np.empty_like(paths)
    way[:, 0], way[:, -1] = step[:, 0], step[:, -1]
    way[:, 1:-1] = (paths[:, 2:] - paths[:, :-2]) / 2
    way = unit(way)
    side = unit(cross(way, np.where(np.abs(way[..., 1:2]) > 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])))
    around = cosine[:, None] * side[:, :, None] + sine[:, None] * cross(way, side)[:, :, None]  # (N, P, sides + 1, 3)
    body, ends = rings * (sides + 1), 2 * sides if capped else 0
    vertices, normals, uv = (np.empty((count, body + ends, k)) for k in (3, 3, 2))
    surface = paths[:, :, None] + radius * around
    vertices[:, :body], normals[:, :body] = surface.reshape(count, body, 3), around.reshape(count, body, 3)
    along = np.zeros((count, rings))
    np.cumsum(np.sqrt((step * step).sum(2)), axis=1, out=along[:, 1:])
    over = uv[:, :body].reshape(count, rings, sides + 1, 2)
    over[..., 0], over[..., 1] = turn * radius, along[..., None]
    if capped:
        flat = surface[:, [0, -1], :-1].reshape(count, ends, 3)
        vertices[:, body:], uv[:, body:] = flat, flat[..., ::2]
        normals[:, body:] = np.repeat(way[:, [0, -1]] * [[-1.0], [1.0]], sides, 1)
    faces = _bar_faces(sides, rings, capped) + (np.arange(count) * (body + ends))[:, None, None]
    piece = vertices.reshape(-1, 3), normals.reshape(-1, 3), faces.reshape(-1, 3), uv.reshape(-1, 2)
    return piece if rings == 2 else facing(piece)  # on the inside of a sharp bend the body turns inside out


@lru_cache(maxsize=32)
def _circle(sides: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(sides + 1,) angles once around, their cosines and sines."""
    turn = np.linspace(0, 2 * np.pi, sides + 1)
    return turn, np.cos(turn), np.sin(turn)


@lru_cache(maxsize=64)
def _bar_faces(sides: int, rings: int, capped: bool) -> np.ndarray:
    """(F, 3) faces of one of `bars`, all looking outwards where it is straight."""
    pieces = [grid_faces(sides, rings - 1)]
    fan = np.stack([np.zeros(sides - 2, int), np.arange(1, sides - 1), np.arange(2, sides)], 1)
    if capped:
        body = rings * (sides + 1)
        pieces += [fan[:, ::-1] + body, fan + body + sides]
    return np.concatenate(pieces)


def turned(profile: Points, sides: int = 16) -> Piece:
    """A body of revolution about +y from (radius, height) points, bottom first; edges stay soft."""
    outline = np.asarray(profile, float)
    rows, (turn, c, s) = len(outline), _circle(sides)
    step = outline[1:] - outline[:-1]
    slope = np.empty_like(outline)
    slope[0], slope[-1], slope[1:-1] = step[0], step[-1], (outline[2:] - outline[:-2]) / 2
    slope = unit(slope[:, ::-1] * [1.0, -1.0])
    vertices, normals, uv = (np.empty((rows, sides + 1, k)) for k in (3, 3, 2))
    for found, (out, up) in ((vertices, outline.T), (normals, slope.T)):
        found[..., 0], found[..., 1], found[..., 2] = out[:, None] * c, up[:, None], out[:, None] * s
    arc = np.zeros(rows)
    np.cumsum(np.sqrt((step * step).sum(1)), out=arc[1:])
    uv[..., 0], uv[..., 1] = turn * max(outline[:, 0].max(), 0.05), arc[:, None]
    points, outward = vertices.reshape(-1, 3), normals.reshape(-1, 3)
    faces = grid_faces(sides, rows - 1).reshape(2, rows - 1, sides, 3)
    # all faces of a band are wound alike, so the first of each decides
    wrong = _against(points, outward, faces[:, :, 0].reshape(-1, 3)).reshape(2, rows - 1, 1, 1)
    return points, outward, np.where(wrong, faces[..., ::-1], faces).reshape(-1, 3), uv.reshape(-1, 2)


def ball(radius: float, y: float, stretch: Numbers = (1.0, 1.0, 1.0), sides: int = 14) -> Piece:
    """A ball or ellipsoid whose centre lies at height y."""
    vertices, _, faces, uv = _unit_ball(sides)
    return vertices * radius * stretch + [0, y, 0], unit(vertices / np.asarray(stretch)), faces, uv * radius


@lru_cache(maxsize=16)
def _unit_ball(sides: int) -> Piece:
    a = np.linspace(-np.pi / 2, np.pi / 2, max(sides // 2, 4) + 1)
    return turned(np.stack([np.cos(a), np.sin(a)], 1), sides)


def prism(outline: Points, width: float, inset: float = 0.0) -> Piece:
    """An (x, y) outline, convex or nearly, pulled out along z to +-width / 2; upper points lean in by `inset` m."""
    flat = np.asarray(outline, float)
    count, high = len(flat), max(np.ptp(flat[:, 1]), 1e-9)
    half = width / 2 - inset * (flat[:, 1] - flat[:, 1].min()) / high
    k = np.arange(count)
    following = (k + 1) % count
    middle, beyond, wide = flat.mean(0), flat[following], half[following]
    corners = np.empty((count, 4, 3))  # per edge: its first point at -z and +z, then its second
    corners[:, :2, :2], corners[:, 2:, :2] = flat[:, None], beyond[:, None]
    corners[..., 2] = np.stack([-half, half, -wide, wide], 1)
    across = unit(cross(corners[:, 2] - corners[:, 0], corners[:, 1] - corners[:, 0]))
    outward = (across[:, :2] * ((flat + beyond) / 2 - middle)).sum(1) >= 0
    across = across * np.where(outward, 1.0, -1.0)[:, None]
    uv = np.zeros((count, 4, 2))
    uv[:, 2:, 0], uv[..., 1] = np.sqrt(((beyond - flat) ** 2).sum(1))[:, None], corners[..., 2]
    quads = np.array([[0, 1, 3], [0, 3, 2]]) + 4 * k[:, None, None]
    pieces = [(corners.reshape(-1, 3), np.repeat(across, 4, 0), quads.reshape(-1, 3), uv.reshape(-1, 2))]
    fan = np.stack([np.full(count, count), k, following], 1)
    for sign in (-1.0, 1.0):
        ring = np.empty((count + 1, 3))
        ring[:-1, :2], ring[:-1, 2], ring[-1] = flat, sign * half, [*middle, sign * half.mean()]
        out = unit(np.array([0.0, inset / high, sign]))
        pieces.append((ring, np.tile(out, (count + 1, 1)), fan, ring[:, :2]))
    return facing(merged(pieces))


def sheet(width: float, height: float, columns: int = 1, wave: float = 0.0, waves: float = 0.0) -> Piece:
    """An upright sheet in the x-y plane, its lower edge at y = 0, normal +z; `wave` m deep folds make a curtain."""
    x = np.linspace(-width / 2, width / 2, columns + 1)
    phase = 2 * np.pi * waves * x / width
    z, slope = wave * np.sin(phase), wave * 2 * np.pi * waves / width * np.cos(phase)
    vertices, normals, uv = (np.zeros((2, columns + 1, k)) for k in (3, 3, 2))
    vertices[..., 0], vertices[1, :, 1], vertices[..., 2] = x, height, z
    normals[..., 0], normals[..., 2] = -slope, 1.0
    uv[..., 0], uv[1, :, 1] = x + width / 2, height
    return vertices.reshape(-1, 3), unit(normals.reshape(-1, 3)), grid_faces(columns, 1), uv.reshape(-1, 2)


def ground(low: Numbers, high: Numbers, y: float = 0.0, cell: float = 4.0) -> Piece:
    """A level rectangle from the lower (x, z) to the higher, looking up."""
    columns, rows = (max(1, round((high[k] - low[k]) / cell)) for k in (0, 1))
    grid = np.empty((rows + 1, columns + 1, 3))
    grid[..., 0], grid[..., 1] = np.linspace(low[0], high[0], columns + 1), y
    grid[..., 2] = np.linspace(low[1], high[1], rows + 1)[:, None]
    points = grid.reshape(-1, 3)
    return points, _upward(len(points)), grid_faces(columns, rows, True), points[:, ::2]


def _upward(count: int) -> np.ndarray:
    """(count, 3) normals of what is level."""
    normals = np.zeros((count, 3))
    normals[:, 1] = 1.0
    return normals


def level(outline: np.ndarray, y: float) -> Piece:
    """A convex (N, 2) polygon of x and z at height y, looking up."""
    points = np.column_stack([outline[:, 0], np.full(len(outline), y), outline[:, 1]])
    fan = np.stack([np.zeros(len(points) - 2, int), np.arange(1, len(points) - 1), np.arange(2, len(points))], 1)
    return facing((points, _upward(len(points)), fan, points[:, ::2]))


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
    return facing((points, _upward(len(points)), grid_faces(1, len(at) - 1), points[:, ::2]))


def arc(x: float, z: float, radius: float, start: float = 0.0, end: float = 2 * np.pi, steps: int = 48) -> np.ndarray:
    """(steps + 1, 2) points of x and z on a circle."""
    a = np.linspace(start, end, steps + 1)
    return np.stack([x + radius * np.cos(a), z + radius * np.sin(a)], 1)
