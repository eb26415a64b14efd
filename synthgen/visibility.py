"""Which keypoints can be seen: nothing may stand before a point but the flesh and the clothes that it lies under.

What is asked is what somebody who labels photographs asks: does anything else cover the place? A joint counts as seen
through its own skin and garment from whichever side that skin is near, a shoulder from behind as from in front; it
counts as hidden behind another limb, the trunk, another person or an object. How much flesh and cloth is its own is
the keypoint's tissue depth (data/keypoints.csv), which lies in the gap between the near and the far side of the body.

The rule reads depth and ids at the four pixels about the point and weighs what they say by their nearness, so that the
edge of what hides runs where it would between pixels; a test holds it against rays.

Shape legend: K keypoints, H image height, W image width.
"""

from functools import cache

import numpy as np

from scenes.renderer import Camera, Frame
from scenes.rig import PARTS

HIDDEN, OUTSIDE, SEEN = 1, 0, 2

SLACK = 0.004
"""How far before a point a surface must lie to stand before it, m: the middle of a pixel is not the point in it."""

CLOSE, NEAR = 1, 3
"""Pixels about a seen point in which the person must show at all, and in which he must at the point's depth. A label
beside all that is drawn of him would not be seen, nor lie in the box about his pixels, which validate demands."""

BEHIND_FACTOR, BEHIND_SLACK, FRONT_SLACK = 1.5, 0.02, 0.03
"""There a seen point may lie behind the first surface by its tissue depth, more along slanted skin, and before it by
what cloth, hair and rounding leave, m."""

_SURE = 0.01
"""Margin, m, from which on a pixel does not count more: what hides by a metre hides no better than by a centimetre."""


@cache
def parts_of_body(body: str) -> tuple[int, ...]:
    """Part ids whose surface may cover a point riding on an OpenSim body without hiding it."""
    stem, _, side = body.rpartition("_")
    if side in ("r", "l") and stem:
        if stem in ("clavicle", "humphant", "humerus"):
            names = ["trunk", f"arm_{side}"]
        elif stem in ("ulna", "radius", "hand"):
            names = [f"arm_{side}"]
        elif stem == "femur":
            names = ["trunk", f"leg_{side}"]
        else:
            names = [f"leg_{side}"]
    elif body == "skull":
        names = ["head"]
    elif body.startswith("C") or body in ("T1", "T2"):
        names = ["trunk", "head"]
    else:
        names = ["trunk"]
    return tuple(PARTS.index(name) for name in names)


def visibility(
    pixels: np.ndarray,
    depths: np.ndarray,
    bodies: tuple[str, ...],
    tissue_depths: np.ndarray,
    camera: Camera,
    frame: Frame,
    instance_id: int,
) -> np.ndarray:
    """(K,) 2 seen, 1 inside the picture but hidden, 0 outside.

    A point counts as seen where the first surface does not lie before it, or is of the same person, of a part the point
    may lie under, and no farther before it than its tissue depth; and where the person shows there, see `shows`.

    Args:
        pixels: (K, 2) px, nan where behind the camera.
        depths: (K,) m along the camera's z.
        tissue_depths: (K,) m, scaled to the person.
    """
    with np.errstate(invalid="ignore"):
        inside = np.all((pixels >= 0) & (pixels < (camera.width, camera.height)), axis=1)
    base = np.where(inside[:, None], pixels, 0.0) - 0.5  # centres of pixels at whole numbers
    low = np.floor(base).astype(np.int64)
    share = base - low
    may_cover = np.zeros((len(pixels), len(PARTS)), bool)
    for k, body in enumerate(bodies):
        may_cover[k, list(parts_of_body(body))] = True
    balance = np.zeros(len(pixels))
    for right in (0, 1):
        for down in (0, 1):
            columns = np.clip(low[:, 0] + right, 0, camera.width - 1)
            rows = np.clip(low[:, 1] + down, 0, camera.height - 1)
            own = frame.instance[rows, columns] == instance_id
            own = own & may_cover[np.arange(len(pixels)), frame.part[rows, columns]]
            near = np.abs(1 - right - share[:, 0]) * np.abs(1 - down - share[:, 1])
            room = margin(depths, frame.depth[rows, columns], own, tissue_depths)
            balance += near * np.clip(room, -_SURE, _SURE)
    seen = np.where(inside, np.where(balance >= 0, SEEN, HIDDEN), OUTSIDE)
    mine = frame.instance == instance_id
    for k in np.flatnonzero(seen == SEEN).tolist():
        if not shows(pixels[k], float(depths[k]), float(tissue_depths[k]), frame.depth, mine):
            seen[k] = HIDDEN
    return seen


def shows(pixel: np.ndarray, depth: float, tissue_depth: float, first: np.ndarray, own: np.ndarray) -> bool:
    """Whether the person shows within CLOSE px of a point, and within NEAR px at the depth it should have there.

    A point that nothing covers may still show nothing of the person: its last pixel may be gone behind an edge, or the
    ray may look past him into an open skirt.

    Args:
        first: (H, W) m, depth of the first surfaces. own: (H, W) bool, whether they are his.
    """
    height, width = first.shape
    column, row = min(int(pixel[0]), width - 1), min(int(pixel[1]), height - 1)
    close, near = (np.s_[max(row - n, 0) : row + n + 1, max(column - n, 0) : column + n + 1] for n in (CLOSE, NEAR))
    if not own[close].any():
        return False
    behind = depth - first[near][own[near] & (first[near] > 0)]
    return bool(((behind <= BEHIND_FACTOR * tissue_depth + BEHIND_SLACK) & (behind >= -FRONT_SLACK)).any())


def margin(depths: np.ndarray, first: np.ndarray, own: np.ndarray, tissue_depths: np.ndarray) -> np.ndarray:
    """(K,) m by which the first surface on each point's ray leaves it in sight; below 0 it is hidden.

    Args:
        depths: (K,) m, of the points. first: (K,) m, of the surfaces; 0 where there is none.
        own: (K,) bool, whether the surface is of the same person and of a part the point may lie under.
    """
    before = np.where(first > 0, depths - first, -np.inf)
    return np.where(own, np.maximum(tissue_depths, SLACK), SLACK) - before
