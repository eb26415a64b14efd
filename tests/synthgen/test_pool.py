"""Same bytes for any number of workers, through death, interruption and resumption."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_source import SOURCE
from threadpoolctl import threadpool_info, threadpool_limits

from biomech.errors import DatasetError
from synthgen import pool
from synthgen.cli import summary_lines
from synthgen.config import Config, with_values
from synthgen.dataset import dataset_digest
from synthgen.folder import locked
from synthgen.render import progress_so_far, render_dataset
from synthgen.shards import plan
from synthgen.worker import child_environment, serve

ROOT = Path(__file__).parents[2]
POSES = 24


@pytest.fixture(scope="module")
def config():
    return with_values(Config(), poses=POSES, width=64, height=48, splits={"train": 0.5, "val": 0.5})


@pytest.fixture(scope="module")
def reference(config, tmp_path_factory):
    root = tmp_path_factory.mktemp("reference")
    return render_dataset(config, root, workers=0, source=SOURCE)


def content(root: Path) -> dict[str, bytes]:
    files = (p for p in root.rglob("*") if p.is_file() and p.name != "run.json")
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in files}


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_any_number_of_workers_writes_the_same_bytes(config, reference, tmp_path, workers):
    summary = render_dataset(config, tmp_path / "d", workers=workers, source=SOURCE)
    assert summary.digest == reference.digest == dataset_digest(tmp_path / "d")
    assert content(tmp_path / "d") == content(reference.root)
    assert summary.rendered == POSES and summary.reused == 0
    assert all(10e6 < peak < 2e9 for peaks in summary.memory.values() for peak in peaks)


def test_matrix_products_keep_to_one_thread_in_this_process(config, tmp_path, monkeypatch):
    seen = []
    write = pool.write_shard

    def threads() -> list[int]:
        return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]

    def watched(*args):
        seen.extend(threads())
        write(*args)

    monkeypatch.setattr(pool, "write_shard", watched)
    with threadpool_limits(2, "blas"):
        before = threads()
        render_dataset(config, tmp_path / "d", workers=0, source=SOURCE)
        assert seen and set(seen) == {1}
        assert threads() == before


def test_shard_size_changes_no_picture(config, reference, tmp_path):
    other = render_dataset(with_values(config, shard_size=4), tmp_path / "d", workers=0, source=SOURCE)
    mine, theirs = content(other.root), content(reference.root)
    differing = {name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name)}
    naming_the_config = {"config.yaml", "dataset.json", "files.sha256"}
    assert differing <= naming_the_config | {name for name in mine if name.startswith("annotations/")}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_long_run_tells_its_course(config, tmp_path, monkeypatch, workers):
    monkeypatch.setattr(pool, "MILESTONE", 10)
    summary = render_dataset(config, tmp_path / "d", workers=workers, source=SOURCE)
    marks = json.loads((tmp_path / "d" / "run.json").read_bytes())["course"]
    assert marks == [list(mark) for mark in summary.course]
    samples, seconds, memory = zip(*marks, strict=True)
    assert list(samples) == list(range(10, POSES + 1, 10)) and len(samples) > 1
    assert list(seconds) == sorted(seconds) and 0 < seconds[0] and seconds[-1] <= summary.seconds
    assert list(memory) == sorted(memory) and memory[-1] > 10e6
    verdict = SimpleNamespace(hard_violations=0, typical_share=0.0, report="")
    assert dict(summary_lines(summary, verdict, str))["pace"].startswith("the first 10 at ")
    marked = replace(summary, course=((10, 4.0, 1), (20, 10.0, 1), (30, 15.0, 1), (45, 25.0, 1)))
    said = dict(summary_lines(marked, verdict, str))["pace"]
    assert said == "the first 10 at 2.50, the last 15 of 45 at 1.50 images/s"
    assert "pace" not in dict(summary_lines(replace(summary, course=marked.course[:1]), verdict, str))


def test_the_course_counts_from_the_start_and_takes_the_highest_memory(monkeypatch):
    monkeypatch.setattr(pool, "MILESTONE", 10)
    stats = pool.PoolStats(begun=time.perf_counter() - 100.0)
    for worker, peak in ((0, 500), (1, 900), (0, 700)):
        stats.note_memory(worker, peak)
    for samples in (9, 1, 4, 6, 25, 4, 1):
        stats.count(samples, {"draw": 1.0})
    stats.note_memory(1, 950)
    stats.count(10, {"draw": 1.0})
    counts, seconds, memory = zip(*stats.course, strict=True)
    assert counts == (10, 20, 45, 60) and memory == (900, 900, 900, 950)
    assert all(100.0 <= passed < 1000.0 for passed in seconds) and list(seconds) == sorted(seconds)
    assert stats.early_memory == {0: 500, 1: 900} and stats.peak_memory == {0: 700, 1: 950}
    assert stats.samples == 60 and stats.timings == {"draw": 8.0}


def test_a_worker_killed_once_is_replaced(config, reference, tmp_path, monkeypatch):
    flag = tmp_path / "died"
    monkeypatch.setenv("FAKE_KILL", f"13:{flag}")
    seen = []
    shards = plan(config)
    root = tmp_path / "d"
    stats = pool.run(root, config, shards, 2, SOURCE, seen.append)
    assert flag.exists() and stats.deaths == 1 and stats.samples == POSES == sum(seen)
    assert min(seen) <= 0  # the bar went back
    summary = render_dataset(config, tmp_path / "e", workers=0, source=SOURCE)
    assert (root / "images/train").exists() and summary.digest == reference.digest


def test_a_shard_that_always_kills_gives_up_with_a_sentence(config, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_KILL_ALWAYS", "13")
    with pytest.raises(pool.WorkerFailed, match=r"died 3 times at samples \d+ to \d+ \(killed from outside"):
        render_dataset(config, tmp_path, workers=2, source=SOURCE)


def test_resume_after_failure_gives_the_same_bytes(config, reference, tmp_path, monkeypatch):
    monkeypatch.setenv("FAKE_RAISE", "20")
    with pytest.raises(pool.WorkerFailed, match="sample 20: ArithmeticError: the spine is a circle") as caught:
        render_dataset(config, tmp_path, workers=1, source=SOURCE)
    assert "Traceback" in caught.value.details and "_mischief" in caught.value.details
    done = progress_so_far(tmp_path, config)
    assert 0 < done <= 20
    with pytest.raises(DatasetError, match="is not finished"):
        __import__("synthgen.dataset").dataset.read_dataset(tmp_path)
    monkeypatch.delenv("FAKE_RAISE")
    summary = render_dataset(config, tmp_path, workers=2, source=SOURCE)
    assert summary.reused == done and summary.rendered == POSES - done
    assert content(tmp_path) == content(reference.root)


SCRIPT = """
import sys
from fake_source import SOURCE
from threadpoolctl import threadpool_info, threadpool_limits
from synthgen.cli import summary_lines
from synthgen.config import Config, with_values
from synthgen.render import render_dataset
if __name__ == "__main__":
    config = with_values(Config(), poses=%d, width=64, height=48, splits={"train": 0.5, "val": 0.5})
    render_dataset(config, sys.argv[1], workers=2, source=SOURCE)
