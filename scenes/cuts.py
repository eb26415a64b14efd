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


@dataclass(frozen=True, slots=True)
class Top:
    """An upper garment. Lengths in metres on the template.

    Attributes:
        sleeve: share of the arm it covers; 0 for none, then straps run over the shoulders.
        neck: half width of the opening, its depth in front and behind.
        hem: height above the hip joints, or below the shoulders where `cropped`.
        strap: half distance of the straps' outer edges; only without sleeves.
        shape: of the neck, "round", "vee" in front or "high" all round; "racer" lets the straps run together behind.
    """

    sleeve: float
    neck: tuple[float, float, float]
    hem: float
    strap: float = 0.128
    cropped: bool = False
    shape: str = "round"


@dataclass(frozen=True, slots=True)
class Bottom:
    """A lower garment: `leg` is the share of thigh (to 1) and shank (to 2) it covers; waist, m above the hip joints."""

    leg: float
    waist: float = 0.07


_TOPS = {
    "tee": Top(0.30, (0.075, 0.075, 0.035), -0.03),
    "longsleeve": Top(0.99, (0.072, 0.060, 0.030), -0.03),
    "tank": Top(0.0, (0.085, 0.125, 0.110), 0.0),
    "racer": Top(0.0, (0.082, 0.120, 0.085), -0.245, 0.118, cropped=True, shape="racer"),
    "openback": Top(0.0, (0.085, 0.090, 0.330), -0.01, 0.122),
    "crop": Top(0.22, (0.085, 0.085, 0.045), -0.275, cropped=True),
    "vneck": Top(0.26, (0.080, 0.150, 0.030), -0.02, shape="vee"),
    "scoop": Top(0.20, (0.105, 0.130, 0.060), -0.01),
    "capsleeve": Top(0.12, (0.080, 0.070, 0.040), 0.0),
    "elbow": Top(0.50, (0.075, 0.070, 0.032), -0.05),
    "threequarter": Top(0.72, (0.085, 0.080, 0.035), -0.02),
    "turtleneck": Top(0.99, (0.050, 0.012, 0.008), -0.03, shape="high"),
    "longcrop": Top(0.99, (0.080, 0.075, 0.040), -0.29, cropped=True),
    "tunic": Top(0.34, (0.085, 0.100, 0.045), -0.078),
    "hoodie": Top(0.97, (0.080, 0.070, 0.025), -0.05),
    "muscle": Top(0.0, (0.080, 0.090, 0.060), -0.03, 0.140),
    "lowback": Top(0.0, (0.088, 0.110, 0.200), -0.02, 0.120),
    "halter": Top(0.0, (0.060, 0.080, 0.400), -0.01, 0.100),
    "bikini": Top(0.0, (0.078, 0.150, 0.215), -0.235, 0.100, cropped=True),
}
_BOTTOMS = {
    "briefs": Bottom(0.0, 0.045),
    "hotpants": Bottom(0.22, 0.06),
    "shorts": Bottom(0.50),
    "bermuda": Bottom(0.88),
    "capri": Bottom(1.35),
    "tights": Bottom(1.90),
    "highwaist": Bottom(1.88, 0.14),
    "trousers": Bottom(1.99, 0.075),
}
TOPS, BOTTOMS = tuple(_TOPS), tuple(_BOTTOMS)
SOCKS = {"anklesocks": 0.05, "crewsocks": 0.17, "kneesocks": 0.36}
"""Height above the ankle joints, m."""
SKIRTS = {"mini": 0.45, "skirt": 0.78, "midi": 1.25}
"""Share of thigh (to 1) and shank (to 2) that a skirt covers; see scenes.skirts."""
HEADWEAR = ("beanie", "cap", "headband")
SPINE_BARE = ("racer", "openback", "lowback", "halter", "bikini", "crop", "longcrop")
"""Tops that leave some or all of the back to be seen."""


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
    if name in _TOPS:
        return _top(_TOPS[name], marks, points)
    if name in _BOTTOMS:
        return _bottom(_BOTTOMS[name], marks, points)
    if name in SOCKS:
        return marks.ankle[1] + SOCKS[name] - points[:, 1]
    if name in ("scalp", "beanie", "cap", "headband"):
        return _head(name, marks, points)
    if name == "straps":
        return _straps(marks, points)
    known = ", ".join((*TOPS, *BOTTOMS, *SOCKS, *HEADWEAR, "scalp", "straps"))
    raise ValueError(f"unknown cut {name!r}; cuts are {known}")


def leg_height(share: float, marks: Marks) -> float:
    """Height of a hem that covers `share` of thigh (to 1) and shank (to 2), m."""
    return float(np.interp(share, [0.0, 1.0, 2.0], [marks.hip[1], marks.knee[1], marks.ankle[1]]))


