"""Loose cloth hangs: from where the body stands out most it falls straight down, or along the limb.

Everything happens at rest. A garment tube is described by its radius over height and angle; hanging means that the
radius never shrinks faster on the way down than cloth would.

Shape legend: N points, K heights, A angles.
"""

import numpy as np
import scipy.ndimage

from scenes.cuts import Marks
from scenes.fabric import ARM, LEG, TRUNK

STEP = 0.02  # m between heights
ANGLES = 48
SLACK = {TRUNK: 0.12, ARM: 0.22, LEG: 0.06}
"""How fast a tube may narrow on the way down, m per m."""


def drape(shape: np.ndarray, limb: np.ndarray, marks: Marks, ease: float, long_top: bool) -> np.ndarray:
    """Let a garment made from the body's surface hang.

    Args:
        shape: (N, 3) m, the body's surface with the cloth close to it.
        limb: (N,) what each point belongs to; marks: landmarks of this body.
        ease: m that it stands off at its widest.
        long_top: it is a top, whose lower part goes round both legs.
    """
    moved = shape.copy()
    trunk = (limb == TRUNK) | ((limb == LEG) & long_top)
    below = marks.shoulder[1] - 0.04 - shape[:, 1]
    if long_top:
        _hang(moved, trunk, below, shape[:, [0, 2]], np.array([marks.hip[0], 0.0]), ease, TRUNK, 0.12)
    else:
        hips = (limb == TRUNK) & (below > 0.1)
        down = marks.hip[1] + 0.08 - shape[:, 1]
        _hang(moved, hips, down, shape[:, [0, 2]], np.array([marks.hip[0], 0.0]), 0.4 * ease, TRUNK, 0.10)
    for side in (1.0, -1.0):
        mine = shape[:, 2] * side > 0
        mirror = np.array([1.0, 1.0, side])
        if long_top:
            _along_arm(moved, shape, mine & (limb == ARM), marks.shoulder * mirror, marks.hand * mirror, ease)
        else:
            _along_leg(moved, shape, mine & (limb == LEG), marks, side, ease)
    return moved


