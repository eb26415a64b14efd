"""What a run is doing, in one small file beside its shards that `synthgen status` reads while it runs and afterwards.

The file is rewritten now and then, never appended to, so it stays small however long the run is.
"""

import contextlib
import json
import os
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from synthgen.settings import canonical_json
from synthgen.shards import SHARDS, Shard
from synthgen.store import Store

PROGRESS = f"{SHARDS}/progress.json"
KEPT = 50  # failures
LOG_LINES = 12  # of a failure's traceback


@dataclass(slots=True)
class Journal:
    """Hears what happens to shards (`synthgen.executors.job.Watcher`) and writes it down.

    Attributes:
        every: seconds between two writings at least.
    """

    store: Store
    executor: str
    workers: int | None
    every: float = 1.0
    samples: int = 0  # of this run
    running: dict[int, dict[str, Any]] = field(default_factory=dict)  # shard -> who, since when
    failures: list[dict[str, Any]] = field(default_factory=list)
    failed: dict[int, int] = field(default_factory=dict)  # shard -> tries that failed
    runs: int = 1
    ended: str = ""
    _begin: float = field(default_factory=time.monotonic)
    _written: float = float("-inf")

    @classmethod
    def begun(cls, store: Store, executor: str, workers: int | None, every: float = 1.0) -> "Journal":
        """A journal that keeps what earlier runs of the dataset told of failures."""
        before = read_progress(store) or {}
        journal = cls(store, executor, workers, every, failures=before.get("failures", [])[-KEPT:])
        journal.failed = {int(k): v for k, v in before.get("failed", {}).items()}
        journal.runs = before.get("runs", 0) + 1
        journal.write()
        return journal

    def given(self, shard: Shard, worker: str) -> None:
        """A worker starts on a shard."""
        self.running[shard.number] = {"worker": worker, "since": time.time()}
        self.beat()

    def progress(self, samples: int) -> None:
        """Samples were finished."""
        self.samples += samples
        self.beat()

    def done(self, shard: Shard, worker: str) -> None:
        """A shard is finished."""
        self.running.pop(shard.number, None)
        self.failed.pop(shard.number, None)
        self.beat()

    def failed_at(self, shard: Shard | None, worker: str, reason: str, details: str = "") -> None:
        """A worker could not finish a shard, or is gone."""
        number = None if shard is None else shard.number
        if number is not None:
            self.running.pop(number, None)
            self.failed[number] = self.failed.get(number, 0) + 1
        log = details.strip().splitlines()[-LOG_LINES:]
        entry = {"shard": number, "worker": worker, "time": time.time(), "reason": reason, "log": log}
        self.failures = [*self.failures, entry][-KEPT:]
        self.write()

    def beat(self) -> None:
        """Show that the run is alive."""
        if time.monotonic() - self._written >= self.every:
            self.write()

    def end(self, how: str) -> None:
        """The run is over, one way or another."""
        self.ended = how
        self.running.clear()
        self.write()

    def write(self) -> None:
        """Write it down; a full disk or a lost connection is somebody else's to report."""
        self._written = time.monotonic()
        data = {
            "executor": self.executor,
            "workers": self.workers,
            "host": socket.gethostname(),
            "process": os.getpid(),
            "time": time.time(),
            "seconds": self._written - self._begin,
            "samples": self.samples,
            "running": {str(k): v for k, v in self.running.items()},
            "failures": self.failures,
            "failed": {str(k): v for k, v in self.failed.items()},
            "runs": self.runs,
            "ended": self.ended,
        }
        with contextlib.suppress(OSError):
            self.store.put(PROGRESS, canonical_json(data).encode())


def read_progress(store: Store) -> dict[str, Any] | None:
    """What the last run wrote down; None where it wrote nothing that can be read."""
    with contextlib.suppress(OSError, ValueError):
        data = json.loads(store.read(PROGRESS) or b"null")
        if isinstance(data, dict) and {"time", "seconds", "samples", "running", "failures"} <= data.keys():
            return data
    return None
