"""Parts of the body's surface on which values are smoothed.

A round of smoothing moves a vertex by its neighbours, so after k rounds it has heard of k rings of vertices around it.
What a garment needs lies within RINGS of it; the head, the hands and the feet need not be smoothed for a shirt.

Shape legend: N vertices of the skin, K of a patch.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse

RINGS = 22
"""Of vertices around what is smoothed. More than any garment's rounds of Laplacian smoothing hear of; of the 48 half
rounds of `flatten` what lies further out moves a vertex by less than 1e-9 m."""

PAST_HEM = 0.08
"""How far past its hem, m, a cloth that hangs is shaped, so that smoothing does not draw the hem in."""


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Vertices (K,) of the skin, ascending, and their row-normalised adjacency (K, K) among one another."""

    vertices: np.ndarray
    neighbours: scipy.sparse.csr_matrix


def patch_around(field: np.ndarray, neighbours: scipy.sparse.csr_matrix) -> Patch:
    """The skin inside a cut and what is around it.

    Args:
        field: (N,) m, signed distance to the hem, positive inside.
        neighbours: (N, N) row-normalised adjacency of all vertices.
    """
    vertices = np.flatnonzero(_grown(field > -0.002, neighbours, RINGS) | _grown(field > -PAST_HEM, neighbours, 6))
    among = neighbours[vertices][:, vertices]
    count = np.diff(among.indptr)
    among.data = np.repeat(1.0 / np.maximum(count, 1), count)
    return Patch(vertices, among)


def _grown(flags: np.ndarray, neighbours: scipy.sparse.csr_matrix, rings: int) -> np.ndarray:
    """(N,) the flagged vertices and so many rings about them."""
    for _ in range(rings):
        flags = flags | (neighbours @ flags.astype(np.float32) > 0)
    return flags


def smooth_over(values: np.ndarray, neighbours: scipy.sparse.csr_matrix, rounds: int, rate: float = 0.5) -> np.ndarray:
    """Laplacian smoothing of per-vertex values."""
    for _ in range(rounds):
        values = values + rate * (neighbours @ values - values)
    return values


def flatten(values: np.ndarray, neighbours: scipy.sparse.csr_matrix, rounds: int) -> np.ndarray:
    """Taubin smoothing: small bumps go, the shape and its volume stay."""
    for _ in range(rounds):
        values = values + 0.63 * (neighbours @ values - values)
        values = values - 0.67 * (neighbours @ values - values)
    return values
