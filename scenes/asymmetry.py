"""Bodies are not quite symmetric: limbs of unequal girth, one shoulder higher, a face that is not its own mirror.

Applied to the rest mesh and its bone heads before anything is seated in it, so skeleton, rig, clothes and labels are
those of the unequal body. Legs are left equally long.
"""

import csv
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np

from scenes.body import BodyAsset
from scenes.face_units import displacement

LIMBS = {
    "upperarm": ("upperarm01", "upperarm02"),
    "forearm": ("lowerarm01", "lowerarm02"),
    "thigh": ("upperleg01", "upperleg02"),
    "calf": ("lowerleg01", "lowerleg02"),
}
"""Mesh bones of each limb; its axis runs from the first bone's head to the head of the next limb's."""

_ENDS = {"upperarm": "lowerarm01", "forearm": "wrist", "thigh": "lowerleg01", "calf": "foot"}
_MIDLINE = 0.08
"""The rise of a shoulder grows from nothing at the midline to full at this distance from it, m."""

FACE_PAIRS = ("brow_outer_up", "brow_down", "cheek_squint", "eye_squint", "mouth_dimple", "mouth_frown", "jaw", "mouth")
"""Face units of one side whose faint activation at rest makes a face uneven."""


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """How the right side of a person differs from the left.

    Attributes:
        upperarm, forearm, thigh, calf: natural logarithm of right girth over left; each side takes half.
        shoulder: how much higher the right shoulder is, m; each side takes half.
        face: strengths of face units at rest.
    """

    upperarm: float = 0.0
    forearm: float = 0.0
    thigh: float = 0.0
    calf: float = 0.0
    shoulder: float = 0.0
    face: dict[str, float] = field(default_factory=dict)


@cache
def _table() -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of each quantity (data/asymmetry.csv)."""
    text = (files("scenes") / "data" / "asymmetry.csv").read_text(encoding="utf-8")
    return {row["quantity"]: (float(row["mean"]), float(row["sd"])) for row in csv.DictReader(text.splitlines())}


def draw_asymmetry(rng: np.random.Generator, amount: float = 1.0) -> Asymmetry:
    """A person's asymmetry; `amount` multiplies every deviation. One in ten is left-handed: his arms mirror."""
    table = _table()
    dominant = 1.0 if rng.random() < table["right_handed"][0] else -1.0

    def drawn(name: str) -> float:
        mean, deviation = table[name]
        return amount * (mean + deviation * float(np.clip(rng.normal(), -2.0, 2.0)))

    girths = {name: drawn(name) for name in LIMBS}
    shoulder, face = drawn("shoulder"), {}
    for stem in FACE_PAIRS:
        strength = drawn("face")
        if strength:
            face[f"{stem}_{'right' if strength > 0 else 'left'}"] = abs(strength)
    return Asymmetry(
        dominant * girths["upperarm"], dominant * girths["forearm"], girths["thigh"], girths["calf"],
        dominant * shoulder, face,
    )  # fmt: skip


def make_uneven(
    asset: BodyAsset, vertices: np.ndarray, bone_heads: np.ndarray, uneven: Asymmetry
) -> tuple[np.ndarray, np.ndarray]:
    """Rest vertices (V, 3) and bone heads (B, 3), m, of the same body with the given asymmetry."""
    if uneven == Asymmetry():
        return vertices, bone_heads
    moved, heads = vertices.copy(), bone_heads.astype(float).copy()
    for limb, bones in LIMBS.items():
        for sign, suffix in ((0.5, "R"), (-0.5, "L")):
            factor = np.exp(sign * getattr(uneven, limb)) - 1.0
            start = bone_heads[asset.bone(f"{bones[0]}.{suffix}")]
            end = bone_heads[asset.bone(f"{_ENDS[limb]}.{suffix}")]
            share = _weight(asset, tuple(f"{bone}.{suffix}" for bone in bones))
            near = np.flatnonzero(share)
            along = (end - start) / np.linalg.norm(end - start)
            offset = vertices[near] - start
            across = offset - (offset @ along)[:, None] * along
            moved[near] += factor * share[near, None] * across
    for sign, suffix in ((0.5, "R"), (-0.5, "L")):
        arm = [name for name in asset.bone_names if name.endswith(f".{suffix}") and name.startswith(_ARM)]
        ramp = np.clip(np.abs(vertices[:, 2]) / _MIDLINE, 0.0, 1.0)
        moved[:, 1] += sign * uneven.shoulder * ramp * _weight(asset, tuple(arm))
        rows = [asset.bone(name) for name in arm if not name.startswith("clavicle")]
        heads[rows, 1] += sign * uneven.shoulder
    if uneven.face:
        moved += displacement(uneven.face, vertices)
    return moved, heads


_ARM = ("clavicle", "shoulder01", "upperarm", "lowerarm", "wrist", "finger", "metacarpal")


@lru_cache(maxsize=20)  # ten sets of bones, the same for everybody
def _weight(asset: BodyAsset, bones: tuple[str, ...]) -> np.ndarray:
    """(V,) how much of each vertex follows the given bones."""
    return np.asarray(asset.weights[:, [asset.bone(name) for name in bones]].sum(1)).ravel()
