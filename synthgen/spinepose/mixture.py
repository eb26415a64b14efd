"""Which people make up the batch of a step: a function of (seed, step) alone, whatever the number of workers or GPUs.

Every source gets its share of the batches as exactly as whole pictures allow, and walks through its people in a new
random order each time round, so that nobody is seen twice before everybody was seen once.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from biomech.errors import ConfigError

# Streams of random numbers that must never coincide.
ORDER, PLACES, VIEW, FIXED_VIEW = 1, 2, 3, 4


def shares(weights: Sequence[float], real: Sequence[bool], body_share: float) -> np.ndarray:
    """(S,) share of each source in a batch.

    Args:
        weights: relative, one per source.
        real: which sources keep the knowledge of real bodies.
        body_share: what the real sources get at least, together; without effect where there are none.

    Raises:
        ConfigError: nothing has weight, or all real sources have none although a share is asked for.
    """
    w, is_real = np.asarray(weights, float), np.asarray(real, bool)
    if not w.sum() > 0:
        raise ConfigError("every source has weight 0; give at least one a weight above 0")
    w = w / w.sum()
    if not is_real.any() or is_real.all():
        return w
    have = w[is_real].sum()
    if have >= body_share:
        return w
    if have == 0:
        raise ConfigError(
            f"'data.body_share' is {body_share:g} but every real source has weight 0; raise one or set it to 0"
        )
    return np.where(is_real, w * body_share / have, w * (1 - body_share) / (1 - have))


class Mixture:
    """Draws batches.

    Args:
        sizes: people per source. shares: as from `shares`. batch: people per step over all processes.
    """

    def __init__(self, sizes: Sequence[int], shares: Sequence[float] | np.ndarray, batch: int, seed: int) -> None:
        self.sizes, self.shares = tuple(int(s) for s in sizes), np.asarray(shares, float)
        self.batch, self.seed = int(batch), int(seed)
        # Row t: how many of each source the steps before t have used.
        self._used = [np.zeros(len(self.sizes), np.int64)]
        self._order = lru_cache(maxsize=2 * len(self.sizes))(self._permutation)

    def counts(self, step: int) -> np.ndarray:
        """(S,) people of each source in this step; sums to the batch."""
        self._reach(step + 1)
        return self._used[step + 1] - self._used[step]

    def draw(self, step: int) -> list[tuple[int, int]]:
        """(source, record) of each place in the batch."""
        counts, used = self.counts(step), self._used[step]
        people = []
        for source, size in enumerate(self.sizes):
            for number in range(int(used[source]), int(used[source] + counts[source])):
                people.append((source, int(self._order(source, number // size)[number % size])))
        places = np.random.default_rng([self.seed, PLACES, step]).permutation(len(people))
        return [people[i] for i in places]

    def rng(self, step: int, place: int) -> np.random.Generator:
        """The generator behind everything random about one picture of a batch."""
        return np.random.default_rng([self.seed, VIEW, step, place])

    def view_rng(self, source: int, record: int, view: int) -> np.random.Generator:
        """The generator of a crop that comes back; see `views` of the loader."""
        return np.random.default_rng([self.seed, FIXED_VIEW, source, record, view])

    def _reach(self, steps: int) -> None:
        """Replays the shares: each step tops up whoever lags furthest behind what is due."""
        while len(self._used) <= steps:
            used = self._used[-1]
            due = self.shares * self.batch * len(self._used) - used
            give = np.maximum(np.floor(due + 1e-9), 0).astype(np.int64)
            while give.sum() > self.batch:  # only where rounding summed up
                give[int(np.argmin(np.where(give > 0, due - give, np.inf)))] -= 1
            order = np.argsort(-(due - give), kind="stable")
            give[order[: self.batch - int(give.sum())]] += 1
            self._used.append(used + give)

    def _permutation(self, source: int, round_: int) -> np.ndarray:
        return np.random.default_rng([self.seed, ORDER, source, round_]).permutation(self.sizes[source])

    def __getstate__(self) -> dict:
        return {k: v for k, v in self.__dict__.items() if k != "_order"}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        self._order = lru_cache(maxsize=2 * len(self.sizes))(self._permutation)
