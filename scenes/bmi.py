"""A body of a given mass for its height: MakeHuman's weight parameter solved on the mesh's own volume.

MakeHuman's weight says little of the scales: on an averagely muscular man it spans a body mass index of 20 to 25 only.
So weight is solved for first, a little beyond the range MakeHuman paints (LIGHTEST to HEAVIEST; the shapes are linear
there and stay bodies), and where that is not enough muscle gives way towards SLACK, which spans the widest range.

Shape legend: P skin vertices of the mesh, F triangles.
"""

from dataclasses import replace

import numpy as np

from scenes.body import BODY_VERTEX_COUNT, BodyAsset, Phenotype, shape_coefficients
from scenes.column import body_triangles
from scenes.skeleton import BODY_DENSITY

LIGHTEST, HEAVIEST = -0.1, 1.6
SLACK = 0.15
TOLERANCE = 0.05
"""Of the body mass index, kg/m2."""

_KNOTS = (LIGHTEST, 0.5, HEAVIEST)
_STEPS = 12


def solve_body(asset: BodyAsset, phenotype: Phenotype, stature: float, bmi: float) -> Phenotype:
    """The same person, `stature` m tall, with weight (and muscle where needed) for a body mass index in kg/m2, or as
    near as the body allows. Mass is the volume of the mesh times BODY_DENSITY."""
    least = min(SLACK, phenotype.muscle)
    for muscle in (phenotype.muscle, (phenotype.muscle + least) / 2, least):
        family = _Family(asset, replace(phenotype, muscle=muscle), stature)
        low, high = family.bmi(LIGHTEST), family.bmi(HEAVIEST)
        if low <= bmi <= high:
            break
    weight = _root(family.bmi, LIGHTEST, HEAVIEST, low - bmi, high - bmi, bmi)
    return family.at(weight)


class _Family:
    """One person's bodies of equal stature over the weight parameter: blends of six meshes."""

    def __init__(self, asset: BodyAsset, phenotype: Phenotype, stature: float) -> None:
        self.phenotype, self.stature = phenotype, stature
        self.triangles = np.ascontiguousarray(body_triangles(asset).T)
        corners = [replace(phenotype, weight=w, height=h) for w in _KNOTS for h in (0.0, 1.0)]
        coefficients = np.stack([shape_coefficients(asset, corner) for corner in corners]).astype(np.float32)
        skin = asset.blendshapes[:, : 3 * BODY_VERTEX_COUNT]
        meshes = asset.template[:BODY_VERTEX_COUNT] + (coefficients @ skin).reshape(6, -1, 3)
        self.meshes = np.ascontiguousarray(np.moveaxis(meshes.reshape(3, 2, -1, 3), -1, 2))  # (3, 2, 3, P)
        self.heights = np.ptp(
            self.meshes[:, :, 1], axis=-1
        )  # linear in `height`: sole and crown stay the same vertices

    def _height(self, weight: float) -> float:
        low, high = (np.interp(weight, _KNOTS, self.heights[:, k]) for k in (0, 1))
        return float(np.clip((self.stature - low) / (high - low), 0.0, 1.0))

    def at(self, weight: float) -> Phenotype:
        return replace(self.phenotype, weight=weight, height=self._height(weight))

    def bmi(self, weight: float) -> float:
        height = self._height(weight)
        upper = 1 if weight <= _KNOTS[1] else 2
        share = (weight - _KNOTS[upper - 1]) / (_KNOTS[upper] - _KNOTS[upper - 1])
        below, above = self.meshes[upper - 1 : upper + 1]
        mesh = (1 - share) * ((1 - height) * below[0] + height * below[1])
        mesh += share * ((1 - height) * above[0] + height * above[1])
        (ax, bx, cx), (ay, by, cy), (az, bz, cz) = (axis.take(self.triangles) for axis in mesh)
        six_volumes = ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
        volume = abs(float(six_volumes.sum(dtype=np.float64))) / 6
        return volume * BODY_DENSITY / float(np.ptp(mesh[1])) ** 2


def _root(value, low: float, high: float, below: float, above: float, target: float) -> float:
    """Where a growing function meets the target (false position, Illinois), or the nearer end."""
    if below >= 0 or above <= 0:
        return low if below >= 0 else high
    middle, last = low, 0
    for _ in range(_STEPS):
        middle = high - above * (high - low) / (above - below)
        miss = value(middle) - target
        if abs(miss) < TOLERANCE:
            break
        if miss > 0:
            high, above = middle, miss
            below, last = (below / 2 if last > 0 else below), 1
        else:
            low, below = middle, miss
            above, last = (above / 2 if last < 0 else above), -1
    return float(middle)