def _along_arm(moved, shape, chosen, shoulder, hand, ease) -> None:
    direction = (hand - shoulder) / np.linalg.norm(hand - shoulder)
    first = np.cross(direction, [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    frame = np.stack([first, np.cross(direction, first)])
    along = (shape - shoulder) @ direction
    across = (shape - shoulder) @ frame.T
    across = across - _middle(along, across, chosen)  # the elbow is bent a little: the arm is no straight line
    result = np.zeros_like(moved)
    result[:, :2] = across
    _hang_plane(result, chosen, along - 0.09, across, np.zeros(2), 0.6 * ease, ARM, 0.10)
    moved[chosen] = (shape + (result[:, :2] - across) @ frame)[chosen]


def _middle(along, across, chosen) -> np.ndarray:
    """(N, 2) where the middle of a limb lies at each point's height."""
    if not chosen.any():
        return np.zeros_like(across)
    edges = np.arange(along[chosen].min(), along[chosen].max() + 0.06, 0.05)
    slot = np.clip(np.digitize(along[chosen], edges) - 1, 0, len(edges) - 1)
    count = np.bincount(slot, minlength=len(edges))
    used = np.flatnonzero(count)
    places = edges[used] + 0.025
    sums = [np.bincount(slot, across[chosen, k], len(edges))[used] / count[used] for k in (0, 1)]
    return np.stack([np.interp(along, places, values) for values in sums], 1)


def _along_leg(moved, shape, chosen, marks: Marks, side, ease) -> None:
    heights = [marks.ankle[1], marks.knee[1], marks.hip[1]]
    axis = np.stack(
        [np.interp(shape[:, 1], heights, [p[k] for p in (marks.ankle, marks.knee, marks.hip)]) for k in (0, 2)]
    )
    axis[1] *= side
    across = shape[:, [0, 2]] - axis.T
    result = np.zeros_like(moved)
    result[:, :2] = across
    _hang_plane(result, chosen, marks.hip[1] - 0.06 - shape[:, 1], across, np.zeros(2), ease, LEG, 0.12)
    moved[np.ix_(chosen, [0, 2])] = (result[:, :2] + axis.T)[chosen]
    inner = np.minimum(np.abs(shape[:, 2]), 0.004)  # the two legs do not cross the middle
    moved[chosen, 2] = side * np.maximum(side * moved[chosen, 2], inner[chosen])


def _hang(moved, chosen, down, across, centre, ease, limb, start) -> None:
    result = np.zeros_like(moved)
    result[:, :2] = across
    _hang_plane(result, chosen, down, across, centre, ease, limb, start)
    moved[np.ix_(chosen, [0, 2])] = result[chosen][:, :2]


def _hang_plane(result, chosen, down, across, centre, ease, limb, start) -> None:
    """Push the chosen points outwards in the plane across the tube, from `down` = 0 fading in over `start` m."""
    if not chosen.any():
        return
    plane = across[chosen] - centre
    radius, angle = np.hypot(*plane.T), np.arctan2(plane[:, 1], plane[:, 0])
    height = np.clip(down[chosen], 0.0, None) / STEP
    below = down[chosen] > -0.01  # what lies above does not hold the cloth out
    if not below.any():
        return
    tube = hung(tube_of(radius[below], angle[below], height[below]), SLACK[limb])
    share = np.clip(down[chosen] / start, 0.0, 1.0)
    target = np.maximum(look_up(tube, angle, height) - radius, 0.0) + ease * (
        0.35 + 0.65 * np.clip(height * STEP / 0.4, 0, 1)
    )
    result[chosen, :2] += (share * target / np.maximum(radius, 1e-6))[:, None] * plane


def tube_of(radius: np.ndarray, angle: np.ndarray, height: np.ndarray) -> np.ndarray:
    """(K, A) the largest radius of the points in each cell; gaps are filled from the sides."""
    rows = np.floor(height).astype(np.int64)
    columns = np.floor((angle / (2 * np.pi) + 0.5) * ANGLES).astype(np.int64) % ANGLES
    tube = np.zeros((int(rows.max()) + 1, ANGLES))
    np.maximum.at(tube, (rows, columns), radius)
    for _ in range(ANGLES):
        if tube.all():
            break
        beside = np.maximum(np.roll(tube, 1, 1), np.roll(tube, -1, 1))
        tube = np.where(tube == 0, beside, tube)
        empty = np.flatnonzero(tube[1:].max(1) == 0) + 1
        tube[empty] = tube[empty - 1]
    for _ in range(3):  # cloth spans hollows
        tube = np.maximum(tube, 0.5 * (np.roll(tube, 1, 1) + np.roll(tube, -1, 1)))
    return tube


def hung(tube: np.ndarray, slack: float) -> np.ndarray:
    """The tube as it hangs: no cell is narrower than the one above by more than `slack` m per m."""
    tube = tube.copy()
    for row in range(1, len(tube)):
        tube[row] = np.maximum(tube[row], tube[row - 1] - slack * STEP)
    return scipy.ndimage.gaussian_filter(tube, (1.0, 1.2), mode=("nearest", "wrap"))


def look_up(tube: np.ndarray, angle: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Bilinear value of a (K, A) tube whose cells have their middles at half-integers."""
    u = (angle / (2 * np.pi) + 0.5) * ANGLES - 0.5
    v = np.clip(height - 0.5, 0.0, len(tube) - 1.0)
    i, j = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
    fu, fv = u - i, v - j
    below = np.minimum(j + 1, len(tube) - 1)
    upper = tube[j, i % ANGLES] * (1 - fu) + tube[j, (i + 1) % ANGLES] * fu
    lower = tube[below, i % ANGLES] * (1 - fu) + tube[below, (i + 1) % ANGLES] * fu
    return upper * (1 - fv) + lower * fv
