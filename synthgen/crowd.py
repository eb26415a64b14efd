"""Who else is in the picture: companions beside, behind and before the person it is about, and crowds far behind.

Companions are subjects of the same split, so that no one crosses from train to val, and mostly of the same small block,
so that a worker that draws a block builds each person once.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from synthgen.config import Config, split_of

CROWD = 5
"""Random stream of companions: default_rng([seed, CROWD, take])."""

BLOCK = 6
"""Subjects that appear in one another's pictures; a shard of the default size holds as many."""

MOST_COMPANIONS = 3
"""Fully labelled people beside the main person."""

_FARTHEST = 9.0  # m from the middle; who finds no room within stays away


@dataclass(frozen=True, slots=True)
class Presence:
    """Someone who will be in the picture besides the main person, before he is posed.

    Attributes:
        number: the subject; gap_m: free space to the nearest other person; bearing, heading: rad about the vertical.
        start_m: how near to the middle he may stand.
        crowd: one of many far away.
    """

    number: int
    gap_m: float
    bearing: float
    heading: float
    start_m: float = 0.0
    crowd: bool = False


def draw_presences(config: Config, number: int, take: int) -> tuple[Presence, ...]:
    """Who accompanies subject `number` in a take; depends on the seed, the subject and the take alone."""
    rng = np.random.default_rng([config.seed, CROWD, take])
    counts = [n for n, weight in config.crowd.people.items() if weight > 0]
    share = np.array([config.crowd.people[n] for n in counts])
    wanted = int(counts[int(rng.choice(len(counts), p=share / share.sum()))]) - 1
    others = [int(n) for n in rng.permutation(acquaintances(config, number))]
    found = []
    for other in others[:wanted]:
        pair = rng.random() < config.crowd.pairs
        gap = float(rng.uniform(0.05, 0.35) if pair else rng.uniform(0.35, 2.5))
        found.append(Presence(other, gap, float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(-np.pi, np.pi))))
    if rng.random() < config.crowd.background:
        bearing = float(rng.uniform(-np.pi, np.pi))
        for k in range(int(rng.integers(5, 10))):
            heading = float(rng.uniform(-np.pi, np.pi))
            aside = bearing + float(rng.normal(0.0, 0.25))
            start = float(rng.uniform(6.0, 11.0))
            found.append(Presence(others[k % len(others)], 0.3, aside, heading, start, True))
    return tuple(found)


def acquaintances(config: Config, number: int) -> list[int]:
    """Subjects who may appear beside subject `number`: those of his block and split, and the next of his split where
    the block holds fewer than three."""
    split, start = split_of(config, number), number // BLOCK * BLOCK
    found = [n for n in range(start, start + BLOCK) if n != number and split_of(config, n) == split]
    following = start + BLOCK
    while len(found) < MOST_COMPANIONS:
        if split_of(config, following) == split:
            found.append(following)
        following += 1
    return found


def room_for(presence: Presence, points: np.ndarray, around: np.ndarray) -> tuple[float, float, float] | None:
    """Where someone stands: as near to the middle as his gap to everyone else allows; None where there is no room.

    Args:
        points: (N, 3) m, he himself at the origin.
        around: (M, 3) m, everyone who has his place already.
    """
    c, s = np.cos(presence.heading), np.sin(presence.heading)
    flat = points[:, [0, 2]] @ np.array([[c, -s], [s, c]])
    others = cKDTree(around[:, [0, 2]], balanced_tree=False, compact_nodes=False)
    direction = np.array([np.cos(presence.bearing), np.sin(presence.bearing)])
    limit = _FARTHEST * (2 if presence.crowd else 1)
    distance = max(presence.gap_m, presence.start_m)
    least = np.zeros(len(flat))  # how near the others each point can be; a step brings it no nearer than its length
    closest = int(np.argmin(flat @ direction))
    while distance <= limit:
        nearest = float(others.query(flat[closest] + distance * direction)[0])
        near = np.flatnonzero(least < nearest)
        found = others.query(flat[near] + distance * direction, distance_upper_bound=nearest)[0]
        least[near] = np.minimum(found, nearest)
        closest = int(np.argmin(least))
        nearest = float(least[closest])
        if nearest >= presence.gap_m:
            x, z = distance * direction
            return float(x), float(z), presence.heading
        step = max(0.5 * (presence.gap_m - nearest), 0.04)
        distance += step
        least -= step
    return None
