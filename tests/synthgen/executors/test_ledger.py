"""The books of a cluster: each shard once, again after a failure, the last ones twice, and never for ever."""

import pytest

from synthgen.executors.job import Outcome
from synthgen.executors.ledger import MOST_GIVEN_UP, Ledger
from synthgen.pool import MAX_DEATHS, WorkerFailed
from synthgen.shards import Shard


class Ear:
    """Remembers what it hears."""

    def __init__(self):
        self.heard = []

    def given(self, shard, worker):
        self.heard.append(("given", shard.number, worker))

    def done(self, shard, worker):
        self.heard.append(("done", shard.number, worker))

    def failed_at(self, shard, worker, reason, details=""):
        self.heard.append(("failed", shard and shard.number, reason))

    def progress(self, samples):
        pass

    def beat(self):
        pass


@pytest.fixture
def made():
    counted = []
    ledger = Ledger([Shard(k, 4 * k, 4 * k + 4) for k in range(3)], Ear(), counted.append)
    return ledger, counted


def ok(shard: Shard, worker: str = "host:1") -> Outcome:
    return Outcome(shard.number, worker, len(shard), {"draw": 1.0}, 1.0, 1000)


def test_each_shard_once_in_order(made):
    ledger, counted = made
    for expected in range(3):
        shard = ledger.give("a")
        assert shard.number == expected and not ledger.over
        ledger.finish("a", ok(shard))
    assert ledger.over and counted == [4, 4, 4]
    assert ledger.give("a") is None
    assert ledger.stats.samples == 12 and ledger.stats.timings == {"draw": 3.0}
    assert ledger.stats.peak_memory == {0: 1000}
    ledger.check()


def test_idle_workers_take_a_second_copy_and_the_first_to_finish_wins(made):
    ledger, counted = made
    shards = {worker: ledger.give(worker) for worker in "abc"}
    assert ledger.give("d") == shards["a"]  # out the longest
    assert ledger.give("e") == shards["b"]
    assert ledger.give("f") == shards["c"]
    assert ledger.give("g") is None  # two copies of each are enough
    ledger.finish("d", ok(shards["a"]))
    ledger.finish("a", ok(shards["a"]))  # late: counts for nothing
    assert counted == [4] and ledger.stats.samples == 4 and len(ledger.open) == 2


def test_a_lost_workers_shard_comes_back_first(made):
    ledger, _ = made
    first = ledger.give("a")
    ledger.lose("a", "killed")
    assert ledger.give("b") == first
    assert ledger.stats.deaths == 1
    assert ("failed", 0, "killed") in ledger.watcher.heard


def test_a_copy_that_fails_leaves_the_other_alone(made):
    ledger, _ = made
    for worker in "abc":
        ledger.give(worker)
    shard = ledger.give("d")
    ledger.fail("d", "odd")
    assert ledger.give("e") == shard  # the copy, not a third: "a" still has it
    ledger.finish("a", ok(shard))
    ledger.fail("e", "odd")  # too late to matter
    assert shard.number not in ledger.open


def test_a_shard_that_always_fails_is_given_up_after_the_others_are_done(made):
    ledger, _ = made
    for _ in range(MAX_DEATHS + 1):
        shard = ledger.give("a")
        assert shard.number == 0
        ledger.finish("a", Outcome(0, "host:1", error="sample 2: no", details="Traceback"))
    for _ in range(2):
        ledger.finish("a", ok(ledger.give("a")))
    assert ledger.over
    with pytest.raises(WorkerFailed, match=r"samples 0 to 3 failed 3 times: sample 2: no; .*same command") as caught:
        ledger.check()
    assert caught.value.details == "Traceback"


def test_when_everything_fails_it_stops_early():
    ledger = Ledger([Shard(k, k, k + 1) for k in range(100)], Ear(), lambda _: None)
    with pytest.raises(WorkerFailed, match=f"and {MOST_GIVEN_UP - 1} more shards"):
        for _ in range(1000):
            shard = ledger.give("a")
            ledger.finish("a", Outcome(shard.number, "host:1", error="no"))
    assert len(ledger.open) == 100 - MOST_GIVEN_UP


def test_workers_that_never_start_end_the_run(made):
    ledger, _ = made
    for _ in range(MAX_DEATHS):
        ledger.lose("nobody", "no memory")
    with pytest.raises(WorkerFailed, match="workers do not start: no memory"):
        ledger.lose("nobody", "no memory")


def test_one_that_starts_clears_the_count(made):
    ledger, _ = made
    for _ in range(10):
        ledger.lose("nobody", "slow disk")
        ledger.started()
