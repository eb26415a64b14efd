"""Small bevelled meshes: turned, swept, boxed, cut from plates. Plain arrays, no graphics, no chance.

A piece is (vertices (V, 3) m, normals (V, 3) unit, faces (F, 3) counter-clockwise seen from outside, uv (V, 2)).
Axes: y up, x the object's front, z to its right.
"""

from collections.abc import Sequence

import numpy as np
from scipy.spatial.transform import Rotation

Piece = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Point = Sequence[float] | np.ndarray
Path = Sequence[Point] | np.ndarray

_CREASE = np.cos(np.radians(38.0))  # sharper corners of a profile keep two normals


def grid(columns: int, rows: int) -> np.ndarray:
    """(2 columns rows, 3) faces of (rows + 1) lines of (columns + 1) vertices."""
    index = np.arange((rows + 1) * (columns + 1)).reshape(rows + 1, columns + 1)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel(), index[1:, :-1].ravel()
    return np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])


def merge(pieces: Sequence[Piece]) -> Piece:
    """One piece of many."""
    starts = np.cumsum([0] + [len(p[0]) for p in pieces[:-1]])
    faces = np.concatenate([p[2] + s for p, s in zip(pieces, starts, strict=True)])
    vertices, normals, uv = (np.concatenate([p[k] for p in pieces]) for k in (0, 1, 3))
    return vertices, normals, faces, uv


def moved(piece: Piece, at: Point = (0, 0, 0), turn_deg: Point = (0, 0, 0)) -> Piece:
    """Turned about x, then y, then z (fixed axes), then moved by `at` m."""
    turn = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix()
    return piece[0] @ turn.T + np.asarray(at, float), piece[1] @ turn.T, piece[2], piece[3]


def stretched(piece: Piece, factors: Point) -> Piece:
    """Scaled along the axes; normals follow."""
    scale = np.asarray(factors, float)
    normals = piece[1] / scale
    return piece[0] * scale, normals / np.linalg.norm(normals, axis=1, keepdims=True), piece[2], piece[3]


