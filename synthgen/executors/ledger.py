"""Which shard goes to which worker of a cluster: each once, again after a failure, and the last ones twice.

When nothing is left to hand out, an idle worker takes a second copy of the shard that has been out the longest: the
bytes are the same, so the first to finish wins and a slow or silent machine holds nobody up.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence

from synthgen.executors.job import Outcome, Watcher
from synthgen.pool import MAX_DEATHS, PoolStats, WorkerFailed
from synthgen.shards import Shard

MOST_GIVEN_UP = 3  # shards that failed on every try until the run stops at once


class Ledger:
    """Keeps the books; knows nothing of engines or time."""

    def __init__(self, shards: Sequence[Shard], watcher: Watcher, tell: Callable[[int], object]) -> None:
        self.queue = deque(shards)
        self.open = {shard.number: shard for shard in shards}
        self.held: dict[str, Shard] = {}  # worker -> its shard, longest out first
        self.tries: dict[int, int] = {}
        self.given_up: dict[int, tuple[str, str]] = {}
        self.watcher, self.tell = watcher, tell
        self.stats = PoolStats()
        self._numbers: dict[str, int] = {}

    @property
    def over(self) -> bool:
        """Nothing is left that another try could mend."""
        return not self.open

    def give(self, worker: str) -> Shard | None:
        """What `worker` does next; None where there is nothing for him."""
        shard = self.queue.popleft() if self.queue else self._second_copy()
        if shard is not None:
            self.held[worker] = shard
            self.watcher.given(shard, worker)
        return shard

    def _second_copy(self) -> Shard | None:
        copies = Counter(shard.number for shard in self.held.values())
        return next((s for s in self.held.values() if s.number in self.open and copies[s.number] == 1), None)

    def finish(self, worker: str, outcome: Outcome) -> None:
        """`worker` came back with a shard, written or not.

        Raises:
            WorkerFailed: too many shards failed on every try.
        """
        if outcome.error:
            self.fail(worker, outcome.error, outcome.details)
            return
        shard = self.held.pop(worker)
        if self.open.pop(shard.number, None) is None:
            return  # the other copy was first
        number = self._numbers.setdefault(outcome.worker, len(self._numbers))
        if outcome.peak_memory:
            self.stats.note_memory(number, outcome.peak_memory)
        self.stats.count(len(shard), outcome.timings)
        self.watcher.done(shard, outcome.worker)
        self.watcher.progress(len(shard))
        self.tell(len(shard))

    def lose(self, worker: str, reason: str) -> None:
        """`worker` is gone; what it held goes to somebody else."""
        self.stats.deaths += 1
        self.fail(worker, reason)

    def fail(self, worker: str, reason: str, details: str = "") -> None:
        """`worker` could not do what it held."""
        shard = self.held.pop(worker, None)
        if shard is not None and shard.number not in self.open:
            return
        self.watcher.failed_at(shard, worker, reason, details)
        key = -1 if shard is None else shard.number
        self.tries[key] = self.tries.get(key, 0) + 1
        again = self.tries[key] <= MAX_DEATHS
        if shard is None:
            if not again:
                raise WorkerFailed(f"workers do not start: {reason}", details)
        elif any(other.number == key for other in self.held.values()):
            pass  # a second copy is on its way
        elif again:
            self.queue.appendleft(shard)
        else:
            self.open.pop(key)
            what = f"samples {shard.start} to {shard.stop - 1} failed {self.tries[key]} times"
            self.given_up[key] = (f"{what}: {reason}", details)
            if len(self.given_up) >= MOST_GIVEN_UP:
                self.check()

    def started(self) -> None:
        """A worker came up, so that earlier failures to start do not count."""
        self.tries.pop(-1, None)

    def check(self) -> None:
        """WorkerFailed where shards were given up."""
        if self.given_up:
            reason, details = next(iter(self.given_up.values()))
            more = f" (and {len(self.given_up) - 1} more shards)" if len(self.given_up) > 1 else ""
            raise WorkerFailed(f"{reason}{more}; what is finished stays. Run the same command again to go on", details)
