"""Skirts: a tube round both legs, hung from the hips, that follows trunk and thighs.

Shape legend: K heights, A angles of the tube.
"""

import numpy as np
import scipy.ndimage
import scipy.sparse
from scipy.spatial import cKDTree

from scenes.atlas import BodyAtlas, Piece
from scenes.cloth import cloth_material
from scenes.cuts import SKIRTS, Marks, leg_height
from scenes.fabric import ARM, TRUNK, Coordinates
from scenes.layers import Layer
from scenes.prints import paint_cloth

ANGLES = 72
STEP = 0.02  # m between rings
WAIST = 0.085  # m above the hip joints
KEPT = 0.10  # m above the hem where legs stay, for views from below; on short skirts a fifth of the length
_PICTURE = (256, 768)


def skirt_reach(cut: str, marks: Marks) -> tuple[float, float]:
    """Heights of hem and waist on a body with these landmarks, m."""
    return leg_height(SKIRTS[cut], marks), float(marks.hip[1]) + WAIST


def under_skirt(cut: str, skin: np.ndarray, limb: np.ndarray, marks: Marks) -> np.ndarray:
    """(N,) skin that a skirt hides for good."""
    hem, waist = skirt_reach(cut, marks)
    kept = min(KEPT, 0.2 * (waist - hem))
    return (limb != ARM) & (skin[:, 1] < waist - 0.020) & (skin[:, 1] > hem + kept)


def skirt_layer(
    piece: Piece, skin: np.ndarray, weights: scipy.sparse.csr_matrix, atlas: BodyAtlas, marks: Marks
) -> Layer:
    """Cut, hang and skin a skirt.

    Args:
        skin: (13380, 3) m, the surface it lies on, at rest; weights: (19158, B).
        marks: landmarks of this body.
    """
    hem, waist = skirt_reach(piece.cut, marks)
    below = np.flatnonzero((atlas.limb != ARM) & (skin[:, 1] < waist + 0.04) & (skin[:, 1] > hem - 0.04))
    body = skin[below]
    rings = int(np.ceil((waist - hem) / STEP)) + 1
    heights = np.linspace(waist, hem, rings)
    angle = 2.0 * np.pi * np.arange(ANGLES) / ANGLES - np.pi
    middle = 0.5 * (body[:, 0].max() + body[:, 0].min())
    radius = _hull(body[:, [0, 2]] - [middle, 0.0], body[:, 1], heights, angle)
    for row in range(1, rings):  # hangs from what stands out most
        radius[row] = np.maximum(radius[row], radius[row - 1] - 0.10 * STEP)
    radius = scipy.ndimage.gaussian_filter(radius, (1.5, 1.5), mode=("nearest", "wrap"))
    down = (waist - heights)[:, None]
    pleats = 3 + piece.pattern.seed % 9
    radius += piece.thickness + piece.ease * down
    radius += 0.35 * piece.ease * down * np.sin(2 * pleats * angle + 0.4 * np.sin(3 * angle)) * 0.5
    radius[-1] -= 0.002
    points = np.stack(
        [middle + radius * np.cos(angle), np.repeat(heights[:, None], ANGLES, 1), radius * np.sin(angle)], 2
    )
    welded = points.reshape(-1, 3)
    faces, render_faces, render_to_welded, uv = _grid(rings)
    return Layer(
        key=f"cloth/{piece.cut}",
        kind="cloth",
        vertices=welded,
        weights=_weights(points, body, scipy.sparse.csr_matrix(weights[below])),
        faces=render_faces,
        render_to_welded=render_to_welded,
        uv=uv,
        smooth_faces=faces,
        material=cloth_material(piece.pattern, _picture(piece, atlas.marks), repeats=(10.0, 6.0)),
    )


