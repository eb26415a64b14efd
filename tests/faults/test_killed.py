"""Killed at random moments, run again: not a sample lost, not a byte different.

scripts/fault_table.py does the same at length.
"""

import os
import signal

import fault_lab
import moves
import numpy as np
import pytest
from fake_source import SOURCE
from forked import ForkLab

from biomech.errors import DatasetError
from synthgen import pool
from synthgen.config import Config, with_values
from synthgen.dataset import dataset_digest, read_dataset
from synthgen.render import render_dataset

POSES = 24


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = ForkLab([], POSES, tmp_path_factory.mktemp("faults"))
    made.undisturbed()
    return made


@pytest.mark.parametrize(("how", "tries"), [(signal.SIGKILL, 12), (signal.SIGTERM, 4)])
def test_the_parent_at_random_moments(lab, how, tries):
    done, said = fault_lab.killed_parent(lab, np.random.default_rng(how), tries, how)
    assert done == tries
    assert "Traceback" not in said


@pytest.mark.parametrize("from_the_end", range(12))
def test_before_each_of_the_last_moves(lab, tmp_path, from_the_end):
    """Files are moved into place one by one; the run dies before one of the moves that finish a dataset."""
    names = moves.moves_of(lab)
    number = len(names) - 1 - from_the_end
    moves.killed_before(lab, tmp_path / "d", number, names[number])


def test_workers_at_random_samples(lab, tmp_path, monkeypatch):
    """Each of four samples, drawn at random, kills the worker that makes it first."""
    for index in np.random.default_rng(5).choice(POSES, 4, replace=False):
        monkeypatch.setenv(f"FAKE_KILL_{index}", str(tmp_path / f"flag-{index}"))
    config = with_values(Config(), poses=POSES, width=64, height=48, poses_per_subject=2, shard_size=4)
    summary = render_dataset(config, tmp_path / "d", workers=2, source=SOURCE)
    assert len(list(tmp_path.glob("flag-*"))) == 4
    assert summary.digest == dataset_digest(tmp_path / "d") == lab.digest
    assert summary.rendered == POSES


def test_a_worker_dies_with_its_parent(tmp_path):
    """The parent is killed while its worker makes a sample that takes for ever."""
    lab = ForkLab([], POSES, tmp_path, {"FAKE_STUCK": "3"}, workers=1)
    run = lab.start(tmp_path / "d")
    assert lab.until(run, tmp_path / "d", lambda out: any(out.glob("images/*/000002.jpg")))
    workers = fault_lab.children(run.pid)
    os.kill(run.pid, signal.SIGKILL)
    lab.end(run)
    assert len(workers) == 1 and not fault_lab.alive(workers[0])


def test_what_is_unfinished_never_passes_for_whole(lab, tmp_path):
    run = lab.start(tmp_path / "d", FAKE_SLOW="0.02")
    assert lab.until(run, tmp_path / "d", fault_lab.some_finished)
    os.kill(run.pid, signal.SIGKILL)
    lab.end(run)
    with pytest.raises(DatasetError, match="is not finished; run the command that began it once more"):
        read_dataset(tmp_path / "d")
    lab.finish(tmp_path / "d")


def test_assets_that_cannot_be_closed_cost_nothing(lab, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("fake_source.Assets.lost", True)
    config = with_values(Config(), poses=POSES, width=64, height=48, poses_per_subject=2, shard_size=4)
    assert render_dataset(config, tmp_path / "d", workers=0, source=SOURCE).digest == lab.digest
    assert "could not be closed (OSError: there is no context to close)" in caplog.text


def test_the_graphics_context_is_lost(lab, tmp_path, monkeypatch):
    """Once: another worker takes over. Always: the run ends with the driver's words, and can be resumed."""
    config = with_values(Config(), poses=POSES, width=64, height=48, poses_per_subject=2, shard_size=4)
    monkeypatch.setenv("FAKE_LOSE", f"9:{tmp_path / 'flag'}")
    assert render_dataset(config, tmp_path / "once", workers=1, source=SOURCE).digest == lab.digest
    assert (tmp_path / "flag").exists()
    monkeypatch.setenv("FAKE_LOSE", "9:/nowhere/flag")
    with pytest.raises(pool.WorkerFailed, match=r"died 3 times at samples 8 to \d+ \(sample 9: the graphics driver"):
        render_dataset(config, tmp_path / "always", workers=1, source=SOURCE)
    monkeypatch.delenv("FAKE_LOSE")
    assert render_dataset(config, tmp_path / "always", workers=0, source=SOURCE).digest == lab.digest
