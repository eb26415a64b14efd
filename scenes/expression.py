"""Gaze and face of a picture: plain data, and what it does to a rest mesh before it is skinned.

A face moves in its own rest: units displace the skin round eyes and mouth, eyeballs turn about their centres. Skinning
comes after, so a face at rest that looks straight ahead changes nothing, and labels read off the moved mesh are exact.

Shape legend: V = 19158 base-mesh vertices, W welded vertices of all layers of a dressed person.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from scenes.face import EYES, eye_centre, eyeball
from scenes.face_units import displacement, face_scale, face_units, movable_vertices, template_displacement
from scenes.layers import Layer

LIDS = {"out": 0.39, "in": 0.39, "up": 0.20, "down": 0.33}
"""Turn of the eye, rad, at which the lids' own unit for that direction is at full strength."""

GAZE_SPREAD, GAZE_MOST = (0.20, 0.12), (0.50, 0.30)
"""Standard deviation and limit of gaze, rad: sideways, up and down. Beyond that the head turns."""

CLOSED, DROOPING = 0.05, 0.12
"""Shares of faces with closed eyes (a blink) and with half-closed ones."""

_FOLLOWING = ("brow", "lash")
"""Kinds of layers that the skin under them carries."""

_NEIGHBOURS = 4


@dataclass(frozen=True, slots=True)
class Expression:
    """What a face does.

    Attributes:
        name: of data/expressions.csv; "rest" for none.
        units: strength of each face unit, see scenes.face_units.
        gaze: turn of both eyes from straight ahead, rad: + left, + up.
    """

    name: str = "rest"
    units: dict[str, float] = field(default_factory=dict)
    gaze: tuple[float, float] = (0.0, 0.0)


REST = Expression()
"""A face at rest that looks straight ahead."""


