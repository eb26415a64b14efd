"""Noise and grids of cells: the raw stuff of procedural textures. In pictures it is seamless."""

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


def value_noise(points: np.ndarray, frequency: float) -> np.ndarray:
    """Smooth value noise in [-1, 1] at (N, 3) points, cells of 1 / frequency m; the same numbers on every machine."""
    scaled = points.astype(np.float32) * np.float32(frequency) + np.float32(1000.0)
    cell = np.floor(scaled)
    inner = scaled - cell
    inner = inner * inner * (3.0 - 2.0 * inner)
    cell = cell.astype(np.int64).astype(np.uint32)
    total = np.zeros(len(points), np.float32)
    for corner in range(8):
        bits = np.array([corner & 1, corner >> 1 & 1, corner >> 2 & 1], np.uint32)
        key = cell + bits
        mixed = key[:, 0] * np.uint32(73856093) ^ key[:, 1] * np.uint32(19349663) ^ key[:, 2] * np.uint32(83492791)
        mixed ^= mixed >> np.uint32(13)
        mixed *= np.uint32(1274126177)
        mixed ^= mixed >> np.uint32(16)
        value = (mixed & np.uint32(0xFFFF)).astype(np.float32) / 32767.5 - 1.0
        total += value * np.where(bits == 1, inner, 1.0 - inner).prod(1)
    return total
