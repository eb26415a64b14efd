"""Smooth edges without drawing more samples: the silhouette's line is read back from the steps it left in the pixels.

Where two neighbouring pixels show different surfaces, the steps of the boundary along a row (or column) tell where the
true line ran; each pixel beside it takes as much of its neighbour's colour as lies on its side of the line. This is
morphological antialiasing, after the idea of Reshetov (High Performance Graphics 2009), with the surfaces known rather
than guessed from colours. Only pixels beside an edge are looked at.

Shape legend: H image height, W image width, N boundaries between two pixels.
"""

import cv2
import numpy as np

CONTRAST = 6
"""Least difference of brightness, of 255, worth smoothing."""

JUMP = 0.01
"""Least step of inverse depth, as a share of it, at which a surface covers itself."""

CREASE, CREASE_CONTRAST = 5e-4, 14
"""Least bend of inverse depth, as a share of it, and of brightness, at which a surface folds: two walls, a box."""


def antialias(rgb: np.ndarray, surface: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Smooth the edges between surfaces.

    Args:
        rgb: (H, W, 3) uint8, one sample per pixel.
        surface: (H, W) uint8, the draw call each pixel shows, 0 for none.
        depth: (H, W) float32 m, 0 where nothing was hit.

    Returns:
        (H, W, 3) uint8.
    """
    height, width = surface.shape
    count = height * width
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    with np.errstate(divide="ignore"):
        nearness = np.where(depth > 0, np.float32(1) / depth, np.float32(0))
    below = _boundaries(grey, surface, nearness, width)  # between a pixel and the one below it
    beside = _boundaries(grey, surface, nearness, 1)
    steps = {1: np.zeros(count, np.int8), width: np.zeros(count, np.int8)}
    steps[width][below], steps[1][beside] = 1, 1
    row, column = np.divmod(beside, width)
    column_major = beside[np.argsort(column * height + row, kind="stable")]
    shares, totals = [], []
    for edges, across, along in ((below, width, 1), (column_major, 1, width)):
        first, second = _shares(edges, across, along, steps[along], count)
        total = np.zeros(count, np.float32)
        total[edges] += first
        total[edges + across] += second
        shares.append(((edges, edges + across, first), (edges + across, edges, second)))
        totals.append(total)
    colors = rgb.reshape(-1, 3)
    change = np.zeros((count, 3), np.int16)
    touched = [np.empty(0, np.int32)]
    for direction, sides in enumerate(shares):
        # rows and columns see the same corner of a pixel cut off: whichever sees more of it counts, rows if they agree
        mine, others = totals[direction], totals[1 - direction]
        for into, from_, share in sides:
            some = np.flatnonzero(share > 0.01)
            at = into[some]
            wins = mine[at] > others[at] if direction else mine[at] >= others[at]
            some, at = some[wins], at[wins]
            here = colors.take(at, 0).astype(np.float32)
            difference = colors.take(from_[some], 0) - here
            difference *= share[some].astype(np.float32)[:, None]
            change[at] += np.rint(difference, out=difference).astype(np.int16)
            touched.append(at)
    at = np.concatenate(touched)
    smooth = rgb.copy()
    smooth.reshape(-1, 3)[at] = np.clip(colors.take(at, 0) + change.take(at, 0), 0, 255).astype(np.uint8)
    return smooth


def _boundaries(grey: np.ndarray, surface: np.ndarray, nearness: np.ndarray, step: int) -> np.ndarray:
    """(N,) int32 flat indices, ascending, of pixels that a visible edge parts from the pixel `step` further on."""
    width = grey.shape[1]
    bright, shown, near = grey.ravel(), surface.ravel(), nearness.ravel()
    contrast = cv2.absdiff(bright[step:], bright[:-step]).ravel()
    if step == 1:
        contrast[width - 1 :: width] = 0  # a row's last pixel and the next row's first are no neighbours
    # on a plane inverse depth grows evenly over the picture: what it does not is a step
    growth = np.diff(np.pad(near, step, mode="edge").reshape(-1, step), axis=0).ravel()
    bend = cv2.absdiff(growth[step:], growth[:-step]).ravel()
    scale = np.maximum(near[:-step], near[step:])
    edge = np.minimum(bend[:-step], bend[step:]) > np.float32(JUMP) * scale
    crease = cv2.absdiff(growth[: -2 * step], growth[2 * step :]).ravel() > np.float32(CREASE) * scale
    edge |= crease & (contrast > CREASE_CONTRAST)
    edge |= shown[:-step] != shown[step:]
    edge &= contrast > CONTRAST
    return np.flatnonzero(edge).astype(np.int32)


def _shares(
    edges: np.ndarray, across: int, along: int, crossing: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) and (N,): how much of the first and of the second pixel at each boundary lies beyond the line.

    Boundaries that follow each other make a run of length L. A crossing boundary at its end says that the line
    steps there: it passes half a pixel up or down, and meets the run in its middle.

    Args:
        edges: (N,) flat indices in the order they follow each other; across, along: index steps over and along them.
        crossing: flat map of boundaries in the other direction.
    """
    if len(edges) == 0:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    new = np.ones(len(edges), bool)
    new[1:] = np.diff(edges) != along
    if along == 1:
        new |= edges % across == 0
    first = np.flatnonzero(new)
    length = np.diff(np.append(first, len(edges)))
    start, stop = edges[first], edges[first] + (length - 1) * along

    def turn(at: np.ndarray) -> np.ndarray:
        inside = at >= 0
        at = np.where(inside, at, 0)
        up, down = crossing[at], crossing[np.minimum(at + across, count - 1)]
        return np.where(inside, 0.5 * (up.astype(np.float32) - down), 0.0)

    left, right = turn(start - along), turn(stop)
    run = np.cumsum(new) - 1
    place = np.arange(len(edges)) - first[run]
    size = length[run].astype(np.float32)

    def area(i: np.ndarray) -> np.ndarray:  # under a line that falls from one to nothing in the middle of the run
        a, b = np.minimum(i, size / 2), np.minimum(i + 1, size / 2)
        return (b - b * b / size) - (a - a * a / size)

    near, far = left[run] * area(place), right[run] * area(size - 1 - place)
    return np.maximum(near, 0) + np.maximum(far, 0), np.maximum(-near, 0) + np.maximum(-far, 0)