"""


def start(tmp_path: Path, out: Path) -> subprocess.Popen:
    script = tmp_path / "run.py"
    script.write_text(SCRIPT % POSES)
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests/support")])
    environment = {**os.environ, "PYTHONPATH": path, "FAKE_SLOW": "0.5"}  # ends long after the first look
    return subprocess.Popen(
        [sys.executable, str(script), str(out)], env=environment, stderr=subprocess.PIPE, start_new_session=True
    )


def wait_for_some(out: Path, config: Config) -> None:
    for _ in range(6000):
        if 0 < progress_so_far(out, config) < POSES:
            return
        time.sleep(0.02)
    raise AssertionError("no shard was finished")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_killed_in_the_middle_and_run_again(config, reference, tmp_path, how):
    out = tmp_path / "d"
    process = start(tmp_path, out)
    wait_for_some(out, config)
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # as a terminal does: to the workers, too
    else:
        os.kill(process.pid, how)
    errors = process.communicate(timeout=20)[1].decode()
    assert process.returncode != 0
    assert errors.count("Traceback") <= 1, errors  # the script's own; no worker complains
    done = progress_so_far(out, config)
    assert 0 < done < POSES
    summary = render_dataset(config, out, workers=2, source=SOURCE)
    assert summary.rendered <= POSES - done
    assert content(out) == content(reference.root)


def test_finished_run_does_nothing(config, reference):
    before = {name: Path(reference.root / name).stat().st_mtime_ns for name in content(reference.root)}
    summary = render_dataset(config, reference.root, workers=2, source=SOURCE)
    assert summary.rendered == 0 and summary.reused == POSES and summary.digest == reference.digest
    assert before == {name: Path(reference.root / name).stat().st_mtime_ns for name in content(reference.root)}


def test_two_runs_do_not_share_a_folder(config, tmp_path):
    with locked(tmp_path), pytest.raises(DatasetError, match="another run is writing"):
        render_dataset(config, tmp_path, workers=0, source=SOURCE)


def test_assets_that_do_not_open(config, tmp_path):
    broken = pool.Source("fake_source:no_such_function", SOURCE.make_sample, SOURCE.subject_osim)
    with pytest.raises(pool.WorkerFailed, match="opening the assets: AttributeError"):
        render_dataset(config, tmp_path, workers=1, source=broken)


def test_workers_keep_to_one_thread(config, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with child_environment():
        assert os.environ["OMP_NUM_THREADS"] == "1" and os.environ["LP_NUM_THREADS"] == "1"
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert signal.getsignal(signal.SIGINT) != signal.SIG_IGN


def test_holes_of_the_heap_are_handed_back():
    script = """
import numpy as np
from pathlib import Path
from synthgen.worker import HAND_BACK, hand_back_memory
resident = lambda: int(Path("/proc/self/statm").read_text().split()[1]) * 4096
blocks = [np.ones(100_000, np.uint8) for _ in range(2000)]  # 200 MB, too small for pages of their own
blocks = blocks[::20]
before = resident()
hand_back_memory(HAND_BACK - 1)
assert before - resident() < 1e6
hand_back_memory(2 * HAND_BACK)
assert all(block.all() for block in blocks)
print(before - resident())
"""
    if not Path("/proc/self/statm").is_file() or not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("holes are given back by glibc on Linux alone")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 100e6


def test_a_worker_counts_the_shards_after_which_it_hands_back(config, tmp_path, monkeypatch):
    config = with_values(config, poses=40, shard_size=8)
    order, planned = [], plan(config)
    shards = iter([*planned, None])
    pipe = SimpleNamespace(recv=lambda: next(shards), send=lambda told: order.append(told[0]))
    monkeypatch.setattr("synthgen.worker.die_with_parent", lambda: None)
    monkeypatch.setattr("synthgen.worker.hand_back_memory", order.append)
    serve(pipe, str(tmp_path), config, SOURCE)
    said = [word for word in order if word == "done" or isinstance(word, int)]
    assert len(planned) == 5 and said == [1, "done", 2, "done", 3, "done", 4, "done", 5, "done"]