def _arm(marks: Marks, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance along the arm from the shoulder, m, and whether the point belongs to an arm."""
    direction = marks.hand - marks.shoulder
    direction = direction / np.linalg.norm(direction)
    mirrored = (points[:, 0], points[:, 1], np.abs(points[:, 2]))
    away = [place - start for place, start in zip(mirrored, marks.shoulder, strict=True)]
    along = sum(offset * share for offset, share in zip(away, direction, strict=True))
    across = np.sqrt(sum((offset - along * share) ** 2 for offset, share in zip(away, direction, strict=True)))
    return along, (across < np.where(along > 0.12, 0.16, 0.10)) & (along > -0.02)


def _top(cut: Top, marks: Marks, points: np.ndarray) -> np.ndarray:
    side, height = np.abs(points[:, 2]), points[:, 1]
    front = points[:, 0] > marks.neck[0] - 0.005
    along, arm = _arm(marks, points)
    reach = np.linalg.norm(marks.hand - marks.shoulder)
    collar = marks.shoulder[1] + 0.045
    field = np.where(arm, (cut.sleeve * reach if cut.sleeve else 0.035) - along, FAR)
    # Neck opening: half ellipses in front and behind, half width and depth.
    width, depth_front, depth_back = cut.neck
    depth = np.where(front, depth_front, depth_back)
    drop = np.minimum(height - collar, 0.0) / depth
    power = np.where(front, 1.5, 2.0)
    opening = (((side / width) ** power + np.abs(drop) ** power) ** (1 / power) - 1.0) * np.minimum(width, depth)
    if cut.shape == "vee":
        opening = np.where(front, (side / width - drop - 1.0) * 0.7 * width, opening)
    if cut.shape == "high":
        opening = collar + 0.050 - height + 0.2 * (points[:, 0] - marks.neck[0])
    else:
        opening = np.minimum(opening, collar + 0.035 - height)
    field = np.minimum(field, opening)
    if not cut.sleeve:
        below = np.maximum(marks.shoulder[1] - height, 0.0)
        strap = np.full(len(points), cut.strap)
        if cut.shape == "racer":  # straps run together between the shoulder blades
            strap = np.where(front, strap, cut.strap - 0.9 * np.minimum(below, 0.06))
        rise = np.where(below < 0.07, 0.15 * below, 0.0105 + 4.0 * (below - 0.07))
        field = np.minimum(field, strap + rise - side)
    hem = marks.shoulder[1] + cut.hem if cut.cropped else marks.hip[1] + cut.hem
    field = np.minimum(field, height - hem)
    return np.where(arm | (side < 0.30), field, -FAR)


def _bottom(cut: Bottom, marks: Marks, points: np.ndarray) -> np.ndarray:
    side, height = np.abs(points[:, 2]), points[:, 1]
    along, arm = _arm(marks, points)
    if cut.leg:
        hem = np.full(len(points), leg_height(cut.leg, marks))
    else:
        slope = np.where(points[:, 0] > marks.hip[0], 0.80, 0.28)
        hem = marks.hip[1] - 0.095 + slope * np.maximum(side - 0.045, 0.0)
    field = np.minimum(marks.hip[1] + cut.waist - height, height - hem)
    return np.where(arm & (along > 0.2), -FAR, field)


def _straps(marks: Marks, points: np.ndarray) -> np.ndarray:
    """Straps of a backpack: over the shoulders, down the chest and back under the arms."""
    side, height = np.abs(points[:, 2]), points[:, 1]
    front = points[:, 0] > marks.neck[0] - 0.03
    below = marks.shoulder[1] - height
    middle = 0.088 + np.where(front, 0.10 * np.maximum(below, 0.0), 0.0)
    middle = middle + np.where(front, 1.6, 0.0) * np.maximum(below - 0.13, 0.0)  # turns outwards below the chest
    band = 0.021 - np.abs(side - middle) / np.where(front & (below > 0.13), 1.7, 1.0)
    field = np.minimum(band, 0.23 - below)
    _, arm = _arm(marks, points)
    return np.where((arm & (below > 0.02)) | (height > marks.shoulder[1] + 0.12), -FAR, field)


def _head(name: str, marks: Marks, points: np.ndarray) -> np.ndarray:
    if name == "scalp":
        return scalp(marks, points)
    forward, up = points[:, 0] - marks.eye[0], points[:, 1] - marks.eye[1]
    # The rim rises from the nape over the ears to the forehead.
    rim = np.interp(forward, [-0.20, -0.12, -0.07, 0.02], [-0.010, 0.022, 0.036, 0.045])
    if name == "headband":
        return 0.018 - np.abs(up - rim - 0.012)
    return up - rim - (0.006 if name == "cap" else 0.0)


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
