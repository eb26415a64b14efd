"""Disks that fill, lie or turn read-only, clocks that jump, two runs at once: the same command still ends well."""

import errno
import os
import subprocess
import time
from contextlib import suppress

import fault_lab
import pytest
from fake_source import SOURCE
from forked import ForkLab

from biomech.errors import AssetError, DatasetError
from synthgen import assets, render, shards
from synthgen.config import Config, with_values
from synthgen.folder import LOCK, locked
from synthgen.render import render_dataset

POSES = 24
SPOILERS = fault_lab.spoilers()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    made = ForkLab([], POSES, tmp_path_factory.mktemp("faults"))
    made.undisturbed()
    return made


@pytest.fixture
def config():
    return with_values(Config(), poses=POSES, width=64, height=48, poses_per_subject=2, shard_size=4)


@pytest.mark.parametrize("name", SPOILERS)
def test_a_finished_shard_is_damaged(lab, name, tmp_path):
    lab.environment = {"FAKE_SLOW": "0.02"}
    assert fault_lab.damaged(lab, tmp_path / "d", SPOILERS[name])


def test_the_write_layer_runs_out_of_room(lab, config, tmp_path, monkeypatch):
    """A quota in the way of every file: reached in the middle of one, over and over, a little later each time."""
    room = [0]

    def write(path, data, durable=True):
        room[0] -= len(data)
        if room[0] < 0:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(f".{path.name}.{os.getpid()}.tmp").write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return whole(path, data, durable)

    whole = shards.write_atomic
    monkeypatch.setattr(shards, "write_atomic", write)
    full = 0
    for quota in range(8_000, 2_000_000, 16_000):
        room[0] = quota
        try:
            summary = render_dataset(config, tmp_path / "d", workers=0, source=SOURCE)
            break
        except OSError as error:
            assert error.errno == errno.ENOSPC and fault_lab.is_unfinished(tmp_path / "d")
            full += 1
    assert full > 2 and summary.digest == lab.digest
    assert not list((tmp_path / "d").rglob("*.tmp"))


@pytest.fixture
def disk(tmp_path):
    try:
        with fault_lab.small_disk(tmp_path / "disk", 96) as place:
            yield place
    except OSError as error:
        pytest.skip(f"no memory disk may be mounted here ({error})")


def test_a_small_disk_fills(lab, disk):
    run = lab.start(disk / "d", FAKE_SLOW="0.05")
    assert lab.until(run, disk / "d", fault_lab.some_finished)
    with suppress(OSError), open(disk / "ballast", "wb") as ballast:
        while True:
            ballast.write(b"\0" * 65536)
            ballast.flush()
    assert "the disk is full; what is finished stays" in lab.end(run).sentence()
    assert fault_lab.is_unfinished(disk / "d")
    assert "are needed and the disk of" in lab.run(disk / "d").sentence()
    (disk / "ballast").unlink()
    lab.finish(disk / "d")


def test_a_disk_turns_read_only(lab, disk):
    run = lab.start(disk / "d", FAKE_SLOW="0.05")
    assert lab.until(run, disk / "d", fault_lab.some_finished)
    os.kill(run.pid, 9)  # a disk does not turn while files are open for writing
    lab.end(run)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert "cannot write into" in lab.run(disk / "d").sentence()
    assert "cannot write into" in lab.run(disk / "another").sentence()
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    lab.finish(disk / "d")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(lab, tmp_path):
    (tmp_path / "d").mkdir(mode=0o555)
    assert "cannot write into" in lab.run(tmp_path / "d").sentence()
    (tmp_path / "d").chmod(0o755)
    lab.finish(tmp_path / "d")


def test_the_clock_jumps(lab, config, tmp_path, monkeypatch):
    """Every look at the clock of the day finds another year; the steady clock stays what it is."""
    years = iter(range(10**9))
    for name, unit in (("time", 1.0), ("time_ns", 10**9)):
        monkeypatch.setattr(time, name, lambda unit=unit: (next(years) * 7919 % 60) * 31_536_000 * unit)
    monkeypatch.setattr(time, "strftime", lambda *_: "a date")
    assert render_dataset(config, tmp_path / "d", workers=0, source=SOURCE).digest == lab.digest


def test_a_refused_run_leaves_the_lock(tmp_path):
    """The second refuses, and so does the third: a refusal must not take the first one's lock away."""
    with locked(tmp_path):
        for _ in range(3):
            with pytest.raises(DatasetError, match="another run is writing"), locked(tmp_path):
                pass
            assert (tmp_path / LOCK).exists()
    assert not (tmp_path / LOCK).exists()


def test_a_lock_taken_on_a_file_that_is_gone_is_taken_again(tmp_path, monkeypatch):
    """The run before deletes its lock file between our opening and our locking it."""
    import fcntl

    real, left = fcntl.flock, [1]

    def flock(handle, how):
        if left[0]:
            left[0] = 0
            (tmp_path / LOCK).unlink()
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked(tmp_path):
        assert (tmp_path / LOCK).exists()
        with pytest.raises(DatasetError, match="another run"), locked(tmp_path):
            pass


def test_two_runs_at_once(lab, tmp_path):
    first = lab.start(tmp_path / "d", FAKE_SLOW="0.05")
    assert lab.until(first, tmp_path / "d", fault_lab.some_finished)
    assert "another run is writing into" in lab.run(tmp_path / "d").sentence()
    assert "another run is writing into" in lab.run(tmp_path / "d").sentence()
    assert lab.end(first).code == 0
    lab.finish(tmp_path / "d")


def test_an_altered_asset_is_refused_before_a_picture_is_made(tmp_path, monkeypatch):
    pack = assets.find_pack("body")
    folder = tmp_path / pack.folder
    folder.mkdir()
    (folder / "anny.npz").write_bytes(b"the body")
    assets._write_manifest(pack, folder)
    monkeypatch.setenv("SYNTHGEN_ASSETS", str(tmp_path))
    render.refuse_altered_assets()
    (folder / "anny.npz").write_bytes(b"the bodY")
    with pytest.raises(AssetError, match=r"pack body were altered or are missing \(anny.npz\); run 'synthgen"):
        render.refuse_altered_assets()
