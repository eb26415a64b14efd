"""How much of the sky bodies take from each other and from themselves: armpits, crotch, chin, an arm before the chest.

The surfaces are counted into a coarse grid, and the grid is blurred twice. A vertex looks into the blur a little way
out along its normal: what it finds there, beyond what its own surface leaves, stands in the way of the ambient light.
"""

import cv2
import numpy as np

from scenes.extent import bounds

CELL = 0.05
"""Edge of a grid cell, m; larger where people stand far apart."""

_MOST = 64  # cells along one side
_RIM = 5  # empty cells around
_BLURS = (1.2, 3.0)  # cells, fine and coarse


def occlusion_grid(bodies: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Blurred density of surfaces.

    Args:
        bodies: (V, 3) m each, with vertices closer than a cell.

    Returns:
        (z, y, x, 2) uint8 density after the fine and the coarse blur, (3,) m the grid's corner, and the cell in m;
        None without bodies.
    """
    if not bodies:
        return None
    points = np.concatenate(bodies)
    low, high = (side.astype(np.float64) for side in bounds(points))
    cell = max(CELL, float((high - low).max()) / (_MOST - 2 * _RIM))
    corner = low - _RIM * cell
    count = ((high - corner) / cell).astype(np.int64) + 1 + _RIM
    at = ((points - corner.astype(np.float32)) * np.float32(1.0 / cell)).astype(np.int32)
    full = np.zeros(int(count.prod()), np.float32)
    full[(at[:, 2] * count[1] + at[:, 1]) * count[0] + at[:, 0]] = 255.0
    solid = full.reshape(count[::-1])
    return np.stack([_blurred(solid, blur) for blur in _BLURS], -1), corner, cell


def _blurred(solid: np.ndarray, sigma: float) -> np.ndarray:
    depth, height, width = solid.shape
    size = 2 * int(np.ceil(2.5 * sigma)) + 1
    kernel, one = cv2.getGaussianKernel(size, sigma, cv2.CV_32F), np.ones(1, np.float32)
    flat = cv2.sepFilter2D(solid.reshape(depth, height * width), -1, one, kernel, borderType=cv2.BORDER_CONSTANT)
    flat = cv2.sepFilter2D(flat.reshape(depth * height, width), -1, kernel, one, borderType=cv2.BORDER_CONSTANT)
    cube = flat.reshape(depth, height, width)
    middle = [cv2.sepFilter2D(layer, -1, one, kernel, borderType=cv2.BORDER_CONSTANT) for layer in cube]
    return np.rint(np.stack(middle)).astype(np.uint8)
