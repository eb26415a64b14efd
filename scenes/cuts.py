"""Where a garment made from the body's own surface begins and ends.

A cut is a function of the place on the neutral body (template, arms held away from the trunk): positive inside the
garment, negative outside, metres from the hem. The same function paints texels, chooses faces and hides skin, so hems
are clean whatever the mesh.

Shape legend: N points on the template.
"""

from dataclasses import dataclass

import numpy as np

FAR = 9.0  # m; a cut that does not limit the place at hand

# Joint cubes of the base mesh (first vertex, eight vertices each), left side.
_CUBES = {
    "neck": 14534,
    "shoulder": 14046,
    "hand": 14030,
    "hip": 13846,
    "knee": 13838,
    "ankle": 13830,
}
_EYE = slice(14598, 14670)
_UPPER_TEETH, _LOWER_TEETH = slice(15060, 15128), slice(14992, 15060)

TOPS = ("tee", "longsleeve", "tank", "racer", "openback", "crop")
BOTTOMS = ("briefs", "shorts", "capri", "tights")


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Landmarks of the template, metres, right side (z > 0)."""

    neck: np.ndarray
    mouth: np.ndarray
    shoulder: np.ndarray
    hand: np.ndarray
    hip: np.ndarray
    knee: np.ndarray
    ankle: np.ndarray
    eye: np.ndarray
    crown: float


def find_marks(template: np.ndarray) -> Marks:
    """Read the landmarks from the helper geometry of the (19158, 3) template."""
    right = np.array([1.0, 1.0, -1.0])  # the cubes named here are those of the left side
    places = {name: template[first : first + 8].mean(0) * right for name, first in _CUBES.items()}
    places["mouth"] = 0.5 * (template[_UPPER_TEETH].min(0) + template[_LOWER_TEETH].max(0))
    return Marks(eye=template[_EYE].mean(0) * right, crown=float(template[:13380, 1].max()), **places)


def inside(name: str, marks: Marks, points: np.ndarray) -> np.ndarray:
    """(N, 3) template points -> (N,) signed distance from the hem of the cut `name`, m; positive inside."""
    if name in TOPS:
        return _top(name, marks, points)
    if name in BOTTOMS:
        return _bottom(name, marks, points)
    if name == "scalp":
        return scalp(marks, points)
    raise ValueError(f"unknown cut {name!r}; cuts are {', '.join(TOPS + BOTTOMS)} and scalp")


def _arm(marks: Marks, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance along the arm from the shoulder, m, and whether the point belongs to an arm."""
    mirrored = points * [1.0, 1.0, 0.0] + np.abs(points) * [0.0, 0.0, 1.0]
    direction = marks.hand - marks.shoulder
    direction = direction / np.linalg.norm(direction)
    away = mirrored - marks.shoulder
    along = away @ direction
    across = np.linalg.norm(away - along[:, None] * direction, axis=1)
    return along, (across < np.where(along > 0.12, 0.16, 0.10)) & (along > -0.02)


def _top(name: str, marks: Marks, points: np.ndarray) -> np.ndarray:
    side = np.abs(points[:, 2])
    height = points[:, 1]
    front = points[:, 0] > marks.neck[0] - 0.005
    along, arm = _arm(marks, points)
    reach = np.linalg.norm(marks.hand - marks.shoulder)
    collar = marks.shoulder[1] + 0.045
    sleeve = {"tee": 0.30 * reach, "longsleeve": 0.99 * reach, "crop": 0.22 * reach}.get(name, 0.035)
    field = np.where(arm, sleeve - along, FAR)
    # Neck opening: half ellipses in front and behind, half width and depth.
    width, depth_front, depth_back = {
        "tee": (0.075, 0.075, 0.035),
        "longsleeve": (0.072, 0.060, 0.030),
        "crop": (0.085, 0.085, 0.045),
        "tank": (0.085, 0.125, 0.110),
        "racer": (0.082, 0.120, 0.085),
        "openback": (0.085, 0.090, 0.330),
    }[name]
    depth = np.where(front, depth_front, depth_back)
    drop = np.minimum(height - collar, 0.0) / depth
    opening = (np.sqrt((side / width) ** 2 + drop**2) - 1.0) * np.minimum(width, depth)
    field = np.minimum(field, np.minimum(opening, collar + 0.035 - height))
    if name in ("tank", "racer", "openback"):
        below = np.maximum(marks.shoulder[1] - height, 0.0)
        strap = np.full(len(points), {"tank": 0.128, "racer": 0.118, "openback": 0.122}[name])
        if name == "racer":  # straps run together between the shoulder blades
            strap = np.where(front, strap, 0.118 - 0.9 * np.minimum(below, 0.06))
        rise = np.where(below < 0.07, 0.15 * below, 0.0105 + 4.0 * (below - 0.07))
        field = np.minimum(field, strap + rise - side)
    waist = marks.hip[1] + 0.02
    hem = {"tee": waist - 0.05, "longsleeve": waist - 0.05, "tank": waist - 0.02, "openback": waist - 0.03}
    chest = marks.shoulder[1] - 0.245
    field = np.minimum(field, height - hem.get(name, chest if name == "racer" else chest - 0.03))
    return np.where(arm | (side < 0.30), field, -FAR)


def _bottom(name: str, marks: Marks, points: np.ndarray) -> np.ndarray:
    side = np.abs(points[:, 2])
    height = points[:, 1]
    along, arm = _arm(marks, points)
    crotch = marks.hip[1] - 0.085
    thigh = marks.hip[1] - marks.knee[1]
    waist = marks.hip[1] + (0.07 if name != "briefs" else 0.045)
    if name == "briefs":
        slope = np.where(points[:, 0] > marks.hip[0], 0.80, 0.28)
        hem = crotch - 0.010 + slope * np.maximum(side - 0.045, 0.0)
    elif name == "shorts":
        hem = np.full(len(points), marks.hip[1] - 0.50 * thigh)
    elif name == "capri":
        hem = np.full(len(points), marks.knee[1] - 0.35 * (marks.knee[1] - marks.ankle[1]))
    else:
        hem = np.full(len(points), marks.ankle[1] + 0.04)
    field = np.minimum(waist - height, height - hem)
    return np.where(arm & (along > 0.2), -FAR, field)


def scalp(marks: Marks, points: np.ndarray) -> np.ndarray:
    """Signed distance from a short-haired hairline."""
    forward = points[:, 0] - marks.eye[0]  # 0 at the eyes, negative towards the back
    up = points[:, 1] - marks.eye[1]
    side = np.abs(points[:, 2])
    head = marks.crown - marks.eye[1]
    # Forehead to temple to behind the ear to the nape: the hairline falls as it runs backwards.
    line = np.interp(
        forward,
        [-0.20, -0.13, -0.105, -0.085, -0.055, -0.035, 0.03],
        [-0.085, -0.06, 0.01, 0.01, 0.0, 0.05, 0.55 * head],
    )
    line = line + np.where(forward > -0.05, 0.02 * np.cos(side * 40.0), 0.0)
    return up - line