def _hull(across: np.ndarray, level: np.ndarray, heights: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """(K, A) radius of the convex hull of the points near each height."""
    outward = np.stack([np.cos(angle), np.sin(angle)])
    reach = across @ outward  # (N, A) support
    between = angle[:, None] - angle[None]
    cosine = np.cos(between)
    radius = np.zeros((len(heights), len(angle)))
    for row, height in enumerate(heights):
        near = np.abs(level - height) < 0.035
        if not near.any():
            radius[row] = radius[row - 1]
            continue
        support = reach[near].max(0)
        with np.errstate(divide="ignore"):
            radius[row] = np.where(cosine > 0.05, support[None] / np.maximum(cosine, 0.05), np.inf).min(1)
    return radius


def _weights(points: np.ndarray, body: np.ndarray, rows: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """Those of the skin nearby, evened out round the tube so that cloth spans the gap between the legs."""
    count = 8
    distance, nearest = cKDTree(body).query(points.reshape(-1, 3), k=count)
    share = 1.0 / (distance + 0.01)
    share /= share.sum(1, keepdims=True)
    index = np.repeat(np.arange(len(nearest)), count)
    binding = scipy.sparse.csr_matrix((share.ravel(), (index, nearest.ravel())), shape=(len(nearest), len(body)))
    dense = (binding @ rows).toarray().reshape(*points.shape[:2], -1)
    dense = scipy.ndimage.gaussian_filter(dense, (2.5, 2.0, 0.0), mode=("nearest", "wrap", "nearest"))
    dense = dense.reshape(len(nearest), -1)
    dense[dense < 2e-3] = 0.0
    return scipy.sparse.csr_matrix(dense / dense.sum(1, keepdims=True))


def _grid(rings: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Welded faces, render faces, the welded vertex of each render vertex, and uv; the seam runs down the back."""
    row, column = (index.ravel() for index in np.meshgrid(np.arange(rings - 1), np.arange(ANGLES), indexing="ij"))

    def quads(width: int, wrap: int) -> np.ndarray:
        a, b = row * width + column, row * width + (column + 1) % wrap
        lower = np.stack([a, b + width, a + width], 1)
        return np.concatenate([lower, np.stack([a, b, b + width], 1)]).astype(np.int32)

    rows, columns = np.meshgrid(np.arange(rings), np.arange(ANGLES + 1), indexing="ij")
    welded = (rows * ANGLES + columns % ANGLES).ravel().astype(np.int32)
    uv = np.stack([columns / ANGLES, 1.0 - rows / (rings - 1)], 2).reshape(-1, 2).astype(np.float32)
    return quads(ANGLES, ANGLES), quads(ANGLES + 1, ANGLES + 2).astype(np.uint32), welded, uv


def _picture(piece: Piece, marks: Marks) -> np.ndarray:
    """The unrolled tube; sizes are those of the template."""
    hem, waist = skirt_reach(piece.cut, marks)
    tall, wide = _PICTURE
    axes = ((np.arange(tall) + 0.5) / tall, (np.arange(wide) + 0.5) / wide - 0.5)
    v, u = (place.ravel().astype(np.float32) for place in np.meshgrid(*axes, indexing="ij"))
    girth = 1.1
    where = Coordinates(
        around=np.where(np.abs(u) < 0.25, u, np.sign(u) * 0.5 - u) * girth,
        along=waist - v * (waist - hem),
        limb=np.full(len(u), TRUNK, np.uint8),
        side=0.17 * np.sin(2 * np.pi * u),
        front=np.cos(2 * np.pi * u) > 0,
        strain=np.full(len(u), 0.25, np.float32),
    )
    colors = paint_cloth(piece.color, piece.pattern, where, marks)
    edge = np.minimum(v * (waist - hem) - 0.03, (1.0 - v) * (waist - hem) - 0.012)
    colors = colors + np.clip(-edge / 0.002, 0.0, 1.0)[:, None] * (np.asarray(piece.trim, np.float32) - colors)
    return np.clip(colors * 255.0 + 0.5, 0, 255).astype(np.uint8).reshape(tall, wide, 3)
