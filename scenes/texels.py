"""Sets of texels, kept small: a worker remembers those of dozens of cuts."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Texels:
    """Numbers that rise, held as runs: where each begins and how long it is, (R,) int32."""

    first: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray) -> "Texels":
        """From (K,) rising numbers."""
        starts = np.flatnonzero(np.diff(numbers, prepend=-2) != 1)
        return cls(numbers[starts].astype(np.int32), np.diff(starts, append=len(numbers)).astype(np.int32))

    def numbers(self) -> np.ndarray:
        """(K,) int32."""
        ahead = np.cumsum(self.count, dtype=np.int32)
        shift = self.first.copy()
        shift[1:] -= ahead[:-1]
        return np.repeat(shift, self.count) + np.arange(ahead[-1] if len(ahead) else 0, dtype=np.int32)
