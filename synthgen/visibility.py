"""Which keypoints can be seen: the first surface on a point's ray must be the part of the body it belongs to.

Shape legend: K keypoints, H image height, W image width.
"""

import numpy as np

from scenes.renderer import Camera, Frame
from scenes.rig import PARTS

HIDDEN, OUTSIDE, SEEN = 1, 0, 2

BEHIND_SURFACE = 0.012
"""How far in front of the drawn surface a point may lie and still be on it, m: a toe tip inside a round shoe, a vertex
on a silhouette seen a pixel off."""


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

    A point counts as seen when, at its pixel or one beside it, the first surface belongs to the same person and to a
    part the point may lie under, and is no farther in front of the point than its tissue depth.

    Args:
        pixels: (K, 2) px, nan where behind the camera.
        depths: (K,) m along the camera's z.
        tissue_depths: (K,) m, scaled to the person.
    """
    result = np.zeros(len(pixels), np.int64)
    for k, (pixel, depth) in enumerate(zip(pixels, depths, strict=True)):
        if not (np.isfinite(pixel).all() and 0 <= pixel[0] < camera.width and 0 <= pixel[1] < camera.height):
            continue
        result[k] = HIDDEN
        column, row = int(pixel[0]), int(pixel[1])
        window = np.s_[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        mine = (frame.instance[window] == instance_id) & np.isin(frame.part[window], parts_of_body(bodies[k]))
        inside = depth - frame.depth[window]
        if (mine & (inside <= tissue_depths[k]) & (inside >= -BEHIND_SURFACE)).any():
            result[k] = SEEN
    return result