def turned(profile: Sequence[tuple[float, float]], sides: int = 20, metres: float = 0.0) -> Piece:
    """A lathe: (radius, y) points from bottom to top, turned about y.

    Args:
        metres: length of a texture tile; 0 spreads one texture around and along.
    """
    points = np.asarray(profile, float)
    steps = np.diff(points, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    flat = np.stack([steps[:, 1], -steps[:, 0]], 1) / np.maximum(lengths, 1e-9)[:, None]  # outward for y growing
    arc = np.concatenate([[0.0], np.cumsum(lengths)])
    rows: list[tuple[np.ndarray, np.ndarray, float]] = []
    breaks: list[int] = []
    for k, point in enumerate(points):
        before, after = flat[max(k - 1, 0)], flat[min(k, len(flat) - 1)]
        if before @ after >= _CREASE:
            normal = before + after
            rows.append((point, normal / np.linalg.norm(normal), arc[k]))
        else:
            rows.append((point, before, arc[k]))
            breaks.append(len(rows) - 1)
            rows.append((point, after, arc[k]))
    turn = np.linspace(0, 2 * np.pi, sides + 1)
    cos, sin = np.cos(turn), np.sin(turn)
    along = np.array([r[0] for r in rows])
    normal = np.array([r[1] for r in rows])
    vertices = np.stack(np.broadcast_arrays(along[:, :1] * cos, along[:, 1:], along[:, :1] * sin), -1)
    normals = np.stack(np.broadcast_arrays(normal[:, :1] * cos, normal[:, 1:], normal[:, :1] * sin), -1)
    height = np.array([r[2] for r in rows])
    if metres > 0:
        u = turn[None] * max(along[:, 0].max(), 1e-3) / metres + 0 * height[:, None]
        v = height[:, None] / metres + 0 * turn[None]
    else:
        u, v = np.broadcast_arrays(turn[None] / (2 * np.pi), height[:, None] / arc[-1])
    index = np.arange(len(rows) * (sides + 1)).reshape(len(rows), sides + 1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    keep = np.array([k for k in range(len(rows) - 1) if k not in breaks])
    faces = [np.stack([a[keep], d[keep], c[keep]], -1), np.stack([a[keep], c[keep], b[keep]], -1)]
    triangles = np.concatenate([f.reshape(-1, 3) for f in faces])
    flat_vertices = vertices.reshape(-1, 3)
    corner = flat_vertices[triangles]
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    uv = np.stack([u, v], -1).reshape(-1, 2)
    return flat_vertices, normals.reshape(-1, 3), triangles[area > 1e-12], uv


def cylinder(radius: float, height: float, bevel: float = 0.002, sides: int = 16, metres: float = 0.0) -> Piece:
    """An upright cylinder on y = 0 with bevelled rims."""
    b = min(bevel, 0.4 * radius, 0.4 * height)
    rim = [(radius - b, 0.0), (radius, b), (radius, height - b), (radius - b, height)]
    return turned([(0.0, 0.0), *rim, (0.0, height)], sides, metres)


def ball(radius: float, sides: int = 28, rows: int = 16) -> Piece:
    """A sphere about the origin; one texture around and along."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, rows + 1)
    profile = list(zip(radius * np.cos(turn), radius * np.sin(turn), strict=True))
    profile[0], profile[-1] = (0.0, -radius), (0.0, radius)
    v, _, f, uv = turned(profile, sides)
    return v, v / radius, f, uv


def box(size: Point, bevel: float = 0.006, metres: float = 0.5, at: Point = (0, 0, 0)) -> Piece:
    """A box about `at` with rounded edges; `size` along x, y, z m; uv in units of `metres`."""
    half = np.asarray(size, float) / 2
    r = min(bevel, 0.49 * float(half.min()) * 2)
    r = min(r, 0.95 * float(half.min()))
    pieces = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            i, j = (axis + 1) % 3, (axis + 2) % 3
            lines = [np.array([-half[k], r - half[k], half[k] - r, half[k]]) for k in (i, j)]
            first, second = np.meshgrid(*lines)
            points = np.zeros((16, 3))
            points[:, i], points[:, j], points[:, axis] = first.ravel(), second.ravel(), sign * half[axis]
            inner = np.clip(points, r - half, half - r)
            normals = points - inner
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
            uv = points[:, [2, 1]] if axis == 0 else points[:, [0, 2]] if axis == 1 else points[:, [0, 1]]
            faces = grid(3, 3)
            pieces.append((inner + r * normals, normals, faces if sign > 0 else faces[:, ::-1], uv / metres))
    v, n, f, uv = merge(pieces)
    return v + np.asarray(at, float), n, f, uv


def tube(
    path: Path, radius: float | Point, sides: int = 8,
    closed: bool = False, metres: float = 0.3, flatten: float = 1.0,
) -> Piece:  # fmt: skip
    """A pipe along (N, 3) points m; `radius` one or one per point; `flatten` squeezes the second axis of its section.

    Ends are capped unless the path is closed.
    """
    points = np.asarray(path, float)
    count = len(points)
    radii = np.broadcast_to(np.asarray(radius, float), (count,))
    ahead = np.roll(points, -1, 0) - points
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    tangents = ahead + np.roll(ahead, 1, 0)
    if not closed:
        tangents[0], tangents[-1] = ahead[0], ahead[-2]
    tangents /= np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-9)
    side = np.cross(tangents[0], [0, 1, 0] if abs(tangents[0, 1]) < 0.9 else [1, 0, 0])
    across = []
    for tangent in tangents:
        side = side - (side @ tangent) * tangent
        side /= np.linalg.norm(side)
        across.append(side)
    first = np.array(across)
    second = np.cross(tangents, first)  # all at once: one by one it is most of a tube's time
    turn = np.linspace(0, 2 * np.pi, sides + 1)
    normals = np.cos(turn)[None, :, None] * first[:, None] + np.sin(turn)[None, :, None] * second[:, None] / flatten
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    offsets = np.cos(turn)[None, :, None] * first[:, None] + flatten * np.sin(turn)[None, :, None] * second[:, None]
    rings = points[:, None] + radii[:, None, None] * offsets
    steps = np.linalg.norm(np.roll(points, -1, 0) - points, axis=1)
    if closed:
        rings, normals = np.concatenate([rings, rings[:1]]), np.concatenate([normals, normals[:1]])
        arc = np.concatenate([[0.0], np.cumsum(steps)])
    else:
        arc = np.concatenate([[0.0], np.cumsum(steps[:-1])])
    u = turn * float(radii.max()) / metres
    uv = np.stack(np.broadcast_arrays(u[None], arc[:, None] / metres), -1).reshape(-1, 2)
    body = (rings.reshape(-1, 3), normals.reshape(-1, 3), grid(sides, len(rings) - 1), uv)
    if closed:
        return body
    caps = []
    for row, sign in ((0, -1.0), (-1, 1.0)):
        ring = rings[row, :-1]
        normal = sign * tangents[row]
        vertices = np.concatenate([points[row][None], ring])
        index = np.arange(sides)
        faces = np.stack([np.zeros(sides, int), index + 1, (index + 1) % sides + 1], 1)
        cap_uv = np.concatenate([[[0, 0]], np.stack([np.cos(turn[:-1]), np.sin(turn[:-1])], 1)]) * 0.05
        caps.append((vertices, np.tile(normal, (sides + 1, 1)), faces if sign > 0 else faces[:, ::-1], cap_uv))
    return merge([body, *caps])


def plate(outline: Path, thick: float, metres: float = 0.3) -> Piece:
    """A star-shaped (about its mean) outline (N, 2) in x, y, counter-clockwise, `thick` m along z, edges bevelled."""
    rim = np.asarray(outline, float)
    centre = rim.mean(0)
    bevel = 0.35 * thick
    span = np.linalg.norm(rim - centre, axis=1, keepdims=True)
    inner = rim - (rim - centre) / span * np.minimum(bevel, 0.3 * span)
    count = len(rim)
    step = np.roll(rim, -1, 0) - np.roll(rim, 1, 0)
    out = np.stack([step[:, 1], -step[:, 0], 0 * step[:, 0]], 1)
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    index = np.arange(count)
    after = (index + 1) % count
    pieces = []
    for sign in (1.0, -1.0):
        z = sign * thick / 2
        vertices = np.vstack([np.append(centre, z), np.column_stack([inner, np.full(count, z)])])
        faces = np.stack([0 * index, index + 1, after + 1], 1)
        normals = np.tile([0, 0, sign], (count + 1, 1))
        pieces.append((vertices, normals, faces if sign > 0 else faces[:, ::-1], vertices[:, :2] / metres))
    levels = ((inner, thick / 2), (rim, thick / 2 - bevel), (rim, bevel - thick / 2), (inner, -thick / 2))
    vertices = np.concatenate([np.column_stack([ring, np.full(count, z)]) for ring, z in levels])
    slope = np.concatenate([out + [0, 0, t] for t in (1.0, 0.3, -0.3, -1.0)])
    slope /= np.linalg.norm(slope, axis=1, keepdims=True)
    sides = []
    for k in range(3):
        a, b = k * count + index, k * count + after
        c, d = (k + 1) * count + after, (k + 1) * count + index
        sides += [np.stack([a, d, c], 1), np.stack([a, c, b], 1)]
    pieces.append((vertices, slope, np.concatenate(sides), vertices[:, :2] / metres))
    return merge(pieces)


def sheet(width: float, height: float, tiles: tuple[float, float] = (1.0, 1.0), bend: float = 0.0, rows: int = 1):
    """An upright rectangle from y = 0 in the plane x = 0, facing +x; `bend` m lets its top lean to +x."""
    t = np.linspace(0, 1, rows + 1)
    vertices = np.array([[bend * s * s, height * s, z] for s in t for z in (width / 2, -width / 2)])
    slope = np.array([[1.0, -2 * bend * s / max(height, 1e-6), 0.0] for s in t for _ in (0, 1)])
    uv = np.array([[tiles[0] * u, tiles[1] * s] for s in t for u in (0.0, 1.0)])
    return vertices, slope / np.linalg.norm(slope, axis=1, keepdims=True), grid(1, rows), uv


def ring(radius: float, pipe: float, sides: int = 24, section: int = 8, plane: str = "xy") -> Piece:
    """A closed hoop about the origin in the plane `plane` ("xy", "xz" or "yz")."""
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    path = np.zeros((sides, 3))
    first, second = ("xyz".index(letter) for letter in plane)
    path[:, first], path[:, second] = radius * np.cos(turn), radius * np.sin(turn)
    return tube(path, pipe, section, closed=True)


def bent(points: Path, per_corner: int = 4, radius: float = 0.05) -> np.ndarray:
    """(N, 3) a path through `points` with its corners rounded by `radius` m; for `tube`."""
    corners = np.asarray(points, float)
    path = [corners[0]]
    for before, corner, after in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
        back, ahead = before - corner, after - corner
        reach = min(radius, 0.45 * float(np.linalg.norm(back)), 0.45 * float(np.linalg.norm(ahead)))
        start, end = corner + back / np.linalg.norm(back) * reach, corner + ahead / np.linalg.norm(ahead) * reach
        for t in np.linspace(0, 1, per_corner + 1):
            path.append((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t * t * end)
    path.append(corners[-1])
    return np.array(path)
