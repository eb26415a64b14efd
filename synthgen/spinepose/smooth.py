"""One-euro smoothing: a low-pass filter whose cut-off rises with speed: still points rest, fast ones hardly lag.

Casiez, Roussel, Vogel: 1 EUR filter, CHI 2012. Every coordinate is filtered on its own: nothing pulls the chain of the
spine straight.
"""

from dataclasses import dataclass, field

import numpy as np

from biomech.errors import ConfigError

MIN_CUTOFF = 1.7  # Hz, of a point at rest
BETA = 10.0  # Hz of cut-off per body size per second of speed
SPEED_CUTOFF = 1.0  # Hz, of the speed estimate itself


@dataclass(frozen=True, slots=True)
class OneEuro:
    """Settings of the filter; speeds are in body sizes per second, so that near and far people are treated alike.

    Attributes:
        min_cutoff: cut-off of a resting point, Hz; lower is calmer.
        beta: how much the cut-off rises with speed, Hz per (body size / s); higher lags less.
        speed_cutoff: cut-off of the speed estimate, Hz.

    Raises:
        ConfigError: a cut-off that is not positive, or a negative beta.
    """

    min_cutoff: float = MIN_CUTOFF
    beta: float = BETA
    speed_cutoff: float = SPEED_CUTOFF

    def __post_init__(self) -> None:
        for name in ("min_cutoff", "speed_cutoff"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"smoothing {name} is {getattr(self, name)}; allowed: more than 0 Hz")
        if not self.beta >= 0:
            raise ConfigError(f"smoothing beta is {self.beta}; allowed: 0 or more")


@dataclass(slots=True, eq=False)
class Smoother:
    """The filter's memory of one person's keypoints. Call it once per frame, in order of time."""

    settings: OneEuro = field(default_factory=OneEuro)
    _time: float | None = None
    _points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    _speed: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    _known: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def __call__(self, points: np.ndarray, time: float, size: float, valid: np.ndarray | None = None) -> np.ndarray:
        """Smooth one frame.

        Args:
            points: (K, 2) px.
            time: of the frame, s; later than that of the frame before.
            size: of the person in the picture, px: the unit of speed.
            valid: (K,) bool; a point that is not valid passes as it is and starts afresh when it returns.

        Returns:
            (K, 2) px.

        Raises:
            ConfigError: time does not advance.
        """
        points = np.asarray(points, float)
        valid = np.isfinite(points).all(1) & (True if valid is None else np.asarray(valid, bool))
        if self._time is None or len(self._points) != len(points):
            self._start(points, time, valid)
            return points.copy()
        step = time - self._time
        if step <= 0:
            raise ConfigError(f"frame times must rise, but {time:.4f} s follows {self._time:.4f} s")
        going = valid & self._known
        speed = np.where(going[:, None], (points - self._points) / step, 0.0)
        speed = self._speed + _alpha(self.settings.speed_cutoff, step) * (speed - self._speed)
        pace = np.linalg.norm(speed, axis=1, keepdims=True) / max(size, 1e-6)
        blend = _alpha(self.settings.min_cutoff + self.settings.beta * pace, step)
        smoothed = np.where(going[:, None], self._points + blend * (points - self._points), points)
        self._time, self._points, self._known = time, smoothed, valid
        self._speed = np.where(going[:, None], speed, 0.0)
        return smoothed.copy()

    def _start(self, points: np.ndarray, time: float, valid: np.ndarray) -> None:
        self._time, self._points, self._speed, self._known = time, points.copy(), np.zeros_like(points), valid


def _alpha(cutoff: float | np.ndarray, step: float) -> float | np.ndarray:
    """Share of the new value in an exponential filter of this cut-off (Hz) at this time step (s)."""
    turns = 2 * np.pi * cutoff * step
    return turns / (turns + 1)
