"""Every engine writes the bytes of a local run, though a worker is killed in the middle."""

import os
import types
from pathlib import Path

import pytest
from fake_source import SOURCE

from biomech.errors import AssetError, ConfigError
from synthgen import executors, folder, pool
from synthgen.cli_status import executor_options
from synthgen.config import Config, with_values
from synthgen.dataset import dataset_digest
from synthgen.executors.job import Job, Options, Writer
from synthgen.executors.ledger import Ledger
from synthgen.journal import Journal
from synthgen.render import render_dataset
from synthgen.shards import plan, shard_folder
from synthgen.status import status
from synthgen.store import store_at

ROOT = Path(__file__).parents[3]
PACKAGES = {"ray": "ray", "dask": "distributed", "slurm": "submitit"}


@pytest.fixture(scope="module")
def config():
    sizes = {"poses": 12, "width": 64, "height": 48, "poses_per_subject": 2, "shard_size": 2}
    return with_values(Config(), **sizes, splits={"train": 0.5, "val": 0.5})


@pytest.fixture(scope="module")
def reference(config, tmp_path_factory):
    return render_dataset(config, tmp_path_factory.mktemp("reference"), workers=0, source=SOURCE)


@pytest.fixture
def reachable(monkeypatch):
    """Workers of any engine find the fake source; the engines stay quiet and off the network."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests/support")]))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")


@pytest.mark.parametrize("engine", ["slurm", "dask", "ray"])
def test_a_killed_worker_costs_nothing(engine, config, reference, reachable, tmp_path, monkeypatch):
    pytest.importorskip(PACKAGES[engine], reason=f"needs the extra '{engine}'")
    monkeypatch.setenv("FAKE_KILL", f"5:{tmp_path / 'died'}")
    monkeypatch.setenv("FAKE_CLOSED", str(tmp_path / "closed"))
    (tmp_path / "closed").mkdir()
    monkeypatch.chdir(tmp_path)
    summary = render_dataset(config, tmp_path / "d", workers=2, source=SOURCE, executor=engine)
    assert (tmp_path / "died").exists(), "nobody was killed, so nothing was shown"
    assert summary.digest == reference.digest == dataset_digest(tmp_path / "d")
    assert summary.rendered == 12 and status(tmp_path / "d").state == "finished"
    if engine != "ray":  # its actors are killed
        closed = {path.read_text() for path in (tmp_path / "closed").iterdir()}
        assert closed == {"own thread"}, "a graphics context can only be let go by the thread that made it"


class Lost:
    """A job of submitit that ended without a word, as on a node that failed."""

    state = "NODE_FAIL"

    def __init__(self, folder: Path):
        self.paths = types.SimpleNamespace(result_pickle=folder / "no.pkl")

    def done(self):
        return True

    def stderr(self):
        return "bus error"

    def exception(self):
        raise AssertionError("submitit waits 15 s for the answer, and so would all other jobs")


def test_a_slurm_job_without_a_result_is_lost_and_holds_nobody_up(config, tmp_path, monkeypatch):
    pytest.importorskip("submitit", reason="needs the extra 'slurm'")
    from synthgen.executors import slurm_arrays

    job, shards = made_job(config, tmp_path), plan(config)[:2]
    journal = Journal.begun(store_at(tmp_path), "slurm", 2)
    ledger = Ledger(shards, journal, lambda _: None)
    ledger.queue.clear()
    ledger.held = {f"job 7/{shard.number}": shard for shard in shards}
    monkeypatch.setattr(slurm_arrays, "LATE", 0.05)
    monkeypatch.setattr(slurm_arrays, "LOOK_EVERY", 0.01)
    slurm_arrays._watch(job, ledger, {"job 7": Lost(tmp_path)})
    assert ledger.stats.deaths == 1 and not ledger.held and len(ledger.queue) == 2
    reasons = {failure["reason"] for failure in journal.failures}
    assert reasons == {"job 7 was lost (it left no result; its state is NODE_FAIL)"}
    assert all(failure["log"] == ["bus error"] for failure in journal.failures)


def test_resumes_what_another_engine_began(config, reference, reachable, tmp_path, monkeypatch):
    """A head node that dies is a command to be given again; any engine goes on."""
    pytest.importorskip("submitit", reason="needs the extra 'slurm'")
    monkeypatch.setenv("FAKE_RAISE", "7")
    with pytest.raises(pool.WorkerFailed, match=r"samples 6 to 7 failed 3 times: sample 7: ArithmeticError"):
        render_dataset(config, tmp_path / "d", workers=1, source=SOURCE, executor="slurm")
    found = status(tmp_path / "d")
    assert found.state == "stopped" and found.done == 10 and found.count("failed") == 1
    assert any("the spine is a circle" in line for failure in found.failures for line in failure.log)
    monkeypatch.delenv("FAKE_RAISE")
    summary = render_dataset(config, tmp_path / "d", workers=0, source=SOURCE)
    assert summary.reused == 10 and summary.digest == reference.digest


def made_job(config: Config, place: Path, **changes) -> Job:
    identity = folder.identity(config, "") | changes
    folder.claim(place, identity, fresh=False)
    return Job(str(place), config, SOURCE, identity)


def test_a_writer_keeps_its_assets_and_stops_when_another_was_first(config, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("fake_source.open_assets", lambda config: opened.append(1) or {"opened": True})
    monkeypatch.setattr("synthgen.executors.job.LOOK_EVERY", -1.0)  # looks before every sample
    counted = []
    monkeypatch.setattr("synthgen.executors.job.hand_back_memory", counted.append)
    shards = plan(config)
    writer = Writer(made_job(config, tmp_path))
    assert [writer.write(shard).samples for shard in shards[:3]] == [2, 2, 2] and opened == [1]
    assert writer.write(shards[0]).samples == 0  # finished
    assert counted == [1, 2, 3]  # what was written, for the memory handed back
    other = Writer(made_job(config, tmp_path))
    original = writer.bound[0]

    def overtaken(index):
        sample = original(index)
        if index == shards[3].start:
            assert other.write(shards[3]).samples == 2
        return sample

    writer.bound = (overtaken, writer.bound[1])
    outcome = writer.write(shards[3])
    assert outcome.samples == 1 and not outcome.error
    assert (shard_folder(tmp_path, shards[3]) / "manifest.json").is_file()


def test_a_worker_with_other_versions_refuses(config, tmp_path):
    job = made_job(config, tmp_path, versions={**folder.versions(), "numpy": "1.0"})
    outcome = Writer(job).write(plan(config)[0])
    assert "would make other bytes: numpy" in outcome.error and AssetError.__name__ in outcome.details
    assert not shard_folder(tmp_path, plan(config)[0]).exists()


def test_what_is_asked_for_must_exist(config, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="'spark'; allowed: local, ray, dask, slurm"):
        executors.executor_named("spark")
    monkeypatch.setitem(executors._NEEDS, "ray", "no_such_package")
    with pytest.raises(ConfigError, match=r"needs the package no_such_package.*synthgen\[ray\]"):
        render_dataset(config, tmp_path / "d", source=SOURCE, executor="ray")
    assert not (tmp_path / "d").exists()


def test_options_that_belong_to_another_engine():
    assert executor_options("local", "", []) == Options()
    with pytest.raises(ConfigError, match="--address is for --executor ray or dask, not local"):
        executor_options("local", "auto", [])
    with pytest.raises(ConfigError, match="--slurm is for --executor slurm"):
        executor_options("local", "", ["a=b"])
    pytest.importorskip("submitit", reason="needs the extra 'slurm'")
    assert executor_options("slurm", "", ["slurm_partition=cpu"]).slurm == {"slurm_partition": "cpu"}
    with pytest.raises(ConfigError, match="write KEY=VALUE"):
        executor_options("slurm", "", ["fast"])
