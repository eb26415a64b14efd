"""A place around given people and cameras: sized, turned, cleared of what stands in the way, merged into parts."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from scenes.extent import Extent, extent_of, lattice
from scenes.places import clinic, court, field, gym, street, track
from scenes.places.layout import Place, Prop, Surface, tone
from scenes.places.shade import RINGS, THROWN_Y, contact_outlines, near, on_grounds, shade_material, thrown_outlines
from scenes.places.shapes import Piece, merged, unit
from scenes.props import part_of, placed
from scenes.renderer import Light, Material, MeshPart

if TYPE_CHECKING:
    from scenes.backdrop import BackdropSpec

BUILDERS: dict[str, Callable[[np.ndarray, np.random.Generator], Place]] = {
    "gym": gym.build, "clinic": clinic.build, "court_hall": court.build_hall, "court": court.build_outdoor,
    "field": field.build, "track": track.build, "street": street.build,
}  # fmt: skip
INDOOR = ("gym", "clinic", "court_hall")
OUTDOOR = ("court", "field", "track", "street")

_BASE = {
    "gym": (8.0, 7.0, 3.0), "clinic": (5.6, 5.0, 2.4), "court_hall": (32.0, 20.0, 6.0), "court": (34.0, 20.0, 0.0),
    "field": (34.0, 34.0, 0.0), "track": (40.0, 28.0, 0.0), "street": (50.0, 13.0, 0.0),
}  # fmt: skip
"""Least free (x, z, height), m; what needs more grows by _STEP, so that places repeat and stay cached."""

_STEP = np.array([4.0, 4.0, 1.5])
_DYED = (
    "wall",
    "dado",
    "door",
    "pad",
    "mat",
    "bright",
    "cover",
    "curtain",
    "front",
    "stand",
    "car0",
    "car1",
    "car2",
    "car3",
)
GROUND_NAMES = ("floor", "road", "tartan", "apron", "stripe", "key", "outer", "paint", "second")
"""Surfaces that keep their colour, because what lies on them is matched to it."""

_FREE = 0.6  # m around people
_LENS = 0.5  # m around a camera


@lru_cache(maxsize=64)
def laid_out(kind: str, variant: int, size: tuple[float, float, float]) -> Place:
    """The place of a kind, variant and least free (x, z, height), m."""
    place = BUILDERS[kind](np.array(size), np.random.default_rng([variant, sorted(BUILDERS).index(kind)]))
    kept: dict[int, np.ndarray] = {}
    lean = tuple(replace(prop, pieces=_lean(prop.pieces, kept)) for prop in place.props)
    return replace(place, shell=_lean(place.shell, kept), props=lean)


def _lean(pieces: tuple[tuple[str, Piece], ...], kept: dict[int, np.ndarray]) -> tuple[tuple[str, Piece], ...]:
    """The same meshes in less than half the memory: a worker keeps dozens of places. Normals become unit.

    What pieces share (faces and uv of a prop that stands there twice) they still share; `kept` holds it by its id.
    """

    def shared(array: np.ndarray, kind: type) -> np.ndarray:
        if id(array) not in kept:
            kept[id(array)] = array.astype(kind)
        return kept[id(array)]

    single = np.float32
    return tuple(
        (name, (v.astype(single), unit(n.astype(single)), shared(f, np.uint16 if len(v) < 1 << 16 else np.uint32),
                shared(uv, single)))
        for name, (v, n, f, uv) in pieces
    )  # fmt: skip


def build_place(spec: "BackdropSpec", eyes: np.ndarray, people: np.ndarray, light: Light) -> tuple[MeshPart, ...]:
    """Parts of a place that holds every camera and everybody.

    Args:
        spec: its kind is one of BUILDERS.
        eyes: (C, 3) m, all cameras.
        people: (N, 3) m, everyone and everything in the picture.
        light: as it falls in the place.
    """
    kind, variant, yaw, margin, shift = spec.kind, spec.variant, spec.yaw, min(spec.margin_m, 2.0), spec.shift
    into = np.linalg.inv(placed(0, 0, yaw))[:3, :3]
    seen, at = extent_of(people @ into.T), eyes @ into.T
    low = np.minimum(seen.low - margin - _FREE, at.min(0) - _LENS)[[0, 2]]
    high = np.maximum(seen.high + margin + _FREE, at.max(0) + _LENS)[[0, 2]]
    need = high - low
    top = max(float(seen.high[1]) + 0.3, float(eyes[:, 1].max()) + 0.35)
    base = np.array(_BASE[kind])
    more = np.maximum(np.array([*need, top if kind in INDOOR else 0.0]) - base, 0.0)
    wide, deep, tall = (float(v) for v in base + np.ceil(more / _STEP) * _STEP)
    size = (wide, deep, tall)
    place = laid_out(kind, variant, size)
    room = np.maximum(2 * place.free - need, 0.0) / 2
    # moves picture coordinates into the place
    wanted = place.spot + np.asarray(shift) * 0.15 * place.free - seen.mean[[0, 2]]
    centred = -(low + high) / 2
    offset = centred + np.clip(wanted - centred, -room, room)
    moved_by = np.array([offset[0], 0.0, offset[1]])
    seen, at = seen.shifted(moved_by), at + moved_by
    marks = np.concatenate([lattice(seen.low, seen.high), people[:: max(len(people) // 40, 1)] @ into.T + moved_by])
    kept = np.flatnonzero(~_in_the_way(place.props, at, seen, marks)).tolist()
    back = placed(0, 0, yaw) @ _shift(-moved_by)
    stem = f"place/{kind}{variant}/{size[0]:.1f}-{size[1]:.1f}-{size[2]:.1f}"
    return _parts(place, tuple(kept), stem, back, seen.mean[[0, 2]], light, spec.seed)


def _shift(by: np.ndarray) -> np.ndarray:
    move = np.eye(4)
    move[:3, 3] = by
    return move


def _in_the_way(props: Sequence[Prop], eyes: np.ndarray, people: Extent, marks: np.ndarray) -> np.ndarray:
    """(P,) whether each prop reaches into people or a camera, or hides (M, 3) marks on people from one."""
    if not props:
        return np.zeros(0, bool)
    low, high = np.array([(prop.low, prop.high) for prop in props])[:, :, None].swapaxes(0, 1)  # (P, 1, 3)
    found = np.any(np.all((eyes > low - _LENS) & (eyes < high + _LENS), axis=2), axis=1)
    found |= np.all((low < people.high + 0.3) & (high > people.low - 0.3), axis=2)[:, 0]
    for eye in eyes:
        way = marks - eye
        way = np.where(np.abs(way) < 1e-9, 1e-9, way)
        first, second = (low - 0.12 - eye) / way, (high + 0.12 - eye) / way  # (P, M, 3)
        nearer, farther = np.minimum(first, second), np.maximum(first, second)
        enter, leave = _over_axes(np.maximum, nearer), _over_axes(np.minimum, farther)
        found |= np.any((enter < leave) & (leave > 0) & (enter < 1), axis=1)
    return found


def _over_axes(better: np.ufunc, values: np.ndarray) -> np.ndarray:
    """(...) the best of (..., 3) values; a reduction over so few takes numpy ten times as long."""
    return better(better(values[..., 0], values[..., 1]), values[..., 2])


@lru_cache(maxsize=2)  # the pictures of a take; who else stands elsewhere leaves out other things
def _merged(place_key: str, kept: tuple[int, ...], place: Place) -> tuple[tuple[str, Piece], ...]:
    """One mesh per surface: props first, so that they hide the shell before it is shaded; uv in tiles."""
    by: dict[str, list[Piece]] = {}
    for k in kept:
        for name, mesh in place.props[k].pieces:
            by.setdefault(name, []).append(mesh)
    for name, mesh in place.shell:
        by.setdefault(name, []).append(mesh)
    done = []
    for name, pieces in by.items():
        v, n, f, uv = merged(pieces)
        done.append((name, (v, n, f, uv / place.surfaces[name].metres)))
    return tuple(done)


def _parts(
    place: Place, kept: tuple[int, ...], stem: str, back: np.ndarray, middle: np.ndarray, light: Light, seed: int
) -> tuple[MeshPart, ...]:
    tag = hashlib.blake2b(np.array(kept, np.int32).tobytes(), digest_size=6).hexdigest()
    parts, rng = [], np.random.default_rng(seed)
    for name, mesh in _merged(stem, kept, place):
        material = _recolored(name, place.surfaces[name].material, rng)
        parts.append(part_of(f"{stem}/{tag}/{name}", [mesh], material, back))
    props = near([place.props[k] for k in kept], middle)
    for (_, y, tint), outlines in zip(RINGS, contact_outlines(props), strict=False):
        for name, mesh in on_grounds(place, outlines, y):
            surface = place.surfaces[name]
            r, g, b = (tint * c for c in surface.material.color)
            parts.append(
                _dark(f"{stem}/ring{y}/{name}", mesh, surface, replace(surface.material, color=(r, g, b)), back)
            )
    if place.outdoor and np.any(light.sun_color > 0):
        outlines = thrown_outlines(props, np.linalg.inv(back)[:3, :3] @ light.sun_direction)
        for name, mesh in on_grounds(place, outlines, THROWN_Y):
            surface = place.surfaces[name]
            parts.append(_dark(f"{stem}/thrown/{name}", mesh, surface, shade_material(surface.material, light), back))
    return tuple(parts)


def _recolored(name: str, material: Material, rng: np.random.Generator) -> Material:
    """Another colour for what is painted or dyed, a little more or less light on everything else but floors.

    Colour is no part of what the renderer caches, so a layout need not look the same twice.
    """
    if name in _DYED and rng.random() < 0.7:
        return replace(material, color=tone(rng, 0.35, 1.0, 0.55))
    if name in GROUND_NAMES or material.unlit:
        return material
    r, g, b = (
        float(min(c * k, 1.0))
        for c, k in zip(material.color, rng.uniform(0.85, 1.12) * rng.uniform(0.97, 1.03, 3), strict=True)
    )
    return replace(material, color=(r, g, b))


def _dark(key: str, mesh: Piece, surface: Surface, material: Material, back: np.ndarray) -> MeshPart:
    v, n, f, uv = mesh
    return part_of(_own(key, v), [(v, n, f, uv / surface.metres)], material, back)


def _own(key: str, vertices: np.ndarray) -> str:
    return f"{key}-{hashlib.blake2b(np.ascontiguousarray(vertices).tobytes(), digest_size=8).hexdigest()}"
