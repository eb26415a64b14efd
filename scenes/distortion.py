"""Lens distortion on the plane at depth 1: OpenCV's radial and tangential polynomial, and its inverse.

Coefficients are k1 k2 p1 p2 k3 as OpenCV orders them. The radial polynomial is only a lens while it grows: past the
radius where it turns round, a second ray would land on the same pixel. Beyond that radius both directions answer nan.

Shape legend: ... any leading axes.
"""

from functools import lru_cache

import numpy as np

NONE = (0.0, 0.0, 0.0, 0.0, 0.0)
_ROUNDS, _SETTLED = 40, 1e-11  # the latter on the plane at depth 1: under 1e-6 px up to a focal length of 100,000 px


@lru_cache(maxsize=256)
def widest_radius(coefficients: tuple[float, ...]) -> float:
    """Radius on the undistorted plane up to which the radial polynomial grows; inf where it never turns round."""
    k1, k2, _, _, k3 = coefficients
    slope = np.trim_zeros(np.array([7 * k3, 5 * k2, 3 * k1, 1.0]), "f")  # of r (1 + k1 r^2 + ...), in powers of r^2
    roots = np.roots(slope)
    turns = roots.real[(np.abs(roots.imag) < 1e-12 * np.maximum(np.abs(roots), 1.0)) & (roots.real > 0)]
    return float(np.sqrt(turns.min())) if len(turns) else float("inf")


def distort(plane: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    """(..., 2) where the pinhole sees a ray, at depth 1 -> (..., 2) where the lens shows it; nan past its range."""
    plane = np.asarray(plane, np.float64)
    k1, k2, p1, p2, k3 = coefficients
    x, y = plane[..., 0], plane[..., 1]
    with np.errstate(over="ignore", invalid="ignore"):
        rr = x * x + y * y
        radial = 1 + rr * (k1 + rr * (k2 + rr * k3))
        bent = np.stack(
            [
                x * radial + 2 * p1 * x * y + p2 * (rr + 2 * x * x),
                y * radial + p1 * (rr + 2 * y * y) + 2 * p2 * x * y,
            ],
            -1,
        )
        return np.where((rr <= widest_radius(tuple(coefficients)) ** 2)[..., None], bent, np.nan)


def undistort(shown: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    """The inverse of `distort` by Newton's method; nan where no ray within the lens's range lands."""
    shown = np.asarray(shown, np.float64)
    k1, k2, p1, p2, k3 = coefficients
    flat = shown.reshape(-1, 2)
    limit = widest_radius(tuple(coefficients))
    found = _radial_start(flat, coefficients, limit)
    with np.errstate(all="ignore"):
        for _ in range(_ROUNDS):
            x, y = found.T
            rr = x * x + y * y
            radial = 1 + rr * (k1 + rr * (k2 + rr * k3))
            growth = 2 * (k1 + rr * (2 * k2 + rr * 3 * k3))  # of `radial`, per x dx + y dy
            miss_x = x * radial + 2 * p1 * x * y + p2 * (rr + 2 * x * x) - flat[:, 0]
            miss_y = y * radial + p1 * (rr + 2 * y * y) + 2 * p2 * x * y - flat[:, 1]
            if not (np.maximum(np.abs(miss_x), np.abs(miss_y)) > _SETTLED).any():  # nan counts as settled
                break
            xx = radial + x * x * growth + 2 * p1 * y + 6 * p2 * x
            xy = x * y * growth + 2 * p1 * x + 2 * p2 * y
            yy = radial + y * y * growth + 6 * p1 * y + 2 * p2 * x
            scale = 1 / (xx * yy - xy * xy)
            found = found - np.stack([(yy * miss_x - xy * miss_y) * scale, (xx * miss_y - xy * miss_x) * scale], 1)
        good = (np.hypot(miss_x, miss_y) < 1e-9) & (np.hypot(*found.T) <= limit)
    return np.where(good[:, None], found, np.nan).reshape(shown.shape)


def _radial_start(flat: np.ndarray, coefficients: tuple[float, ...], limit: float) -> np.ndarray:
    """Newton on the radius alone, from the shown radius: it stays inside the lens's range, as the plane would not."""
    k1, k2, _, _, k3 = coefficients
    shown = np.hypot(*flat.T)
    radius = np.minimum(shown, limit)
    with np.errstate(all="ignore"):
        for _ in range(6):
            rr = radius * radius
            value = radius * (1 + rr * (k1 + rr * (k2 + rr * k3)))
            slope = np.maximum(1 + rr * (3 * k1 + rr * (5 * k2 + rr * 7 * k3)), 1e-3)
            radius = np.clip(radius - (value - shown) / slope, 0.0, limit)
        return flat * np.where(shown > 0, radius / shown, 1.0)[:, None]
