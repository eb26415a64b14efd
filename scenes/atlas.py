"""The body's surface in texture space: cuts as pictures, painted cloth, plain skin. Built once per body topology."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse

from scenes.cuts import BOTTOMS, TOPS, Marks, find_marks, inside
from scenes.layers import SKIN_VERTICES, BodyTopology, split_quads, unweld
from scenes.textures import RELIEF_MAX, bleed, halve, rasterise

ATLAS_SIZE = 1024
_PAINT_EDGE = 0.0015  # m, half width of a painted hem's transition
_SHELL_EDGE = 0.008  # m, alpha is a signed distance over +- this range so that the cutout stays smooth


@dataclass(frozen=True, slots=True)
class Piece:
    """A garment made from the body's own surface.

    Attributes:
        cut: one of scenes.cuts TOPS or BOTTOMS.
        color: sRGB of the cloth; trim: sRGB of hems and stripes.
        loose: stand off the skin as a shell of `thickness` m, instead of being painted on it.
        stripe: side stripe on bottoms.
    """

    cut: str
    color: tuple[float, float, float]
    trim: tuple[float, float, float]
    loose: bool = False
    thickness: float = 0.008
    stripe: bool = False


class BodyAtlas:
    """Texture-space tables of one body topology. Arrays are shared and must not be written to.

    Attributes:
        faces: (F, 3) welded skin triangles, mouth cavity included.
        render_to_welded, render_faces, uv: the same surface cut at texture seams.
        marks: landmarks of the template.
    """

    def __init__(self, topology: BodyTopology) -> None:
        skin = (topology.quads < SKIN_VERTICES).all(1)
        self.faces = split_quads(topology.quads[skin]).astype(np.int32)
        self.uv_faces = split_quads(topology.uv_quads[skin]).astype(np.int32)
        proper = (np.diff(np.sort(self.faces, axis=1), axis=1) > 0).all(1)
        self.faces, self.uv_faces = self.faces[proper], self.uv_faces[proper]
        self.render_to_welded, render_to_uv, self.render_faces = unweld(self.faces, self.uv_faces)
        self.uv = np.ascontiguousarray(topology.uv[render_to_uv], np.float32)
        self.template = np.asarray(topology.template[:SKIN_VERTICES], np.float64)
        self.marks: Marks = find_marks(np.asarray(topology.template, np.float64))
        self._fields: dict[str, np.ndarray] = {}
        self._vertex_fields: dict[str, np.ndarray] = {}

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Template position of every texel (float32) and which texels have one."""
        places, covered = rasterise(self.uv, self.render_faces, self.template[self.render_to_welded], ATLAS_SIZE)
        return bleed(places, covered, 6.0)

    @cached_property
    def neighbours(self) -> scipy.sparse.csr_matrix:
        """(N, N) row-normalised adjacency of the skin vertices."""
        edges = np.concatenate([self.faces[:, [0, 1]], self.faces[:, [1, 2]], self.faces[:, [2, 0]]])
        both = np.concatenate([edges, edges[:, ::-1]])
        adjacency = scipy.sparse.csr_matrix((np.ones(len(both)), both.T), shape=(SKIN_VERTICES, SKIN_VERTICES))
        adjacency.data[:] = 1.0
        degree = np.maximum(np.asarray(adjacency.sum(1)).ravel(), 1.0)
        return scipy.sparse.csr_matrix(scipy.sparse.diags_array(1.0 / degree) @ adjacency)

    def field(self, cut: str) -> np.ndarray:
        """(size, size) float16 signed distance to the hem, m, positive inside; -9 off the body."""
        if cut not in self._fields:
            places, near = self._places
            field = np.full(near.shape, -9.0, np.float16)
            field[near] = inside(cut, self.marks, places[near]).astype(np.float16)
            self._fields[cut] = field
        return self._fields[cut]

    def vertex_field(self, cut: str) -> np.ndarray:
        """(13380,) the same at the skin vertices."""
        if cut not in self._vertex_fields:
            self._vertex_fields[cut] = inside(cut, self.marks, self.template)
        return self._vertex_fields[cut]

    def places_in(self, mask: np.ndarray) -> np.ndarray:
        """Template positions of the texels in a (size, size) mask."""
        return self._places[0][mask]

    def cloth_colors(self, piece: Piece, field: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """(K, 3) float32 sRGB in [0, 255] of a piece at the texels of `mask`; field is (size, size)."""
        depth = field[mask].astype(np.float32)
        places = self.places_in(mask)
        colors = np.broadcast_to(np.asarray(piece.color, np.float32) * 255.0, (len(depth), 3)).copy()
        trim = np.asarray(piece.trim, np.float32) * 255.0
        if piece.stripe and piece.cut in BOTTOMS:
            away = np.abs(places[:, 0] - np.interp(places[:, 1], *self._leg_line()))
            band = np.clip((0.011 - away) / 0.002, 0.0, 1.0) * (np.abs(places[:, 2]) > self.marks.hip[2] * 1.05)
            colors += band[:, None] * (trim - colors)
        hem = np.clip((0.014 - depth) / 0.0015, 0.0, 1.0)
        colors += hem[:, None] * (trim - colors)
        stitch = np.exp(-(((depth - 0.0155) / 0.0012) ** 2)) * 0.25
        return colors * (self._weave[mask] * (1.0 - stitch))[:, None]

    def _over_body(self, make: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """(size, size) float32 picture of a function of the place on the template; 0 off the body."""
        places, near = self._places
        picture = np.zeros(near.shape, np.float32)
        picture[near] = make(places[near])
        return picture

    @cached_property
    def _weave(self) -> np.ndarray:
        """Brightness of cloth: thread and unevenness."""
        return 1.0 + self._over_body(lambda p: 0.035 * _noise(p, 210.0) + 0.05 * _noise(p, 17.0))

    @cached_property
    def _strands(self) -> np.ndarray:
        """Brightness of short hair in [-1, 1]; strands run back and down, fine across them."""
        return self._over_body(lambda p: _noise(p * np.array([150.0, 110.0, 450.0], np.float32), 1.0))

    @cached_property
    def _face_paint(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Plain skin: tone, and the shares of lips, brows and blush."""
        marks = self.marks

        def lips(p):
            place = np.hypot(p[:, 2] / 0.026, (p[:, 1] - marks.mouth[1]) / 0.010)
            return np.clip((1.0 - place) / 0.3, 0.0, 0.6) * (p[:, 0] > marks.eye[0] - 0.02)

        def brows(p):
            across = np.abs(p[:, 2]) - marks.eye[2]
            arc = marks.eye[1] + 0.021 - 14.0 * (across - 0.004) ** 2
            place = np.hypot((p[:, 1] - arc) / 0.0042, (across - 0.002) / 0.024)
            return np.clip((1.0 - place) / 0.5, 0.0, 0.85) * (p[:, 0] > marks.eye[0] - 0.02)

        def blush(p):
            place = ((np.abs(p[:, 2]) - 0.042) / 0.02) ** 2 + ((p[:, 1] - marks.mouth[1] - 0.035) / 0.02) ** 2
            return 0.18 * np.exp(-place) * (p[:, 0] > marks.eye[0] - 0.02)

        tone = 1.0 + self._over_body(lambda p: 0.03 * _noise(p, 12.0) + 0.02 * _noise(p, 90.0))
        return tone, self._over_body(lips), self._over_body(brows), self._over_body(blush)

    def _leg_line(self) -> tuple[list[float], list[float]]:
        marks = self.marks
        return (
            [marks.ankle[1], marks.knee[1], marks.hip[1]],
            [float(marks.ankle[0]), float(marks.knee[0]) - 0.01, float(marks.hip[0])],
        )

    def paint(self, skin: np.ndarray, piece: Piece) -> np.ndarray:
        """Paint a tight piece on a (1024, 1024, 3) skin picture; returns a new picture."""
        field = self.field(piece.cut)
        mask = field > -_PAINT_EDGE
        share = np.clip(field[mask].astype(np.float32) / (2 * _PAINT_EDGE) + 0.5, 0.0, 1.0)[:, None]
        # A hem presses into the skin: a thin shade just outside the cloth.
        out = skin.astype(np.float32)
        rim = (field <= 0) & (field > -0.006)
        out[rim] *= 1.0 - 0.25 * np.exp(field[rim].astype(np.float32) / 0.002)[:, None]
        out[mask] += share * (self.cloth_colors(piece, field, mask) - out[mask])
        return np.clip(out + 0.5, 0, 255).astype(np.uint8)

    def shell_picture(self, piece: Piece) -> np.ndarray:
        """(512, 512, 4) picture of a loose piece; alpha crosses one half at the hem."""
        field = self.field(piece.cut)
        mask = field > -2 * _SHELL_EDGE
        colors = np.zeros((*field.shape, 3), np.float32)
        colors[:] = np.asarray(piece.color, np.float32) * 255.0
        colors[mask] = self.cloth_colors(piece, field, mask)
        alpha = np.clip(field.astype(np.float32) / (2 * _SHELL_EDGE) + 0.5, 0.0, 1.0) * 255.0
        picture = halve(np.concatenate([colors, alpha[..., None]], 2))
        return np.clip(picture + 0.5, 0, 255).astype(np.uint8)

    def hair_cap_picture(self) -> np.ndarray:
        """(512, 512, 4) short hair on the scalp in grey (see textures.grey_hair): strands, ragged hairline."""
        field = self.field("scalp").astype(np.float32)
        strands = self._strands
        ragged = field + 0.004 * strands
        alpha = np.clip(ragged / 0.012 + 0.5, 0.0, 1.0) * 255.0
        shade = np.repeat((255.0 / RELIEF_MAX) * (1.0 + 0.22 * strands[..., None]), 3, axis=2)
        picture = halve(np.concatenate([shade, alpha[..., None]], 2))
        return np.clip(picture + 0.5, 0, 255).astype(np.uint8)

    def plain_skin(self, color: tuple[float, float, float], brows: tuple[float, float, float]) -> np.ndarray:
        """(1024, 1024, 3) skin for bodies without a skin pack: tone with slow variation, lips, brows, blush."""
        tone, lips, brow, blush = (part[..., None] for part in self._face_paint)
        skin = np.asarray(color, np.float32) * 255.0 * tone
        skin += blush * (skin * np.array([1.05, 0.75, 0.72], np.float32) - skin)
        skin += lips * (skin * np.array([0.80, 0.52, 0.52], np.float32) - skin)
        skin += brow * (np.asarray(brows, np.float32) * 255.0 - skin)
        return np.clip(skin + 0.5, 0, 255).astype(np.uint8)


def _noise(points: np.ndarray, frequency: float) -> np.ndarray:
    """Smooth value noise in [-1, 1] at (N, 3) points, cells of 1 / frequency m; the same numbers on every machine."""
    scaled = points.astype(np.float32) * np.float32(frequency) + np.float32(1000.0)
    cell = np.floor(scaled)
    inner = scaled - cell
    inner = inner * inner * (3.0 - 2.0 * inner)
    cell = cell.astype(np.int64).astype(np.uint32)
    total = np.zeros(len(points), np.float32)
    for corner in range(8):
        bits = np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1], np.uint32)
        key = cell + bits
        mixed = key[:, 0] * np.uint32(73856093) ^ key[:, 1] * np.uint32(19349663) ^ key[:, 2] * np.uint32(83492791)
        mixed ^= mixed >> np.uint32(13)
        mixed *= np.uint32(1274126177)
        mixed ^= mixed >> np.uint32(16)
        value = (mixed & np.uint32(0xFFFF)).astype(np.float32) / 32767.5 - 1.0
        total += value * np.where(bits == 1, inner, 1.0 - inner).prod(1)
    return total


def smooth_over(values: np.ndarray, neighbours: scipy.sparse.csr_matrix, rounds: int, rate: float = 0.5) -> np.ndarray:
    """Laplacian smoothing of per-vertex values."""
    for _ in range(rounds):
        values = values + rate * (neighbours @ values - values)
    return values


def flatten(values: np.ndarray, neighbours: scipy.sparse.csr_matrix, rounds: int) -> np.ndarray:
    """Taubin smoothing: small bumps go, the shape and its volume stay."""
    for _ in range(rounds):
        values = values + 0.63 * (neighbours @ values - values)
        values = values - 0.67 * (neighbours @ values - values)
    return values


__all__ = ["ATLAS_SIZE", "BOTTOMS", "TOPS", "BodyAtlas", "Piece", "flatten", "smooth_over"]
