"""The body's surface in texture space: cuts as pictures, painted cloth, plain skin. Built once per body topology."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import scipy.sparse

from scenes.cuts import BOTTOMS, TOPS, Marks, find_marks, inside
from scenes.fabric import ARM, TRUNK, Coordinates, coordinates
from scenes.layers import SKIN_VERTICES, BodyTopology, split_quads, unweld
from scenes.noise import value_noise
from scenes.patch import Patch, patch_around
from scenes.prints import Pattern, paint_cloth
from scenes.texels import Texels
from scenes.textures import RELIEF_MAX, bleed, halve, put_texels, rasterise

ATLAS_SIZE = 1024
_PAINT_EDGE = 0.0015  # m, half width of a painted hem's transition
_BLEED = 14.0  # texels past the edge of a texture island, so that coarser copies of a picture show no seam
_NEAR_HEM = 0.016  # m outside a hem that a picture still shows
_BLOCK = 1 << 16  # places worked on at a time
_PATCHES = 16  # kept of late, half a megabyte each
_SHELL_EDGE = 0.008  # m, alpha is a signed distance over +- this range so that the cutout stays smooth


@dataclass(frozen=True, slots=True)
class Piece:
    """A garment made from the body's own surface.

    Attributes:
        cut: one of scenes.cuts TOPS, BOTTOMS, SKIRTS, SOCKS or HEADWEAR, or "backpack".
        color: sRGB of the cloth; trim: sRGB of hems and stripes.
        loose: stand off the skin as a shell of `thickness` m, instead of being painted on it.
        stripe: side stripe on bottoms.
        ease: m that a loose piece stands off where it hangs widest; a skirt's flare per metre of its length.
        ribbed: hem and cuffs are drawn in.
        pattern: what is on the cloth.
    """

    cut: str
    color: tuple[float, float, float]
    trim: tuple[float, float, float]
    loose: bool = False
    thickness: float = 0.008
    stripe: bool = False
    ease: float = 0.0
    ribbed: bool = False
    pattern: Pattern = Pattern()


class BodyAtlas:
    """Texture-space tables of one body topology. Arrays are shared and must not be written to.

    Attributes:
        faces: (F, 3) welded skin triangles, mouth cavity included.
        render_to_welded, render_faces, uv: the same surface cut at texture seams.
        marks: landmarks of the template.
        vertex_cloth: garment coordinates of the skin vertices.
        shoulders: skin vertices at the height of the shoulder joints.
        limb: (13380,) uint8, fabric.TRUNK, ARM or LEG of each skin vertex.
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
        self.vertex_cloth = coordinates(self.marks, self.template)
        self.limb = self.vertex_cloth.limb
        self.shoulders = np.flatnonzero(np.abs(self.template[:, 1] - self.marks.shoulder[1]) < 0.02)
        self._fields: dict[str, tuple[Texels, np.ndarray]] = {}
        self._vertex_fields: dict[str, np.ndarray] = {}
        self._patches: OrderedDict[tuple[str, ...], Patch] = OrderedDict()

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """(N, 3) float32 template positions of the texels that have one, and which those are."""
        places, covered = rasterise(self.uv, self.render_faces, self.template[self.render_to_welded], ATLAS_SIZE)
        places, near = bleed(places, covered, _BLEED)
        return places[near], near

    @cached_property
    def _cloth(self) -> tuple[Coordinates, np.ndarray]:
        """Garment coordinates of the texels that have a place, and the row of each texel among them."""
        places, near = self._places
        return coordinates(self.marks, places), np.cumsum(near.ravel(), dtype=np.int32).reshape(near.shape) - 1

    def cloth_at(self, texels: np.ndarray) -> Coordinates:
        """Garment coordinates of texels that have a place, by their number or as a (size, size) mask."""
        where, row = self._cloth
        return where.at(row[texels] if texels.dtype == bool else row.take(texels))

    @cached_property
    def trunk_texels(self) -> np.ndarray:
        """(512, 512) bool, texels of the chest, belly and back, where a skin picture shows its tone."""
        where, _ = self._cloth
        places, near = self._places
        height = places[:, 1]
        trunk = near.copy()
        trunk[near] = (height > self.marks.hip[1]) & (height < self.marks.shoulder[1]) & (where.limb == TRUNK)
        return trunk[::2, ::2]

    @cached_property
    def neighbours(self) -> scipy.sparse.csr_matrix:
        """(N, N) row-normalised adjacency of the skin vertices."""
        edges = np.concatenate([self.faces[:, [0, 1]], self.faces[:, [1, 2]], self.faces[:, [2, 0]]])
        both = np.concatenate([edges, edges[:, ::-1]])
        adjacency = scipy.sparse.csr_matrix((np.ones(len(both)), both.T), shape=(SKIN_VERTICES, SKIN_VERTICES))
        adjacency.data[:] = 1.0
        degree = np.maximum(np.asarray(adjacency.sum(1)).ravel(), 1.0)
        return scipy.sparse.csr_matrix(scipy.sparse.diags_array(1.0 / degree) @ adjacency)

    def field(self, cut: str) -> tuple[np.ndarray, np.ndarray]:
        """(K,) numbers of the texels inside a cut or near its hem, and their signed distance to the hem, m, positive
        inside, as float32 of float16 precision."""
        if cut not in self._fields:
            places, near = self._places
            field = _in_blocks(lambda some: inside(cut, self.marks, some).astype(np.float16), places)
            kept = field > -_NEAR_HEM
            self._fields[cut] = (Texels.of(np.flatnonzero(near)[kept]), field[kept])
        texels, field = self._fields[cut]
        return texels.numbers(), field.astype(np.float32)

    def vertex_field(self, cut: str) -> np.ndarray:
        """(13380,) the same at the skin vertices."""
        if cut not in self._vertex_fields:
            self._vertex_fields[cut] = inside(cut, self.marks, self.template)
        return self._vertex_fields[cut]

    def patch(self, *cuts: str) -> Patch:
        """The skin inside some cuts and enough around it to smooth it."""
        if cuts not in self._patches:
            while len(self._patches) >= _PATCHES:
                self._patches.popitem(last=False)
            field = np.max([self.vertex_field(cut) for cut in cuts], axis=0)
            self._patches[cuts] = patch_around(field, self.neighbours)
        self._patches.move_to_end(cuts)
        return self._patches[cuts]

    def cloth_colors(self, piece: Piece, texels: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """(K, 3) float32 sRGB in [0, 255] of a piece at (K,) texels, `depth` m inside its hem."""
        where = self.cloth_at(texels)
        colors = paint_cloth(piece.color, piece.pattern, where, self.marks)
        if piece.stripe and piece.cut in BOTTOMS:
            places = self._places[0][self._cloth[1].take(texels)]
            away = np.abs(places[:, 0] - np.interp(places[:, 1], *self._leg_line()))
            band = np.clip((0.011 - away) / 0.002, 0.0, 1.0) * (np.abs(places[:, 2]) > self.marks.hip[2] * 1.05)
            _trim(colors, piece.trim, band)
        width = 0.045 if piece.ribbed else 0.014
        hem = (0.9 if piece.ribbed else 1.0) * np.clip((width - depth) / 0.0015, 0.0, 1.0)
        if piece.ribbed:
            hem *= 0.85 + 0.15 * np.sin(where.around * (2.0 * np.pi / 0.008))
        _trim(colors, piece.trim, hem)
        colors *= (255.0 - 255.0 * self._seams(piece, depth, where, width))[:, None]
        return colors

    def _seams(self, piece: Piece, depth: np.ndarray, where: Coordinates, hem: float) -> np.ndarray:
        """(K,) how much darker stitches are: along hems, where sleeves are set in, at the sides, round pockets."""
        dark = 0.25 * np.exp(-(((depth - hem - 0.0015) / 0.0012) ** 2))
        if piece.cut in TOPS:
            armhole = np.abs(np.abs(where.side) - self.marks.shoulder[2] - 0.005)
            dark += 0.22 * np.exp(-((armhole / 0.0016) ** 2)) * (where.along > self.marks.shoulder[1] - 0.10)
            side = np.abs(np.abs(where.around) - 0.22)
            dark += 0.15 * np.exp(-((side / 0.0016) ** 2)) * (where.limb != ARM)
            if piece.cut == "hoodie":
                drop = where.along - self.marks.hip[1]
                pocket = np.maximum(np.abs(drop - 0.09) - 0.07, np.abs(where.side) - (0.15 - 0.5 * (drop - 0.02)))
                dark += 0.3 * np.exp(-((pocket / 0.002) ** 2)) * where.front
        elif piece.cut in BOTTOMS and piece.pattern.fabric == "denim":
            dark += 0.2 * np.exp(-((np.abs(np.abs(where.side) - 0.005) / 0.0015) ** 2))
            x, y = np.abs(where.side) - 0.085, where.along - self.marks.hip[1] + 0.01
            pocket = np.maximum(np.abs(x) - 0.055 + 0.15 * np.abs(y - 0.05), np.abs(y) - 0.065)
            dark += 0.4 * np.exp(-((pocket / 0.002) ** 2)) * ~where.front
        return np.clip(dark, 0.0, 0.6)

    def _over_body(self, make: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """(size, size) float32 picture of a function of the place on the template; 0 off the body."""
        places, near = self._places
        picture = np.zeros(near.shape, np.float32)
        picture[near] = _in_blocks(make, places)
        return picture

    @cached_property
    def _strands(self) -> np.ndarray:
        """Brightness of short hair in [-1, 1]; strands run back and down, fine across them."""
        return self._over_body(lambda p: value_noise(p * np.array([150.0, 110.0, 450.0], np.float32), 1.0))

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

        tone = 1.0 + self._over_body(lambda p: 0.03 * value_noise(p, 12.0) + 0.02 * value_noise(p, 90.0))
        return tone, self._over_body(lips), self._over_body(brows), self._over_body(blush)

    def _leg_line(self) -> tuple[list[float], list[float]]:
        marks = self.marks
        return (
            [marks.ankle[1], marks.knee[1], marks.hip[1]],
            [float(marks.ankle[0]), float(marks.knee[0]) - 0.01, float(marks.hip[0])],
        )

    def paint(self, skin: np.ndarray, piece: Piece) -> np.ndarray:
        """Paint a tight piece on a (1024, 1024, 3) skin picture; returns a new picture."""
        texels, depth = self.field(piece.cut)
        out = skin.copy()
        flat = out.reshape(-1, 3)
        # A hem presses into the skin: a thin shade just outside the cloth.
        rim = np.flatnonzero((depth <= 0) & (depth > -0.006))
        shade = 1.0 - 0.25 * np.exp(depth[rim] / 0.002)
        flat[texels[rim]] = flat[texels[rim]] * shade[:, None] + 0.5
        painted = depth > -_PAINT_EDGE
        texels, depth = texels[painted], depth[painted]
        colors = self.cloth_colors(piece, texels, depth)
        hem = np.flatnonzero(depth < _PAINT_EDGE)
        share = depth[hem, None] / (2 * _PAINT_EDGE) + 0.5
        under = flat[texels[hem]].astype(np.float32)
        colors[hem] = under + share * (colors[hem] - under)
        colors += 0.5
        put_texels(out, texels, colors)
        return out

    def shell_picture(self, piece: Piece) -> np.ndarray:
        """(512, 512, 4) picture of a loose piece; alpha crosses one half at the hem."""
        texels, depth = self.field(piece.cut)
        pixels = np.empty((len(texels), 4), np.uint8)
        pixels[:, :3] = self.cloth_colors(piece, texels, depth) + 0.5
        pixels[:, 3] = np.clip(depth / (2 * _SHELL_EDGE) + 0.5, 0.0, 1.0) * 255.0 + 0.5
        around = np.append(np.asarray(piece.color) * 255.0 + 0.5, 0.0).astype(np.uint8)
        picture = np.tile(around, (ATLAS_SIZE // 2, ATLAS_SIZE // 2, 1))
        first, last = texels[0] // ATLAS_SIZE // 2, texels[-1] // ATLAS_SIZE // 2 + 1
        full = np.full(((last - first) * 2, ATLAS_SIZE), around.view(np.uint32)[0])  # a texel at a time is quicker
        full.ravel()[texels - first * 2 * ATLAS_SIZE] = pixels.view(np.uint32)[:, 0]
        channels = full.view(np.uint8).reshape(*full.shape, 4)
        cv2.resize(channels, (ATLAS_SIZE // 2, last - first), picture[first:last], interpolation=cv2.INTER_AREA)
        return picture

    def hair_cap_picture(self) -> np.ndarray:
        """(512, 512, 4) short hair on the scalp in grey (see textures.grey_hair): strands, ragged hairline."""
        texels, depth = self.field("scalp")
        field = np.full((ATLAS_SIZE, ATLAS_SIZE), -9.0, np.float32)
        field.ravel()[texels] = depth
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


def _in_blocks(make: Callable[[np.ndarray], np.ndarray], places: np.ndarray) -> np.ndarray:
    """(N,) of a function of (N, 3) places, which needs ten times their memory, block by block."""
    return np.concatenate([make(places[start : start + _BLOCK]) for start in range(0, len(places), _BLOCK)])


def _trim(colors: np.ndarray, trim: tuple[float, float, float], share: np.ndarray) -> None:
    """Mix a colour into (K, 3) colours in place, by a share (K,) that is nothing for most."""
    rows = np.flatnonzero(share)
    for channel, own in zip(colors.T, np.asarray(trim, np.float32), strict=True):
        channel[rows] += share[rows] * (own - channel[rows])


__all__ = ["ATLAS_SIZE", "BOTTOMS", "TOPS", "BodyAtlas", "Piece"]
