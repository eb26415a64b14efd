"""OpenSim's functions (of couplers and joint axes) as plain numbers, evaluated here over whole trajectories.

Straight lines stay slope and offset. Everything else that depends on one variable becomes cubic pieces between knots,
recovered from four evaluations a piece: exact for OpenSim's own splines, which are cubic between their knots and
straight beyond them. Shapes: T frames, K pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from biomech.errors import ModelError

_STRAIGHT = 1e-9
"""Largest departure from a line, in the function's unit, that still counts as straight."""
_EVEN_PIECES = 128
"""Pieces of a function whose knots are not known."""
_THIRDS = np.linalg.inv(np.vander([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0], increasing=True))


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """y(x). Straight where `knots` is empty: offset + slope x. Else cubic pieces, straight beyond the ends."""

    slope: float = 1.0
    offset: float = 0.0
    knots: np.ndarray | None = None  # (K + 1,) increasing
    coefficients: np.ndarray | None = None  # (K, 4): powers 0..3 of the place within the piece, 0 to 1
    ends: tuple[float, float] = (0.0, 0.0)  # slopes before the first and after the last knot

    @property
    def straight(self) -> bool:
        """Whether offset + slope x says it all."""
        return self.knots is None

    @property
    def constant(self) -> bool:
        """Whether x does not matter."""
        return self.knots is None and self.slope == 0.0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """y for every x (any shape)."""
        if self.knots is None or self.coefficients is None:
            return self.offset + self.slope * x
        inside = np.clip(x, self.knots[0], self.knots[-1])
        piece = np.clip(np.searchsorted(self.knots, inside, side="right") - 1, 0, len(self.coefficients) - 1)
        c = self.coefficients[piece]
        place = (inside - self.knots[piece]) / (self.knots[piece + 1] - self.knots[piece])
        y = c[..., 0] + place * (c[..., 1] + place * (c[..., 2] + place * c[..., 3]))
        return y + np.where(x < inside, self.ends[0], self.ends[1]) * (x - inside)


def read_curve(opensim: Any, function: Any, low: float, high: float, where: str) -> Curve:
    """One OpenSim Function of one variable.

    Args:
        low, high: where a function without knots of its own is sampled.
        where: name of the owner, for the message.

    Raises:
        ModelError: the function cannot be evaluated.
    """

    def value(x: float) -> float:
        return float(function.calcValue(opensim.Vector(1, float(x))))

    try:
        kind = function.getConcreteClassName()
        if kind in ("Constant", "LinearFunction"):
            offset = value(0.0)
            return Curve(0.0 if kind == "Constant" else value(1.0) - offset, offset)
        return sampled_curve(value, _knots(opensim, function, kind, low, high))
    except RuntimeError as error:
        first = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise ModelError(f"the function of {where} cannot be evaluated ({first})") from None


def _knots(opensim: Any, function: Any, kind: str, low: float, high: float) -> np.ndarray:
    if kind in ("SimmSpline", "PiecewiseLinearFunction", "GCVSpline"):
        spline = getattr(opensim, kind).safeDownCast(function)
        if spline is not None and spline.getNumberOfPoints() > 1:
            knots = np.array([spline.getX(k) for k in range(spline.getNumberOfPoints())])
            return knots if (np.diff(knots) > 0.0).all() else np.unique(knots)
    low, high = max(low, -10.0), min(high, 10.0)  # ranges such as +-99999 mean: none
    return np.linspace(low, high, _EVEN_PIECES + 1) if low < high else np.array([-1.0, 1.0])


def sampled_curve(value: Callable[[float], float], knots: np.ndarray) -> Curve:
    """Cubic pieces through four points each between `knots`; a line where they are one."""
    width = np.diff(knots)
    at = knots[:-1, None] + width[:, None] * np.array([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0])
    y = np.array([[value(x) for x in row] for row in at])
    step = 1e-3 * float(width.min())
    ends = (
        (value(knots[0]) - value(knots[0] - step)) / step,
        (value(knots[-1] + step) - value(knots[-1])) / step,
    )
    slope = (y[-1, -1] - y[0, 0]) / (knots[-1] - knots[0])
    line = y[0, 0] + slope * (at - knots[0])
    if np.abs(y - line).max() < _STRAIGHT and max(abs(e - slope) for e in ends) < 1e-6:
        offset = float(y[0, 0] - slope * knots[0])
        return Curve(float(slope), 0.0 if abs(offset) < _STRAIGHT else offset)
    return Curve(knots=knots, coefficients=y @ _THIRDS.T, ends=ends)
