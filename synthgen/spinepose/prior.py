"""What the projected spine of generated people looks like: the statistics anatomical regularization leans on.

The chain is the nine spine points from the sacrum up (SPINE_IDS), p_0 .. p_8, in a picture. Its eight segments are
d_i = p_(i+1) - p_i. Person size is the longer side of the box around all labelled points.
"""

from dataclasses import asdict, dataclass

import numpy as np

from synthgen.keypoints import SPINE_IDS
from synthgen.spinepose.errors import SpinePoseError

_FEWEST = 20


@dataclass(frozen=True, slots=True)
class SpinePrior:
    """Statistics over the people whose whole chain is labelled.

    Attributes:
        share_mean, share_spread: (8,) mean and standard deviation of each segment's share of the chain's length.
        turn_low: (7,) cosine of the turn between neighbouring segments that 99 % of people exceed.
        bend_high: (7,) length of the second difference p_(i-1) - 2 p_i + p_(i+1) over person size that 95 % stay below.
        length_low: chain length over person size that 95 % exceed; shorter chains are seen end-on.
        people: how many the statistics stand on.
    """

    share_mean: tuple[float, ...]
    share_spread: tuple[float, ...]
    turn_low: tuple[float, ...]
    bend_high: tuple[float, ...]
    length_low: float
    people: int

    def to_dict(self) -> dict:
        """Plain data, for checkpoints and configs."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def prior_from_dict(values: dict) -> SpinePrior:
    """Undo SpinePrior.to_dict."""
    plain: dict = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return SpinePrior(**plain)


def person_size(keypoints: np.ndarray) -> np.ndarray:
    """(N,) longer side of the box around the labelled points of keypoints (N, K, 3); 0 where none is labelled."""
    points, seen = keypoints[..., :2], keypoints[..., 2:] > 0
    low = np.where(seen, points, np.inf).min(1)
    high = np.where(seen, points, -np.inf).max(1)
    sides = np.where(seen.any(1), high - low, 0.0)
    return sides.max(-1)


def spine_prior(keypoints: np.ndarray) -> SpinePrior:
    """Statistics of labelled people, best of generated ones, whose labels are exact also where hidden.

    Args:
        keypoints: (N, 37, 3) x, y in px and a flag > 0 where labelled.

    Raises:
        SpinePoseError: fewer than 20 people with all nine spine points.
    """
    keypoints = np.asarray(keypoints, float)
    chain = keypoints[:, SPINE_IDS, :2]
    segments = np.diff(chain, axis=1)
    lengths = np.linalg.norm(segments, axis=-1)
    size = person_size(keypoints)
    whole = (keypoints[:, SPINE_IDS, 2] > 0).all(1) & (size > 0) & (lengths > 0).all(1)
    if whole.sum() < _FEWEST:
        raise SpinePoseError(
            f"a spine prior needs at least {_FEWEST} people with all nine spine points; {int(whole.sum())} of the "
            f"{len(keypoints)} given have them: give generated data, or switch structure and smoothness off"
        )
    segments, lengths, size, chain = segments[whole], lengths[whole], size[whole], chain[whole]
    relative = lengths.sum(1) / size
    low = float(np.quantile(relative, 0.05))
    side_on = relative >= low  # end-on chains say nothing about shares and turns
    share = (lengths / lengths.sum(1, keepdims=True))[side_on]
    turn = ((segments[:, 1:] * segments[:, :-1]).sum(-1) / (lengths[:, 1:] * lengths[:, :-1]))[side_on]
    bend = np.linalg.norm(chain[:, :-2] - 2 * chain[:, 1:-1] + chain[:, 2:], axis=-1) / size[:, None]
    return SpinePrior(
        _plain(share.mean(0)),
        _plain(np.maximum(share.std(0), 1e-3)),
        _plain(np.quantile(turn, 0.01, axis=0)),
        _plain(np.quantile(bend, 0.95, axis=0)),
        low,
        int(whole.sum()),
    )


def _plain(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(v), 6) for v in values)