@cache
def _table() -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Share and units of each expression."""
    shares: dict[str, float] = {}
    units: dict[str, dict[str, float]] = {}
    text = (files("scenes") / "data" / "expressions.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        if row["share"]:
            shares[row["expression"]] = float(row["share"])
        units.setdefault(row["expression"], {})[row["unit"]] = float(row["strength"])
    return shares, units


def draw_expression(rng: np.random.Generator, share: float = 0.6) -> Expression:
    """A face; `share` of them are not at rest. Both sides of a face differ a little in strength."""
    shares, table = _table()
    name = "rest"
    if rng.random() < share:
        names = list(shares)
        steps = np.cumsum([shares[n] for n in names])
        name = names[int(np.searchsorted(steps / steps[-1], rng.random(), side="right"))]
    amount = float(rng.uniform(0.35, 1.0))
    units: dict[str, float] = {}
    for unit, strength in table.get(name, {}).items():
        for own in _sides(unit):
            units[own] = float(amount * strength * rng.uniform(0.85, 1.15))
    lids = rng.random()
    shut = 1.0 if lids < CLOSED else float(rng.uniform(0.15, 0.5)) if lids < CLOSED + DROOPING else 0.0
    if shut:
        units |= {f"eye_blink_{side}": max(0.0, shut - 0.45 * units.get(f"eye_squint_{side}", 0.0)) for side in EYES}
    gaze = tuple(
        float(np.clip(rng.normal(0.0, spread), -most, most))
        for spread, most in zip(GAZE_SPREAD, GAZE_MOST, strict=True)
    )
    return Expression(name, units, (gaze[0], gaze[1]))


def _sides(unit: str) -> tuple[str, ...]:
    names = face_units().names
    return (unit,) if unit in names else (f"{unit}_left", f"{unit}_right")


def express(rest_vertices: np.ndarray, expression: Expression) -> np.ndarray:
    """(V, 3) m: the rest mesh with this face; the same array where the face is at rest."""
    if expression == REST:
        return rest_vertices
    moved = rest_vertices + displacement(_with_lids(expression), rest_vertices)
    turn = _turn(expression)
    for side, shell in EYES.items():
        centre = eye_centre(rest_vertices, side)
        moved[shell] = (rest_vertices[shell] - centre) @ turn.T + centre
    return moved


def pupils(rest_vertices: np.ndarray, expression: Expression) -> dict[str, np.ndarray]:
    """Centre of each drawn pupil on the eyeball's surface at rest, (3,) m, for "left" and "right".

    Args:
        rest_vertices: (V, 3) m, before or after `express`.
    """
    found = {}
    for side in EYES:
        centre, radius = eyeball(rest_vertices, side)
        found[side] = centre + radius * _turn(expression)[:, 0]
    return found


def posed_pupils(rest_vertices: np.ndarray, expression: Expression, head: np.ndarray) -> dict[str, np.ndarray]:
    """`pupils` carried by the skin transform (4, 4) of the skull, in the world."""
    return {side: head[:3, :3] @ point + head[:3, 3] for side, point in pupils(rest_vertices, expression).items()}


def _turn(expression: Expression) -> np.ndarray:
    left, up = expression.gaze
    return Rotation.from_euler("YZ", [left, up]).as_matrix()


def _with_lids(expression: Expression) -> Mapping[str, float]:
    """The units of a face and those by which lids follow the eyes."""
    left, up = expression.gaze
    ways = {
        "left": {"out": left, "in": -left, "up": up, "down": -up},
        "right": {"out": -left, "in": left, "up": up, "down": -up},
    }
    units = dict(expression.units)
    for side, angles in ways.items():
        open_share = 1.0 - min(1.0, units.get(f"eye_blink_{side}", 0.0))
        for way, angle in angles.items():
            strength = min(max(angle / LIDS[way], 0.0), 1.0) * open_share
            if strength:
                units[f"eye_look_{way}_{side}"] = strength
    return units


@dataclass(frozen=True, slots=True, eq=False)
class FaceBinding:
    """How a dressed person's surfaces follow his face.

    Attributes:
        rows: (R,) welded vertices that skin carries; carry: (R, M) CSR, from the movable vertices of the base mesh.
        eyes: rows of the two eyeballs, "left" and "right"; centres: theirs, (3,) m.
        scale: of the face, see face_units.face_scale.
    """

    rows: np.ndarray
    carry: sp.csr_matrix
    eyes: dict[str, slice]
    centres: dict[str, np.ndarray]
    scale: float


def bind_face(layers: tuple[Layer, ...], starts: np.ndarray, rest_vertices: np.ndarray) -> FaceBinding:
    """Tie the layers of a dressed person, whose welded vertices begin at `starts`, to the mesh he was dressed on."""
    movable = movable_vertices()
    column = np.full(len(rest_vertices), -1)
    column[movable] = np.arange(len(movable))
    tree = None
    rows, matrices, eyes = [], [], {}
    for layer, start in zip(layers, starts[:-1], strict=True):
        if layer.kind == "eye":
            half = len(layer.vertices) // 2
            first = int(start)
            eyes = {"left": slice(first, first + half), "right": slice(first + half, first + 2 * half)}
        elif layer.base_vertices is not None:
            mine = np.flatnonzero(column[layer.base_vertices] >= 0)
            ones = (np.ones(len(mine)), (np.arange(len(mine)), column[layer.base_vertices[mine]]))
            rows.append(start + mine)
            matrices.append(sp.csr_matrix(ones, shape=(len(mine), len(movable))))
        elif layer.kind in _FOLLOWING:
            tree = tree or cKDTree(rest_vertices[movable])
            count = len(layer.vertices)
            distance, nearest = tree.query(layer.vertices, _NEIGHBOURS)
            share = 1.0 / (distance + 5e-4) ** 2
            share /= share.sum(1, keepdims=True)
            entries = (share.ravel(), (np.repeat(np.arange(count), _NEIGHBOURS), nearest.ravel()))
            rows.append(start + np.arange(count))
            matrices.append(sp.csr_matrix(entries, shape=(count, len(movable))))
    centres, scale = {side: eye_centre(rest_vertices, side) for side in EYES}, face_scale(rest_vertices)
    if not rows:
        return FaceBinding(np.zeros(0, int), sp.csr_matrix((0, len(movable))), eyes, centres, scale)
    return FaceBinding(np.concatenate(rows), sp.vstack(matrices, format="csr"), eyes, centres, scale)


def skin_shift(binding: FaceBinding, expression: Expression) -> np.ndarray:
    """(V, 3) m by which a face moves the base mesh, eyeballs left out."""
    return template_displacement(_with_lids(expression)) * binding.scale


def express_layers(binding: FaceBinding, vertices: np.ndarray, expression: Expression) -> np.ndarray:
    """(W, 3) m: a dressed person's welded rest vertices with this face, from those (W, 3) with his face at rest."""
    if expression == REST:
        return vertices
    moved = vertices.copy()
    moved[binding.rows] += binding.carry @ skin_shift(binding, expression)[movable_vertices()]
    turn = _turn(expression)
    for side, rows in binding.eyes.items():
        centre = binding.centres[side]
        moved[rows] = (vertices[rows] - centre) @ turn.T + centre
    return moved
