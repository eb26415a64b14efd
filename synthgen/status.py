"""How far a dataset is, whether its run is alive, and what failed: while it is made, and after the run died."""

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from synthgen.config import config_from_plain
from synthgen.folder import DATASET
from synthgen.journal import read_progress
from synthgen.shards import Shard, plan
from synthgen.store import nothing_there, recorded, store_at

SILENT = 120.0  # s without a sign of life after which a run on another machine counts as gone


@dataclass(frozen=True, slots=True)
class ShardState:
    """One shard: "finished", "running", "failed" (and waiting for its next try) or "waiting"."""

    shard: Shard
    state: str
    worker: str = ""
    seconds: float = 0.0  # that it has been running
    tries: int = 0  # that failed


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that went wrong and was done again, or ended the run."""

    shard: int | None  # None where a worker did not start
    worker: str
    time: float  # s since 1970
    reason: str
    log: tuple[str, ...]  # last lines of its traceback or log


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a dataset.

    Attributes:
        state: "finished", "running", or "stopped".
        said: in a few words why, for people.
        done, total: pictures.
        rate: pictures/s of the run that is under way, or was last; 0 where unknown.
        eta: s until the last shard at that rate; None where unknown.
        shards: every shard; empty for a finished dataset.
        failures: the latest, oldest first.
    """

    place: str
    state: str
    said: str
    done: int
    total: int
    rate: float = 0.0
    eta: float | None = None
    executor: str = ""
    runs: int = 0
    shards: tuple[ShardState, ...] = ()
    failures: tuple[Failure, ...] = ()

    def count(self, state: str) -> int:
        """Shards in a state."""
        return sum(1 for one in self.shards if one.state == state)


def status(place: str | Path) -> Status:
    """Look at a folder or URL.

    Raises:
        DatasetError: it holds no dataset of ours.
    """
    store = store_at(place)
    identity = recorded(store)
    if identity is None:
        raise nothing_there(str(place))
    config = config_from_plain(identity["config"])
    if store.read(DATASET) is not None:
        return Status(store.place, "finished", f"digest {identity['digest'][:16]}", config.poses, config.poses)
    shards = plan(config)
    finished = store.finished(shards)
    told = read_progress(store) or {}
    silent = time.time() - told.get("time", 0.0)
    alive = bool(told) and not _over(told) and _breathes(told, silent)
    running = {int(k): v for k, v in told.get("running", {}).items()} if alive else {}
    failed = {int(k): v for k, v in told.get("failed", {}).items()}
    states = tuple(_state_of(shard, finished, running, failed) for shard in shards)
    done = sum(len(shard) for shard in shards if shard.number in finished)
    rate = told["samples"] / told["seconds"] if told.get("samples", 0) > 0 and told.get("seconds") else 0.0
    return Status(
        place=store.place,
        state="running" if alive else "stopped",
        said=_said(alive, told, silent),
        done=done,
        total=config.poses,
        rate=rate,
        eta=(config.poses - done) / rate if alive and rate else None,
        executor=told.get("executor", ""),
        runs=told.get("runs", 0),
        shards=states,
        failures=tuple(
            Failure(f["shard"], f["worker"], f["time"], f["reason"], tuple(f["log"])) for f in told.get("failures", [])
        ),
    )


def _over(told: dict) -> bool:
    """Whether the last run ended by itself before it was through."""
    return bool(told.get("ended")) and not told["ended"].startswith("every shard")


def _breathes(told: dict, silent: float) -> bool:
    """Whether the process that wrote this is there; on another machine, whether it wrote lately."""
    if told.get("host") != socket.gethostname():
        return silent < SILENT
    try:
        os.kill(int(told.get("process", 0)) or os.getpid(), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True


def _said(alive: bool, told: dict, silent: float) -> str:
    if alive:
        return "merging" if told.get("ended") else "rendering"
    if not told:
        return "begun, nothing told since; run the same command again to go on"
    how = told.get("ended") or "it died without a word"
    return f"{how}, {_ago(silent)} ago; run the same command again to go on"


def _state_of(shard: Shard, finished: set[int], running: dict[int, dict], failed: dict[int, int]) -> ShardState:
    tries = failed.get(shard.number, 0)
    if shard.number in finished:
        return ShardState(shard, "finished", tries=tries)
    if shard.number in running:
        who = running[shard.number]
        return ShardState(shard, "running", who["worker"], max(0.0, time.time() - who["since"]), tries)
    return ShardState(shard, "failed" if tries else "waiting", tries=tries)


def _ago(seconds: float) -> str:
    """A time span for people."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def status_lines(found: Status, every_shard: bool = False) -> list[str]:
    """The status as text: totals, shards by state, what is running, what failed with the end of its log."""
    share = found.done / found.total if found.total else 1.0
    lines = [f"{found.place}: {found.state}, {found.said}"]
    lines.append(f"  pictures  {found.done} of {found.total} ({share:.1%})")
    if found.state == "finished":
        return lines
    if found.rate:
        left = f", {_ago(found.eta)} to go" if found.eta is not None else ""
        lines.append(f"  rate      {found.rate:.2f} pictures/s in this run{left}")
    states = ", ".join(f"{found.count(name)} {name}" for name in ("finished", "running", "failed", "waiting"))
    lines.append(f"  shards    {len(found.shards)}: {states}")
    lines.append(f"  executor  {found.executor or 'unknown'}, run {found.runs}")
    for one in found.shards:
        if every_shard or one.state in ("running", "failed"):
            lines.append(f"  {_shard_line(one)}")
    for failure in found.failures:
        what = "starting up" if failure.shard is None else f"shard {failure.shard}"
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(failure.time))
        lines.append(f"  failure   {when} {what} on {failure.worker}: {failure.reason}")
        lines += [f"            | {line}" for line in failure.log]
    return lines


def _shard_line(one: ShardState) -> str:
    where = f" on {one.worker} for {_ago(one.seconds)}" if one.state == "running" else ""
    tries = f", failed {one.tries} times before" if one.tries else ""
    return f"shard {one.shard.number:05d}  {one.shard.start} to {one.shard.stop - 1}: {one.state}{where}{tries}"
