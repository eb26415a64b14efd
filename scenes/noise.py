"""Seamless noise and grids of cells: the raw stuff of procedural textures."""

import zlib
from functools import lru_cache

import cv2
import numpy as np

SIZE = 512
"""Side of a texture, px."""


def noise(rng: np.random.Generator, slope: float, stretch: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """(SIZE, SIZE) float32 seamless noise of unit variance whose amplitude falls as frequency ** -slope.

    A field per slope and stretch is made once; a call shifts and mirrors it at random, which is two hundred times
    cheaper than another transform and as good where it is mixed with others.
    """
    return _placed(rng, _field(round(slope, 3), (round(stretch[0], 3), round(stretch[1], 3))))


def _placed(rng: np.random.Generator, field: np.ndarray) -> np.ndarray:
    down, along, mirror = int(rng.integers(SIZE)), int(rng.integers(SIZE)), int(rng.integers(4))
    field = field[:: -1 if mirror & 1 else 1, :: -1 if mirror & 2 else 1]
    moved = np.roll(field, (down, along), (0, 1)).astype(np.float32)
    return moved if rng.random() < 0.5 else np.negative(moved, out=moved)


@lru_cache(maxsize=64)
def _field(slope: float, stretch: tuple[float, float]) -> np.ndarray:
    rng = np.random.default_rng([7, zlib.crc32(f"{slope:.3f}/{stretch[0]:.3f}/{stretch[1]:.3f}".encode())])
    fy = np.fft.fftfreq(SIZE)[:, None] * SIZE * stretch[0]
    fx = np.fft.rfftfreq(SIZE)[None] * SIZE * stretch[1]
    radius = np.hypot(fy, fx)
    radius[0, 0] = np.inf
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((SIZE, SIZE))) * radius**-slope, s=(SIZE, SIZE))
    return (field / field.std()).astype(np.float16)


def cells(
    rng: np.random.Generator, rows: int, columns: int, shift: float, joint: float
) -> tuple[np.ndarray, np.ndarray]:
    """A running-bond grid: random level per cell in [0, 1), and 0 in the joints to 1 inside (soft edge)."""
    y, x = ((np.arange(SIZE) + 0.5) / SIZE * count for count in (rows, columns))
    phases = max(round(1 / shift), 1) if shift else 1
    x = (x + shift * np.arange(phases)[:, None]) % columns  # rows repeat after so many
    row, phase = y.astype(int), np.arange(rows) % phases

    def inside(at: np.ndarray, count: int) -> np.ndarray:
        return np.clip(np.minimum(at % 1, 1 - at % 1) / count * SIZE - joint, 0, 1.5) / 1.5

    level = np.take_along_axis(rng.random((rows, columns)), x.astype(int)[phase], 1)[row]
    across = np.broadcast_to(inside(y, rows)[:, None], level.shape)
    if columns == 1:  # one cell per row is a board without an end
        return level, across
    return level, np.minimum(across, inside(x, columns)[phase][row])


def spots(rng: np.random.Generator, sigma: float) -> np.ndarray:
    """(SIZE, SIZE) float32 seamless blobs about `sigma` px wide, of unit variance."""
    return _placed(rng, _blobs(round(sigma, 3)))


@lru_cache(maxsize=16)
def _blobs(sigma: float) -> np.ndarray:
    rng = np.random.default_rng([11, zlib.crc32(f"{sigma:.3f}".encode())])
    raw = np.pad(rng.standard_normal((SIZE, SIZE)), SIZE // 4, mode="wrap")
    soft = cv2.GaussianBlur(raw, (0, 0), sigma)[SIZE // 4 : -(SIZE // 4), SIZE // 4 : -(SIZE // 4)]
    return (soft / soft.std()).astype(np.float16)
